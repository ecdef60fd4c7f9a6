#include <stdlib.h>
#include <string.h>

#include "common/base64.h"
#include "common/bundle_reader.h"
#include "common/hocon_print.h"

static bool has(struct slice text, const char *words)
{
	return text.len && memmem(text.ptr, text.len, words, strlen(words));
}

static bool starts(struct slice text, const char *words)
{
	return text.len >= strlen(words) && !memcmp(text.ptr, words, strlen(words));
}

/* OpenSSH's own format: after its name comes the name of the cipher, "none" without a passphrase.
 * Both are in the first 24 bytes, which are 32 letters. */
static const char *openssh_fault(struct slice body)
{
	static const char magic[] = "openssh-key-v1";
	static const char no_cipher[] = "\0\0\0\4none";
	enum { LETTERS = 32, MAGIC_LEN = sizeof(magic), CIPHER_LEN = sizeof(no_cipher) - 1 };
	unsigned char bytes[LETTERS / 4 * 3 + 2];
	size_t len = 0;
	struct error err = { 0 };

	if (body.len < LETTERS ||
	    base64_read((struct slice){ body.ptr, LETTERS }, BASE64_PADDED, bytes, &len, &err) <
		    0 ||
	    memcmp(bytes, magic, MAGIC_LEN) != 0)
		return "is not what OpenSSH writes: give the whole text of the key file";
	if (memcmp(bytes + MAGIC_LEN, no_cipher, CIPHER_LEN) != 0)
		return "has a passphrase, which nobody types on a machine: take it off with "
		       "ssh-keygen -p";
	return NULL;
}

static const char *key_fault(struct slice key)
{
	static const char begin[] = "-----BEGIN ",
			  openssh[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
	const char *fault = hocon_text_fault(key);

	if (fault)
		return "is not ASCII text: give the text of the key file";
	if (starts(key, "PuTTY"))
		return "is PuTTY's: convert it with puttygen -O private-openssh";
	if (starts(key, "ssh-") || starts(key, "ecdsa-") || starts(key, "sk-"))
		return "is a public key: give the private one";
	if (has(key, "\r"))
		return "has line ends with CR, with which OpenSSH does not read it";
	if (!starts(key, begin) || !has(key, " PRIVATE KEY-----\n") || !has(key, "\n-----END "))
		return "is no private key file: it begins with -----BEGIN OPENSSH PRIVATE "
		       "KEY----- and has lines";
	if (has(key, "ENCRYPTED"))
		return "has a passphrase, which nobody types on a machine: take it off with "
		       "ssh-keygen -p";
	if (!starts(key, openssh))
		return NULL;
	size_t head = sizeof(openssh); /* and its line end */
	return openssh_fault((struct slice){ key.ptr + head, key.len - head });
}

/* OpenSSH refuses a file whose last line has no end. */
static int copy_ended(struct slice text, struct secret *out, struct error *err)
{
	bool is_ended = text.len && text.ptr[text.len - 1] == '\n';

	if (secret_alloc(out, text.len + !is_ended, err) < 0)
		return -1;
	memcpy(secret_fill(out), text.ptr, text.len);
	if (!is_ended)
		secret_fill(out)[text.len] = '\n';
	return 0;
}

static size_t count_fields(struct slice line)
{
	size_t fields = 0;

	for (size_t i = 0; i < line.len; i++)
		fields += !strchr(" \t", line.ptr[i]) &&
			  (!i || line.ptr[i - 1] == ' ' || line.ptr[i - 1] == '\t');
	return fields;
}

/* 0: all lines are such as ssh-keyscan writes; else which one, from 1, is not. */
static unsigned find_bad_line(const char *text)
{
	unsigned number = 1;

	for (const char *at = text; *at; number++) {
		struct slice line = { at, strcspn(at, "\n") };
		size_t fields = count_fields(line);

		if (fields && *at != '#' && fields < 3)
			return number;
		at += line.len + (at[line.len] == '\n');
	}
	return 0;
}

static int read_known_hosts(const struct bundle_reader *reader, const char *text,
			    struct bundle_ssh *out, struct error *err)
{
	static const char name[] = "known_hosts";
	SCOPED(buf) struct buf lines = BUF(BUNDLE_TEXT_BYTES + 1);
	const char *fault = hocon_text_fault(slice_of(text));

	if (!fault && strchr(text, '\r'))
		fault = "has line ends with CR: expected those of Unix";
	if (fault)
		return bundle_refuse(reader, name, err, "%s", fault);
	unsigned bad = find_bad_line(text);
	if (bad)
		return bundle_refuse(reader, name, err,
				     "its line %u is not HOST TYPE KEY: give the lines that "
				     "ssh-keyscan HOST writes",
				     bad);
	buf_add(&lines, slice_of(text));
	if (text[strlen(text) - 1] != '\n')
		buf_add(&lines, slice_of("\n"));
	out->known_hosts = memory_text(buf_slice(&lines));
	return 0;
}

int bundle_read_ssh(struct bundle_reader *reader, const struct json *root, struct bundle *out,
		    struct error *err)
{
	static const char name[] = "ssh";
	const struct json *from = bundle_next(reader, name, json_find(root, name), NULL);

	if (!from)
		return 0;
	struct slice key = slice_of(json_text_or(from, "key", ""));
	const char *hosts = json_text_or(from, "known_hosts", NULL), *fault = key_fault(key);

	if (fault)
		return bundle_refuse(reader, "key", err, "%s", fault);
	if (copy_ended(key, &out->ssh.key, err) < 0)
		return error_wrap(err, "%s: ssh.key", reader->source);
	return hosts && hosts[0] ? read_known_hosts(reader, hosts, &out->ssh, err) : 0;
}
