#include "common/age_header.h"

#include <sodium.h>
#include <string.h>

#include "common/base64.h"

enum {
	COLUMNS = 64, /* of a body's line; a shorter one ends it */
	LINE_BYTES = COLUMNS / 4 * 3,
	LETTERS_OF_32 = 43, /* in base64 without padding */
};

#define VERSION_LINE "age-encryption.org/v1"

struct lines {
	struct slice rest;
	size_t number; /* of the line that was taken last */
};

static int take_line(struct lines *lines, struct slice *line, struct error *err)
{
	const char *start = lines->rest.ptr;
	const char *end = lines->rest.len ? memchr(start, '\n', lines->rest.len) : NULL;

	if (!end)
		return error_set(err, ERROR_MALFORMED, "ends in line %zu of its header",
				 lines->number + 1);
	*line = (struct slice){ start, (size_t)(end - start) };
	lines->rest = (struct slice){ end + 1, lines->rest.len - line->len - 1 };
	lines->number++;
	return 0;
}

static bool begins_with(struct slice line, const char *word)
{
	size_t len = strlen(word);

	return line.len >= len && memcmp(line.ptr, word, len) == 0;
}

/* What the line of a stanza says, of any kind. */
struct stanza_words {
	struct slice kind, second;
	size_t count;
};

/* Printable ASCII, and one blank between two words. */
static int read_words(struct slice line, size_t number, struct stanza_words *out, struct error *err)
{
	struct stanza_words words = { 0 };
	size_t start = 0;

	for (size_t i = 0; i <= line.len; i++) {
		if (i < line.len && line.ptr[i] != ' ') {
			if (line.ptr[i] < '!' || line.ptr[i] > '~')
				return error_set(
					err, ERROR_MALFORMED,
					"line %zu of the header has a byte that may not be "
					"there",
					number);
			continue;
		}
		if (i == start)
			return error_set(err, ERROR_MALFORMED,
					 "line %zu of the header has an empty argument", number);
		struct slice word = { line.ptr + start, i - start };

		words.kind = words.count == 0 ? word : words.kind;
		words.second = words.count == 1 ? word : words.second;
		words.count++;
		start = i + 1;
	}
	*out = words;
	return 0;
}

/* The bytes are kept where they are an X25519 one: that is one line. */
struct stanza_body {
	unsigned char bytes[AGE_WRAPPED_BYTES];
	size_t len;
};

static int read_body(struct lines *lines, struct stanza_body *out, struct error *err)
{
	struct stanza_body body = { 0 };
	struct slice line = { 0 };

	do {
		unsigned char bytes[LINE_BYTES + 2];
		size_t len;

		if (take_line(lines, &line, err) < 0)
			return -1;
		if (line.len > COLUMNS)
			return error_set(err, ERROR_MALFORMED,
					 "line %zu of the header is longer than %d characters",
					 lines->number, COLUMNS);
		if (base64_read(line, BASE64_UNPADDED, bytes, &len, err) < 0)
			return error_wrap(err, "line %zu of the header", lines->number);
		if (body.len == 0 && len <= sizeof(body.bytes))
			memcpy(body.bytes, bytes, len);
		body.len += len;
	} while (line.len == COLUMNS);
	*out = body;
	return 0;
}

static int read_32_bytes(struct slice text, unsigned char out[static 32], struct error *err)
{
	size_t len;

	if (text.len != LETTERS_OF_32)
		return error_set(err, ERROR_MALFORMED, "%zu letters where %d are expected",
				 text.len, LETTERS_OF_32);
	return base64_read(text, BASE64_UNPADDED, out, &len, err);
}

static int add_x25519(const struct stanza_words *words, const struct stanza_body *body,
		      struct age_header *header, struct error *err)
{
	struct age_stanza stanza;

	if (words->count != 2)
		return error_set(err, ERROR_MALFORMED, "%zu arguments where 2 are expected",
				 words->count);
	if (read_32_bytes(words->second, stanza.share, err) < 0)
		return error_wrap(err, "its share");
	/* Before anything is decrypted: else who sends it could try many keys at once. */
	if (body->len != AGE_WRAPPED_BYTES)
		return error_set(err, ERROR_MALFORMED, "a body of %zu bytes where %d are expected",
				 body->len, AGE_WRAPPED_BYTES);
	if (header->count == AGE_MAX_STANZAS)
		return error_set(err, ERROR_MALFORMED, "more than %d of them", AGE_MAX_STANZAS);
	memcpy(stanza.wrapped, body->bytes, sizeof(stanza.wrapped));
	header->stanzas[header->count++] = stanza;
	return 0;
}

static int read_stanza(struct lines *lines, struct slice line, struct age_header *header,
		       struct error *err)
{
	struct slice arguments = { line.ptr + strlen("-> "), line.len - strlen("-> ") };
	size_t number = lines->number;
	struct stanza_words words = { 0 };
	struct stanza_body body = { 0 };

