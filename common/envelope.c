#include "common/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64.h"
#include "common/gzip.h"
#include "common/tar.h"
#include "common/user_data.h"

#define LABEL "MAYFLY TICKET"

enum {
	PARTS = 4,
	LINE_LETTERS = 76, /* as base64(1) wraps */
	/* The largest parts, with a header and padding each, and the archive's end. */
	TAR_BYTES = TICKET_FILE_BYTES + ENVELOPE_BUNDLE_BYTES + 2 * ENVELOPE_SIGNATURE_BYTES +
		    PARTS * 1024 + 1024,
};

struct envelope envelope_new(void)
{
	return (struct envelope){ .ticket = BUF(TICKET_FILE_BYTES),
				  .ticket_signature = BUF(ENVELOPE_SIGNATURE_BYTES),
				  .bundle = BUF(ENVELOPE_BUNDLE_BYTES),
				  .bundle_signature = BUF(ENVELOPE_SIGNATURE_BYTES) };
}

void envelope_release(struct envelope *envelope)
{
	buf_release(&envelope->ticket);
	buf_release(&envelope->ticket_signature);
	buf_release(&envelope->bundle);
	buf_release(&envelope->bundle_signature);
}

/* ---- the text block ---- */

/* In the order in which they are packed. */
static const struct {
	const char *name;
	size_t offset;
} parts[PARTS] = {
	{ "ticket.json", offsetof(struct envelope, ticket) },
	{ "ticket.json.minisig", offsetof(struct envelope, ticket_signature) },
	{ "bundle.age", offsetof(struct envelope, bundle) },
	{ "bundle.age.minisig", offsetof(struct envelope, bundle_signature) },
};

static const struct buf *part_of(const struct envelope *envelope, size_t i)
{
	return (const struct buf *)(const void *)((const char *)envelope + parts[i].offset);
}

static struct buf *part_to_fill(struct envelope *envelope, const char *name)
{
	for (size_t i = 0; i < PARTS; i++)
		if (strcmp(parts[i].name, name) == 0)
			return (struct buf *)(void *)((char *)envelope + parts[i].offset);
	return NULL;
}

static int check_parts(const struct envelope *envelope, struct error *err)
{
	for (size_t i = 0; i < PARTS; i++)
		if (buf_finish(part_of(envelope, i), err) < 0)
			return error_wrap(err, "%s", parts[i].name);
	if (!envelope->ticket.len || !envelope->ticket_signature.len)
		return error_set(err, ERROR_MALFORMED,
				 "an envelope needs ticket.json and ticket.json.minisig");
	if (envelope->bundle.len && !envelope->bundle_signature.len)
		return error_set(err, ERROR_MALFORMED,
				 "bundle.age is not signed: bundle.age.minisig is missing");
	return 0;
}

static void pack(const struct envelope *envelope, struct buf *out)
{
	SCOPED(buf) struct buf archive = BUF(SIZE_MAX);
	struct tar_file files[PARTS] = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < PARTS; i++) {
		const struct buf *part = part_of(envelope, i);

		if (!part->len)
			continue;
		text_cut(files[count].name, sizeof(files[count].name), parts[i].name);
		files[count++].bytes = buf_slice(part);
	}
	tar_write(files, count, &archive);
	gzip_pack(buf_slice(&archive), out);
}

static void add_lines(struct slice packed, struct buf *out)
{
	unsigned char line[LINE_LETTERS];
	const size_t bytes_a_line = LINE_LETTERS / 4 * 3;

	buf_addf(out, "# -----BEGIN " LABEL "-----\n");
	for (size_t i = 0; i < packed.len; i += bytes_a_line) {
		size_t len = packed.len - i < bytes_a_line ? packed.len - i : bytes_a_line;

		base64_write((struct slice){ packed.ptr + i, len }, BASE64_PLAIN, line);
		buf_addf(out, "# %.*s\n", (int)base64_len(len), (const char *)line);
	}
	buf_addf(out, "# -----END " LABEL "-----\n");
}

int envelope_print(const struct envelope *envelope, struct buf *out, struct error *err)
{
	SCOPED(buf) struct buf packed = BUF(SIZE_MAX), text = BUF(SIZE_MAX);

	if (check_parts(envelope, err) < 0)
		return -1;
	pack(envelope, &packed);
	add_lines(buf_slice(&packed), &text);
	if (text.len > out->limit - out->len)
		return error_set(err, ERROR_MALFORMED,
				 "the ticket takes %zu bytes of user data, and there is room for "
				 "%zu: shorten its init script, or keep the bundle elsewhere "
				 "(bundle.source)",
				 text.len, out->limit - out->len);
	buf_add(out, buf_slice(&text));
	return 0;
}

static int unpack_letters(struct slice letters, struct buf *archive, struct error *err)
{
	unsigned char *packed = memory_array(letters.len / 4 * 3 + 2, 1);
	size_t len = 0;
	int result = base64_read(letters, BASE64_PADDED, packed, &len, err);

	if (!result)
		result = gzip_unpack((struct slice){ (const char *)packed, len }, archive, err);
	free(packed);
	return result;
}

