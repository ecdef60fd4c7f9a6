#include "bootstrap/images.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/file.h"
#include "tests/unit/support/engine_bench.h"

#define LOOK "GET /images/"
#define PULL "POST /images/create?"
#define PULLED ENGINE_SAYS("{\"status\":\"Pull complete\",\"id\":\"1\"}\n")
#define FAILS(words) ENGINE_SAYS("{\"errorDetail\":{\"message\":\"" words "\"}}\n")
#define HERE ENGINE_IMAGE("amd64")

enum { DEADLINE_MS = 60000, ROUTES = 6 };

/* ---- by policy ---- */

struct case_of_end {
	const char *when, *image;
	enum docker_pull_policy pull;
	struct engine_route routes[ROUTES];
	enum image_state state;
	enum error_class class;
	const char *words; /* of the failure; NULL: none */
	const char *story;
};

static const struct case_of_end ends[] = {
	{ "it is here and only what is missing is fetched",
	  "a:1",
	  PULL_MISSING,
	  { { .request = LOOK "a:1/json", .answer = HERE } },
	  IMAGE_IS_HERE,
	  ERROR_NONE,
	  NULL,
	  "GET /images/a:1/json|" },
	{ "it is missing",
	  "a:1",
	  PULL_MISSING,
	  { { .request = LOOK, .answer = ENGINE_NO_IMAGE, .times = 1 },
	    { .request = PULL "fromImage=a&tag=1", .answer = PULLED },
	    { .request = LOOK, .answer = HERE } },
	  IMAGE_IS_HERE,
	  ERROR_NONE,
	  NULL,
	  "GET /images/a:1/json|POST /images/create?fromImage=a&tag=1|GET /images/a:1/json|" },
	{ "it is here, and the registry is to be asked each time",
	  "a:1",
	  PULL_ALWAYS,
	  { { .request = PULL, .answer = PULLED }, { .request = LOOK, .answer = HERE } },
	  IMAGE_IS_HERE,
	  ERROR_NONE,
	  NULL,
	  "POST /images/create?fromImage=a&tag=1|GET /images/a:1/json|" },
	{ "it is here and nothing is ever fetched",
	  "a:1",
	  PULL_NEVER,
	  { { .request = LOOK, .answer = HERE } },
	  IMAGE_IS_HERE,
	  ERROR_NONE,
	  NULL,
	  "GET /images/a:1/json|" },
	{ "it is missing and nothing is ever fetched",
	  "a:1",
	  PULL_NEVER,
	  { { .request = LOOK, .answer = ENGINE_NO_IMAGE } },
	  IMAGE_FAILED,
	  ERROR_NOT_FOUND,
	  "agent.docker.pull is never",
	  "GET /images/a:1/json|" },
	{ "it has no name that an engine takes",
	  "A B",
	  PULL_MISSING,
	  { { 0 } },
	  IMAGE_FAILED,
	  ERROR_REFUSED,
	  "blank",
	  "" },
	{ "its name is an option",
	  "--privileged",
	  PULL_MISSING,
	  { { 0 } },
	  IMAGE_FAILED,
	  ERROR_REFUSED,
	  "dash",
	  "" },
	{ "it has no name at all",
	  "",
	  PULL_MISSING,
	  { { 0 } },
	  IMAGE_FAILED,
	  ERROR_REFUSED,
	  "no name",
	  "" },
	{ "it is here for a processor that nothing emulates",
	  "a:1",
	  PULL_MISSING,
	  { { .request = LOOK, .answer = ENGINE_IMAGE("mips64le") } },
	  IMAGE_FAILED,
	  ERROR_REFUSED,
	  "is for mips64le, this machine is amd64",
	  "GET /images/a:1/json|" },
	{ "it is here for the older form of our processor",
	  "a:1",
	  PULL_MISSING,
	  { { .request = LOOK, .answer = ENGINE_IMAGE("386") } },
	  IMAGE_IS_HERE,
	  ERROR_NONE,
	  NULL,
	  "GET /images/a:1/json|" },
	{ "what was fetched turns out to be for another processor",
	  "a:1",
	  PULL_MISSING,
	  { { .request = LOOK, .answer = ENGINE_NO_IMAGE, .times = 1 },
	    { .request = PULL, .answer = PULLED },
	    { .request = LOOK, .answer = ENGINE_IMAGE("mips64le") } },
	  IMAGE_FAILED,
	  ERROR_REFUSED,
	  "is for mips64le",
	  "GET /images/a:1/json|POST /images/create?fromImage=a&tag=1|GET /images/a:1/json|" },
	{ "the registry has none of the name",
	  "a:1",
	  PULL_MISSING,
	  { { .request = LOOK, .answer = ENGINE_NO_IMAGE },
	    { .request = PULL,
	      .answer = ENGINE_REFUSES("404 Not Found", "manifest for a:1 not found") } },
	  IMAGE_FAILED,
	  ERROR_NOT_FOUND,
	  "manifest for a:1 not found",
	  "GET /images/a:1/json|POST /images/create?fromImage=a&tag=1|" },
	{ "the registry has it for other processors alone",
	  "a:1",
	  PULL_MISSING,
	  { { .request = LOOK, .answer = ENGINE_NO_IMAGE },
	    { .request = PULL,
	      .answer = FAILS(
		      "no matching manifest for linux/amd64 in the manifest list entries") } },
	  IMAGE_FAILED,
	  ERROR_REFUSED,
	  "no matching manifest",
	  "GET /images/a:1/json|POST /images/create?fromImage=a&tag=1|" },
	{ "the disk is full",
	  "a:1",
	  PULL_MISSING,
	  { { .request = LOOK, .answer = ENGINE_NO_IMAGE },
	    { .request = PULL, .answer = FAILS("write /x: no space left on device") } },
	  IMAGE_FAILED,
	  ERROR_CAPACITY,
	  "no space left on device",
	  "GET /images/a:1/json|POST /images/create?fromImage=a&tag=1|" },
	{ "the registry wants a login and the bundle has none",
	  "r.example/a:1",
	  PULL_MISSING,
	  { { .request = LOOK, .answer = ENGINE_NO_IMAGE },
	    { .request = PULL, .answer = FAILS("unauthorized: authentication required") } },
	  IMAGE_FAILED,
	  ERROR_DENIED,
	  "the bundle has no login for r.example",
	  "GET /images/r.example/a:1/json|"
	  "POST /images/create?fromImage=r.example%2Fa&tag=1|" },
	{ "it came, and is not here after all: somebody cleans up",
	  "a:1",
	  PULL_MISSING,
	  { { .request = LOOK, .answer = ENGINE_NO_IMAGE, .times = 2 },
	    { .request = PULL, .answer = PULLED },
	    { .request = LOOK, .answer = HERE } },
	  IMAGE_IS_HERE,
	  ERROR_NONE,
	  NULL,
	  "GET /images/a:1/json|POST /images/create?fromImage=a&tag=1|GET /images/a:1/json|"
	  "POST /images/create?fromImage=a&tag=1|GET /images/a:1/json|" },
	{ "it fails for a moment, twice, and then comes",
	  "a:1",
	  PULL_MISSING,
	  { { .request = LOOK, .answer = ENGINE_NO_IMAGE, .times = 1 },
	    { .request = PULL, .answer = FAILS("toomanyrequests: slow down"), .times = 1 },
	    { .request = PULL, .answer = NULL, .times = 1 },
	    { .request = PULL, .answer = PULLED },
	    { .request = LOOK, .answer = HERE } },
	  IMAGE_IS_HERE,
	  ERROR_NONE,
	  NULL,
	  "GET /images/a:1/json|POST /images/create?fromImage=a&tag=1|"
	  "POST /images/create?fromImage=a&tag=1|POST /images/create?fromImage=a&tag=1|"
	  "GET /images/a:1/json|" },
};

