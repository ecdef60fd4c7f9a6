#include "common/hocon.h"

#include <string.h>

/* What a value is so far: pyhocon joins several parts of one kind, and no others. */
enum kind {
	KIND_NONE,
	KIND_TEXT,
	KIND_OBJECT,
	KIND_LIST,
	KIND_UNKNOWN, /* a substitution */
	KIND_WORD, /* true, false, null: pyhocon makes something else of them beside a text */
};

struct reading {
	const char *begin, *at, *end;
	unsigned depth;
	struct error *err;
};

static int read_container(struct reading *reading);

static int refuse(const struct reading *reading, const char *at, const char *why)
{
	unsigned line = 1;

	for (const char *before = reading->begin; before < at; before++)
		line += *before == '\n';
	return error_set(reading->err, ERROR_CONFIGURATION, "line %u: %s", line, why);
}

/* ---- characters ---- */

static const char digits[] = "0123456789";

/* NUL at the end: one in the text is nothing that any rule takes. */
static char peek(const struct reading *reading)
{
	return reading->at < reading->end ? *reading->at : '\0';
}

static bool is_one_of(char byte, const char *set)
{
	return byte && strchr(set, byte);
}

static bool begins(const struct reading *reading, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(reading->end - reading->at) >= len && !memcmp(reading->at, word, len);
}

static void skip_all_of(struct reading *reading, const char *set)
{
	while (is_one_of(peek(reading), set))
		reading->at++;
}

static bool is_letter(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_word(char byte)
{
	return is_letter(byte) || is_one_of(byte, "0123456789_$");
}

static bool is_comment(const struct reading *reading)
{
	return peek(reading) == '#' || begins(reading, "//");
}

/* Blanks, line ends and comments; with commas where members or items are apart. */
static void skip_gap(struct reading *reading, bool with_commas)
{
	for (;;) {
		skip_all_of(reading, with_commas ? " \t\r\n," : " \t\r\n");
		if (!is_comment(reading))
			return;
		while (reading->at < reading->end && !is_one_of(*reading->at, "\r\n"))
			reading->at++;
	}
}

/* Of the token that began there. */
static int check_bytes(const struct reading *reading, const char *from)
{
	for (const char *at = from; at < reading->at; at++) {
		unsigned char byte = (unsigned char)*at;

		if (byte > 0x7e)
			return refuse(reading, at,
				      "holds what is not ASCII, which clearml-agent would hand to "
				      "tasks as something else");
		if (byte == '\t')
			return refuse(reading, at,
				      "holds a tab, of which clearml-agent's parser makes blanks: "
				      "write \\t, in quotes");
		if (byte < ' ' && !is_one_of(*at, "\r\n"))
			return refuse(reading, at, "holds a control character");
	}
	return 0;
}

/* ---- tokens ---- */

/* The same letters in any case, and the end of a word after them. */
static bool is_keyword(const struct reading *reading, const char *at, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(reading->end - at) < len)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((at[i] | 0x20) != word[i])
			return false;
	return at + len == reading->end || !is_word(at[len]);
}

static bool is_include(const struct reading *reading)
{
	static const char word[] = "include";

	if (!is_keyword(reading, reading->at, word))
		return false;
	const char *at = reading->at + strlen(word);
	while (at < reading->end && is_one_of(*at, " \t"))
		at++;
	return (at < reading->end && *at == '"') || is_keyword(reading, at, "url") ||
	       is_keyword(reading, at, "file") || is_keyword(reading, at, "required");
}

static int refuse_include(const struct reading *reading)
{
	return refuse(reading, reading->at,
		      "include is not taken: a machine has no other files, write it out");
}

static bool is_named(const char *from, const char *past)
{
	while (from < past && is_one_of(*from, HOCON_NAME_MARKS))
		from++;
	return from < past;
}

static int read_name(struct reading *reading)
{
	const char *from = reading->at;
	bool is_quoted = *from == '"';

	if (is_quoted) {
		reading->at++;
		while (reading->at < reading->end && !is_one_of(*reading->at, "\"\\\t\r\n"))
			reading->at++;
		if (peek(reading) != '"')
			return refuse(
				reading, from,
				"a name in quotes is not closed, or holds a backslash or a tab");
		if (!is_named(from + 1, reading->at))
			return refuse(reading, from, "a name is empty or only marks");
		reading->at++;
		return check_bytes(reading, from);
	}
	bool says_something = false;
	while (is_letter(peek(reading)) || is_one_of(peek(reading), "0123456789_-./ ")) {
		says_something = says_something || !is_one_of(*reading->at, ". ");
		reading->at++;
	}
	if (!says_something)
		return refuse(reading, from,
			      "expected a name (comments begin with # or //; other names than "
			      "letters, digits, _ - . / need quotes)");
	return 0;
}

