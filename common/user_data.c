#include "common/user_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base64.h"
#include "common/gzip.h"

enum {
	MARKER_ROOM = USER_DATA_LABEL_ROOM + 24,
	BOUNDARY_ROOM = 201, /* RFC 2046 allows 70 letters */
	FIELD_BYTES = 2048, /* of a head's field, unfolded; no longer one is looked at */
	BASE64_LEAST = 64, /* a shorter document may be a word; no block fits in it */
};

struct search {
	char begin[MARKER_ROOM], end[MARKER_ROOM];
	struct buf block; /* the first one found */
	bool is_found;
	size_t budget; /* what may still be unpacked */
	struct error trouble; /* the first thing that could not be; class 0: none */
};

static int look(struct search *search, struct slice document, unsigned depth, struct error *err);

/* ---- lines ---- */

static bool take_line(struct slice *rest, struct slice *line)
{
	const char *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->ptr) : rest->len;

	if (!rest->len)
		return false;
	*line = (struct slice){ rest->ptr, len };
	rest->ptr += len + (end ? 1 : 0);
	rest->len -= len + (end ? 1 : 0);
	return true;
}

static bool is_one_of(char letter, const char *letters)
{
	return letter && strchr(letters, letter);
}

static struct slice trim(struct slice text, const char *before, const char *after)
{
	while (text.len && is_one_of(text.ptr[0], before))
		text = (struct slice){ text.ptr + 1, text.len - 1 };
	while (text.len && is_one_of(text.ptr[text.len - 1], after))
		text.len--;
	return text;
}

