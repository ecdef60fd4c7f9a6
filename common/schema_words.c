#include "common/schema_words.h"

#include <string.h>

#include "common/schema_verify.h"

/* A chain of $ref and oneOf that is longer leads nowhere. */
enum { HOPS_MAX = 8 };

struct schema_shown schema_show(const struct json *value)
{
	SCOPED(buf) struct buf printed = BUF(SIZE_MAX);
	struct schema_shown shown = { "" };

	json_print(value, false, &printed);
	text_cut(shown.text, sizeof(shown.text) - 3, buf_text(&printed));
	if (strlen(shown.text) < printed.len)
		memcpy(shown.text + strlen(shown.text), "...", 4);
	return shown;
}

void schema_join(struct buf *out, const char *separator, const char *text)
{
	buf_addf(out, "%s%s", out->len ? separator : "", text);
}

const struct json *schema_follow(const struct json *root, const struct json *schema)
{
	for (unsigned hops = 0; hops < HOPS_MAX; hops++) {
		const char *reference = json_text_or(schema_member(schema, "$ref"), "", NULL);

		if (!reference)
			return schema;
		schema = schema_resolve(root, reference);
	}
	return NULL;
}

void schema_describe_types(const struct json *type, struct buf *out)
{
	if (json_kind(type) == JSON_TEXT)
		schema_join(out, " or ", schema_type_words(json_text_value(type)));
	else
		for (const struct json *one = json_first(type); one; one = json_next(one))
			schema_join(out, " or ", schema_type_words(json_text_value(one)));
}

/* "an object with a, b" */
static void describe_object(const struct json *required, struct buf *out)
{
	SCOPED(buf) struct buf names = BUF(SIZE_MAX);

	for (const struct json *name = json_first(required); name; name = json_next(name))
		schema_join(&names, ", ", json_text_value(name));
	schema_join(out, " or ", "an object with ");
	buf_add(out, buf_slice(&names));
}

void schema_describe(const struct json *root, const struct json *schema, struct buf *out)
{
	const struct json *target = schema_follow(root, schema);
	const char *title = json_text_or(schema_member(target, "title"), "", NULL);
	const struct json *constant = schema_member(target, "const");
	const struct json *list = schema_member(target, "enum");
	const struct json *required = schema_member(target, "required");

	if (title)
		schema_join(out, " or ", title);
	else if (constant)
		schema_join(out, " or ", schema_show(constant).text);
	else if (list)
		for (const struct json *one = json_first(list); one; one = json_next(one))
			schema_join(out, " or ", schema_show(one).text);
	else if (json_count(required))
		describe_object(required, out);
	else if (schema_member(target, "type"))
		schema_describe_types(schema_member(target, "type"), out);
	else
		schema_join(out, " or ", "a value");
}

static bool is_of_type(const char *type, const struct json *value)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",	[JSON_BOOL] = "boolean", [JSON_NUMBER] = "number",
		[JSON_TEXT] = "string", [JSON_LIST] = "array",	 [JSON_OBJECT] = "object",
	};
	struct error ignored;
	int64_t number;

	if (strcmp(type, "integer") == 0)
		return json_integer(value, "", &number, &ignored) == 0;
	return strcmp(type, names[json_kind(value)]) == 0;
}

static bool names_type(const struct json *types, const char *type)
{
	if (json_kind(types) == JSON_TEXT)
		return strcmp(json_text_value(types), type) == 0;
	for (const struct json *one = json_first(types); one; one = json_next(one)) {
		if (strcmp(json_text_value(one), type) == 0)
			return true;
	}
	return false;
}

bool schema_is_of_types(const struct json *types, const struct json *value)
{
	if (json_kind(types) == JSON_TEXT)
		return is_of_type(json_text_value(types), value);
	for (const struct json *one = json_first(types); one; one = json_next(one)) {
		if (is_of_type(json_text_value(one), value))
			return true;
	}
	return false;
}

bool schema_takes_container(const struct json *schema)
{
	const struct json *types = schema_member(schema, "type");

	return names_type(types, "object") || names_type(types, "array");
}

/* NOLINTNEXTLINE(misc-no-recursion): hops ends it. */
static bool is_write_only(const struct json *root, const struct json *schema, unsigned hops)
{
	static const char *const lists[] = { "oneOf", "anyOf" };
	const char *reference = json_text_or(schema_member(schema, "$ref"), "", NULL);

	if (!hops || json_bool_value(schema_member(schema, "writeOnly")))
		return true;
	if (reference && is_write_only(root, schema_resolve(root, reference), hops - 1))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const struct json *one = json_first(schema_member(schema, lists[i]));

		for (; one; one = json_next(one)) {
			if (is_write_only(root, one, hops - 1))
				return true;
		}
	}
	return false;
}

bool schema_is_secret(const struct json *root, const struct json *schema)
{
	return is_write_only(root, schema, HOPS_MAX);
}
