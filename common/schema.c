#include "common/schema.h"

#include <math.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/schema_verify.h"
#include "common/schema_words.h"

/* Legal nesting is 64 levels of a document, each through a few $ref and oneOf. */
enum { DEPTH_MAX = 512 };

/* Words for unknown names cost time; nobody reads those of the hundredth. */
enum { SUGGESTIONS_MAX = 100 };

/*
 * How much a finding says that another alternative of a oneOf was meant: the one
 * with the least sum is the one whose findings are told.
 */
enum weight {
	WEIGHT_DETAIL = 1, /* right kind, wrong value */
	WEIGHT_NEAR_NAME = 5, /* a misspelt name of this alternative */
	WEIGHT_NAME = 10, /* a name of another one, or one of this missing */
	WEIGHT_CONSTANT = 100, /* "type": "gcs" where this one has "s3" */
	WEIGHT_KIND = 1000, /* a text where this one is an object */
};

struct check {
	const struct json *schema; /* the root: where $ref looks */
	struct slice text;
	struct findings *out;
	size_t total; /* findings, those beyond out's room too */
	size_t weight; /* of the findings */
	size_t alternative_at; /* length of path at which the tried alternative begins */
	unsigned trials; /* > 0: findings are weighed, not told */
	unsigned depth;
	unsigned suggestions;
	bool is_secret; /* the value is not to be repeated */
	bool is_endless; /* a $ref that leads to itself */
	struct buf path;
};

static void check_value(struct check *check, const struct json *schema, const struct json *value);

/* --- Telling what is wrong. */

static void path_back_to(struct buf *path, size_t len)
{
	path->len = len;
	if (path->bytes)
		path->bytes[len] = '\0';
}

static void find_at(struct check *check, enum weight weight, unsigned line, const char *message)
{
	check->total++;
	check->weight += weight;
	if (check->trials || check->out->count == SCHEMA_MAX_FINDINGS)
		return;
	struct finding *finding = &check->out->list[check->out->count++];

	finding->line = line;
	text_cut(finding->path, sizeof(finding->path),
		 check->path.len ? buf_text(&check->path) : "top level");
	text_cut(finding->message, sizeof(finding->message), message);
}

static bool is_telling(const struct check *check)
{
	return !check->trials && check->out->count < SCHEMA_MAX_FINDINGS;
}

static unsigned line_of(const struct check *check, bool is_name)
{
	if (!is_telling(check))
		return 0;
	return json_line_of(check->text, buf_text(&check->path), is_name);
}

static void find(struct check *check, enum weight weight, const char *fmt, ...) PRINTF(3, 4);

