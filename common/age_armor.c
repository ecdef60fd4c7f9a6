#include "common/age_armor.h"

#include <string.h>

#include "common/base64.h"

enum { COLUMNS = 64, LINE_BYTES = COLUMNS / 4 * 3 };

#define BEGIN_LINE "-----BEGIN AGE ENCRYPTED FILE-----"
#define END_LINE "-----END AGE ENCRYPTED FILE-----"

static bool is_blank(char character)
{
	return character == ' ' || character == '\t' || character == '\r' || character == '\n';
}

static struct slice without_blanks_before(struct slice text)
{
	while (text.len && is_blank(*text.ptr))
		text = (struct slice){ text.ptr + 1, text.len - 1 };
	return text;
}

bool age_armor_is_begun(struct slice text)
{
	static const char begin[] = { '-', '-', '-', '-', '-', 'B', 'E', 'G', 'I', 'N' };
	struct slice rest = without_blanks_before(text);

	return rest.len >= sizeof(begin) && memcmp(rest.ptr, begin, sizeof(begin)) == 0;
}

/* The last line may lack its end. Only a whole CRLF is one: a CR elsewhere stays in the line. */
static struct slice take_line(struct slice *rest)
{
	const char *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
	struct slice line = { rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len };
	size_t taken = line.len + (end != NULL);

	*rest = (struct slice){ rest->ptr + taken, rest->len - taken };
	if (end && line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

static int read_line(struct slice line, unsigned char bytes[static LINE_BYTES + 2], size_t *len,
		     struct error *err)
{
	if (line.len == 0 || line.len > COLUMNS)
		return error_set(err, ERROR_MALFORMED, "%zu characters where 1 to %d are expected",
				 line.len, COLUMNS);
	return base64_read(line, BASE64_PADDED, bytes, len, err);
}

/* From the line after BEGIN to END, whose line is taken. */
static int read_block(struct slice *rest, struct buf *out, struct error *err)
{
	size_t len = LINE_BYTES;

	for (size_t number = 2; rest->len; number++) {
		struct slice line = take_line(rest);
		unsigned char bytes[LINE_BYTES + 2];

		if (slice_equals(line, END_LINE))
			return 0;
		if (len < LINE_BYTES)
			return error_set(err, ERROR_MALFORMED,
					 "line %zu of the armor is not \"" END_LINE
					 "\", and the one before it was the last",
					 number);
		if (read_line(line, bytes, &len, err) < 0)
			return error_wrap(err, "line %zu of the armor", number);
		buf_add(out, (struct slice){ (const char *)bytes, len });
	}
	return error_set(err, ERROR_MALFORMED, "the armor lacks its line \"" END_LINE "\"");
}

int age_armor_read(struct slice text, struct buf *out, struct error *err)
{
	SCOPED(buf) struct buf bytes = BUF(out->limit);
	struct slice rest = without_blanks_before(text);
	bool is_line_start = rest.ptr == text.ptr || rest.ptr[-1] == '\n';

	if (!is_line_start || !slice_equals(take_line(&rest), BEGIN_LINE))
		return error_set(err, ERROR_MALFORMED,
				 "the armor's first line is not just \"" BEGIN_LINE "\"");
	if (read_block(&rest, &bytes, err) < 0)
		return -1;
	if (without_blanks_before(rest).len)
		return error_set(err, ERROR_MALFORMED,
				 "the armor's last line has something after it");
	if (buf_finish(&bytes, err) < 0)
		return -1;
	buf_add(out, buf_slice(&bytes));
	return 0;
}

void age_armor_write(struct slice bytes, struct buf *out)
{
	buf_addf(out, BEGIN_LINE "\n");
	for (size_t i = 0; i < bytes.len; i += LINE_BYTES) {
		size_t len = bytes.len - i < LINE_BYTES ? bytes.len - i : LINE_BYTES;
		unsigned char line[COLUMNS + 1];

		base64_write((struct slice){ bytes.ptr + i, len }, BASE64_PLAIN, line);
		line[base64_len(len)] = '\n';
		buf_add(out, (struct slice){ (const char *)line, base64_len(len) + 1 });
	}
	buf_addf(out, END_LINE "\n");
}
