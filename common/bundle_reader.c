#include "common/bundle_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/hocon_print.h"

enum { PATH_MAX_BYTES = 4096 };

static void add_member(struct buf *path, const char *member)
{
	if (member)
		json_path_add_name(path, member);
}

/* What is not there has the line of the object that should have it. */
static unsigned line_of(const struct bundle_reader *reader, const char *path)
{
	unsigned line = json_line_of(reader->text, path, false);

	return line ? line : json_line_of(reader->text, reader->path, false);
}

int bundle_refuse(const struct bundle_reader *reader, const char *member, struct error *err,
		  const char *fmt, ...)
{
	SCOPED(buf) struct buf path = BUF(PATH_MAX_BYTES);
	char message[384], line[16] = "";
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	buf_add(&path, slice_of(reader->path));
	add_member(&path, member);
	unsigned number = line_of(reader, buf_text(&path));
	if (number)
		snprintf(line, sizeof(line), "%u:", number);
	return error_set(err, ERROR_CONFIGURATION, "%s:%s %.120s: %s", reader->source, line,
			 buf_text(&path), message);
}

/* ---- places ---- */

const struct json *bundle_next(struct bundle_reader *reader, const char *name,
			       const struct json *value, const struct json *before)
{
	const struct json *item = NULL;

	reader->path[0] = '\0';
	if (json_kind(value) == JSON_LIST) {
		reader->index = before ? reader->index + 1 : 0;
		item = before ? json_next(before) : json_first(value);
	} else if (!before) {
		item = value;
	}
	if (!item)
		return NULL;
	snprintf(reader->path, sizeof(reader->path), "%s", name);
	if (item != value)
		snprintf(reader->path, sizeof(reader->path), "%s[%zu]", name, reader->index);
	return item;
}

size_t bundle_count(const struct json *value)
{
	if (!value)
		return 0;
	return json_kind(value) == JSON_LIST ? json_count(value) : 1;
}

const struct json *bundle_next_named(struct bundle_reader *reader, const char *name,
				     const struct json *object, const struct json *before)
{
	const struct json *member = before ? json_next(before) : json_first(object);
	SCOPED(buf) struct buf path = BUF(PATH_MAX_BYTES);

	reader->path[0] = '\0';
	if (!member)
		return NULL;
	buf_add(&path, slice_of(name));
	json_path_add_name(&path, json_name(member));
	text_cut(reader->path, sizeof(reader->path), buf_text(&path));
	return member;
}

/* ---- texts ---- */

static const char *line_fault(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < ' ')
			return "holds a line end or another control character: one line is "
			       "expected";
	return hocon_text_fault(text);
}

int bundle_read_name(const struct bundle_reader *reader, const struct json *from,
		     const char *member, char *field, size_t room, struct error *err)
{
	struct error why = { 0 };

	if (text_copy(field, room, slice_of(json_text_or(from, member, "")), &why) < 0)
		return bundle_refuse(reader, member, err, "%s", why.message);
	return 0;
}

int bundle_read_line(const struct bundle_reader *reader, const struct json *from,
		     const char *member, char *field, size_t room, struct error *err)
{
	const char *fault = line_fault(slice_of(json_text_or(from, member, "")));

	if (fault)
		return bundle_refuse(reader, member, err, "%s", fault);
	return bundle_read_name(reader, from, member, field, room, err);
}

int bundle_read_secret(const struct bundle_reader *reader, const struct json *from,
		       const char *member, struct secret *out, struct error *err)
{
	const char *text = json_text_or(from, member, "");

	if (*text && secret_copy(out, slice_of(text), err) < 0)
		return error_wrap(err, "%s: %s.%s", reader->source, reader->path, member);
	return 0;
}

int bundle_read_secret_line(const struct bundle_reader *reader, const struct json *from,
			    const char *member, struct secret *out, struct error *err)
{
	const char *fault = line_fault(slice_of(json_text_or(from, member, "")));

	if (fault)
		return bundle_refuse(reader, member, err, "%s", fault);
	return bundle_read_secret(reader, from, member, out, err);
}

bool bundle_is_server(const char *text)
{
	static const char host[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789.-";
	size_t len = *text == '[' ? strcspn(text, "]") + 1 : strspn(text, host);

	if (!len || strlen(text) < len || strchr(".-", *text))
		return false;
	if (*text == '[' && (len < 4 || strspn(text + 1, "0123456789abcdefABCDEF:.") != len - 2))
		return false;
	if (!text[len])
		return *text == '[' || !strchr(".-", text[len - 1]);
	size_t digits = strspn(text + len + 1, "0123456789");

	return text[len] == ':' && digits >= 1 && digits <= 5 && !text[len + 1 + digits];
}
