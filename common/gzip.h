#ifndef COMMON_GZIP_H
#define COMMON_GZIP_H

#include "common/buf.h"

/*
 * gzip: whole texts, both ways (RFC 1952), over zlib. What is packed holds no
 * name and no time: the same bytes give the same bytes.
 */

bool gzip_is(struct slice bytes); /* begins as a gzip file does */
void gzip_pack(struct slice bytes, struct buf *out);

/* Up to out's limit: a small file can unpack to a huge one. Appended. ERROR_MALFORMED: damaged,
 * cut, followed by something else, or larger than the limit. */
CHECKED int gzip_unpack(struct slice bytes, struct buf *out, struct error *err);

#endif
