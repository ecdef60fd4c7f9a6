#ifndef COMMON_SCHEMA_H
#define COMMON_SCHEMA_H

#include "common/json.h"

/*
 * schema: a document checked against one of our JSON Schemas (templates/, built
 * into the programs). The part of JSON Schema 2020-12 that they use: type (one
 * or a list), properties, required, additionalProperties (true, false or a schema),
 * items, minItems, maxItems, uniqueItems, enum, const, minimum, maximum,
 * exclusiveMinimum, minLength, maxLength, pattern (POSIX extended; our own
 * "x-expected" beside it is what people are told instead of it), oneOf, anyOf, $ref to
 * "#/$defs/...", and default, title, description, $schema, $id, $defs, examples, which check
 * nothing. Any other keyword in a schema is a bug: schema_check() fails with ERROR_SYSTEM. Of a
 * oneOf or anyOf that does not fit the findings of the nearest alternative are told; "title" names
 * one where none is near. enum, const and uniqueItems compare objects as written: the order of
 * names counts. A pattern matches anywhere: anchor it.
 */

enum { SCHEMA_MAX_FINDINGS = 20 };

struct finding {
	unsigned line; /* in the source text; 0: unknown */
	char path[160]; /* "resources[1].max_instnces"; of the document itself "top level" */
	char message[256]; /* "unknown, did you mean max_instances?" */
};

struct findings {
	struct finding list[SCHEMA_MAX_FINDINGS];
	size_t count;
};

/*
 * 0 when the document fits. Findings: -1, ERROR_CONFIGURATION, *err tells the
 * first as "source:line: path: message (and N more)". Values are echoed
 * unless the schema says "writeOnly": true (a secret) for them or for what
 * holds them; a text where a list or an object belongs is not echoed either.
 * source names the file for the message; text is what document was parsed
 * from, empty when there is none: then no lines are told.
 */
CHECKED int schema_check(struct slice schema, const struct json *document, const char *source,
			 struct slice text, struct findings *out, struct error *err);

#endif