static bool equals_ignoring_case(struct slice text, const char *word)
{
	return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

/* ---- blocks ---- */

static int read_block(const struct search *search, struct slice *rest, struct buf *block,
		      struct error *err)
{
	struct slice line;

	while (take_line(rest, &line)) {
		struct slice letters = trim(line, " \t#", " \t\r");

		if (slice_equals(letters, search->end))
			return 0;
		if (slice_equals(letters, search->begin))
			break;
		buf_add(block, letters);
	}
	return error_set(err, ERROR_MALFORMED, "a block was cut: no line \"%s\" after \"%s\"",
			 search->end, search->begin);
}

/* Texts are compared, not what they unpack to: that keeps a document of a thousand blocks cheap. */
static int take_block(struct search *search, struct slice *rest, struct error *err)
{
	SCOPED(buf) struct buf block = BUF(rest->len);

	if (read_block(search, rest, &block, err) < 0)
		return -1;
	if (search->is_found && !slice_equals(buf_slice(&block), buf_text(&search->block)))
		return error_set(err, ERROR_MALFORMED,
				 "two blocks \"%s\" that differ: leave one of them", search->begin);
	if (search->is_found)
		return 0;
	search->block = block;
	block = BUF(0);
	search->is_found = true;
	return 0;
}

static int scan(struct search *search, struct slice document, struct error *err)
{
	struct slice line;

	while (take_line(&document, &line)) {
		struct slice letters = trim(line, " \t#", " \t\r");

		if (slice_equals(letters, search->end))
			return error_set(err, ERROR_MALFORMED, "a line \"%s\" without \"%s\"",
					 search->end, search->begin);
		if (slice_equals(letters, search->begin) && take_block(search, &document, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- what is packed ---- */

/* Somebody else's part may be damaged; it only counts where nothing else is found. */
static int skip(struct search *search, const struct error *why)
{
	if (!search->trouble.class)
		search->trouble = *why;
	return 0;
}

static int look_in_gzip(struct search *search, struct slice document, unsigned depth,
			struct error *err)
{
	SCOPED(buf) struct buf unpacked = BUF(search->budget);
	struct error why;

	if (gzip_unpack(document, &unpacked, &why) < 0)
		return skip(search, &why);
	search->budget -= unpacked.len;
	return look(search, buf_slice(&unpacked), depth + 1, err);
}

/* Lines of any length put together. */
static void join(struct slice text, struct buf *out)
{
	struct slice line;

	while (take_line(&text, &line))
		buf_add(out, trim(line, " \t", " \t\r"));
}

static int decode(struct search *search, struct slice text, struct buf *out, struct error *err)
{
	SCOPED(buf) struct buf letters = BUF(text.len);
	size_t len = 0;

	join(text, &letters);
	if (letters.len / 4 * 3 > search->budget)
		return error_set(err, ERROR_MALFORMED, "unpacks to more than %d bytes",
				 USER_DATA_UNPACKED_BYTES);
	unsigned char *room = memory_array(letters.len / 4 * 3 + 2, 1);
	int result = base64_read(buf_slice(&letters), BASE64_PADDED, room, &len, err);

	if (!result)
		buf_add(out, (struct slice){ (const char *)room, len });
	free(room);
	search->budget -= out->len;
	return result;
}

static int look_in_base64(struct search *search, struct slice text, unsigned depth,
			  struct error *err)
{
	SCOPED(buf) struct buf decoded = BUF(search->budget);
	struct error why;

	if (decode(search, text, &decoded, &why) < 0)
		return skip(search, &why);
	return look(search, buf_slice(&decoded), depth + 1, err);
}

/* ---- MIME ---- */

/* What a document's or part's own head says; zero where it has none. */
struct head {
	struct slice body;
	char boundary[BOUNDARY_ROOM];
	bool is_base64;
};

/* Takes the next ";name=value" off a field; the value may be quoted. */
static bool take_parameter(struct slice *rest, struct slice *name, struct slice *value)
{
	const char *mark = rest->len ? memchr(rest->ptr, ';', rest->len) : NULL;
	const char *end = rest->ptr + rest->len;
	const char *equals = mark ? memchr(mark, '=', (size_t)(end - mark)) : NULL;

	if (!equals)
		return false;
	*name = trim((struct slice){ mark + 1, (size_t)(equals - mark - 1) }, " \t", " \t");
	*value = trim((struct slice){ equals + 1, (size_t)(end - equals - 1) }, " \t", "");
	const char *stop = value->len && value->ptr[0] == '"' ? "\"" : "; \t";

	if (*stop == '"')
		*value = (struct slice){ value->ptr + 1, value->len - 1 };
	size_t len = 0;

	while (len < value->len && !is_one_of(value->ptr[len], stop))
		len++;
	*rest = (struct slice){ value->ptr + len, value->len - len };
	value->len = len;
	return true;
}

static void read_type(struct slice type, struct head *head)
{
	static const char multipart[] = "multipart/";
	size_t len = strlen(multipart);
	struct slice name, value;
	struct error ignored;

	if (type.len < len || strncasecmp(type.ptr, multipart, len) != 0)
		return;
	while (take_parameter(&type, &name, &value))
		if (equals_ignoring_case(name, "boundary") &&
		    text_copy(head->boundary, sizeof(head->boundary), value, &ignored) < 0)
			head->boundary[0] = '\0';
}

static void read_field(const struct buf *field, struct head *head)
{
	struct slice text = buf_slice(field);
	const char *colon = text.len ? memchr(text.ptr, ':', text.len) : NULL;

	if (!colon || field->overflowed)
		return;
	size_t name_len = (size_t)(colon - text.ptr);
	struct slice name = { text.ptr, name_len };
	struct slice value =
		trim((struct slice){ colon + 1, text.len - name_len - 1 }, " \t", " \t");

	if (equals_ignoring_case(name, "content-type"))
		read_type(value, head);
	if (equals_ignoring_case(name, "content-transfer-encoding"))
		head->is_base64 = equals_ignoring_case(value, "base64");
}

/* Up to the first empty line. A line begun with a blank goes on with the field before it. */
static void read_head(struct slice document, struct head *out)
{
	SCOPED(buf) struct buf field = BUF(FIELD_BYTES);
	struct slice line;

	while (take_line(&document, &line)) {
		line = trim(line, "", "\r");
		if (!line.len)
			break;
		if (!is_one_of(line.ptr[0], " \t")) {
			read_field(&field, out);
			buf_clear(&field);
		}
		buf_add(&field, line);
	}
	read_field(&field, out);
	out->body = document;
}

enum delimiter { DELIMITER_NONE, DELIMITER_NEXT, DELIMITER_LAST };

static enum delimiter delimiter_of(struct slice line, const char *boundary)
{
	size_t len = strlen(boundary);
	struct slice text = trim(line, "", " \t\r");

	if (text.len < len + 2 || memcmp(text.ptr, "--", 2) != 0 ||
	    memcmp(text.ptr + 2, boundary, len) != 0)
		return DELIMITER_NONE;
	struct slice rest = { text.ptr + 2 + len, text.len - 2 - len };

	if (!rest.len)
		return DELIMITER_NEXT;
	return slice_equals(rest, "--") ? DELIMITER_LAST : DELIMITER_NONE;
}

/* The line end before a delimiter is the delimiter's. */
static struct slice part_between(const char *start, const char *end)
{
	struct slice part = { start, (size_t)(end - start) };

	if (part.len && part.ptr[part.len - 1] == '\n')
		part.len--;
	if (part.len && part.ptr[part.len - 1] == '\r')
		part.len--;
	return part;
}

static int look_in_parts(struct search *search, const struct head *head, unsigned depth,
			 struct error *err)
{
	struct slice rest = head->body, line;
	enum delimiter delimiter = DELIMITER_NONE;
	const char *start = NULL;

	while (delimiter != DELIMITER_LAST && take_line(&rest, &line)) {
		delimiter = delimiter_of(line, head->boundary);
		if (delimiter == DELIMITER_NONE)
			continue;
		if (start && look(search, part_between(start, line.ptr), depth + 1, err) < 0)
			return -1;
		start = rest.ptr;
	}
	if (!start || delimiter == DELIMITER_LAST)
		return 0;
	return look(search, (struct slice){ start, (size_t)(rest.ptr - start) }, depth + 1, err);
}

/* ---- documents ---- */

static int look_in_text(struct search *search, struct slice document, unsigned depth,
			struct error *err)
{
	struct head head = { .boundary = "" };

	if (scan(search, document, err) < 0)
		return -1;
	read_head(document, &head);
	if (head.boundary[0])
		return look_in_parts(search, &head, depth, err);
	if (head.is_base64)
		return look_in_base64(search, head.body, depth, err);
	if (gzip_is(head.body))
		return look_in_gzip(search, head.body, depth, err);
	return 0;
}

static bool is_base64(struct slice document)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789+/= \t\r\n";

	for (size_t i = 0; i < document.len; i++)
		if (!is_one_of(document.ptr[i], letters))
			return false;
	return document.len >= BASE64_LEAST;
}

static int look(struct search *search, struct slice document, unsigned depth, struct error *err)
{
	struct error why;

	if (depth > USER_DATA_NESTED) {
		(void)error_set(&why, ERROR_MALFORMED, "packed more than %d times over",
				USER_DATA_NESTED);
		return skip(search, &why);
	}
	if (gzip_is(document))
		return look_in_gzip(search, document, depth, err);
	if (is_base64(document))
		return look_in_base64(search, document, depth, err);
	return look_in_text(search, document, depth, err);
}

static int finish(const struct search *search, struct buf *out, struct error *err)
{
	if (search->is_found) {
		buf_add(out, buf_slice(&search->block));
		return buf_finish(out, err);
	}
	if (search->trouble.class)
		return error_set(err, ERROR_MALFORMED,
				 "no block \"%s\" that can be read, and a part that cannot be: %s",
				 search->begin, search->trouble.message);
	return error_set(err, ERROR_NOT_FOUND, "no block \"%s\"", search->begin);
}

int user_data_find(struct slice document, const char *label, struct buf *out, struct error *err)
{
	struct search search = { .budget = USER_DATA_UNPACKED_BYTES };

	snprintf(search.begin, sizeof(search.begin), "-----BEGIN %s-----", label);
	snprintf(search.end, sizeof(search.end), "-----END %s-----", label);
	int result = look(&search, document, 0, err);

	if (!result)
		result = finish(&search, out, err);
	buf_release(&search.block);
	return result;
}
