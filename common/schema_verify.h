#ifndef COMMON_SCHEMA_VERIFY_H
#define COMMON_SCHEMA_VERIFY_H

#include "common/json.h"

/*
 * schema_verify: that a schema itself holds only keywords that schema.c knows,
 * each with the kind of value it takes. Private to schema*.c. ERROR_SYSTEM:
 * the schemas are built in, so a wrong one is a bug.
 */
CHECKED int schema_verify(const struct json *root, struct error *err);

/* A member by its exact name, NULL when absent. */
const struct json *schema_member(const struct json *object, const char *name);

/* What "#/$defs/name" refers to; NULL when there is none. */
const struct json *schema_resolve(const struct json *root, const char *reference);

/* "a whole number" for "integer", and so on; NULL for what is no type. */
const char *schema_type_words(const char *type);

#endif