	if (read_words(arguments, number, &words, err) < 0 || read_body(lines, &body, err) < 0)
		return -1;
	if (slice_equals(words.kind, "X25519")) {
		if (add_x25519(&words, &body, header, err) < 0)
			return error_wrap(err, "the X25519 stanza in line %zu of the header",
					  number);
		return 0;
	}
	header->has_passphrase |= slice_equals(words.kind, "scrypt");
	header->skipped++;
	return 0;
}

static int read_end(struct slice line, size_t number, struct age_header *header, struct error *err)
{
	struct slice mac = { line.ptr + strlen("--- "), line.len - strlen("--- ") };

	if (header->count + header->skipped == 0)
		return error_set(err, ERROR_MALFORMED, "the header has no recipient");
	/* Who seals with a passphrase may take it that nobody else could have sealed the file. */
	if (header->has_passphrase && header->count + header->skipped > 1)
		return error_set(err, ERROR_MALFORMED,
				 "the header has a passphrase and other recipients with it");
	if (read_32_bytes(mac, header->mac, err) < 0)
		return error_wrap(err, "the MAC in line %zu of the header", number);
	return 0;
}

static int read_header(struct slice file, struct age_header *header, struct error *err)
{
	struct lines lines = { file, 1 };
	struct slice line = { 0 };

	if (!begins_with(file, VERSION_LINE "\n"))
		return error_set(err, ERROR_MALFORMED,
				 "does not begin with the line \"" VERSION_LINE "\"");
	lines.rest.ptr += strlen(VERSION_LINE "\n");
	lines.rest.len -= strlen(VERSION_LINE "\n");
	if (take_line(&lines, &line, err) < 0)
		return -1;
	while (begins_with(line, "-> "))
		if (read_stanza(&lines, line, header, err) < 0 || take_line(&lines, &line, err) < 0)
			return -1;
	if (!begins_with(line, "--- "))
		return error_set(err, ERROR_MALFORMED,
				 "line %zu of the header is neither a recipient nor the MAC",
				 lines.number);
	if (read_end(line, lines.number, header, err) < 0)
		return -1;
	header->authenticated =
		(struct slice){ file.ptr, (size_t)(line.ptr - file.ptr) + strlen("---") };
	header->payload = lines.rest;
	return 0;
}

int age_header_parse(struct slice file, struct age_header *out, struct error *err)
{
	struct age_header header = { 0 };

	if (read_header(file, &header, err) < 0)
		return -1;
	*out = header;
	return 0;
}

static int make_mac(struct slice authenticated, const struct secret *file_key,
		    unsigned char out[static AGE_MAC_BYTES], struct error *err)
{
	SCOPED(secret) struct secret key = { 0 };

	if (age_hkdf(file_key, slice_of(""), slice_of("header"), &key, err) < 0)
		return -1;
	age_hmac(&key, authenticated, out);
	return 0;
}

int age_header_verify(const struct age_header *header, const struct secret *file_key,
		      struct error *err)
{
	unsigned char mac[AGE_MAC_BYTES];

	if (make_mac(header->authenticated, file_key, mac, err) < 0)
		return -1;
	if (sodium_memcmp(mac, header->mac, sizeof(mac)) != 0)
		return error_set(err, ERROR_MALFORMED, "the header was altered: its MAC is wrong");
	return 0;
}

static void add_32_bytes(const unsigned char bytes[static 32], struct buf *out)
{
	unsigned char text[LETTERS_OF_32 + 1];

	base64_write((struct slice){ (const char *)bytes, 32 }, BASE64_PLAIN, text);
	buf_add(out, (struct slice){ (const char *)text, LETTERS_OF_32 });
}

int age_header_write(const struct age_stanza *stanzas, size_t count, const struct secret *file_key,
		     struct buf *out, struct error *err)
{
	SCOPED(buf) struct buf header = BUF(out->limit);
	unsigned char mac[AGE_MAC_BYTES];

	buf_addf(&header, VERSION_LINE "\n");
	for (size_t i = 0; i < count; i++) {
		buf_addf(&header, "-> X25519 ");
		add_32_bytes(stanzas[i].share, &header);
		buf_addf(&header, "\n");
		add_32_bytes(stanzas[i].wrapped, &header);
		buf_addf(&header, "\n");
	}
	buf_addf(&header, "---");
	if (make_mac(buf_slice(&header), file_key, mac, err) < 0)
		return -1;
	buf_addf(&header, " ");
	add_32_bytes(mac, &header);
	buf_addf(&header, "\n");
	if (buf_finish(&header, err) < 0)
		return -1;
	buf_add(out, buf_slice(&header));
	return 0;
}