static void check_outcome(const struct case_of_end *want, const struct engine_bench_image *got)
{
	if (got->state != want->state || got->err.class != want->class)
		fail_msg("when %s: %d, %s", want->when, got->state, got->err.message);
	if (want->words && !strstr(got->err.message, want->words))
		fail_msg("when %s: it says %s", want->when, got->err.message);
}

static void images_come_or_fail(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		SCOPED(buf) struct buf story = BUF(4096);
		struct engine_bench_image got = { 0 };
		struct engine_bench bench;

		engine_bench_begin(&bench, ends[i].routes);
		bench.machine.ticket.agent.docker.pull = ends[i].pull;
		engine_bench_meet(&bench);
		engine_bench_image(&bench, ends[i].image, ends[i].when, &got);
		check_outcome(&ends[i], &got);
		engine_peer_story(bench.peer, &story);
		if (strcmp(buf_text(&story), ends[i].story) != 0)
			fail_msg("when %s: %s", ends[i].when, buf_text(&story));
		engine_bench_end(&bench);
	}
}

/* The kernel runs it all the same where somebody has registered an emulator. */
static void an_emulator_is_as_good(void **state)
{
	static const struct engine_route routes[] = {
		{ .request = LOOK, .answer = ENGINE_IMAGE("arm64") },
		{ 0 },
	};
	bool has_one = file_exists("/proc/sys/fs/binfmt_misc/qemu-aarch64");
	struct engine_bench_image got = { 0 };
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, routes);
	engine_bench_meet(&bench);
	engine_bench_image(&bench, "a:1", "it is for arm64", &got);
	assert_int_equal(got.state, has_one ? IMAGE_IS_HERE : IMAGE_FAILED);
	engine_bench_end(&bench);
}

