#include "common/json_scan.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scan {
	struct slice text;
	size_t at;
	unsigned depth;
	size_t values; /* begun so far */
	size_t name_at; /* of the member whose value comes next */
	size_t wanted; /* the number of the value whose place is asked for */
	struct json_place place;
	struct json_fault *fault;
};

static int scan_value(struct scan *scan);

static int fail_at(struct scan *scan, size_t at, const char *message)
{
	scan->fault->at = at;
	text_cut(scan->fault->message, sizeof(scan->fault->message), message);
	return -1;
}

/* -1 at the end of the text. */
static int peek(const struct scan *scan)
{
	return scan->at < scan->text.len ? (unsigned char)scan->text.ptr[scan->at] : -1;
}

static int fail_expected(struct scan *scan, const char *expected)
{
	int found = peek(scan);

	scan->fault->at = scan->at;
	/* Of a text that may hold secrets only the marks of JSON (and HTML) are repeated. */
	if (found < 0)
		snprintf(scan->fault->message, sizeof(scan->fault->message),
			 "expected %s, but the text ends", expected);
	else if (found && strchr(",:[]{}\"</", found))
		snprintf(scan->fault->message, sizeof(scan->fault->message),
			 "expected %s, got '%c'", expected, found);
	else
		snprintf(scan->fault->message, sizeof(scan->fault->message),
			 "expected %s, got something else", expected);
	return -1;
}

static void skip_blanks(struct scan *scan)
{
	int found = peek(scan);

	while (found == ' ' || found == '\t' || found == '\n' || found == '\r') {
		scan->at++;
		found = peek(scan);
	}
}

/* The four digits after \u; -1 when they are none. */
static int hex_quad(const struct scan *scan, size_t at)
{
	int code = 0;

	if (scan->text.len - at < 4)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		int digit = (unsigned char)scan->text.ptr[i];

		if (digit >= '0' && digit <= '9')
			code = code * 16 + digit - '0';
		else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
			code = code * 16 + (digit | 0x20) - 'a' + 10;
		else
			return -1;
	}
	return code;
}

static bool is_low_surrogate(const struct scan *scan, size_t at)
{
	if (at + 6 > scan->text.len || memcmp(scan->text.ptr + at, "\\u", 2) != 0)
		return false;
	int code = hex_quad(scan, at + 2);

	return code >= 0xdc00 && code <= 0xdfff;
}

/* scan->at is at a backslash. */
static int scan_escape(struct scan *scan)
{
	size_t begin = scan->at++;
	int kind = peek(scan);

	if (kind <= 0 || !strchr("\"\\/bfnrtu", kind))
		return fail_at(scan, begin,
			       "unknown escape in a text: \\\" \\\\ \\/ \\b \\f \\n \\r "
			       "\\t \\uXXXX exist");
	scan->at++;
	if (kind != 'u')
		return 0;
	int code = hex_quad(scan, scan->at);

	scan->at += 4;
	if (code < 0)
		return fail_at(scan, begin, "expected four hexadecimal digits after \\u");
	if (code == 0)
		return fail_at(scan, begin, "\\u0000 is not allowed in a text");
	if (code < 0xd800 || code > 0xdfff)
		return 0;
	if (code > 0xdbff || !is_low_surrogate(scan, scan->at))
		return fail_at(scan, begin, "half of a surrogate pair in a text");
	scan->at += 6;
	return 0;
}

static int scan_character(struct scan *scan)
{
	struct slice rest = { scan->text.ptr + scan->at, scan->text.len - scan->at };
	uint32_t code_point;
	size_t len = text_character(rest, &code_point);

	if (!len)
		return fail_at(scan, scan->at, "bytes that are not UTF-8");
	scan->at += len;
	return 0;
}

/* scan->at is at the opening quote. */
static int scan_string(struct scan *scan)
{
	size_t begin = scan->at++;

	for (int found = peek(scan); found != '"'; found = peek(scan)) {
		if (found < 0)
			return fail_at(scan, begin, "a text without its closing quote");
		if (found < 0x20)
			return fail_at(scan, scan->at,
				       "a control character in a text: write \\n, \\t or \\uXXXX");
		int result = found == '\\' ? scan_escape(scan) : scan_character(scan);

		if (result < 0)
			return -1;
	}
	scan->at++;
	return 0;
}

static size_t skip_digits(struct scan *scan)
{
	size_t begin = scan->at;

	while (peek(scan) >= '0' && peek(scan) <= '9')
		scan->at++;
	return scan->at - begin;
}

static int scan_fraction(struct scan *scan)
{
	if (peek(scan) == '.') {
		scan->at++;
		if (!skip_digits(scan))
			return fail_expected(scan, "a digit");
	}
	if (peek(scan) == 'e' || peek(scan) == 'E') {
		scan->at++;
		if (peek(scan) == '+' || peek(scan) == '-')
			scan->at++;
		if (!skip_digits(scan))
			return fail_expected(scan, "a digit");
	}
	return 0;
}

static int scan_number(struct scan *scan)
{
	size_t begin = scan->at;
	char digits[JSON_NUMBER_MAX + 1];

	if (peek(scan) == '-')
		scan->at++;
	if (peek(scan) == '0')
		scan->at++;
	else if (!skip_digits(scan))
		return fail_expected(scan, "a digit");
	if (scan_fraction(scan) < 0)
		return -1;
	size_t len = scan->at - begin;

	if (len > JSON_NUMBER_MAX)
		return fail_at(scan, begin, "a number of more than 63 characters");
	memcpy(digits, scan->text.ptr + begin, len);
	digits[len] = '\0';
	if (!isfinite(strtod(digits, NULL)))
		return fail_at(scan, begin, "a number too large to be held");
	return 0;
}

