#include "common/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_cjson.h"
#include "common/json_scan.h"
#include "common/secret.h"

/* 2^53: from here on a double no longer holds every whole number. */
#define INTEGER_MAX 9007199254740992.0

/* A text without comments and without a byte order mark: what cJSON can read. */
struct plain {
	char *bytes;
	size_t len;
};

static void plain_release(struct plain *plain)
{
	secret_wipe(plain->bytes, plain->len);
	free(plain->bytes);
	*plain = (struct plain){ 0 };
}

static struct slice plain_slice(const struct plain *plain)
{
	return (struct slice){ plain->bytes, plain->len };
}

static struct slice without_mark(struct slice text)
{
	if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0)
		return (struct slice){ text.ptr + 3, text.len - 3 };
	return text;
}

static int fail_at(struct slice text, const struct json_fault *fault, struct error *err)
{
	unsigned line, column;

	json_scan_position(text, fault->at, &line, &column);
	return error_set(err, ERROR_MALFORMED, "line %u, column %u: %s", line, column,
			 fault->message);
}

/* --- Names that are there twice: cJSON keeps both, and who reads takes the first. */

struct member {
	const char *name;
	size_t number; /* as json_scan counts values */
};

static int compare_members(const void *left, const void *right)
{
	const struct member *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : (a->number > b->number) - (a->number < b->number);
}

static const struct member *second_of_a_name(struct member *members, size_t count)
{
	qsort(members, count, sizeof(*members), compare_members);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(members[i - 1].name, members[i].name) == 0)
			return &members[i];
	}
	return NULL;
}

/* NOLINTBEGIN(misc-no-recursion): no deeper than JSON_DEPTH_MAX, or than we built. */

/* Counts value and all inside it on *number. True: *twice is a member whose name was there. */
static bool has_name_twice(const cJSON *value, size_t *number, struct member *twice)
{
	size_t count = cJSON_IsObject(value) ? json_count(json_of(value)) : 0;
	struct member *members = count ? memory_array(count, sizeof(*members)) : NULL;
	const struct member *second = NULL;
	bool is_found = false;
	size_t i = 0;

	++*number;
	for (const cJSON *part = value->child; part && !is_found; part = part->next) {
		if (members)
			members[i++] = (struct member){ part->string, *number };
		is_found = has_name_twice(part, number, twice);
	}
	if (!is_found && members)
		second = second_of_a_name(members, count);
	if (second)
		*twice = *second;
	free(members);
	return is_found || second;
}

/* NOLINTEND(misc-no-recursion) */

static int refuse_twice(struct slice plain, struct slice text, const cJSON *root, struct error *err)
{
	struct member twice;
	size_t number = 0;

	if (!has_name_twice(root, &number, &twice))
		return 0;
	SCOPED(buf) struct buf name = BUF(SIZE_MAX);
	struct json_fault fault = { .at = json_scan_place(plain, twice.number).name_at };

	json_path_add_name(&name, twice.name);
	snprintf(fault.message, sizeof(fault.message), "the name %.50s is there twice",
		 buf_text(&name));
	return fail_at(text, &fault, err);
}

/* plain is text with its comments blanked: what is where is the same in both. */
static int parse(struct slice plain, struct slice text, struct json_document *out,
		 struct error *err)
{
	struct json_fault fault;

	if (json_scan_check(plain, &fault) < 0)
		return fail_at(text, &fault, err);
	struct json_document parsed = { json_own(
		cJSON_ParseWithLengthOpts(plain.ptr, plain.len, NULL, false)) };
	if (!parsed.root)
		return error_set(err, ERROR_SYSTEM, "no memory to parse %zu bytes of JSON",
				 plain.len);
	if (refuse_twice(plain, text, json_item(parsed.root), err) < 0) {
		json_document_wipe(&parsed);
		return -1;
	}
	*out = parsed;
	return 0;
}

int json_parse(struct slice text, struct json_document *out, struct error *err)
{
	text = without_mark(text);
	return parse(text, text, out, err);
}