/* Told once; who asks again begins anew. Both where no try would help and where time is over. */
static void a_failure_is_told_once(void **state)
{
	static const struct {
		const char *when, *answer;
		enum error_class class;
	} cases[] = {
		{ "the image does not exist", FAILS("manifest for a:1 not found: manifest unknown"),
		  ERROR_NOT_FOUND },
		{ "the registry is away until the time is over",
		  FAILS("dial tcp 1.2.3.4:443: connect: connection refused"), ERROR_UNREACHABLE },
		{ "the registry's limit is met until the time is over",
		  FAILS("toomanyrequests: slow down"), ERROR_UNREACHABLE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct engine_route first[] = {
			{ .request = LOOK, .answer = ENGINE_NO_IMAGE },
			{ .request = PULL, .answer = cases[i].answer },
			{ 0 },
		};
		static const struct engine_route second[] = {
			{ .request = LOOK, .answer = ENGINE_NO_IMAGE, .times = 1 },
			{ .request = PULL, .answer = PULLED },
			{ .request = LOOK, .answer = HERE },
			{ 0 },
		};
		struct engine_bench_image got = { 0 };
		struct engine_bench bench;

		engine_bench_begin(&bench, first);
		bench.machine.ticket.agent.docker.pull_timeout_s = 60;
		engine_bench_meet(&bench);
		int64_t begun_ms = bench.now_ms;

		engine_bench_image(&bench, "a:1", cases[i].when, &got);
		if (got.state != IMAGE_FAILED || got.err.class != cases[i].class)
			fail_msg("when %s: %d, %s, %s", cases[i].when, got.state,
				 error_class_name(got.err.class), got.err.message);
		bool is_for_good = cases[i].class != ERROR_UNREACHABLE;
		unsigned tries = engine_peer_count(bench.peer, PULL, NULL);

		if (is_for_good ? tries != 1 : tries < 3)
			fail_msg("when %s: %u tries", cases[i].when, tries);
		assert_true(bench.now_ms - begun_ms <= 61000);
		engine_peer_route(bench.peer, second);
		assert_int_equal(engine_bench_want(&bench, "a:1", &got), IMAGE_COMES);
		engine_bench_image(&bench, "a:1", cases[i].when, &got);
		assert_int_equal(got.state, IMAGE_IS_HERE);
		engine_bench_end(&bench);
	}
}

/* ---- on the way ---- */

static const struct engine_route on_its_way[] = {
	{ .request = LOOK, .answer = ENGINE_NO_IMAGE },
	{ .request = PULL, .answer = ENGINE_SAYS(""), .stays = true },
	{ 0 },
};

static void wait_for_pulls(struct engine_bench *bench, unsigned count)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;

	while (engine_peer_count(bench->peer, PULL, NULL) < count) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("%u pulls, wanted %u", engine_peer_count(bench->peer, PULL, NULL),
				 count);
		images_turn(bench->machine.images, bench->now_ms);
		clock_sleep_ms(1);
	}
}

