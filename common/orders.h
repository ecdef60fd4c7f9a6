#ifndef COMMON_ORDERS_H
#define COMMON_ORDERS_H

#include <stdint.h>

#include "common/hash.h"
#include "common/minisign.h"

/*
 * orders: what the reaper tells machines (drain, keep, leave), as signed text
 * in a user property of its ClearML task, both ways. Open ClearML has no other
 * channel. Anybody with an API key can write that property: so it is signed
 * with the tickets' key, bound to the prefix, numbered and dated; a machine
 * obeys no order with a bad signature, of another prefix, older than the last
 * one it obeyed, or dated more than ORDERS_LIFE_S before or after ClearML's clock.
 *
 * The text is one line of JSON, just as orders_sign() writes it, and then a
 * minisign signature of exactly that line, its end included, with the trusted
 * comment "mayfly orders for lab":
 *
 *   {"prefix":"lab","number":1795000017,"time":1795000017,"issuer":"0f3a...",
 *    "orders":{"i-0abc":"drain"},
 *    "others":[{"issuer":"77c1...","time":1795000002,"orders":{"i-0def":"keep"}}]}
 *
 * The issuer is the reaper's ledger. Where two reapers of one prefix keep ledgers of their own,
 * each carries the other's orders as they were, with the time when their own issuer last signed
 * them: only that one changes them. Both fields are left out where there is nothing to say.
 *
 * A machine that the newest orders do not name is told nothing. What an order
 * does is done once however often it is read: drain and leave stand when the
 * order is gone, keep ends with it, or ORDERS_LIFE_S after it was signed.
 */

/* The reaper's ClearML task is named ORDERS_TASK and the prefix: machines find it by that name. */
#define ORDERS_TASK "mayfly-reaper "
#define ORDERS_PROPERTY "mayfly_orders"

enum {
	ORDERS_LIFE_S = 3600,
	ORDERS_BYTES = 65536, /* of the whole text, at most */
	ORDERS_MAX = 700, /* of all issuers; so many fit, however long the names are */
	ORDERS_OTHERS = 7, /* issuers beside the one that signs, at most */
	ORDERS_FIELD_ROOM = 65, /* of a prefix or an instance: worker_id_is_field() */
};

/* What an operator, or the plan, tells a machine. */
enum order {
	ORDER_NONE,
	ORDER_DRAIN, /* take no more tasks, leave when yours have ended */
	ORDER_KEEP, /* do not leave for being idle */
	ORDER_LEAVE, /* end now; what runs goes back to its queue */
	ORDER_COUNT
};

const char *order_word(enum order order); /* "drain", "keep", "leave"; ORDER_NONE: "none" */

struct orders_line {
	char instance[ORDERS_FIELD_ROOM];
	enum order order; /* never ORDER_NONE */
};

/* What one issuer says. */
struct orders_part {
	char issuer[HASH_HEX_LEN]; /* "": an earlier version's, that named none */
	int64_t time_s; /* when that issuer signed it, by ClearML's clock */
	struct orders_line *list; /* owned; by instance, each once */
	size_t count;
};

struct orders {
	char prefix[ORDERS_FIELD_ROOM];
	int64_t number; /* rises with each signature; from 1 */
	struct orders_part own; /* of who signed it all */
	struct orders_part others[ORDERS_OTHERS]; /* by issuer, each once */
	size_t other_count;
};

void orders_release(struct orders *orders);
/* Where issuers differ: leave, before drain, before keep. */
enum order orders_for(const struct orders *orders, const char *instance);
enum order orders_part_for(const struct orders_part *part, const char *instance);

/* The line without a signature, and back; for orders_sign(), orders_open() and their tests.
 * ERROR_MALFORMED: not exactly what orders_print() writes. */
void orders_print(const struct orders *orders, struct buf *out);
CHECKED int orders_parse(struct slice line, struct orders *out, struct error *err);

/* Appends the whole text, and sorts what is in it. ERROR_CONFIGURATION: more than ORDERS_MAX, or a
 * name that is no field. */
CHECKED int orders_sign(struct orders *orders, const struct minisign_key *key, struct buf *out,
			struct error *err);

/*
 * ERROR_MALFORMED: not of the form. ERROR_DENIED: the signature is bad, of a
 * key that is not trusted, for something else than orders, or the orders are
 * for another prefix.
 */
CHECKED int orders_open(struct slice text, const struct minisign_trusted *trusted,
			const char *prefix, struct orders *out, struct error *err);

/* Are they of now? last_number: of those obeyed before; the same ones again are no failure.
 * ERROR_CONFLICT: older than those; ERROR_REFUSED: dated too far from now_s. */
CHECKED int orders_check(const struct orders *orders, int64_t last_number, int64_t now_s,
			 struct error *err);

#endif
