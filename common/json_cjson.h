#ifndef COMMON_JSON_CJSON_H
#define COMMON_JSON_CJSON_H

/* json_cjson: that a struct json is one of cJSON's items. Private to json*.c. */

#include <cjson/cJSON.h>

#include "common/json.h"

static inline const cJSON *json_item(const struct json *value)
{
	return (const cJSON *)value;
}

static inline cJSON *json_own_item(struct json *value)
{
	return (cJSON *)value;
}

static inline const struct json *json_of(const cJSON *item)
{
	return (const struct json *)item;
}

static inline struct json *json_own(cJSON *item)
{
	return (struct json *)item;
}

#endif
