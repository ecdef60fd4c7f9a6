#include "bootstrap/images.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/unit/support/engine_bench.h"

#define LOOK "GET /images/"
#define PULL "POST /images/create?"
#define PULLED ENGINE_SAYS("{\"status\":\"Pull complete\",\"id\":\"1\"}\n")
#define FAILS(words) ENGINE_SAYS("{\"errorDetail\":{\"message\":\"" words "\"}}\n")
#define HERE ENGINE_IMAGE("amd64")

/* Several who want the same image at a time. */

enum { SEATS = 16, DEADLINE_MS = 60000 };

static void end_shared_pull(struct engine_bench *bench, int64_t since_ms, const char *when,
			    struct engine_bench_image *got)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;

	while (engine_bench_want_since(bench, "a:1", since_ms, got) == IMAGE_COMES) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("when %s: it never ends", when);
		engine_bench_turn(bench);
		if (images_is_busy(bench->machine.images))
			clock_sleep_ms(1);
	}
}

/* All that waited, but for the last seat: by no other pull. */
static void check_others(struct engine_bench *bench, int64_t since_ms, const char *when,
			 enum image_state want)
{
	unsigned tries = engine_peer_count(bench->peer, PULL, NULL);
	struct engine_bench_image got = { 0 };

	for (unsigned seat = 2; seat < SEATS; seat++)
		if (engine_bench_want_since(bench, "a:1", since_ms, &got) != want)
			fail_msg("when %s: seat %u: %d", when, seat, got.state);
	assert_int_equal(engine_peer_count(bench->peer, PULL, NULL), tries);
}

/* All seats wait for one pull, for one pull_timeout; its end holds for all, and counts once. */
static void one_pull_is_for_all(void **state)
{
	static const struct {
		const char *when, *answer;
		enum docker_pull_policy pull;
		enum image_state first, others;
	} cases[] = {
		{ "the image does not exist", FAILS("manifest for a:1 not found: manifest unknown"),
		  PULL_MISSING, IMAGE_FAILED, IMAGE_HAS_FAILED },
		{ "the registry is away until the time is over",
		  FAILS("dial tcp 1.2.3.4:443: connect: connection refused"), PULL_MISSING,
		  IMAGE_FAILED, IMAGE_HAS_FAILED },
		{ "it comes", PULLED, PULL_MISSING, IMAGE_IS_HERE, IMAGE_IS_HERE },
		{ "it comes, and the registry is to be asked each time", PULLED, PULL_ALWAYS,
		  IMAGE_IS_HERE, IMAGE_IS_HERE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool comes = cases[i].first == IMAGE_IS_HERE;
		const struct engine_route routes[] = {
			{ .request = LOOK, .answer = ENGINE_NO_IMAGE, .times = comes ? 1 : 0 },
			{ .request = PULL, .answer = cases[i].answer },
			{ .request = LOOK, .answer = HERE },
			{ 0 },
		};
		struct engine_bench_image got = { 0 };
		struct engine_bench bench;

		engine_bench_begin(&bench, cases[i].pull == PULL_ALWAYS ? routes + 1 : routes);
		bench.machine.ticket.agent.docker.pull = cases[i].pull;
		bench.machine.ticket.agent.docker.pull_timeout_s = 60;
		engine_bench_meet(&bench);
		int64_t since_ms = bench.now_ms;

		end_shared_pull(&bench, since_ms, cases[i].when, &got);
		assert_int_equal(got.state, cases[i].first);
		check_others(&bench, since_ms, cases[i].when, cases[i].others);

		/* Who wishes for it later asks anew where it failed; the last of the old ones,
		 * who was busy elsewhere, is told all the same. */
		const struct engine_route later[] = {
			{ .request = LOOK, .answer = comes ? HERE : ENGINE_NO_IMAGE },
			{ .request = PULL, .answer = ENGINE_SAYS(""), .stays = true },
			{ 0 },
		};

		engine_peer_route(bench.peer, later);
		engine_bench_turn(&bench);
		(void)engine_bench_want_since(&bench, "a:1", bench.now_ms, &got);
		bool is_new = !comes || cases[i].pull == PULL_ALWAYS;
		if (got.state != (is_new ? IMAGE_COMES : IMAGE_IS_HERE))
			fail_msg("when %s: a later one: %d", cases[i].when, got.state);
		(void)engine_bench_want_since(&bench, "a:1", since_ms, &got);
		assert_int_equal(got.state, cases[i].others);
		engine_bench_end(&bench);
	}
}

/* Ends that are kept must not fill the list. */
static void ends_make_room(void **state)
{
	static const struct engine_route routes[] = {
		{ .request = LOOK, .answer = ENGINE_NO_IMAGE },
		{ .request = PULL, .answer = FAILS("manifest unknown: not found") },
		{ 0 },
	};
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, routes);
	engine_bench_meet(&bench);
	for (unsigned i = 0; i < 60; i++) {
		struct engine_bench_image got = { 0 };
		int64_t since_ms = bench.now_ms;
		char image[16];

		(void)snprintf(image, sizeof(image), "a:%u", i);
		for (int turn = 0; turn < 2000; turn++) {
			if (engine_bench_want_since(&bench, image, since_ms, &got) != IMAGE_COMES)
				break;
			images_turn(bench.machine.images, bench.now_ms);
			clock_sleep_ms(1);
		}
		if (got.state != IMAGE_FAILED)
			fail_msg("%s: %d, %s", image, got.state, got.news);
	}
	engine_bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_pull_is_for_all),
		cmocka_unit_test(ends_make_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