static bool is_code_point(const struct reading *reading)
{
	return begins(reading, "\\u") && reading->end - reading->at > 2 &&
	       is_one_of(reading->at[2], "0123456789abcdefABCDEF");
}

static int read_quoted(struct reading *reading)
{
	const char *from = reading->at++;

	while (reading->at < reading->end && !is_one_of(*reading->at, "\"\n")) {
		bool is_escape = *reading->at == '\\' && reading->end - reading->at > 1 &&
				 reading->at[1] != '\n';

		if (is_code_point(reading))
			return refuse(
				reading, reading->at,
				"a \\u in quotes, which clearml-agent leaves as it stands: write "
				"the character itself");
		if (*reading->at == '\\' && !is_escape)
			break;
		reading->at += is_escape ? 2 : 1;
	}
	if (peek(reading) != '"')
		return refuse(reading, from, "a text in quotes does not end in its line");
	reading->at++;
	return check_bytes(reading, from);
}

/* All quotes at its end are its own, but for the last three. */
static int read_triple_quoted(struct reading *reading)
{
	static const char quotes[] = "\"\"\"";
	const char *from = reading->at;

	reading->at += strlen(quotes);
	while (reading->at < reading->end && !begins(reading, quotes))
		reading->at++;
	if (reading->at == reading->end)
		return refuse(reading, from, "a text in three quotes is not closed");
	skip_all_of(reading, "\"");
	return check_bytes(reading, from);
}

static int read_substitution(struct reading *reading)
{
	const char *from = reading->at;

	reading->at += strlen("${");
	if (peek(reading) == '?')
		reading->at++;
	const char *name = reading->at;
	while (reading->at < reading->end && !is_one_of(*reading->at, "}{$\"\r\n"))
		reading->at++;
	if (peek(reading) != '}' || reading->at == name)
		return refuse(reading, from, "a ${ is empty or not closed");
	reading->at++;
	return check_bytes(reading, from);
}

/* What may follow a number: else its letters are a text. */
static bool ends_number(const struct reading *reading, const char *at)
{
	while (at < reading->end && is_one_of(*at, " \t"))
		at++;
	if (at == reading->end || is_one_of(*at, "$}],#\n\r"))
		return true;
	return reading->end - at > 1 && at[0] == '/' && at[1] == '/';
}

static const char *after_digits(const struct reading *reading, const char *at)
{
	while (at < reading->end && is_one_of(*at, digits))
		at++;
	return at;
}

/* Past the number that begins here; NULL: there is none. Only a number holds a +. */
static const char *after_number(const struct reading *reading)
{
	const char *at = reading->at + is_one_of(peek(reading), "+-");
	const char *whole = after_digits(reading, at);
	const char *past = whole;

	if (past < reading->end && *past == '.')
		past = after_digits(reading, past + 1);
	if (past == at || past[-1] == '.')
		return NULL;
	if (past < reading->end && is_one_of(*past, "eE")) {
		const char *power = past + 1;

		if (power < reading->end && is_one_of(*power, "+-"))
			power++;
		past = after_digits(reading, power) > power ? after_digits(reading, power) : past;
	}
	return ends_number(reading, past) ? past : NULL;
}

static int read_unquoted(struct reading *reading)
{
	const char *from = reading->at;
	const char *past = after_number(reading);

	if (past) {
		reading->at = past;
		return 0;
	}
	while (reading->at < reading->end &&
	       !is_one_of(*reading->at, " \t\r\n\v\f^`+?!@*&\"[]{}#,=$")) {
		bool is_escape = *reading->at == '\\';

		if (is_escape && (reading->end - reading->at < 2 || reading->at[1] == '\n'))
			break;
		reading->at += is_escape ? 2 : 1;
	}
	if (reading->at == from)
		return refuse(reading, from, "a value with this character needs quotes");
	return check_bytes(reading, from);
}

/* ---- structure ---- */

/* NOLINTBEGIN(misc-no-recursion): HOCON_DEPTH_MAX ends it. */

