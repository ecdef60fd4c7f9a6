#include "common/schema_verify.h"

#include <regex.h>
#include <string.h>

struct verify {
	const struct json *root;
	struct error *err; /* of the innermost wrong place; each level wraps its name around it */
};

static int verify_schema(struct verify *verify, const struct json *schema);

const struct json *schema_member(const struct json *object, const char *name)
{
	if (json_kind(object) != JSON_OBJECT)
		return NULL;
	for (const struct json *part = json_first(object); part; part = json_next(part)) {
		if (strcmp(json_name(part), name) == 0)
			return part;
	}
	return NULL;
}

const struct json *schema_resolve(const struct json *root, const char *reference)
{
	static const char start[] = "#/$defs/";

	if (strncmp(reference, start, strlen(start)) != 0)
		return NULL;
	return schema_member(schema_member(root, "$defs"), reference + strlen(start));
}

const char *schema_type_words(const char *type)
{
	static const char *const words[][2] = {
		{ "null", "null" },	   { "boolean", "true or false" },
		{ "number", "a number" },  { "integer", "a whole number" },
		{ "string", "a text" },	   { "array", "a list" },
		{ "object", "an object" },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(type, words[i][0]) == 0)
			return words[i][1];
	}
	return NULL;
}

/* --- What a keyword's value may be: each returns whether it is that. */

static bool is_text(struct verify *verify, const struct json *value)
{
	(void)verify;
	return json_kind(value) == JSON_TEXT;
}

static bool is_number(struct verify *verify, const struct json *value)
{
	(void)verify;
	return json_kind(value) == JSON_NUMBER;
}

static bool is_count(struct verify *verify, const struct json *value)
{
	(void)verify;
	return json_integer_or(value, "", -1) >= 0;
}

static bool is_flag(struct verify *verify, const struct json *value)
{
	(void)verify;
	return json_kind(value) == JSON_BOOL;
}

static bool is_anything(struct verify *verify, const struct json *value)
{
	(void)verify;
	return value;
}

static bool is_list(struct verify *verify, const struct json *value)
{
	(void)verify;
	return json_kind(value) == JSON_LIST && json_count(value);
}

static bool is_names(struct verify *verify, const struct json *value)
{
	const struct json *item = json_first(value);

	while (item && is_text(verify, item))
		item = json_next(item);
	return json_kind(value) == JSON_LIST && !item;
}

static bool is_type(struct verify *verify, const struct json *value)
{
	(void)verify;
	if (json_kind(value) == JSON_TEXT)
		return schema_type_words(json_text_value(value));
	for (const struct json *item = json_first(value); item; item = json_next(item)) {
		if (json_kind(item) != JSON_TEXT || !schema_type_words(json_text_value(item)))
			return false;
	}
	return json_kind(value) == JSON_LIST && json_count(value);
}

static bool is_pattern(struct verify *verify, const struct json *value)
{
	regex_t pattern;

	(void)verify;
	if (json_kind(value) != JSON_TEXT ||
	    regcomp(&pattern, json_text_value(value), REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	regfree(&pattern);
	return true;
}

static bool is_reference(struct verify *verify, const struct json *value)
{
	return json_kind(value) == JSON_TEXT &&
	       schema_resolve(verify->root, json_text_value(value));
}

static bool is_schema(struct verify *verify, const struct json *value)
{
	return json_kind(value) == JSON_OBJECT && verify_schema(verify, value) == 0;
}

static bool is_schema_or_flag(struct verify *verify, const struct json *value)
{
	return is_flag(verify, value) || is_schema(verify, value);
}

static bool is_all_schemas(struct verify *verify, const struct json *container)
{
	const struct json *part = json_first(container);

	while (part && is_schema(verify, part))
		part = json_next(part);
	if (part && json_name(part) && verify->err->class)
		(void)error_wrap(verify->err, "%s", json_name(part));
	return !part;
}

static bool is_schema_list(struct verify *verify, const struct json *value)
{
	return is_list(verify, value) && is_all_schemas(verify, value);
}

static bool is_schema_map(struct verify *verify, const struct json *value)
{
	return json_kind(value) == JSON_OBJECT && is_all_schemas(verify, value);
}

static const struct keyword {
	const char *name;
	bool (*accepts)(struct verify *verify, const struct json *value);
	const char *expected;
} keywords[] = {
	{ "type", is_type, "a type or a list of types" },
	{ "properties", is_schema_map, "an object of schemas" },
	{ "required", is_names, "a list of names" },
	{ "additionalProperties", is_schema_or_flag, "a schema, true or false" },
	{ "items", is_schema, "a schema" },
	{ "minItems", is_count, "a count" },
	{ "maxItems", is_count, "a count" },
	{ "uniqueItems", is_flag, "true or false" },
	{ "enum", is_list, "a list of values" },
	{ "const", is_anything, "a value" },
	{ "minimum", is_number, "a number" },
	{ "maximum", is_number, "a number" },
	{ "exclusiveMinimum", is_number, "a number" },
	{ "minLength", is_count, "a count" },
	{ "maxLength", is_count, "a count" },
	{ "pattern", is_pattern, "a POSIX extended regular expression" },
	{ "x-expected", is_text, "a text" },
	{ "oneOf", is_schema_list, "a list of schemas" },
	{ "anyOf", is_schema_list, "a list of schemas" },
	{ "$ref", is_reference, "#/$defs/ and a name that is there" },
	{ "$defs", is_schema_map, "an object of schemas" },
	{ "writeOnly", is_flag, "true or false" },
	{ "default", is_anything, "a value" },
	{ "examples", is_list, "a list of values" },
	{ "title", is_text, "a text" },
	{ "description", is_text, "a text" },
	{ "$schema", is_text, "a text" },
	{ "$id", is_text, "a text" },
};

static const struct keyword *find_keyword(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
		if (strcmp(keywords[i].name, name) == 0)
			return &keywords[i];
	}
	return NULL;
}

static int verify_schema(struct verify *verify, const struct json *schema)
{
	for (const struct json *part = json_first(schema); part; part = json_next(part)) {
		const struct keyword *keyword = find_keyword(json_name(part));

		if (!keyword)
			return error_set(verify->err, ERROR_SYSTEM, "%s: unknown keyword",
					 json_name(part));
		if (keyword->accepts(verify, part))
			continue;
		if (verify->err->class)
			return error_wrap(verify->err, "%s", keyword->name);
		return error_set(verify->err, ERROR_SYSTEM, "%s: expected %s", keyword->name,
				 keyword->expected);
	}
	return 0;
}

int schema_verify(const struct json *root, struct error *err)
{
	struct verify verify = { .root = root, .err = err };

	*err = (struct error){ 0 };
	if (json_kind(root) != JSON_OBJECT)
		return error_set(err, ERROR_SYSTEM, "in our schema: expected an object");
	if (verify_schema(&verify, root) < 0)
		return error_wrap(err, "in our schema");
	return 0;
}
