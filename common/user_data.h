#ifndef COMMON_USER_DATA_H
#define COMMON_USER_DATA_H

#include "common/buf.h"

/*
 * user_data: finds a block of base64 between two marker lines
 *     -----BEGIN LABEL-----   -----END LABEL-----
 * in what an instance was given at launch, which may be many things: a
 * #cloud-config, a script, a MIME multipart document (also one in another),
 * its parts plain, base64 or gzip; each of these also gzip or base64 as a
 * whole, one in the other. A line of the block may be indented, begin with
 * "#", and end with \r\n.
 *
 * Whatever the document, the time is linear in its length, and what it and its
 * parts unpack to counts together, up to USER_DATA_UNPACKED_BYTES.
 */

enum {
	/* Layers, at most: base64 of gzip of multipart, of which a part is base64 of gzip, is 5. */
	USER_DATA_NESTED = 5,
	USER_DATA_UNPACKED_BYTES = 4 << 20,
	USER_DATA_LABEL_ROOM = 33,
};

/*
 * What stands between the markers, appended to out: lines put together, blanks
 * and "#" at their begin left out; whether it is base64 is for the caller to
 * see. The same block may stand there more than once. ERROR_NOT_FOUND: no
 * block; ERROR_MALFORMED: one without an end, two that differ, or none and
 * something that cannot be unpacked. label is shorter than
 * USER_DATA_LABEL_ROOM.
 */
CHECKED int user_data_find(struct slice document, const char *label, struct buf *out,
			   struct error *err);

#endif
