#ifndef COMMON_SCHEMA_WORDS_H
#define COMMON_SCHEMA_WORDS_H

#include "common/json.h"

/* schema_words: what one schema says of a value, and both in words. Private to schema*.c. */

struct schema_shown {
	char text[64];
};

/* A value as JSON in one line, cut where it is long. */
struct schema_shown schema_show(const struct json *value);

/* Adds separator, when there is something before, and text. */
void schema_join(struct buf *out, const char *separator, const char *text);

/* Adds what fits the schema: its title, its values, or its type. */
void schema_describe(const struct json *root, const struct json *schema, struct buf *out);
void schema_describe_types(const struct json *types, struct buf *out);

/* types is the value of "type": one, or a list of them. */
bool schema_is_of_types(const struct json *types, const struct json *value);
bool schema_takes_container(const struct json *schema); /* a list or an object */

/* The schema that a chain of $ref ends at; NULL when it does not end. */
const struct json *schema_follow(const struct json *root, const struct json *schema);

/* Whether a value for this schema must not be repeated: "writeOnly": true here, behind
 * its $ref, or in one of its alternatives. */
bool schema_is_secret(const struct json *root, const struct json *schema);

#endif
