#ifndef TESTS_UNIT_SUPPORT_LAUNCH_BENCH_H
#define TESTS_UNIT_SUPPORT_LAUNCH_BENCH_H

#include "reaper/act_launch.h"

/*
 * launch_bench: the launches of one pass, with a ledger on disk and a provider
 * that answers by a script. Whatever it is asked for must be in the ledger by
 * then. It knows keys as EC2 does: which generations are spent, and with which
 * day's ticket a key was used. Its resources are cpu and gpu, each with the
 * offerings that the test gives.
 */

enum { NOW_S = 1795435200 /* 2026-11-23 */, MOST_ASKED = 64 };

struct launch_script {
	/* A letter an answer; past its end: launched. l launched, c capacity, q quota, t throttled,
	 * d denied, r refused, n not found, u unreachable, m malformed, x conflict, s system */
	const char *answers;
	const char *zone; /* that a capacity error names */
	unsigned spent; /* keys of generations below have a machine that is terminated */
	const char *held_day; /* those of the next one have one, launched with this day's ticket;
				 NULL: none */
	struct buf asked; /* "cpu/0 a/z/spot; ..." */
	unsigned count;
	char keys[MOST_ASKED][33];
};
extern struct launch_script launch_script;

struct launch_bench {
	struct settings settings;
	struct observation *seen;
	struct plan plan;
	struct ledger ledger;
	struct ledger_file *file;
	struct act_result result;
	struct provider provider;
	int64_t time_ms; /* that is left */
};
extern struct launch_bench launch_bench;

/* For the group of tests. */
int launch_bench_make(void **state);
int launch_bench_remove(void **state);

void launch_bench_open(const char *offerings);
void launch_bench_close(void);
const char *launch_bench_folder(void); /* of the ledger */

struct planned_launch *launch_bench_add(size_t resource, unsigned slot);
void launch_bench_add_attempt(unsigned slot, const char *offering, int64_t asked_s);

/* Carries the plan out. The outcomes as letters: n none, d done, h held, o open, f failed. */
const char *launch_bench_launch(void);

const char *launch_bench_attempts(void); /* "cpu/0 a; ..." of what is still open */

#endif