static void progress_is_told(void **state)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;
	struct engine_bench_image got = { 0 };
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, on_its_way);
	engine_bench_meet(&bench);
	assert_int_equal(engine_bench_want(&bench, "a:1", &got), IMAGE_COMES);
	assert_string_equal(got.news, "0 of 0 layers");
	wait_for_pulls(&bench, 1);
	assert_true(images_is_busy(bench.machine.images));
	engine_peer_tell(bench.peer, "{\"status\":\"Downloading\",\"id\":\"1\",\"progressDetail\":"
				     "{\"current\":500000,\"total\":2000000}}\n");
	while (strcmp(got.news, "25 % of 2.0 MB, 0 of 1 layers") != 0) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("it says %s", got.news);
		images_turn(bench.machine.images, bench.now_ms);
		assert_int_equal(engine_bench_want(&bench, "a:1", &got), IMAGE_COMES);
		clock_sleep_ms(1);
	}
	engine_bench_end(&bench);
}

/* Nobody asks any more: after ten minutes it is not fetched any more, and the next one begins anew.
 */
static void what_nobody_wants_is_given_up(void **state)
{
	static const struct {
		const char *when;
		bool is_prefetch;
		int64_t silent_ms;
		bool is_busy;
	} cases[] = {
		{ "nobody asks for less than ten minutes", false, 599999, true },
		{ "nobody asks for ten minutes", false, 600000, false },
		{ "it is fetched in case", true, 600000, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct engine_bench_image got = { 0 };
		struct engine_bench bench;

		engine_bench_begin(&bench, on_its_way);
		engine_bench_meet(&bench);
		if (cases[i].is_prefetch)
			images_prefetch(bench.machine.images, "a:1");
		else
			assert_int_equal(engine_bench_want(&bench, "a:1", &got), IMAGE_COMES);
		wait_for_pulls(&bench, 1);
		images_turn(bench.machine.images, bench.now_ms + cases[i].silent_ms);
		if (images_is_busy(bench.machine.images) != cases[i].is_busy)
			fail_msg("when %s: busy is %d", cases[i].when, !cases[i].is_busy);
		bench.now_ms += cases[i].silent_ms;
		assert_int_equal(engine_bench_want(&bench, "a:1", &got), IMAGE_COMES);
		wait_for_pulls(&bench, cases[i].is_busy ? 1 : 2);
		assert_int_equal(engine_peer_count(bench.peer, PULL, NULL),
				 cases[i].is_busy ? 1 : 2);
		engine_bench_end(&bench);
	}
}

/* A pull that never ends has no more time than one that fails. */
static void a_pull_that_crawls_has_no_more_time(void **state)
{
	struct engine_bench_image got = { 0 };
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, on_its_way);
	bench.machine.ticket.agent.docker.pull_timeout_s = 120;
	engine_bench_meet(&bench);
	for (int i = 0; i < 130 && engine_bench_want(&bench, "a:1", &got) == IMAGE_COMES; i++)
		engine_bench_turn(&bench);
	assert_int_equal(got.state, IMAGE_FAILED);
	assert_int_equal(got.err.class, ERROR_UNREACHABLE);
	assert_non_null(strstr(got.err.message, "pull_timeout of 120 s"));
	assert_false(images_is_busy(bench.machine.images));
	engine_bench_end(&bench);
}

static void the_engine_is_waited_for(void **state)
{
	static const struct engine_route routes[] = {
		{ .request = LOOK, .answer = ENGINE_NO_IMAGE, .times = 1 },
		{ .request = PULL,
		  .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		  .times = 1,
		  .stays = true },
		{ .request = PULL, .answer = PULLED },
		{ .request = LOOK, .answer = HERE },
		{ 0 },
	};
	struct engine_bench_image got = { 0 };
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, routes);
	engine_bench_meet(&bench);
	engine_peer_go_away(bench.peer);
	assert_int_equal(engine_bench_want(&bench, "a:1", &got), IMAGE_COMES);
	assert_non_null(strstr(got.news, "waits for the engine"));
	engine_bench_until(&bench, false, "it goes");
	engine_peer_come_back(bench.peer);
	engine_bench_until(&bench, true, "it comes back");
	assert_int_equal(engine_bench_want(&bench, "a:1", &got), IMAGE_COMES);
	wait_for_pulls(&bench, 1);
	engine_peer_go_away(bench.peer); /* in the middle of it */
	engine_bench_until(&bench, false, "it goes again");
	for (int i = 0; i < 30; i++) {
		engine_bench_turn(&bench);
		assert_int_equal(engine_bench_want(&bench, "a:1", &got), IMAGE_COMES);
	}
	engine_peer_come_back(bench.peer);
	engine_bench_image(&bench, "a:1", "the engine restarts under a pull", &got);
	assert_int_equal(got.state, IMAGE_IS_HERE);
	engine_bench_end(&bench);
}

