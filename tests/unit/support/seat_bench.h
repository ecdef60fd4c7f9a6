#ifndef TESTS_UNIT_SUPPORT_SEAT_BENCH_H
#define TESTS_UNIT_SUPPORT_SEAT_BENCH_H

#include <sys/types.h>

#include "bootstrap/seats.h"
#include "tests/unit/support/scratch.h"

/*
 * seat_bench: seats against the ClearML stand-in (tests/standin), with a short
 * script in clearml-agent's place. Time is the bench's own and runs as fast as
 * the test turns. Whatever fails in here ends the test program.
 *
 * What the agent does in its first, second, ... run of all stands in the bench's
 * plan, a word each, the last one for all later runs too:
 *   complete  start the task, report it, complete it
 *   fail      start it, and let it fail
 *   exit      end without touching the task
 *   leave     start it, and end with the task in progress
 *   hang      start it, and go on until killed
 *   stall     go on until killed, without starting it
 *   save      start it, and a process, "working TASK", that ends at SIGTERM ("saved TASK"); that
 *             seen the agent would call the task failed
 *   stubborn  the same, but that process goes on after it has saved
 * It appends "start TASK" and, unless it is killed, "end TASK" to runs.log.
 */

enum { BENCH_TURNS_MAX = 5000, BENCH_PAUSE_MS = 10 };

struct bench {
	char folder[SCRATCH_ROOM];
	int port;
	pid_t server;
	struct http *http; /* the test's own calls */
	struct clearml *view; /* the same, where clearml.h has what is wanted */
	char fault[1024]; /* as the server lists it when no call has met it */
	char queue[CLEARML_ID_ROOM]; /* of the name "cpu" plus a number */
	char plan[64];
	char *command[5], *environment[2];
	struct machine machine;
	struct seats *seats;
	struct seats_orders orders;
	int64_t now_ms;
};

/* The server, once for many tests; version: the API's, as of an older one ("2.20"), or NULL. */
void bench_start_server(struct bench *bench, const char *version);
void bench_stop_server(struct bench *bench);

/* A new queue, machine and folder on that server; seats_open() is the test's. */
void bench_begin(struct bench *bench, unsigned seats, const char *plan);
/* Kills what is left, closes, and fails if the server saw a request beyond the contract. */
void bench_end(struct bench *bench);

/* The machine's own client goes to this port: the server's, or a proxy's before it. */
void bench_connect(struct bench *bench, int port);
void bench_open_seats(struct bench *bench); /* a life begins: what the journal names is adopted */
void bench_crash(struct bench *bench); /* it ends without a word; its agents live on */

void bench_add_queue(struct bench *bench, const char *name, char queue[static CLEARML_ID_ROOM]);
/* A task in the bench's queue. */
void bench_add_task(struct bench *bench, char task[static CLEARML_ID_ROOM]);
struct clearml_task bench_task(struct bench *bench, const char *task);
/* One API call of the test's own; body is a JSON object. The answer's data, or "" . */
void bench_call(struct bench *bench, const char *endpoint, const char *body, struct buf *data);
void bench_inject(struct bench *bench, const char *fault); /* controls.py */
void bench_heal(struct bench *bench); /* fails if the fault never met a call */
bool bench_is_waiting(struct bench *bench, const char *task); /* it is its queue's first entry */

/* One step, one second of the bench's time. */
void bench_turn(struct bench *bench);
/* Turn until the claim holds; a minute of real time without it ends the test. */
void bench_until(struct bench *bench, bool (*claim)(struct bench *bench, const char *task),
		 const char *task, const char *what);
bool bench_is_idle(struct bench *bench, const char *task); /* no seat is busy */
bool bench_is_running(struct bench *bench, const char *task); /* an agent said "start TASK" */
bool bench_are_all_started(struct bench *bench, const char *task); /* no seat is free, all run */
struct seats_state bench_look(struct bench *bench);

const char *bench_worker(const struct bench *bench); /* the one seat's worker id */

/* How often runs.log holds "WORD TASK". */
unsigned bench_count(const struct bench *bench, const char *word, const char *task);
/* No run started while another one of its task had not ended and was not killed. */
void bench_check_no_overlap(const struct bench *bench);

#endif