static bool skip_word(struct reading *reading)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!is_keyword(reading, reading->at, words[i]))
			continue;
		reading->at += strlen(words[i]);
		return true;
	}
	return false;
}

static int read_part(struct reading *reading, enum kind *kind)
{
	char first = peek(reading);

	*kind = KIND_TEXT;
	if (is_include(reading))
		return refuse_include(reading);
	if (first == '{' || first == '[') {
		*kind = first == '{' ? KIND_OBJECT : KIND_LIST;
		return read_container(reading);
	}
	if (skip_word(reading)) {
		*kind = KIND_WORD;
		return 0;
	}
	if (begins(reading, "${")) {
		*kind = KIND_UNKNOWN;
		return read_substitution(reading);
	}
	if (begins(reading, "\"\"\""))
		return read_triple_quoted(reading);
	return first == '"' ? read_quoted(reading) : read_unquoted(reading);
}

/* To the end of the line, a comma or a closing mark; more lines where a backslash ends one. */
static int read_value(struct reading *reading)
{
	enum kind kind = KIND_NONE, part;

	for (;;) {
		skip_all_of(reading, " \t");
		if (begins(reading, "\\\n")) {
			reading->at++;
			skip_all_of(reading, "\r\n");
			continue;
		}
		if (reading->at == reading->end || is_one_of(*reading->at, "\r\n,}]") ||
		    is_comment(reading))
			return 0;
		const char *from = reading->at;
		if (read_part(reading, &part) < 0)
			return -1;
		if (kind && (kind == KIND_WORD || part == KIND_WORD))
			return refuse(reading, from,
				      "true, false or null is part of a longer value, which needs "
				      "quotes then");
		if (kind && kind != KIND_UNKNOWN && part != KIND_UNKNOWN && part != kind)
			return refuse(reading, from,
				      "a value is of two kinds: what comes next needs a line of "
				      "its own, or a comma before it");
		kind = kind && part == KIND_UNKNOWN ? kind : part;
	}
}

static int read_member(struct reading *reading)
{
	const char *from = reading->at;

	if (is_include(reading))
		return refuse_include(reading);
	if (read_name(reading) < 0)
		return -1;
	skip_gap(reading, false);
	if (peek(reading) == '{')
		return read_container(reading);
	if (begins(reading, "+="))
		reading->at += 2;
	else if (is_one_of(peek(reading), "=:"))
		reading->at++;
	else
		return refuse(reading, from, "after a name = or : or += or { is expected");
	skip_gap(reading, false);
	return read_value(reading);
}

/* Up to the mark that ends them, or to the end. */
static int read_members(struct reading *reading, bool are_items, char closing)
{
	for (;;) {
		skip_gap(reading, true);
		if (reading->at == reading->end || *reading->at == closing)
			return 0;
		if (is_one_of(*reading->at, "}]"))
			return refuse(reading, reading->at, "a } or ] closes nothing");
		if ((are_items ? read_value(reading) : read_member(reading)) < 0)
			return -1;
	}
}

/* An object or a list, from its opening mark on. */
static int read_container(struct reading *reading)
{
	const char *from = reading->at++;
	bool is_list = *from == '[';

	if (reading->depth == HOCON_DEPTH_MAX)
		return refuse(reading, from, "nested too deep");
	reading->depth++;
	if (read_members(reading, is_list, is_list ? ']' : '}') < 0)
		return -1;
	reading->depth--;
	if (reading->at == reading->end)
		return refuse(reading, from, is_list ? "a [ is not closed" : "a { is not closed");
	reading->at++;
	return 0;
}

/* NOLINTEND(misc-no-recursion) */

int hocon_check(struct slice text, struct slice *members, struct error *err)
{
	struct reading reading = { text.ptr, text.ptr, text.ptr + text.len, 0, err };
	struct slice found = text;

	if (!text.len) {
		*members = text;
		return 0;
	}
	skip_gap(&reading, false);
	if (peek(&reading) == '{') {
		const char *from = reading.at + 1;

		if (read_container(&reading) < 0)
			return -1;
		found = (struct slice){ from, (size_t)(reading.at - 1 - from) };
		skip_gap(&reading, true);
		if (reading.at != reading.end)
			return refuse(&reading, reading.at,
				      "more follows the } that closes the whole");
	} else if (read_members(&reading, false, '\0') < 0) {
		return -1;
	} else if (reading.at != reading.end) {
		return refuse(&reading, reading.at, "holds a control character");
	}
	*members = found;
	return 0;
}
