#include "reaper/forecast/trace_fields.h"

#include <string.h>

void trace_fields_open(struct trace_fields *fields, struct slice text)
{
	static const char mark[] = "\xef\xbb\xbf";

	memset(fields, 0, sizeof(*fields));
	if (text.len >= strlen(mark) && memcmp(text.ptr, mark, strlen(mark)) == 0) {
		text.ptr += strlen(mark);
		text.len -= strlen(mark);
	}
	fields->rest = text;
	fields->next_line = 1;
}

static int refuse(const struct trace_fields *fields, const char *why, struct error *err)
{
	return error_set(err, ERROR_MALFORMED, "line %u: %s", fields->line, why);
}

static bool at(const struct trace_fields *fields, char c)
{
	return fields->rest.len && *fields->rest.ptr == c;
}

static void skip(struct trace_fields *fields, size_t len)
{
	fields->rest.ptr += len;
	fields->rest.len -= len;
}

/* LF, or CRLF; a CR alone ends nothing. */
static size_t line_end(const struct trace_fields *fields)
{
	if (at(fields, '\n'))
		return 1;
	if (at(fields, '\r') && fields->rest.len >= 2 && fields->rest.ptr[1] == '\n')
		return 2;
	return 0;
}

static bool end_line(struct trace_fields *fields)
{
	size_t len = line_end(fields);

	if (!len)
		return false;
	skip(fields, len);
	fields->next_line++;
	return true;
}

static void skip_comment(struct trace_fields *fields)
{
	const char *end = memchr(fields->rest.ptr, '\n', fields->rest.len);

	skip(fields, end ? (size_t)(end - fields->rest.ptr) : fields->rest.len);
}

static int add_byte(struct trace_fields *fields, size_t *len, struct error *err)
{
	char c = *fields->rest.ptr;

	if (c == '\0')
		return refuse(fields, "a NUL byte: this is no text", err);
	if (*len == TRACE_FIELD_ROOM - 1)
		return refuse(fields, "a field is longer than 511 bytes", err);
	fields->fields[fields->count][(*len)++] = c;
	skip(fields, 1);
	return 0;
}

static int read_quoted(struct trace_fields *fields, struct error *err)
{
	size_t len = 0;

	skip(fields, 1);
	for (;;) {
		if (!fields->rest.len)
			return refuse(fields, "a quoted field does not end", err);
		if (at(fields, '"')) {
			skip(fields, 1);
			if (!at(fields, '"'))
				break;
		} else if (at(fields, '\n')) {
			fields->next_line++;
		}
		if (add_byte(fields, &len, err) < 0)
			return -1;
	}
	fields->fields[fields->count][len] = '\0';
	if (fields->rest.len && !at(fields, ',') && !line_end(fields))
		return refuse(fields, "expected a comma after a quoted field", err);
	return 0;
}

static int read_plain(struct trace_fields *fields, struct error *err)
{
	size_t len = 0;

	while (fields->rest.len && !at(fields, ',') && !line_end(fields)) {
		if (at(fields, '"'))
			return refuse(fields, "a quote inside a field that is not quoted", err);
		if (add_byte(fields, &len, err) < 0)
			return -1;
	}
	fields->fields[fields->count][len] = '\0';
	return 0;
}

int trace_fields_next(struct trace_fields *fields, struct error *err)
{
	fields->count = 0;
	for (;;) {
		if (at(fields, '#'))
			skip_comment(fields);
		if (!end_line(fields))
			break;
	}
	fields->line = fields->next_line;
	while (fields->rest.len || fields->count) {
		if (fields->count == TRACE_MAX_FIELDS)
			return refuse(fields, "more than 32 columns", err);
		if ((at(fields, '"') ? read_quoted : read_plain)(fields, err) < 0)
			return -1;
		fields->count++;
		if (!at(fields, ','))
			break;
		skip(fields, 1);
	}
	(void)end_line(fields);
	return 0;
}

void trace_fields_print(const char *text, struct buf *out)
{
	if (!strpbrk(text, "\",\r\n#") && *text != ' ') {
		buf_addf(out, "%s", text);
		return;
	}
	buf_addf(out, "\"");
	for (const char *c = text; *c; c++)
		buf_addf(out, *c == '"' ? "\"\"" : "%c", *c);
	buf_addf(out, "\"");
}
