/*
 * envelope_calls: our envelope, driven line by line, for test_envelope.py. Each line of standard
 * input is a call, its words set apart by tabs; words are paths:
 *     print FOLDER DOCUMENT     the four files in the folder (those that are there) to a text block
 *     find DOCUMENT FOLDER      the other way
 *     check DOCUMENT PUBLIC     what bootstrap makes of it: ticket, and bundle where it is there
 */

#include "common/envelope.h"
#include "common/file.h"
#include "tests/unit/support/driven.h"

enum { DOCUMENT_BYTES = 16 << 20 };

struct part {
	const char *name;
	struct buf *bytes;
};

static void list_parts(struct envelope *envelope, struct part out[4])
{
	out[0] = (struct part){ "ticket.json", &envelope->ticket };
	out[1] = (struct part){ "ticket.json.minisig", &envelope->ticket_signature };
	out[2] = (struct part){ "bundle.age", &envelope->bundle };
	out[3] = (struct part){ "bundle.age.minisig", &envelope->bundle_signature };
}

static int print(char *const *words, struct json *out, struct error *err)
{
	SCOPED(envelope) struct envelope envelope = envelope_new();
	SCOPED(buf) struct buf text = BUF(ENVELOPE_USER_DATA_BYTES);
	struct part parts[4];

	(void)out;
	list_parts(&envelope, parts);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		SCOPED(buf) struct buf path = BUF(4096);

		buf_addf(&path, "%s/%s", words[1], parts[i].name);
		if (file_read(buf_text(&path), parts[i].bytes, err) < 0 &&
		    err->class != ERROR_NOT_FOUND)
			return -1;
	}
	if (envelope_print(&envelope, &text, err) < 0)
		return -1;
	return file_write(words[2], buf_slice(&text), 0644, err);
}

static int read_document(const char *path, struct envelope *out, struct error *err)
{
	SCOPED(buf) struct buf document = BUF(DOCUMENT_BYTES);

	if (file_read(path, &document, err) < 0)
		return -1;
	return envelope_find(buf_slice(&document), out, err);
}

static int find(char *const *words, struct json *out, struct error *err)
{
	SCOPED(envelope) struct envelope envelope = envelope_new();
	struct part parts[4];

	(void)out;
	if (read_document(words[1], &envelope, err) < 0)
		return -1;
	list_parts(&envelope, parts);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		SCOPED(buf) struct buf path = BUF(4096);

		buf_addf(&path, "%s/%s", words[2], parts[i].name);
		if (parts[i].bytes->len &&
		    file_write(buf_text(&path), buf_slice(parts[i].bytes), 0644, err) < 0)
			return -1;
	}
	return 0;
}

static int read_keys(const char *path, struct minisign_trusted *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(MINISIGN_FILE_BYTES);

	if (file_read(path, &text, err) < 0)
		return -1;
	return minisign_trusted_parse(buf_slice(&text), out, err);
}

static int check(char *const *words, struct json *out, struct error *err)
{
	SCOPED(envelope) struct envelope envelope = envelope_new();
	SCOPED(ticket) struct ticket ticket = { 0 };
	struct minisign_trusted trusted;

	if (read_document(words[1], &envelope, err) < 0 || read_keys(words[2], &trusted, err) < 0 ||
	    envelope_ticket(&envelope, &trusted, &ticket, err) < 0)
		return -1;
	json_add_text(out, "prefix", ticket.prefix);
	if (!envelope.bundle.len)
		return 0;
	return envelope_check_bundle(&ticket, buf_slice(&envelope.bundle),
				     buf_slice(&envelope.bundle_signature), &trusted, err);
}

static const struct driven_call calls[] = {
	{ "print", 3, print },
	{ "find", 3, find },
	{ "check", 3, check },
};

int main(void)
{
	return driven_serve(calls, ARRAY_LEN(calls));
}
