#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <stdint.h>

#include "common/buf.h"

/*
 * json: typed reading that names the path, and building, over cJSON (the only
 * room that knows it). A path is dotted names and [places] from the given value:
 * "data.queues[0].id"; a name with dots or other odd characters is written
 * ["a.b"], "" is the value itself. Errors are ERROR_MALFORMED such as
 * "data.queues: expected a list, got null". Names are compared exactly. Numbers
 * are doubles: integers are exact to 2^53 and anything else is refused by
 * json_integer(). A NULL value reads as an absent one everywhere.
 */

struct json; /* any value inside a document; borrowed, const unless building */

struct json_document {
	struct json *root; /* owned */
};

/* The whole text must be one value, UTF-8 without NUL (also none as \u0000), nested at most
 * 64 deep, no name twice in one object, no number beyond a double or longer than 63 characters;
 * a byte order mark is skipped. ERROR_MALFORMED; the message says line and column, and repeats
 * nothing of the text but marks and names. */
CHECKED int json_parse(struct slice text, struct json_document *out, struct error *err);

/* The same after comments (// and C's) are taken as blanks: a configuration file. */
CHECKED int json_parse_commented(struct slice text, struct json_document *out, struct error *err);
void json_document_release(struct json_document *document);
void json_document_wipe(struct json_document *document); /* texts overwritten, then released */

/* Required values. The strings are borrowed from the document. */
CHECKED int json_text(const struct json *from, const char *path, const char **out,
		      struct error *err);
CHECKED int json_integer(const struct json *from, const char *path, int64_t *out,
			 struct error *err);
CHECKED int json_list(const struct json *from, const char *path, const struct json **out,
		      struct error *err);
CHECKED int json_object(const struct json *from, const char *path, const struct json **out,
			struct error *err);

/* Optional values: absent or null gives the fallback; a wrong type gives it too
 * (a schema has been before where that matters). */
const char *json_text_or(const struct json *from, const char *path, const char *fallback);
int64_t json_integer_or(const struct json *from, const char *path, int64_t fallback);
bool json_bool_or(const struct json *from, const char *path, bool fallback);

const struct json *json_find(const struct json *from, const char *path); /* NULL when absent */
size_t json_count(const struct json *list); /* of a list's items or an object's members; NULL: 0 */
/* By place, walking is linear: use json_first/json_next in loops. NULL past the end. */
const struct json *json_first(const struct json *container);
const struct json *json_next(const struct json *member);
const char *json_name(const struct json *member); /* its name in the object, NULL in a list */

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT };
enum json_kind json_kind(const struct json *value);
const char *json_kind_name(enum json_kind kind); /* "a list", "a text", "null", ... */
const char *json_text_value(const struct json *value); /* of a JSON_TEXT; else NULL */
double json_number_value(const struct json *value); /* of a JSON_NUMBER; else 0 */
bool json_bool_value(const struct json *value);

/*
 * Building. What is added belongs to its container. key is NULL when the
 * container is a list; add each key once. Bytes that are no UTF-8 are replaced
 * by U+FFFD.
 */
void json_new_object(struct json_document *out);
void json_add_text(struct json *container, const char *key, const char *text); /* NULL adds null */
void json_add_integer(struct json *container, const char *key, int64_t number);
void json_add_number(struct json *container, const char *key, double number); /* finite */
void json_add_bool(struct json *container, const char *key, bool flag);
struct json *json_add_object(struct json *container, const char *key);
struct json *json_add_list(struct json *container, const char *key);
void json_add_copy(struct json *container, const char *key, const struct json *value);
/* Print into out (buf_finish() is the caller's); is_pretty: indented, one member a line.
 * Whole numbers to 2^53 are exact, others read back as the same double; control codes, also
 * those beyond ASCII, are escaped. */
void json_print(const struct json *value, bool is_pretty, struct buf *out);

/* Add one step to a path: json_find() and json_line_of() take it again. */
void json_path_add_name(struct buf *path, const char *name); /* .name or ["odd name"] */
void json_path_quote_name(struct buf *path, const char *name); /* always ["name"] */
void json_path_add_index(struct buf *path, size_t index); /* [3] */

/* The line (from 1) at which the value at a path such as "resources[1].name" begins in the
 * text it was parsed from, with or without comments; 0 when not found. is_name: of the
 * member's name. Parses the text again: for messages only. */
unsigned json_line_of(struct slice text, const char *path, bool is_name);

#endif
