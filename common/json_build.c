#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/json_cjson.h"

/* The owned text with what is not UTF-8 replaced. */
static char *clean_copy(const char *text)
{
	struct slice rest = slice_of(text);
	SCOPED(buf) struct buf clean = BUF(SIZE_MAX);
	uint32_t code_point;

	while (rest.len) {
		size_t len = text_character(rest, &code_point);

		buf_add(&clean, len ? (struct slice){ rest.ptr, len } : slice_of("\xef\xbf\xbd"));
		rest.ptr += len ? len : 1;
		rest.len -= len ? len : 1;
	}
	return memory_text(buf_slice(&clean));
}

static struct json *attach(struct json *container, const char *key, cJSON *item)
{
	cJSON *into = json_own_item(container);

	assert(cJSON_IsObject(into) ? key != NULL : cJSON_IsArray(into) && !key);
	if (!item)
		abort(); /* out of memory */
	char *name = key ? clean_copy(key) : NULL;
	bool is_added =
		name ? cJSON_AddItemToObject(into, name, item) : cJSON_AddItemToArray(into, item);

	free(name);
	if (!is_added)
		abort(); /* out of memory */
	return json_own(item);
}

static struct json *require(cJSON *item)
{
	if (!item)
		abort(); /* out of memory */
	return json_own(item);
}

void json_new_object(struct json_document *out)
{
	out->root = require(cJSON_CreateObject());
}

void json_add_text(struct json *container, const char *key, const char *text)
{
	char *clean = text ? clean_copy(text) : NULL;

	attach(container, key, clean ? cJSON_CreateString(clean) : cJSON_CreateNull());
	if (clean)
		explicit_bzero(clean, strlen(clean)); /* it may be a password */
	free(clean);
}

void json_add_integer(struct json *container, const char *key, int64_t number)
{
	attach(container, key, cJSON_CreateNumber((double)number));
}

void json_add_number(struct json *container, const char *key, double number)
{
	attach(container, key, cJSON_CreateNumber(number));
}

void json_add_bool(struct json *container, const char *key, bool flag)
{
	attach(container, key, cJSON_CreateBool(flag));
}

struct json *json_add_object(struct json *container, const char *key)
{
	return attach(container, key, cJSON_CreateObject());
}

struct json *json_add_list(struct json *container, const char *key)
{
	return attach(container, key, cJSON_CreateArray());
}

void json_add_copy(struct json *container, const char *key, const struct json *value)
{
	cJSON *copy = cJSON_Duplicate(json_item(value), true);

	if (copy && copy->string) {
		explicit_bzero(copy->string, strlen(copy->string));
		cJSON_free(copy->string);
		copy->string = NULL;
	}
	attach(container, key, copy);
}
