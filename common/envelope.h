#ifndef COMMON_ENVELOPE_H
#define COMMON_ENVELOPE_H

#include "common/minisign.h"
#include "common/ticket.h"

/*
 * envelope: all that an instance is given at launch, as one text for its user
 * data: the ticket, its signature, and the sealed bundle with its own (the
 * bundle itself may be elsewhere). In standard formats: base64 of gzip of tar of
 *     ticket.json, ticket.json.minisig, bundle.age, bundle.age.minisig
 * between two marker lines, each line begun with "# ", so that the block is a
 * comment in a #cloud-config, in a shell script, and in most else:
 *     # -----BEGIN MAYFLY TICKET-----
 *     # H4sIAAAAAAACA...
 *     # -----END MAYFLY TICKET-----
 * By hand, then `minisign -V` and `age -d`:
 *     sed -n '/BEGIN MAYFLY/,/END MAYFLY/p' FILE | grep -v -e ----- |
 *         tr -d '# \r' | base64 -d | tar xz
 */

enum {
	ENVELOPE_USER_DATA_BYTES = 16384, /* the clouds' limit (EC2: before its base64) */
	ENVELOPE_FILE_BYTES = 4 << 20, /* of a user data document or ticket file, at most */
	ENVELOPE_BUNDLE_BYTES = 1 << 20, /* of a sealed bundle, at most */
	ENVELOPE_SIGNATURE_BYTES = 4096,
};

/* Exact bytes: what was signed. Made with envelope_new(). */
struct envelope {
	struct buf ticket, ticket_signature;
	struct buf bundle; /* empty: it is elsewhere (ticket.bundle.source) */
	struct buf bundle_signature; /* may be here all the same; a bundle is never without */
};
struct envelope envelope_new(void); /* empty, limits set */
void envelope_release(struct envelope *envelope);

/* The text block, appended to out; a pure function of the envelope. ERROR_MALFORMED: larger than
 * out's limit, or a part is missing or too large. */
CHECKED int envelope_print(const struct envelope *envelope, struct buf *out, struct error *err);

/*
 * Finds the block in a user data document, wherever user_data.h looks. Replaces
 * what *out held. ERROR_NOT_FOUND: none there; ERROR_MALFORMED: damaged, or two
 * of them that differ.
 */
CHECKED int envelope_find(struct slice user_data, struct envelope *out, struct error *err);

/*
 * What the two signatures say in their trusted comments: "mayfly ticket for
 * PREFIX", "mayfly bundle for PREFIX". A signature made for one thing or for one
 * installation is none for another.
 */
enum envelope_part { ENVELOPE_TICKET, ENVELOPE_BUNDLE };
enum { ENVELOPE_COMMENT_ROOM = 128 };
void envelope_comment(enum envelope_part part, const char *prefix,
		      char out[static ENVELOPE_COMMENT_ROOM]);

/*
 * Verifies the ticket's signature before anything of it is read, then parses
 * it. ERROR_DENIED: not signed by one of the trusted, altered, legacy, or
 * signed as something else or for another prefix than the ticket names.
 * ERROR_CONFIGURATION: signed, and makes no sense.
 */
CHECKED int envelope_ticket(const struct envelope *envelope, const struct minisign_trusted *trusted,
			    struct ticket *out, struct error *err);

/* The sealed bundle is the one that the ticket names (digest), and signed for its prefix.
 * ERROR_DENIED: it is not. */
CHECKED int envelope_check_bundle(const struct ticket *ticket, struct slice sealed,
				  struct slice signature, const struct minisign_trusted *trusted,
				  struct error *err);

#endif
