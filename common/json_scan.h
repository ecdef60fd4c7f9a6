#ifndef COMMON_JSON_SCAN_H
#define COMMON_JSON_SCAN_H

#include "common/buf.h"

/*
 * json_scan: the grammar of JSON (RFC 8259), checked before cJSON sees a text,
 * because cJSON is lenient (it takes bad UTF-8, a NUL, control characters, 1e999
 * and 1000 levels) and does not say where things are. Private to json*.c.
 */

enum { JSON_DEPTH_MAX = 64, JSON_NUMBER_MAX = 63 /* bytes: cJSON's own buffer */ };

/*
 * Values are numbered in the order in which they begin in the text, from 0 for
 * the root: the same number finds a value in cJSON's tree and its place here.
 */
struct json_place {
	size_t value_at; /* offsets into the text */
	size_t name_at; /* of the member's name; of the value when it has none */
};

struct json_fault {
	size_t at; /* offset of the byte that is wrong */
	char message[80];
};

/* -1 when the text is not one JSON value with blanks around it. */
CHECKED int json_scan_check(struct slice text, struct json_fault *fault);

/* Where the value of that number is, in a text that passed json_scan_check(). */
struct json_place json_scan_place(struct slice text, size_t number);

/* Overwrites comments by blanks, in place; line ends stay. -1: one is not closed. */
CHECKED int json_scan_blank(char *text, size_t len, struct json_fault *fault);

/* Line and column, from 1, of an offset; a column is a character. */
void json_scan_position(struct slice text, size_t at, unsigned *line, unsigned *column);

#endif