/* The caller releases *plain in any case. */
static int blank(struct slice text, struct plain *plain, struct error *err)
{
	struct json_fault fault;

	*plain = (struct plain){ memory_text(text), text.len };
	if (json_scan_blank(plain->bytes, plain->len, &fault) < 0)
		return fail_at(text, &fault, err);
	return 0;
}

int json_parse_commented(struct slice text, struct json_document *out, struct error *err)
{
	SCOPED(plain) struct plain plain = { 0 };

	text = without_mark(text);
	if (blank(text, &plain, err) < 0)
		return -1;
	return parse(plain_slice(&plain), text, out, err);
}

void json_document_release(struct json_document *document)
{
	cJSON_Delete(json_own_item(document->root));
	document->root = NULL;
}

static void wipe_text(char *text)
{
	if (text)
		secret_wipe(text, strlen(text));
}

static void wipe(cJSON *value) /* NOLINT(misc-no-recursion): the same */
{
	wipe_text(value->string);
	wipe_text(value->valuestring);
	for (cJSON *part = value->child; part; part = part->next)
		wipe(part);
}

void json_document_wipe(struct json_document *document)
{
	if (document->root)
		wipe(json_own_item(document->root));
	json_document_release(document);
}

/* --- Looking at one value. */

enum json_kind json_kind(const struct json *value)
{
	const cJSON *item = json_item(value);

	if (cJSON_IsBool(item))
		return JSON_BOOL;
	if (cJSON_IsNumber(item))
		return JSON_NUMBER;
	if (cJSON_IsString(item))
		return JSON_TEXT;
	if (cJSON_IsArray(item))
		return JSON_LIST;
	return cJSON_IsObject(item) ? JSON_OBJECT : JSON_NULL;
}

const char *json_kind_name(enum json_kind kind)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",	[JSON_BOOL] = "true or false", [JSON_NUMBER] = "a number",
		[JSON_TEXT] = "a text", [JSON_LIST] = "a list",	       [JSON_OBJECT] = "an object",
	};

	return names[kind];
}

const char *json_text_value(const struct json *value)
{
	return cJSON_GetStringValue(json_item(value));
}

double json_number_value(const struct json *value)
{
	return value && cJSON_IsNumber(json_item(value)) ? json_item(value)->valuedouble : 0;
}

bool json_bool_value(const struct json *value)
{
	return cJSON_IsTrue(json_item(value));
}

size_t json_count(const struct json *list)
{
	return list ? (size_t)cJSON_GetArraySize(json_item(list)) : 0;
}

const struct json *json_first(const struct json *container)
{
	return container ? json_of(json_item(container)->child) : NULL;
}

const struct json *json_next(const struct json *member)
{
	return member ? json_of(json_item(member)->next) : NULL;
}

const char *json_name(const struct json *member)
{
	return member ? json_item(member)->string : NULL;
}

/* --- Walking a path. */

/* The bytes of path that are the step to this member, 0 when it is another one's. */
static size_t step_to_member(const struct json *member, const char *path)
{
	const char *name = json_name(member);

	if (!name)
		return 0;
	if (*path == '[') {
		SCOPED(buf) struct buf quoted = BUF(SIZE_MAX);

		json_path_quote_name(&quoted, name);
		return strncmp(path, buf_text(&quoted), quoted.len) == 0 ? quoted.len : 0;
	}
	size_t len = strcspn(path, ".[");

	return strlen(name) == len && strncmp(path, name, len) == 0 ? len : 0;
}

static const struct json *find_member(const struct json *from, const char **path)
{
	for (const struct json *part = json_first(from); part; part = json_next(part)) {
		size_t len = step_to_member(part, *path);

		if (len) {
			*path += len;
			return part;
		}
	}
	return NULL;
}

static const struct json *find_item(const struct json *from, const char **path)
{
	char *end;
	unsigned long index = strtoul(*path + 1, &end, 10);
	const struct json *part = json_kind(from) == JSON_LIST ? json_first(from) : NULL;

	if (*end != ']')
		return NULL;
	for (; part && index; index--)
		part = json_next(part);
	*path = end + 1;
	return part;
}