/* 20 at once: the 21st waits for a place, and gets one. */
static void more_images_than_places(void **state)
{
	struct engine_bench_image got = { 0 };
	struct engine_bench bench;
	char image[16];

	(void)state;
	engine_bench_begin(&bench, on_its_way);
	engine_bench_meet(&bench);
	for (int i = 0; i < 20; i++) {
		snprintf(image, sizeof(image), "a:%d", i);
		assert_int_equal(engine_bench_want(&bench, image, &got), IMAGE_COMES);
	}
	wait_for_pulls(&bench, 20);
	assert_int_equal(engine_bench_want(&bench, "a:20", &got), IMAGE_COMES);
	assert_string_equal(got.news, "waits for other images");
	images_prefetch(bench.machine.images, "a:21"); /* no place: not fetched */
	bench.now_ms += 600000; /* nobody wants them any more */
	images_turn(bench.machine.images, bench.now_ms);
	assert_int_equal(engine_bench_want(&bench, "a:20", &got), IMAGE_COMES);
	wait_for_pulls(&bench, 21);
	assert_int_equal(engine_peer_count(bench.peer, PULL, "fromImage=a&tag=20"), 1);
	assert_int_equal(engine_peer_count(bench.peer, PULL, "fromImage=a&tag=21"), 0);
	engine_bench_end(&bench);
}

/* ---- in case ---- */

static void a_prefetch_that_fails_is_a_warning(void **state)
{
	static const struct engine_route routes[] = {
		{ .request = LOOK, .answer = ENGINE_NO_IMAGE, .times = 1 },
		{ .request = PULL,
		  .answer = FAILS("manifest for a:1 not found: manifest unknown"),
		  .times = 1 },
		{ .request = LOOK, .answer = HERE },
		{ 0 },
	};
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;
	struct engine_bench_image got = { 0 };
	struct engine_bench bench;
	char log[4096];

	(void)state;
	engine_bench_begin(&bench, routes);
	engine_bench_meet(&bench);
	struct capture capture = capture_begin(2);

	images_prefetch(bench.machine.images, "a:1");
	images_prefetch(bench.machine.images, "a:1"); /* again is nothing */
	images_prefetch(bench.machine.images, ""); /* no default image: nothing */
	bool is_busy = true;

	while (is_busy && clock_monotonic_ms() < end_ms) {
		engine_bench_turn(&bench);
		is_busy = images_is_busy(bench.machine.images);
		clock_sleep_ms(1);
	}
	engine_bench_turn(&bench); /* what is over is forgotten */
	capture_end(&capture, log, sizeof(log));
	assert_false(is_busy);
	assert_int_equal(engine_peer_count(bench.peer, PULL, NULL), 1);
	if (!strstr(log, "manifest for a:1 not found"))
		fail_msg("it says %s", log);
	assert_int_equal(engine_bench_want(&bench, "a:1", &got), IMAGE_IS_HERE);
	engine_bench_end(&bench);
}

static void null_is_nothing(void **state)
{
	(void)state;
	images_turn(NULL, 1);
	images_free(NULL);
	assert_false(images_is_busy(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_come_or_fail),
		cmocka_unit_test(an_emulator_is_as_good),
		cmocka_unit_test(a_failure_is_told_once),
		cmocka_unit_test(progress_is_told),
		cmocka_unit_test(what_nobody_wants_is_given_up),
		cmocka_unit_test(a_pull_that_crawls_has_no_more_time),
		cmocka_unit_test(the_engine_is_waited_for),
		cmocka_unit_test(more_images_than_places),
		cmocka_unit_test(a_prefetch_that_fails_is_a_warning),
		cmocka_unit_test(null_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