static int unpack_archive(struct slice archive, struct envelope *out, struct error *err)
{
	struct tar_file files[PARTS];
	size_t count = PARTS;

	if (tar_read(archive, files, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct buf *part = part_to_fill(out, files[i].name);

		if (!part)
			return error_set(err, ERROR_MALFORMED,
					 "a file that does not belong there: %.40s", files[i].name);
		buf_add(part, files[i].bytes);
	}
	return check_parts(out, err);
}

static int open_block(struct slice letters, struct envelope *out, struct error *err)
{
	SCOPED(buf) struct buf archive = BUF(TAR_BYTES);

	if (unpack_letters(letters, &archive, err) < 0)
		return -1;
	return unpack_archive(buf_slice(&archive), out, err);
}

static int find_block(struct slice user_data, struct buf *letters, struct error *err)
{
	if (user_data.len > ENVELOPE_FILE_BYTES)
		return error_set(err, ERROR_MALFORMED, "user data: more than %d bytes",
				 ENVELOPE_FILE_BYTES);
	if (user_data_find(user_data, LABEL, letters, err) == 0)
		return 0;
	if (err->class == ERROR_NOT_FOUND)
		return error_set(err, ERROR_NOT_FOUND,
				 "user data: holds no mayfly ticket: put in the block that begins "
				 "with -----BEGIN " LABEL "-----, as mayfly-reaper ticket prints "
				 "it");
	return error_wrap(err, "user data");
}

int envelope_find(struct slice user_data, struct envelope *out, struct error *err)
{
	SCOPED(buf) struct buf letters = BUF(ENVELOPE_FILE_BYTES);
	SCOPED(envelope) struct envelope found = envelope_new();

	if (find_block(user_data, &letters, err) < 0)
		return -1;
	if (open_block(buf_slice(&letters), &found, err) < 0)
		return error_wrap(err, "user data: the mayfly ticket is damaged");
	envelope_release(out);
	*out = found;
	found = envelope_new();
	return 0;
}

/* ---- signatures ---- */

static const struct {
	const char *name, *comment;
} signed_parts[] = {
	[ENVELOPE_TICKET] = { "ticket", "mayfly ticket for " },
	[ENVELOPE_BUNDLE] = { "bundle", "mayfly bundle for " },
};

void envelope_comment(enum envelope_part part, const char *prefix,
		      char out[static ENVELOPE_COMMENT_ROOM])
{
	snprintf(out, ENVELOPE_COMMENT_ROOM, "%s%s", signed_parts[part].comment, prefix);
}

/* A good signature, and no legacy one: those sign the bytes in a way that another program's
 * message could be made to look like. */
static int verify(enum envelope_part part, struct slice bytes, struct slice signature,
		  const struct minisign_trusted *trusted, struct minisign_verdict *out,
		  struct error *err)
{
	const char *name = signed_parts[part].name;
	struct minisign_verdict verdict;

	if (minisign_verify(bytes, signature, trusted, &verdict, err) < 0) {
		err->class = ERROR_DENIED;
		return error_wrap(err, "the %s", name);
	}
	if (verdict.is_legacy)
		return error_set(err, ERROR_DENIED,
				 "the %s: signed in the legacy form: sign it without -l", name);
	*out = verdict;
	return 0;
}

static int refuse_comment(enum envelope_part part, const char *said, const char *prefix,
			  struct error *err)
{
	char wanted[ENVELOPE_COMMENT_ROOM], cut[ENVELOPE_COMMENT_ROOM];

	envelope_comment(part, prefix, wanted);
	text_cut(cut, sizeof(cut), said);
	return error_set(err, ERROR_DENIED,
			 "the %s: signed as \"%s\", where \"%s\" is expected: the signature is for "
			 "something else",
			 signed_parts[part].name, cut, wanted);
}

int envelope_ticket(const struct envelope *envelope, const struct minisign_trusted *trusted,
		    struct ticket *out, struct error *err)
{
	SCOPED(ticket) struct ticket ticket = { 0 };
	const char *wanted = signed_parts[ENVELOPE_TICKET].comment;
	size_t wanted_len = strlen(wanted);
	struct minisign_verdict verdict;

	if (verify(ENVELOPE_TICKET, buf_slice(&envelope->ticket),
		   buf_slice(&envelope->ticket_signature), trusted, &verdict, err) < 0)
		return -1;
	if (strncmp(verdict.trusted_comment, wanted, wanted_len) != 0)
		return refuse_comment(ENVELOPE_TICKET, verdict.trusted_comment, "PREFIX", err);
	if (ticket_parse(buf_slice(&envelope->ticket), "ticket.json", &ticket, err) < 0)
		return -1;
	if (strcmp(verdict.trusted_comment + wanted_len, ticket.prefix) != 0)
		return refuse_comment(ENVELOPE_TICKET, verdict.trusted_comment, ticket.prefix, err);
	*out = ticket;
	ticket = (struct ticket){ 0 };
	return 0;
}

int envelope_check_bundle(const struct ticket *ticket, struct slice sealed, struct slice signature,
			  const struct minisign_trusted *trusted, struct error *err)
{
	char digest[HASH_SHA256_ROOM], wanted[ENVELOPE_COMMENT_ROOM];
	struct minisign_verdict verdict;

	hash_sha256(sealed, digest);
	if (strcmp(digest, ticket->bundle.digest) != 0)
		return error_set(err, ERROR_DENIED,
				 "the bundle: not the one that the ticket names: its SHA-256 is "
				 "%s, and %s is expected: launch with a ticket made for it",
				 digest, ticket->bundle.digest);
	if (verify(ENVELOPE_BUNDLE, sealed, signature, trusted, &verdict, err) < 0)
		return -1;
	envelope_comment(ENVELOPE_BUNDLE, ticket->prefix, wanted);
	if (strcmp(verdict.trusted_comment, wanted) != 0)
		return refuse_comment(ENVELOPE_BUNDLE, verdict.trusted_comment, ticket->prefix,
				      err);
	return 0;
}