const struct json *json_find(const struct json *from, const char *path)
{
	while (from && *path) {
		bool is_index = path[0] == '[' && path[1] >= '0' && path[1] <= '9';

		from = is_index ? find_item(from, &path) : find_member(from, &path);
		if (from && *path == '.' && path[1])
			path++;
		else if (*path && *path != '[')
			return NULL;
	}
	return from;
}

/* Adds what begins before wanted, looking into value, to *number.
 * NOLINTNEXTLINE(misc-no-recursion): the same */
static bool has_number(const struct json *value, const struct json *wanted, size_t *number)
{
	if (value == wanted)
		return true;
	++*number;
	for (const struct json *part = json_first(value); part; part = json_next(part)) {
		if (has_number(part, wanted, number))
			return true;
	}
	return false;
}

unsigned json_line_of(struct slice text, const char *path, bool is_name)
{
	SCOPED(plain) struct plain plain = { 0 };
	SCOPED(json_document) struct json_document document = { 0 };
	struct error ignored;
	size_t number = 0;
	unsigned line, column;

	text = without_mark(text);
	if (blank(text, &plain, &ignored) < 0 ||
	    parse(plain_slice(&plain), text, &document, &ignored) < 0)
		return 0;
	const struct json *value = json_find(document.root, path);

	if (!value || !has_number(document.root, value, &number))
		return 0;
	struct json_place place = json_scan_place(plain_slice(&plain), number);

	json_scan_position(text, is_name ? place.name_at : place.value_at, &line, &column);
	return line;
}

/* --- Typed reading. */

static int fail_kind(const char *path, const char *expected, const struct json *value,
		     struct error *err)
{
	const char *colon = *path ? ": " : "";

	if (!value)
		return error_set(err, ERROR_MALFORMED, "%s%sexpected %s, it is missing", path,
				 colon, expected);
	return error_set(err, ERROR_MALFORMED, "%s%sexpected %s, got %s", path, colon, expected,
			 json_kind_name(json_kind(value)));
}

static const struct json *find_kind(const struct json *from, const char *path, enum json_kind kind,
				    struct error *err)
{
	const struct json *value = json_find(from, path);

	if (value && json_kind(value) == kind)
		return value;
	(void)fail_kind(path, json_kind_name(kind), value, err);
	return NULL;
}

int json_text(const struct json *from, const char *path, const char **out, struct error *err)
{
	const struct json *value = find_kind(from, path, JSON_TEXT, err);

	if (!value)
		return -1;
	*out = json_text_value(value);
	return 0;
}

static bool is_whole(double number)
{
	return fabs(number) <= INTEGER_MAX && floor(number) == number;
}

int json_integer(const struct json *from, const char *path, int64_t *out, struct error *err)
{
	const struct json *value = json_find(from, path);

	if (!value || json_kind(value) != JSON_NUMBER)
		return fail_kind(path, "a whole number", value, err);
	if (!is_whole(json_number_value(value)))
		return error_set(err, ERROR_MALFORMED,
				 "%s%sexpected a whole number of at most 2^53, got %g", path,
				 *path ? ": " : "", json_number_value(value));
	*out = (int64_t)json_number_value(value);
	return 0;
}

static int find_container(const struct json *from, const char *path, enum json_kind kind,
			  const struct json **out, struct error *err)
{
	const struct json *value = find_kind(from, path, kind, err);

	if (!value)
		return -1;
	*out = value;
	return 0;
}

int json_list(const struct json *from, const char *path, const struct json **out, struct error *err)
{
	return find_container(from, path, JSON_LIST, out, err);
}

int json_object(const struct json *from, const char *path, const struct json **out,
		struct error *err)
{
	return find_container(from, path, JSON_OBJECT, out, err);
}

const char *json_text_or(const struct json *from, const char *path, const char *fallback)
{
	const char *text = json_text_value(json_find(from, path));

	return text ? text : fallback;
}

int64_t json_integer_or(const struct json *from, const char *path, int64_t fallback)
{
	struct error ignored;
	int64_t number = fallback;

	return json_integer(from, path, &number, &ignored) < 0 ? fallback : number;
}

bool json_bool_or(const struct json *from, const char *path, bool fallback)
{
	const struct json *value = json_find(from, path);

	return json_kind(value) == JSON_BOOL ? json_bool_value(value) : fallback;
}
