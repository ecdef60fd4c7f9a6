#ifndef TESTS_UNIT_SUPPORT_SEALED_BENCH_H
#define TESTS_UNIT_SUPPORT_SEALED_BENCH_H

#include <sys/types.h>

#include "bootstrap/admit.h"
#include "common/age.h"
#include "common/envelope.h"
#include "tests/unit/support/scratch.h"

/*
 * sealed_bench: a machine's folder with a really signed ticket and a really
 * sealed bundle, its keys beside them. Whatever fails in here fails the test.
 */

enum { SEALED_KEYS = 2 };

struct sealed_bench {
	char folder[SCRATCH_ROOM];
	struct machine machine;
	struct launch_note note;
	struct ticket ticket;
	struct minisign_key signing[SEALED_KEYS]; /* the first one is trusted */
	struct age_identities image[SEALED_KEYS]; /* the first one is the machine's */
	struct age_recipient recipients[SEALED_KEYS];
	struct envelope envelope;
	struct buf sealed;
	const char *secret_key; /* the bundle's */
	const char *bundle_prefix, *ticket_comment, *bundle_comment;
	unsigned sealed_to, signed_by, bundle_signed_by;
	bool is_bundle_beside; /* the ticket */
};

void sealed_bench_begin(struct sealed_bench *bench);
void sealed_bench_launch(struct sealed_bench *bench); /* as the reaper does it */
int sealed_bench_admit(struct sealed_bench *bench, struct error *err);
void sealed_bench_restart(struct sealed_bench *bench); /* released, and to be admitted again */
void sealed_bench_end(struct sealed_bench *bench);

const char *sealed_bench_path(const struct sealed_bench *bench, const char *name);
void sealed_bench_write(const struct sealed_bench *bench, const char *name, struct slice bytes,
			mode_t mode);
void sealed_bench_trust(const struct sealed_bench *bench, unsigned first, unsigned count);
void sealed_bench_hold(const struct sealed_bench *bench, unsigned first, unsigned count);

#endif
