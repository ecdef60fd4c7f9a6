#ifndef REAPER_SIMULATION_WORLD_H
#define REAPER_SIMULATION_WORLD_H

#include "reaper/ledger/ledger.h"
#include "reaper/plan.h"

/*
 * world: reapers, machines, a cloud, a ClearML and people who send tasks, in
 * virtual time. One thread, one heap of events, one seed: the same seed and
 * options give the same world, event by event.
 *
 * What ships decides here too: plan_make() with all that it calls, the joins
 * of observe, offerings_*, breaker; and in the machines phase_*, idle_look(),
 * settle_look(), verdict_of(). What is around them (act, seats, supervisor) is
 * done again in small, call by call, each one able to fail, to be lost after
 * it was done, or to be the last one before a crash.
 *
 * Modelled: launch keys that the cloud takes once; slots, generations, offerings;
 * instances that pend, boot, serve, drain, leave, stop, die; bootstraps that are killed and, on
 * their machine, take up again what runs there; machine records that
 * expire after 120 s; pops that are atomic, owners, attempts, forced requeues, the
 * server's own watchdog (2 h); ledgers in memory, one a host; what machines cost, where a budget
 * is set.
 * Left out: bytes (tickets, bundles, JSON, HTTP), so I8 cannot be asserted here;
 * docker and images; the clouds' own APIs; plain agents of other people; memory and disks.
 */

struct world; /* opaque; world_state.h, for this folder and tests/simulation */

struct world_faults { /* all zero: none */
	unsigned hosts; /* that run a reaper, each with an own ledger; 0: one */
	bool has_overlaps; /* a host's lock does not hold: its passes may overlap */
	int64_t skew_ms; /* a host's clock is off by at most so much */
	int64_t latency_ms; /* a call takes up to so long; 0: none takes any time */
	double pass_crashes; /* probability for a pass: it is killed at some step */
	double ledger_lost; /* for a pass: somebody has deleted its state folder */
	/* the cloud */
	int64_t list_lag_ms; /* a new or ended instance shows up at most so late */
	double list_fails; /* for a list: an error, or not every page */
	double launch_lost; /* for a launch: no answer; half of them were done */
	double throttled; /* for a launch */
	double droughts; /* an hour, for each offering: no capacity for a while */
	double quota; /* for a launch: refused by our account's limit */
	double interruptions; /* an hour, for a spot machine; half of them with notice */
	double boot_hangs, boot_fails; /* for a boot */
	double deaths, freezes, cuts; /* an hour, for a machine: gone, frozen, no network */
	double restarts; /* an hour, for a machine: its bootstrap is killed, and started again */
	double only_stops; /* for a power-off: the instance is stopped, not terminated */
	double stays_on; /* for a power-off: nothing happens */
	/* ClearML */
	double calls_fail, calls_lost; /* for a call: nothing was done; done, without an answer */
	double outages; /* an hour: it answers nothing for a while */
	double memory_losses; /* an hour: it forgets all workers */
	double ghosts; /* an hour: it shows a worker that no instance stands behind */
	/* people */
	double aborts; /* for a task: somebody stops it */
	double drains; /* an hour: somebody orders a machine to drain */
	int64_t until_s; /* after so long there are no more faults; 0: there is no end */
};

struct world_watcher { /* each may be NULL */
	void *context;
	void (*event)(void *context, const struct world *world); /* after each one */
	/* A pass of this host has decided, and carries it out from here on. */
	void (*planned)(void *context, const struct world *world, size_t host,
			const struct observation *seen, const struct plan *plan);
	/* The ledger has what this pass decided: killed before, it would be as though it had not
	 * been. */
	void (*stored)(void *context, const struct world *world, size_t host,
		       const struct observation *seen, const struct plan *plan);
	/* The pass, by its number, is over or killed. */
	void (*ended)(void *context, const struct world *world, size_t pass);
	/* Right before the instance is terminated by a reaper. */
	void (*terminates)(void *context, const struct world *world, size_t host, size_t machine,
			   enum doom doom);
	/* For a person: what happens, to what. */
	void (*note)(void *context, int64_t at_ms, const char *subject, const char *text);
};

struct world_options {
	const struct settings *settings; /* borrowed */
	/* What every reaper reads from so long after the beginning on, as soon as no pass is under
	 * way; NULL: the same for ever. The resources are as many and in the same places, their
	 * names and limits may be others. */
	const struct settings *later;
	int64_t later_s;
	uint64_t seed;
	int64_t start_s; /* wall time of the beginning; 0: some day */
	int64_t pass_every_s; /* 0: 60 */
	int64_t boot_least_s, boot_most_s; /* from launch to serve; 0: 60 and 180 */
	struct world_faults faults;
	struct world_watcher watcher;
	/* Another way to decide, for comparisons; NULL: plan_make(). */
	void (*plan)(void *context, const struct observation *seen, const struct settings *settings,
		     struct plan *out);
	void *plan_context;
	/* The reaper alone ends machines: these do not leave for being idle, and what is due is
	 * terminated without a second look (ClearML's way). */
	bool is_central;
};

struct world *world_open(const struct world_options *options);
void world_close(struct world *world);

/* A task that arrives at_s after the beginning in this queue of the settings and runs so long.
 * user: by place in settings.user_budgets; a greater number: somebody without a budget. Returns
 * its number. */
size_t world_add_task(struct world *world, int64_t at_s, size_t queue, int64_t duration_s,
		      unsigned user);

/* Everything that happens up to so long after the beginning, inclusive. */
void world_run_until(struct world *world, int64_t until_s);

/* Has every task that has been added ended, and is every instance gone? */
bool world_is_over(const struct world *world);

int64_t world_now_s(const struct world *world); /* since the beginning */
uint64_t world_event_count(const struct world *world);

/* ---- what became of them; times in ms since the beginning, -1: never ---- */

struct world_task_fate {
	size_t queue;
	unsigned user;
	enum task_status status;
	int64_t arrived_ms, started_ms, ended_ms; /* its first start; its final end */
	unsigned runs;
};

struct world_machine_fate {
	size_t resource, offering; /* by place in the settings */
	int64_t launched_ms, served_ms, ended_ms; /* costs money from the first to the last */
	int64_t busy_ms; /* seats' time with a task, all seats added up */
	unsigned tasks;
};

size_t world_task_count(const struct world *world);
size_t world_machine_count(const struct world *world);
void world_task_fate(const struct world *world, size_t task, struct world_task_fate *out);
void world_machine_fate(const struct world *world, size_t machine, struct world_machine_fate *out);

#endif