static void find(struct check *check, enum weight weight, const char *fmt, ...)
{
	char message[sizeof(((struct finding *)NULL)->message)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	find_at(check, weight, line_of(check, false), message);
}

static bool is_container(const struct json *value)
{
	return json_kind(value) == JSON_LIST || json_kind(value) == JSON_OBJECT;
}

/* What is there instead. A text where a container belongs is not repeated: it may be a key
 * that was put where a reference to one is expected. */
static struct schema_shown show_got(const struct check *check, const struct json *value,
				    bool wants_container)
{
	bool is_hidden = check->is_secret || is_container(value) ||
			 (wants_container && json_kind(value) == JSON_TEXT);
	struct schema_shown shown = { "" };

	if (!is_hidden)
		return schema_show(value);
	text_cut(shown.text, sizeof(shown.text), json_kind_name(json_kind(value)));
	return shown;
}

/* --- Kinds and values. */

static bool check_type(struct check *check, const struct json *schema, const struct json *value)
{
	const struct json *types = schema_member(schema, "type");
	SCOPED(buf) struct buf expected = BUF(SIZE_MAX);

	if (!types || schema_is_of_types(types, value))
		return true;
	schema_describe_types(types, &expected);
	find(check, check->path.len == check->alternative_at ? WEIGHT_KIND : WEIGHT_DETAIL,
	     "expected %s, got %s", buf_text(&expected),
	     show_got(check, value, schema_takes_container(schema)).text);
	return false;
}

/* Objects compare as they are written: the order of names counts. */
static bool is_same(const struct json *a, const struct json *b)
{
	SCOPED(buf) struct buf left = BUF(SIZE_MAX);
	SCOPED(buf) struct buf right = BUF(SIZE_MAX);

	json_print(a, false, &left);
	json_print(b, false, &right);
	return left.len == right.len && memcmp(left.bytes, right.bytes, left.len) == 0;
}

static const char *nearest_text(const struct json *list, const struct json *value)
{
	const char **texts = memory_array(json_count(list), sizeof(*texts));
	const char *nearest = NULL;
	size_t count = 0;

	for (const struct json *one = json_first(list); one; one = json_next(one)) {
		if (json_kind(one) == JSON_TEXT)
			texts[count++] = json_text_value(one);
	}
	if (json_kind(value) == JSON_TEXT)
		nearest = text_nearest(json_text_value(value), texts, count);
	free(texts);
	return nearest;
}

static void check_enum(struct check *check, const struct json *list, const struct json *value)
{
	SCOPED(buf) struct buf expected = BUF(SIZE_MAX);

	for (const struct json *one = json_first(list); one; one = json_next(one)) {
		if (is_same(one, value))
			return;
		schema_join(&expected, ", ", schema_show(one).text);
	}
	const char *nearest = check->is_secret ? NULL : nearest_text(list, value);

	find(check, json_count(list) == 1 ? WEIGHT_CONSTANT : WEIGHT_DETAIL,
	     "unknown value %s%s%s%s, expected one of %s", show_got(check, value, false).text,
	     nearest ? ", did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "",
	     buf_text(&expected));
}

static void check_const(struct check *check, const struct json *wanted, const struct json *value)
{
	if (!is_same(wanted, value))
		find(check, WEIGHT_CONSTANT, "expected %s, got %s", schema_show(wanted).text,
		     show_got(check, value, is_container(wanted)).text);
}

static void check_number(struct check *check, const struct json *schema, const struct json *value)
{
	double number = json_number_value(value);
	const struct json *minimum = schema_member(schema, "minimum");
	const struct json *maximum = schema_member(schema, "maximum");
	const struct json *above = schema_member(schema, "exclusiveMinimum");

	if (minimum && number < json_number_value(minimum))
		find(check, WEIGHT_DETAIL, "must be at least %s, got %s", schema_show(minimum).text,
		     show_got(check, value, false).text);
	if (maximum && number > json_number_value(maximum))
		find(check, WEIGHT_DETAIL, "must be at most %s, got %s", schema_show(maximum).text,
		     show_got(check, value, false).text);
	if (above && number <= json_number_value(above))
		find(check, WEIGHT_DETAIL, "must be more than %s, got %s", schema_show(above).text,
		     show_got(check, value, false).text);
}

static int64_t count_characters(const char *text)
{
	int64_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

/* True when the count is within limits; word is that of what is counted, in the singular. */
static bool check_count(struct check *check, const struct json *schema, const char *const names[2],
			const char *word, int64_t count)
{
	int64_t least = json_integer_or(schema_member(schema, names[0]), "", 0);
	int64_t most = json_integer_or(schema_member(schema, names[1]), "", INT64_MAX);
	int64_t limit = count < least ? least : most;

	if (count >= least && count <= most)
		return true;
	find(check, WEIGHT_DETAIL, "must have at %s %lld %s%s, has %lld",
	     count < least ? "least" : "most", (long long)limit, word, limit == 1 ? "" : "s",
	     (long long)count);
	return false;
}

static void find_no_match(struct check *check, const struct json *schema, const struct json *value)
{
	struct schema_shown got = show_got(check, value, false);
	const char *expected = json_text_value(schema_member(schema, "x-expected"));

	if (expected)
		find(check, WEIGHT_DETAIL, "expected %s, got %s", expected, got.text);
	else
		find(check, WEIGHT_DETAIL, "must match %s, got %s",
		     json_text_value(schema_member(schema, "pattern")), got.text);
}

static void check_text(struct check *check, const struct json *schema, const struct json *value)
{
	static const char *const limits[2] = { "minLength", "maxLength" };
	const char *text = json_text_value(value);
	const struct json *pattern = schema_member(schema, "pattern");
	regex_t compiled;

	if (!check_count(check, schema, limits, "character", count_characters(text)) || !pattern)
		return;
	if (regcomp(&compiled, json_text_value(pattern), REG_EXTENDED | REG_NOSUB) != 0)
		return; /* only when memory is out: schema_verify() compiled it */
	if (regexec(&compiled, text, 0, NULL, 0) != 0)
		find_no_match(check, schema, value);
	regfree(&compiled);
}

/* --- Lists. */

struct printed {
	struct buf text;
	size_t index;
};

static int compare_printed(const void *left, const void *right)
{
	const struct printed *a = left, *b = right;
	int order = strcmp(buf_text(&a->text), buf_text(&b->text));

	return order ? order : (a->index > b->index) - (a->index < b->index);
}

static void check_unique(struct check *check, const struct json *list)
{
	size_t count = json_count(list);
	struct printed *items = memory_array(count, sizeof(*items));
	size_t i = 0;

	for (const struct json *item = json_first(list); item; item = json_next(item), i++) {
		items[i] = (struct printed){ BUF(SIZE_MAX), i };
		json_print(item, false, &items[i].text);
	}
	qsort(items, count, sizeof(*items), compare_printed);
	for (i = 1; i < count; i++) {
		size_t mark = check->path.len;

		if (strcmp(buf_text(&items[i - 1].text), buf_text(&items[i].text)) != 0)
			continue;
		json_path_add_index(&check->path, items[i].index);
		find(check, WEIGHT_DETAIL, "the same as [%zu], each may be there once",
		     items[i - 1].index);
		path_back_to(&check->path, mark);
	}
	for (i = 0; i < count; i++)
		buf_release(&items[i].text);
	free(items);
}

/* NOLINTBEGIN(misc-no-recursion): DEPTH_MAX ends it. */

static void check_list(struct check *check, const struct json *schema, const struct json *list)
{
	static const char *const limits[2] = { "minItems", "maxItems" };
	const struct json *items = schema_member(schema, "items");
	size_t mark = check->path.len;
	size_t index = 0;

	(void)check_count(check, schema, limits, "item", (int64_t)json_count(list));
	if (json_bool_value(schema_member(schema, "uniqueItems")) && json_count(list))
		check_unique(check, list);
	if (!items)
		return;
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		json_path_add_index(&check->path, index++);
		check_value(check, items, item);
		path_back_to(&check->path, mark);
	}
}

/* --- Objects. */

/* The names that the schema has: what a misspelt one may mean. */
struct absent {
	const char **names; /* those that the object has not, then those that it has */
	size_t count; /* of the former */
	size_t all;
};

static void absent_release(struct absent *absent)
{
	free(absent->names);
	*absent = (struct absent){ 0 };
}

static struct absent find_absent(const struct json *properties, const struct json *object)
{
	size_t all = json_count(properties);
	struct absent absent = { memory_array(all + 1, sizeof(char *)), 0, all };
	size_t end = all;

	for (const struct json *part = json_first(properties); part; part = json_next(part)) {
		if (schema_member(object, json_name(part)))
			absent.names[--end] = json_name(part);
		else
			absent.names[absent.count++] = json_name(part);
	}
	return absent;
}

static const char *suggest(struct check *check, const struct absent *absent, const char *name)
{
	if (check->suggestions == SUGGESTIONS_MAX)
		return NULL;
	check->suggestions++;
	/* Of two that are as near, the one that is missing: it comes first. */
	return text_nearest(name, absent->names, absent->all);
}

static bool is_absent(const struct absent *absent, const char *name)
{
	for (size_t i = 0; i < absent->count; i++)
		if (!strcmp(absent->names[i], name))
			return true;
	return false;
}

static void find_unknown(struct check *check, const struct json *properties,
			 const struct absent *absent, const char *name)
{
	const char *meant = suggest(check, absent, name);
	SCOPED(buf) struct buf message = BUF(SIZE_MAX);
	SCOPED(buf) struct buf known = BUF(SIZE_MAX);

	for (size_t i = 0; i < absent->count; i++)
		schema_join(&known, ", ", absent->names[i]);
	if (meant)
		buf_addf(&message, "unknown, did you mean %s%s?", meant,
			 is_absent(absent, meant) ? "" : ", which is there already");
	else if (known.len)
		buf_addf(&message, "unknown, may be: %s", buf_text(&known));
	else
		buf_addf(&message, "unknown, no %s name is expected here",
			 json_count(properties) ? "other" : "such");
	find_at(check, meant ? WEIGHT_NEAR_NAME : WEIGHT_NAME, line_of(check, true),
		buf_text(&message));
}

/* True when an unknown member is most likely this name misspelt: it was told already. */
static bool is_misspelt(struct check *check, const struct json *properties,
			const struct absent *absent, const struct json *object, const char *wanted)
{
	for (const struct json *part = json_first(object); part; part = json_next(part)) {
		if (schema_member(properties, json_name(part)))
			continue;
		const char *meant = suggest(check, absent, json_name(part));

		if (meant && strcmp(meant, wanted) == 0)
			return true;
	}
	return false;
}

static void find_missing(struct check *check, const struct json *schema, const char *name)
{
	SCOPED(buf) struct buf expected = BUF(SIZE_MAX);
	size_t mark = check->path.len;
	unsigned line = line_of(check, false); /* of the object that should have it */
	char message[128];

	schema_describe(check->schema, schema, &expected);
	snprintf(message, sizeof(message), "missing, expected %.100s", buf_text(&expected));
	json_path_add_name(&check->path, name);
	find_at(check, WEIGHT_NAME, line, message);
	path_back_to(&check->path, mark);
}

static void check_object(struct check *check, const struct json *schema, const struct json *object)
{
	const struct json *properties = schema_member(schema, "properties");
	const struct json *others = schema_member(schema, "additionalProperties");
	const struct json *required = schema_member(schema, "required");
	bool is_closed = json_kind(others) == JSON_BOOL && !json_bool_value(others);
	SCOPED(absent) struct absent absent = find_absent(properties, object);
	size_t mark = check->path.len;

	for (const struct json *part = json_first(object); part; part = json_next(part)) {
		const struct json *known = schema_member(properties, json_name(part));

		json_path_add_name(&check->path, json_name(part));
		if (known)
			check_value(check, known, part);
		else if (is_closed)
			find_unknown(check, properties, &absent, json_name(part));
		else if (json_kind(others) == JSON_OBJECT)
			check_value(check, others, part);
		path_back_to(&check->path, mark);
	}
	for (const struct json *name = json_first(required); name; name = json_next(name)) {
		const char *wanted = json_text_value(name);

		if (schema_member(object, wanted) ||
		    (is_closed && is_misspelt(check, properties, &absent, object, wanted)))
			continue;
		find_missing(check, schema_member(properties, wanted), wanted);
	}
}

/* --- Alternatives. */

/* How badly the value fits: 0 when it does. */
static size_t weigh(struct check *check, const struct json *schema, const struct json *value)
{
	struct check before = *check;

	check->trials++;
	check->weight = 0;
	check->alternative_at = check->path.len;
	check_value(check, schema, value);
	size_t weight = check->weight;

	check->trials = before.trials;
	check->weight = before.weight;
	check->alternative_at = before.alternative_at;
	check->total = before.total;
	return weight;
}

struct fit {
	const struct json *best; /* NULL: two are equally near */
	size_t weight; /* of the best */
	size_t fitting; /* how many alternatives fit */
};

static struct fit fit_alternatives(struct check *check, const struct json *list,
				   const struct json *value)
{
	struct fit fit = { .weight = SIZE_MAX };

	for (const struct json *one = json_first(list); one; one = json_next(one)) {
		size_t weight = weigh(check, one, value);

		fit.fitting += weight == 0;
		if (weight < fit.weight)
			fit.best = one;
		else if (weight == fit.weight)
			fit.best = NULL;
		fit.weight = weight < fit.weight ? weight : fit.weight;
	}
	return fit;
}

static void check_alternatives(struct check *check, const struct json *list, bool is_one,
			       const struct json *value)
{
	SCOPED(buf) struct buf forms = BUF(SIZE_MAX);
	struct fit fit = fit_alternatives(check, list, value);
	bool wants_container = false;

	if (!list || (is_one && fit.fitting == 1) || (!is_one && fit.fitting))
		return;
	for (const struct json *one = json_first(list); one; one = json_next(one)) {
		schema_describe(check->schema, one, &forms);
		wants_container |= schema_takes_container(schema_follow(check->schema, one));
	}
	if (fit.fitting)
		find(check, WEIGHT_DETAIL, "fits %zu forms where one is allowed: %s", fit.fitting,
		     buf_text(&forms));
	else if (fit.best && fit.weight < WEIGHT_KIND)
		check_value(check, fit.best, value);
	else
		find(check, fit.weight < WEIGHT_KIND ? WEIGHT_NAME : WEIGHT_KIND,
		     "expected %s, got %s", buf_text(&forms),
		     show_got(check, value, wants_container).text);
}

static void check_keywords(struct check *check, const struct json *schema, const struct json *value)
{
	const struct json *reference = schema_member(schema, "$ref");
	const struct json *list = schema_member(schema, "enum");
	const struct json *constant = schema_member(schema, "const");

	if (reference)
		check_value(check, schema_resolve(check->schema, json_text_value(reference)),
			    value);
	if (!check_type(check, schema, value))
		return;
	if (list)
		check_enum(check, list, value);
	if (constant)
		check_const(check, constant, value);
	if (json_kind(value) == JSON_NUMBER)
		check_number(check, schema, value);
	else if (json_kind(value) == JSON_TEXT)
		check_text(check, schema, value);
	else if (json_kind(value) == JSON_LIST)
		check_list(check, schema, value);
	else if (json_kind(value) == JSON_OBJECT)
		check_object(check, schema, value);
	check_alternatives(check, schema_member(schema, "oneOf"), true, value);
	check_alternatives(check, schema_member(schema, "anyOf"), false, value);
}

static void check_value(struct check *check, const struct json *schema, const struct json *value)
{
	bool was_secret = check->is_secret;

	if (check->depth == DEPTH_MAX || check->is_endless) {
		check->is_endless = true;
		return;
	}
	check->depth++;
	check->is_secret = was_secret || schema_is_secret(check->schema, schema);
	check_keywords(check, schema, value);
	check->is_secret = was_secret;
	check->depth--;
}

/* NOLINTEND(misc-no-recursion) */

/* --- The whole. */

static int conclude(const struct check *check, const char *source, struct error *err)
{
	const struct finding *first = &check->out->list[0];
	char line[16] = "", more[40] = "";

	if (!check->total)
		return 0;
	if (first->line)
		snprintf(line, sizeof(line), "%u:", first->line);
	if (check->total > 1)
		snprintf(more, sizeof(more), " (and %zu more)", check->total - 1);
	return error_set(err, ERROR_CONFIGURATION, "%s:%s %s: %s%s", source, line, first->path,
			 first->message, more);
}

int schema_check(struct slice schema, const struct json *document, const char *source,
		 struct slice text, struct findings *out, struct error *err)
{
	SCOPED(json_document) struct json_document parsed = { 0 };
	struct check check = { .text = text, .out = out, .path = BUF(SIZE_MAX) };

	out->count = 0;
	if (json_parse(schema, &parsed, err) < 0) {
		err->class = ERROR_SYSTEM;
		return error_wrap(err, "in our schema");
	}
	if (schema_verify(parsed.root, err) < 0)
		return -1;
	check.schema = parsed.root;
	check_value(&check, parsed.root, document);
	buf_release(&check.path);
	if (check.is_endless)
		return error_set(err, ERROR_SYSTEM, "in our schema: a $ref leads to itself");
	return conclude(&check, source, err);
}
