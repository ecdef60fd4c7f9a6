#ifndef TESTS_UNIT_SUPPORT_ENVELOPE_BENCH_H
#define TESTS_UNIT_SUPPORT_ENVELOPE_BENCH_H

#include "common/envelope.h"

/* envelope_bench: a key of the test's own, and an envelope that is signed with it. */

struct envelope_bench {
	struct minisign_key key;
	struct minisign_trusted trusted;
	struct envelope envelope;
};

/* The golden ticket (prefix "p"), which names this sealed bundle; both well signed. */
struct envelope_bench envelope_bench_begin(const char *sealed);
void envelope_bench_release(struct envelope_bench *bench);

/* Instead of what was in out. */
void envelope_bench_sign(const struct envelope_bench *bench, struct slice bytes,
			 const char *comment, struct buf *out);

void envelope_bench_print(const struct envelope *envelope, struct buf *out);
void envelope_bench_same(const struct envelope *got, const struct envelope *want);

#endif