static int scan_word(struct scan *scan, const char *word)
{
	size_t len = strlen(word);

	if (scan->text.len - scan->at < len || memcmp(scan->text.ptr + scan->at, word, len) != 0)
		return fail_expected(scan, "a value");
	scan->at += len;
	return 0;
}

static int scan_member(struct scan *scan)
{
	size_t name_at = scan->at;

	if (peek(scan) != '"')
		return fail_expected(scan, "a name in quotes");
	if (scan_string(scan) < 0)
		return -1;
	skip_blanks(scan);
	if (peek(scan) != ':')
		return fail_expected(scan, "':' after the name");
	scan->at++;
	skip_blanks(scan);
	scan->name_at = name_at;
	return scan_value(scan);
}

static int scan_item(struct scan *scan)
{
	scan->name_at = scan->at;
	return scan_value(scan);
}

/* scan->at is at the opening bracket. */
static int scan_container(struct scan *scan, char end, int (*scan_part)(struct scan *scan))
{
	const char *expected = end == '}' ? "',' or '}'" : "',' or ']'";

	if (++scan->depth > JSON_DEPTH_MAX)
		return fail_at(scan, scan->at, "nested more than 64 deep");
	scan->at++;
	skip_blanks(scan);
	for (bool is_first = true; peek(scan) != end; is_first = false) {
		if (!is_first && peek(scan) != ',')
			return fail_expected(scan, expected);
		if (!is_first)
			scan->at++;
		skip_blanks(scan);
		if (scan_part(scan) < 0)
			return -1;
		skip_blanks(scan);
	}
	scan->at++;
	scan->depth--;
	return 0;
}

static int scan_value(struct scan *scan)
{
	if (scan->values++ == scan->wanted)
		scan->place = (struct json_place){ scan->at, scan->name_at };
	switch (peek(scan)) {
	case '{':
		return scan_container(scan, '}', scan_member);
	case '[':
		return scan_container(scan, ']', scan_item);
	case '"':
		return scan_string(scan);
	case 't':
		return scan_word(scan, "true");
	case 'f':
		return scan_word(scan, "false");
	case 'n':
		return scan_word(scan, "null");
	default:
		break;
	}
	int found = peek(scan);

	if (found == '-' || (found >= '0' && found <= '9'))
		return scan_number(scan);
	return fail_expected(scan, "a value");
}

static int scan_text(struct scan *scan)
{
	skip_blanks(scan);
	if (scan_item(scan) < 0)
		return -1;
	skip_blanks(scan);
	if (scan->at < scan->text.len)
		return fail_at(scan, scan->at, "something follows the value");
	return 0;
}

int json_scan_check(struct slice text, struct json_fault *fault)
{
	struct scan scan = { .text = text, .wanted = SIZE_MAX, .fault = fault };

	return scan_text(&scan);
}

struct json_place json_scan_place(struct slice text, size_t number)
{
	struct json_fault fault;
	struct scan scan = { .text = text, .wanted = number, .fault = &fault };

	if (scan_text(&scan) < 0)
		return (struct json_place){ 0 };
	return scan.place;
}

/* The offset after the text that opens at the given one; text ends are left to the check. */
static size_t after_string(const char *text, size_t len, size_t at)
{
	for (at++; at < len && text[at] != '"'; at++) {
		if (text[at] == '\\')
			at++;
	}
	return at < len ? at + 1 : len;
}

/* The offset after the comment that opens at the given one; 0 when it is not closed. */
static size_t after_comment(const char *text, size_t len, size_t at)
{
	struct slice rest = { text + at + 2, len - at - 2 };

	if (text[at + 1] == '/') {
		const char *end = rest.len ? memchr(rest.ptr, '\n', rest.len) : NULL;

		return end ? (size_t)(end - text) : len;
	}
	const char *end = rest.len ? memmem(rest.ptr, rest.len, "*/", 2) : NULL;

	return end ? (size_t)(end - text) + 2 : 0;
}

int json_scan_blank(char *text, size_t len, struct json_fault *fault)
{
	for (size_t at = 0; at < len;) {
		if (text[at] == '"') {
			at = after_string(text, len, at);
			continue;
		}
		if (text[at] != '/' || at + 1 == len ||
		    (text[at + 1] != '/' && text[at + 1] != '*')) {
			at++;
			continue;
		}
		size_t end = after_comment(text, len, at);

		if (!end) {
			fault->at = at;
			text_cut(fault->message, sizeof(fault->message),
				 "a comment without its closing */");
			return -1;
		}
		for (; at < end; at++)
			if (text[at] != '\n' && text[at] != '\r')
				text[at] = ' ';
	}
	return 0;
}

void json_scan_position(struct slice text, size_t at, unsigned *line, unsigned *column)
{
	*line = 1;
	*column = 1;
	for (size_t i = 0; i < at && i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];

		if (byte == '\n') {
			++*line;
			*column = 1;
		} else if ((byte & 0xc0) != 0x80) {
			++*column;
		}
	}
}
