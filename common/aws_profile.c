#include "common/aws_profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/file.h"

/* Where a reader is in a text, and what it is in. */
struct cursor {
	struct slice rest;
	unsigned line; /* of what was read last, from 1 */
	struct slice section; /* between the brackets; ptr NULL: none yet */
	bool is_below_key; /* an indented line has something to belong to */
	bool is_nested; /* that something has no value of its own */
};

enum kind { KIND_NOTHING, KIND_SECTION, KIND_KEY, KIND_NESTED, KIND_MORE, KIND_ODD };

/* One line, as it was understood. */
struct line {
	enum kind kind;
	struct slice name, value; /* of a key */
	const char *problem; /* of KIND_ODD */
};

/* --- Words. */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct slice trim(struct slice text)
{
	while (text.len && is_blank(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len && is_blank(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

/* A comment begins the line, or stands behind a blank. */
static struct slice without_comment(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		bool is_mark = text.ptr[i] == '#' || text.ptr[i] == ';';

		if (is_mark && (!i || is_blank(text.ptr[i - 1])))
			return (struct slice){ text.ptr, i };
	}
	return text;
}

static bool is_name(struct slice text, const char *name)
{
	return text.len && text.len == strlen(name) && !strncasecmp(text.ptr, name, text.len);
}

static bool is_same(struct slice a, struct slice b)
{
	return a.len == b.len && (!a.len || !memcmp(a.ptr, b.ptr, a.len));
}

/* --- Lines. */

static struct slice take_line(struct cursor *cursor)
{
	const char *end = memchr(cursor->rest.ptr, '\n', cursor->rest.len);
	size_t len = end ? (size_t)(end - cursor->rest.ptr) : cursor->rest.len;
	struct slice line = { cursor->rest.ptr, len };

	cursor->rest.ptr += len + (end ? 1 : 0);
	cursor->rest.len -= len + (end ? 1 : 0);
	cursor->line++;
	return line;
}

static struct line odd(const char *problem)
{
	return (struct line){ .kind = KIND_ODD, .problem = problem };
}

static struct line read_section(struct cursor *cursor, struct slice text)
{
	const char *end = memchr(text.ptr, ']', text.len);

	if (!end)
		return odd("a [ is not closed");
	struct slice inner = trim((struct slice){ text.ptr + 1, (size_t)(end - text.ptr) - 1 });
	struct slice behind = { end + 1, (size_t)(text.ptr + text.len - end) - 1 };
	struct slice rest = trim(behind);

	if (!inner.len)
		return odd("a section without a name");
	if (rest.len && rest.ptr[0] != '#' && rest.ptr[0] != ';')
		return odd("something stands behind the ]");
	cursor->section = inner;
	cursor->is_below_key = false;
	return (struct line){ .kind = KIND_SECTION };
}

static struct line split(struct slice text, enum kind kind)
{
	const char *equals = memchr(text.ptr, '=', text.len);

	if (!equals)
		return odd("expected name = value");
	size_t name_len = (size_t)(equals - text.ptr);
	struct slice value = { equals + 1, text.len - name_len - 1 };
	struct line line = { .kind = kind,
			     .name = trim((struct slice){ text.ptr, name_len }),
			     .value = trim(without_comment(value)) };

	return line.name.len ? line : odd("a value without a name");
}

static struct line read_indented(const struct cursor *cursor, struct slice text)
{
	if (!cursor->section.ptr)
		return odd("it stands before any [section]");
	if (!cursor->is_below_key)
		return odd("it is indented, and no key stands above it");
	if (cursor->is_nested)
		return split(text, KIND_NESTED);
	return (struct line){ .kind = KIND_MORE, .value = trim(without_comment(text)) };
}

static struct line read_line(struct cursor *cursor)
{
	struct slice text = take_line(cursor);
	struct slice plain = trim(text);

	if (!plain.len || plain.ptr[0] == '#' || plain.ptr[0] == ';')
		return (struct line){ .kind = KIND_NOTHING };
	if (memchr(plain.ptr, '\0', plain.len))
		return odd("it holds a NUL");
	if (is_blank(text.ptr[0]))
		return read_indented(cursor, plain);
	if (plain.ptr[0] == '[')
		return read_section(cursor, plain);
	if (!cursor->section.ptr)
		return odd("it stands before any [section]");
	struct line line = split(plain, KIND_KEY);

	cursor->is_below_key = line.kind == KIND_KEY;
	cursor->is_nested = line.kind == KIND_KEY && !line.value.len;
	return line;
}

/* Windows' editors put a byte order mark first. */
static struct cursor begin(struct slice text)
{
	if (text.len >= 3 && !memcmp(text.ptr, "\xef\xbb\xbf", 3))
		text = (struct slice){ text.ptr + 3, text.len - 3 };
	return (struct cursor){ .rest = text };
}

int aws_profile_check(struct slice text, struct error *err)
{
	struct cursor cursor = begin(text);

	while (cursor.rest.len) {
		struct line line = read_line(&cursor);

		if (line.kind == KIND_ODD)
			return error_set(err, ERROR_CONFIGURATION, "line %u: %s", cursor.line,
					 line.problem);
	}
	return 0;
}

/* --- Sections. */

/* "profile NAME" and "services NAME", the name perhaps in quotes: takes the word away. */
static bool has_word(struct slice section, const char *word, struct slice *name)
{
	size_t len = strlen(word);

	if (section.len <= len || memcmp(section.ptr, word, len) != 0 ||
	    !is_blank(section.ptr[len]))
		return false;
	struct slice rest = trim((struct slice){ section.ptr + len, section.len - len });
	bool is_quoted = rest.len >= 2 && rest.ptr[0] == rest.ptr[rest.len - 1] &&
			 (rest.ptr[0] == '"' || rest.ptr[0] == '\'');

	*name = is_quoted ? (struct slice){ rest.ptr + 1, rest.len - 2 } : rest;
	return true;
}

/* What is looked for in one file. */
struct wanted {
	bool is_config;
	const char *word; /* "profile" or "services" */
	struct slice name; /* of the section */
	const char *outer; /* the key it is nested in; NULL: none */
	const char *key; /* NULL: the section itself */
};

static bool is_wanted(const struct wanted *wanted, struct slice section)
{
	struct slice name;

	if (!section.ptr)
		return false;
	if (!wanted->is_config)
		return is_same(section, wanted->name);
	if (has_word(section, wanted->word, &name))
		return is_same(name, wanted->name);
	return slice_equals(section, "default") && is_same(section, wanted->name) &&
	       !strcmp(wanted->word, "profile");
}

/* What a line makes of what was found so far. */
struct finding {
	struct slice value; /* ptr NULL: nothing yet */
	struct slice outer; /* the key above */
	bool is_open; /* a further line belongs to it */
};

static void take(const struct wanted *wanted, const struct line *line, struct finding *finding)
{
	bool is_nested = line->kind == KIND_NESTED;

	if (line->kind == KIND_KEY)
		finding->outer = line->name;
	if (line->kind == KIND_MORE) {
		if (finding->is_open && line->value.len)
			finding->value.len =
				(size_t)(line->value.ptr + line->value.len - finding->value.ptr);
		return;
	}
	bool is_it = is_nested == (wanted->outer != NULL) &&
		     (!is_nested || is_name(finding->outer, wanted->outer)) &&
		     is_name(line->name, wanted->key);

	finding->is_open = is_it && !is_nested;
	if (is_it)
		finding->value = line->value;
}

static bool find(struct slice text, const struct wanted *wanted, struct slice *out)
{
	struct cursor cursor = begin(text);
	struct finding finding = { 0 };
	bool is_there = false;

	while (cursor.rest.len) {
		struct line line = read_line(&cursor);

		if (!is_wanted(wanted, cursor.section) || line.kind == KIND_ODD)
			continue;
		is_there = true;
		if (wanted->key && line.kind != KIND_NOTHING && line.kind != KIND_SECTION)
			take(wanted, &line, &finding);
	}
	if (!wanted->key)
		return is_there;
	if (!finding.value.len)
		return false;
	*out = finding.value;
	return true;
}

bool aws_profile_exists(const struct aws_profiles *profiles, const char *profile)
{
	struct wanted wanted = { .word = "profile", .name = slice_of(profile) };
	struct slice none;

	if (find(buf_slice(&profiles->credentials), &wanted, &none))
		return true;
	wanted.is_config = true;
	return find(buf_slice(&profiles->config), &wanted, &none);
}

bool aws_profile_find(const struct aws_profiles *profiles, const char *profile, const char *key,
		      struct slice *out)
{
	struct wanted wanted = { .word = "profile", .name = slice_of(profile), .key = key };

	if (find(buf_slice(&profiles->credentials), &wanted, out))
		return true;
	wanted.is_config = true;
	return find(buf_slice(&profiles->config), &wanted, out);
}

bool aws_profile_find_service(const struct aws_profiles *profiles, struct slice section,
			      const char *service, const char *key, struct slice *out)
{
	const struct wanted wanted = {
		.is_config = true, .word = "services", .name = section, .outer = service, .key = key
	};

	return find(buf_slice(&profiles->config), &wanted, out);
}

/* --- Files. */

/* The variable's word, or FILE in the home folder; "" without either. */
static int find_path(const char *variable, const char *file, char out[static 256],
		     struct error *err)
{
	const char *given = getenv(variable); /* NOLINT(concurrency-mt-unsafe): one thread */
	const char *home = getenv("HOME"); /* NOLINT(concurrency-mt-unsafe) */
	bool is_home = !given || !*given || !strncmp(given, "~/", 2);
	const char *rest = given && *given ? given + 2 : file;

	*out = '\0';
	if (is_home && (!home || !*home))
		return 0;
	int len =
		is_home ? snprintf(out, 256, "%s/%s", home, rest) : snprintf(out, 256, "%s", given);

	if (len >= 256)
		return error_set(err, ERROR_CONFIGURATION, "%s: its path is longer than 255 bytes",
				 variable);
	return 0;
}

static int load(const char *path, struct buf *out, struct error *err)
{
	struct error problem;

	if (!*path)
		return 0;
	if (file_read(path, out, &problem) < 0) {
		if (problem.class == ERROR_NOT_FOUND)
			return 0;
		return error_set(err, ERROR_CONFIGURATION, "%s", problem.message);
	}
	if (aws_profile_check(buf_slice(out), err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

int aws_profiles_load(struct aws_profiles *out, struct error *err)
{
	*out = (struct aws_profiles){ .config = BUF(AWS_PROFILE_FILE_BYTES),
				      .credentials = BUF(AWS_PROFILE_FILE_BYTES) };
	if (find_path("AWS_CONFIG_FILE", ".aws/config", out->config_path, err) < 0 ||
	    find_path("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", out->credentials_path,
		      err) < 0 ||
	    load(out->config_path, &out->config, err) < 0 ||
	    load(out->credentials_path, &out->credentials, err) < 0) {
		aws_profiles_release(out);
		return -1;
	}
	return 0;
}

void aws_profiles_release(struct aws_profiles *profiles)
{
	buf_release(&profiles->config);
	buf_release(&profiles->credentials);
	*profiles = (struct aws_profiles){ 0 };
}
