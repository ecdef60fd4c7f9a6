#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

enum { INDENT = 2 };

static bool must_escape(uint32_t code)
{
	return code < 0x20 || code == '"' || code == '\\' || code == 0x7f ||
	       (code >= 0x80 && code < 0xa0) || /* control codes to a terminal */
	       code == 0x2028 || code == 0x2029; /* line ends to JavaScript */
}

static void print_escape(uint32_t code, struct buf *out)
{
	static const char letters[] = "\b\f\n\r\t\"\\";
	const char *found = strchr(letters, (int)code);

	if (code < 0x80 && found)
		buf_addf(out, "\\%c", "bfnrt\"\\"[found - letters]);
	else
		buf_addf(out, "\\u%04" PRIx32, code);
}

static void print_text(const char *text, struct buf *out)
{
	struct slice rest = slice_of(text);
	const char *shown = text; /* what is before is in out */

	buf_add(out, slice_of("\""));
	while (rest.len) {
		uint32_t code = 0xfffd;
		size_t len = text_character(rest, &code);

		if (!len)
			len = 1; /* cannot be: what is parsed or built is UTF-8 */
		if (must_escape(code)) {
			buf_add(out, (struct slice){ shown, (size_t)(rest.ptr - shown) });
			print_escape(code, out);
			shown = rest.ptr + len;
		}
		rest.ptr += len;
		rest.len -= len;
	}
	buf_add(out, (struct slice){ shown, (size_t)(rest.ptr - shown) });
	buf_add(out, slice_of("\""));
}

/* The fewest digits that read back as the same number. */
static void print_number(double number, struct buf *out)
{
	char digits[32] = "0";

	if (floor(number) == number && fabs(number) <= 9007199254740992.0) {
		buf_addf(out, "%.0f", number == 0 ? 0 : number); /* never -0 */
		return;
	}
	for (int count = 15; count <= 17; count++) {
		snprintf(digits, sizeof(digits), "%.*g", count, number);
		if (strtod(digits, NULL) == number)
			break;
	}
	buf_add(out, slice_of(digits));
}

static void print_value(const struct json *value, int indent, struct buf *out);

static void break_line(int indent, struct buf *out)
{
	if (indent >= 0)
		buf_addf(out, "\n%*s", indent, "");
}

/* NOLINTBEGIN(misc-no-recursion): as deep as what was parsed, 64, or built by us. */

/* indent is that of the container's own line, negative: all in one line. */
static void print_parts(const struct json *container, int indent, struct buf *out)
{
	int inner = indent < 0 ? indent : indent + INDENT;
	bool is_object = json_kind(container) == JSON_OBJECT;
	const struct json *first = json_first(container);

	buf_add(out, slice_of(is_object ? "{" : "["));
	for (const struct json *part = first; part; part = json_next(part)) {
		if (part != first)
			buf_add(out, slice_of(","));
		break_line(inner, out);
		if (is_object) {
			print_text(json_name(part), out);
			buf_add(out, slice_of(indent < 0 ? ":" : ": "));
		}
		print_value(part, inner, out);
	}
	if (first)
		break_line(indent, out);
	buf_add(out, slice_of(is_object ? "}" : "]"));
}

static void print_value(const struct json *value, int indent, struct buf *out)
{
	switch (json_kind(value)) {
	case JSON_NULL:
		buf_add(out, slice_of("null"));
		break;
	case JSON_BOOL:
		buf_add(out, slice_of(json_bool_value(value) ? "true" : "false"));
		break;
	case JSON_NUMBER:
		print_number(json_number_value(value), out);
		break;
	case JSON_TEXT:
		print_text(json_text_value(value), out);
		break;
	case JSON_LIST:
	case JSON_OBJECT:
		print_parts(value, indent, out);
		break;
	}
}

/* NOLINTEND(misc-no-recursion) */

void json_print(const struct json *value, bool is_pretty, struct buf *out)
{
	print_value(value, is_pretty ? 0 : -1, out);
}

void json_path_quote_name(struct buf *path, const char *name)
{
	buf_add(path, slice_of("["));
	print_text(name, path);
	buf_add(path, slice_of("]"));
}

void json_path_add_name(struct buf *path, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-/@$";

	if (!*name || name[strspn(name, plain)]) {
		json_path_quote_name(path, name);
		return;
	}
	if (path->len)
		buf_add(path, slice_of("."));
	buf_add(path, slice_of(name));
}

void json_path_add_index(struct buf *path, size_t index)
{
	buf_addf(path, "[%zu]", index);
}
