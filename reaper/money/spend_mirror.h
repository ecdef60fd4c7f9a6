#ifndef REAPER_MONEY_SPEND_MIRROR_H
#define REAPER_MONEY_SPEND_MIRROR_H

#include "common/hash.h"
#include "common/minisign.h"
#include "reaper/money/money.h"

/*
 * spend_mirror: the sums of a month as the text of a property of the reaper's
 * ClearML task, both ways; channel.h says where it lies and who reads it. One
 * line of JSON, and its signature by the key of the tickets (signed_line.h) for
 * "mayfly spend for lab":
 *
 *   {"issuer":"0f3a...","number":1795472471,"until":1795472471,
 *    "rows":[["2026-11-24","gpu","train","ann",3600,526000,0]]}
 *
 * The issuer is the ledger whose sums they are; number rises with each one that
 * is signed. Of a row: day, resource, queue, user, seconds, micro-dollars, seconds at an unknown
 * price. The days before the last one go into one, the day before it: budgets
 * know a day and a month. Where there are very many rows the users, then the
 * queues, are left out ("").
 */

enum { SPEND_MIRROR_BYTES = 512 * 1024, SPEND_MIRROR_ROWS = 1000 };

struct spend_mirror {
	char issuer[HASH_HEX_LEN];
	int64_t number, until_s;
	struct spend_list rows; /* owned; in any order, and of the month of until_s */
};
void spend_mirror_release(struct spend_mirror *mirror);

/* The line without a signature, and back; for the verbs below and their tests.
 * ERROR_MALFORMED: the path of what is wrong; nothing of it is believed then. */
void spend_mirror_print(const struct spend_mirror *mirror, struct buf *out);
CHECKED int spend_mirror_parse(struct slice line, struct spend_mirror *out, struct error *err);

CHECKED int spend_mirror_sign(const struct spend_mirror *mirror, const char *prefix,
			      const struct minisign_key *key, struct buf *out, struct error *err);
/* ERROR_MALFORMED: not of the form, as an unsigned one; ERROR_DENIED: a bad signature, of another
 * key, or for another prefix. */
CHECKED int spend_mirror_open(struct slice text, const struct minisign_trusted *trusted,
			      const char *prefix, struct spend_mirror *out, struct error *err);

#endif
