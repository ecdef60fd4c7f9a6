#ifndef COMMON_AGE_ARMOR_H
#define COMMON_AGE_ARMOR_H

#include "common/buf.h"

/*
 * age_armor: bytes as text, in the strict form of RFC 7468: base64 in lines of
 * 64 letters between a BEGIN and an END line. Private to age*.c.
 */

/* Whether the first line that is not blank begins as that of an armored file, of any kind. */
bool age_armor_is_begun(struct slice text);

/*
 * Lines end with LF or CRLF; before and after the block there may be blank
 * lines, nothing else. ERROR_MALFORMED names the line, which counts from the
 * BEGIN line.
 */
CHECKED int age_armor_read(struct slice text, struct buf *out, struct error *err);

void age_armor_write(struct slice bytes, struct buf *out);

#endif
