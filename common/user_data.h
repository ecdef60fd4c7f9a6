#ifndef COMMON_USER_DATA_H
#define COMMON_USER_DATA_H

#include "common/buf.h"

/*
 * user_data: finds a block of base64 between two marker lines
 *     -----BEGIN LABEL-----   -----END LABEL-----
 * in what an instance was given at launch, which may be many things: a
 * #cloud-config, a script, a MIME multipart document (also one in another),
 * its parts plain or base64; each of these also gzipped or base64 as a whole,
 * one in the other. A line of the block may be indented, begin with "#", and
 * end with \r\n.
 *
 * Whatever the document: the time is linear in its length, and what it and
 * its parts unpack to counts together, up to USER_DATA_UNPACKED_BYTES.
 */

enum {
	USER_DATA_NESTED =
		4, /* at most: base64 of gzip of a multipart whose part is base64, gzip */
	USER_DATA_UNPACKED_BYTES = 4 << 20,
	USER_DATA_LABEL_ROOM = 33,
};

/*
 * The letters of the block, appended to out: those between the markers, line
 * ends and "#" left out; anything else than letters of base64 is kept for the
 * caller to refuse. The same block may stand there twice. ERROR_NOT_FOUND: no
 * block; ERROR_MALFORMED: one without an end, two that differ, or none and a
 * part that cannot be unpacked. Messages begin with "user data: ".
 */
CHECKED int user_data_find(struct slice document, const char *label, struct buf *out,
			   struct error *err);

#endif
