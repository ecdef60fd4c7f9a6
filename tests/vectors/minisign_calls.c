/*
 * minisign_calls: our minisign, driven line by line, for test_minisign.py. Each line of standard
 * input is a call, its words set apart by tabs; words are paths but where said otherwise:
 *     verify PUBLIC MESSAGE SIGNATURE
 *     sign SECRET MESSAGE SIGNATURE "the trusted comment"
 *     new SECRET PUBLIC
 *     public SECRET PUBLIC
 */

#include "common/file.h"
#include "common/minisign.h"
#include "tests/unit/support/driven.h"

enum { MESSAGE_BYTES = 4 << 20 };

/* Any bytes may be in a trusted comment, so it is told in hexadecimal. */
static void add_verdict(const struct minisign_verdict *verdict, struct json *out)
{
	SCOPED(buf) struct buf comment = BUF(2 * MINISIGN_COMMENT_ROOM);
	char signer[MINISIGN_PUBLIC_ROOM];

	for (const char *at = verdict->trusted_comment; *at; at++)
		buf_addf(&comment, "%02x", (unsigned)(unsigned char)*at);
	minisign_public_text(&verdict->signer, signer);
	json_add_bool(out, "is_legacy", verdict->is_legacy);
	json_add_text(out, "comment", buf_text(&comment));
	json_add_text(out, "signer", signer);
}

static int read_keys(const char *path, struct minisign_trusted *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(2 * MINISIGN_FILE_BYTES);

	if (file_read(path, &text, err) < 0)
		return -1;
	return minisign_trusted_parse(buf_slice(&text), out, err);
}

static int verify(char *const *words, struct json *out, struct error *err)
{
	SCOPED(buf) struct buf message = BUF(MESSAGE_BYTES), signature = BUF(MESSAGE_BYTES);
	struct minisign_trusted trusted;
	struct minisign_verdict verdict;

	if (read_keys(words[1], &trusted, err) < 0 || file_read(words[2], &message, err) < 0 ||
	    file_read(words[3], &signature, err) < 0)
		return -1;
	if (minisign_verify(buf_slice(&message), buf_slice(&signature), &trusted, &verdict, err) <
	    0)
		return -1;
	add_verdict(&verdict, out);
	return 0;
}

static int read_secret(const char *path, struct minisign_key *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(2 * MINISIGN_FILE_BYTES);

	if (file_read_private(path, &text, err) < 0)
		return -1;
	return minisign_key_parse(buf_slice(&text), out, err);
}

static int sign(char *const *words, struct json *out, struct error *err)
{
	SCOPED(minisign_key) struct minisign_key key = { 0 };
	SCOPED(buf) struct buf message = BUF(MESSAGE_BYTES), signature = BUF(MESSAGE_BYTES);

	(void)out;
	if (read_secret(words[1], &key, err) < 0 || file_read(words[2], &message, err) < 0 ||
	    minisign_sign(buf_slice(&message), &key, words[4], &signature, err) < 0)
		return -1;
	return file_write(words[3], buf_slice(&signature), 0644, err);
}

static int write_public(const struct minisign_key *key, const char *path, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(MINISIGN_FILE_BYTES);
	struct minisign_public public_key;

	minisign_key_public(key, &public_key);
	minisign_public_print(&public_key, &text);
	return file_write(path, buf_slice(&text), 0644, err);
}

static int make_key(char *const *words, struct json *out, struct error *err)
{
	SCOPED(minisign_key) struct minisign_key key = { 0 };
	SCOPED(secret) struct secret text = { 0 };

	(void)out;
	if (minisign_key_new(&key, err) < 0 || minisign_key_print(&key, &text, err) < 0 ||
	    file_write(words[1], secret_expose(&text), 0600, err) < 0)
		return -1;
	return write_public(&key, words[2], err);
}

static int tell_public(char *const *words, struct json *out, struct error *err)
{
	SCOPED(minisign_key) struct minisign_key key = { 0 };

	(void)out;
	if (read_secret(words[1], &key, err) < 0)
		return -1;
	return write_public(&key, words[2], err);
}

static const struct driven_call calls[] = {
	{ "verify", 4, verify },
	{ "sign", 5, sign },
	{ "new", 3, make_key },
	{ "public", 3, tell_public },
};

int main(void)
{
	return driven_serve(calls, ARRAY_LEN(calls));
}
