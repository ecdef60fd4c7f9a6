#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * Two types say who frees: a slice is borrowed and never freed; a buf owns its
 * bytes. A buf has a limit from birth, because its bytes often come from a
 * peer. Appending past the limit is remembered, not reported: append as often
 * as you like, then ask buf_finish() once.
 */

struct slice {
	const char *ptr; /* not NUL-terminated */
	size_t len;
};

struct buf {
	char *bytes; /* NUL-terminated once anything was added; NULL before that */
	size_t len, room, limit;
	bool overflowed;
};

#define BUF(max_bytes) ((struct buf){ .limit = (max_bytes) })

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* Calls type##_release(&variable) when the variable leaves its scope. */
#define SCOPED(type) __attribute__((cleanup(type##_release)))

struct slice slice_of(const char *text); /* NULL gives an empty slice */
bool slice_equals(struct slice slice, const char *text);

void buf_add(struct buf *buf, struct slice bytes);
void buf_addf(struct buf *buf, const char *fmt, ...) PRINTF(2, 3);
const char *buf_text(const struct buf *buf); /* borrowed, never NULL: "" when nothing was added */
struct slice buf_slice(const struct buf *buf); /* borrowed */
void buf_clear(struct buf *buf); /* empty again, same limit, memory kept */
CHECKED int buf_finish(const struct buf *buf, struct error *err);
void buf_release(struct buf *buf);

/*
 * Copy text into a fixed field that must hold it whole, NUL included: a name
 * that was cut is another name, so one that does not fit is ERROR_MALFORMED.
 */
CHECKED int text_copy(char *field, size_t room, struct slice text, struct error *err);

/* The same where cutting does no harm (a message for a person). Never cut inside a character;
 * room is at least 1. */
void text_cut(char *field, size_t room, const char *text);

/*
 * How many bytes the UTF-8 character at the start of text has (1 to 4), and
 * which it is. 0: none (empty, cut off, overlong, a surrogate); *code_point is
 * then left alone.
 */
size_t text_character(struct slice text, uint32_t *code_point);

/*
 * The candidate that was most likely meant by a misspelt word, or NULL: for
 * "did you mean". Letters left out, added, changed or swapped count one each,
 * case counts nothing; at most a third of the longer word may be wrong.
 */
const char *text_nearest(const char *word, const char *const *candidates, size_t count);

/* calloc()/realloc() of count items; the program ends when memory is out. Freed with free(). */
void *memory_array(size_t count, size_t item_len);
void *memory_grow(void *items, size_t count, size_t item_len); /* the new part is not cleared */
char *memory_text(struct slice text); /* an owned, NUL-terminated copy */

#endif
