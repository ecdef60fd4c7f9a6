#ifndef TESTS_UNIT_SUPPORT_ENGINE_BENCH_H
#define TESTS_UNIT_SUPPORT_ENGINE_BENCH_H

#include "bootstrap/machine.h"
#include "tests/unit/support/engine_peer.h"
#include "tests/unit/support/scratch.h"

/*
 * engine_bench: a machine in docker mode whose engine is an engine_peer, in a
 * folder and under an instance name of the test's own. Time is the bench's.
 */

#define ENGINE_BENCH_SECRET "not-for-anybodys-eyes"

struct engine_bench {
	char folder[SCRATCH_ROOM], socket[2 * SCRATCH_ROOM];
	struct engine_peer *peer;
	struct machine machine; /* without a clearml */
	int64_t now_ms;
};

/* Not met yet. Agent image agent:1, default image task:1, network bridge, one seat, no GPUs. */
void engine_bench_begin(struct engine_bench *bench, const struct engine_route *routes);
/* And its events are listened to from here on. */
void engine_bench_meet(struct engine_bench *bench);
/* One second of the bench's time. */
void engine_bench_turn(struct engine_bench *bench);
/* Turn until the engine is known to answer, or not to. */
void engine_bench_until(struct engine_bench *bench, bool answers, const char *when);
/* What came of wanting an image. */
struct engine_bench_image {
	enum image_state state;
	struct error err;
	char news[512]; /* the last that was told while it came */
};
enum image_state engine_bench_want(struct engine_bench *bench, const char *image,
				   struct engine_bench_image *out);
/* The same, for one of several: its wish is so old. */
enum image_state engine_bench_want_since(struct engine_bench *bench, const char *image,
					 int64_t since_ms, struct engine_bench_image *out);
/* Until it does not come any more. */
void engine_bench_image(struct engine_bench *bench, const char *image, const char *when,
			struct engine_bench_image *out);

void engine_bench_end(struct engine_bench *bench);

#endif
