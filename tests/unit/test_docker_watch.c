#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bootstrap/docker.h"
#include "common/clock.h"
#include "tests/unit/support/docker_bench.h"

enum { DEADLINE_MS = 60000 };

#define EVENT(action, id)                                                                 \
	"{\"Type\":\"container\",\"Action\":\"" action "\",\"Actor\":{\"ID\":\"" id "\"," \
	"\"Attributes\":{\"exitCode\":\"3\"}},\"timeNano\":1764061200123456789}\n"
#define QUERY                                                                              \
	"000000&filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%2C%22type%22%3A%5B%22container" \
	"%22%5D%7D HTTP/1.1\r\n"

/* Until it breaks: "start aa 0|die bb 3|". */
static int watch_to_the_end(struct docker_watch *watch, struct buf *seen, struct error *err)
{
	int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;

	while (clock_monotonic_ms() < deadline_ms) {
		struct docker_event event;
		bool has_event = false;

		if (docker_watch_turn(watch, &has_event, &event, err) < 0)
			return -1;
		if (!has_event) {
			clock_sleep_ms(1);
			continue;
		}
		buf_addf(seen, "%s %s %d|", event.action, event.container, event.exit_code);
		docker_event_release(&event);
	}
	fail_msg("%s", "the watch has no end");
	return 0;
}

static void events_are_told_until_the_stream_ends(void **state)
{
	static const struct {
		const char *when;
		struct http_step step;
		const char *seen;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "two come, cut into pieces, and the engine ends",
		  { .answer = SAYS(EVENT("start", "aa") EVENT("die", "bb")), .piece = 11 },
		  "start aa -1|die bb 3|",
		  ERROR_UNREACHABLE,
		  "the engine went" },
		{ "many come at once",
		  { .answer = SAYS(EVENT("a", "1") EVENT("b", "2") EVENT("c", "3") EVENT("d", "4")
					   EVENT("e", "5") EVENT("f", "6") EVENT("g", "7") EVENT(
						   "h", "8") EVENT("i", "9") EVENT("j", "10")) },
		  "a 1 -1|b 2 -1|c 3 -1|d 4 -1|e 5 -1|f 6 -1|g 7 -1|h 8 -1|i 9 -1|j 10 -1|",
		  ERROR_UNREACHABLE,
		  "the engine went" },
		{ "the engine goes in the middle of one",
		  { .answer = CHUNKS "ff\r\n" EVENT("start", "aa") "{\"Type\":" },
		  "start aa -1|",
		  ERROR_UNREACHABLE,
		  "docker: the events" },
		{ "the engine closes without a word",
		  { .answer = NULL },
		  "",
		  ERROR_UNREACHABLE,
		  "no answer" },
		{ "it refuses",
		  { .answer = REFUSES("400 Bad Request", "invalid filter 'label'"), .piece = 9 },
		  "",
		  ERROR_REFUSED,
		  "invalid filter 'label' (status 400)" },
		{ "a line makes no sense: told after what came before it",
		  { .answer = SAYS(EVENT("start", "aa") "nonsense\n" EVENT("die", "bb")) },
		  "start aa -1|",
		  ERROR_MALFORMED,
		  "an event" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf seen = BUF(1024);
		struct http_step step = cases[i].step;
		struct docker_watch *watch = NULL;
		struct error err = { 0 }, again = { 0 };
		struct docker_event event;
		bool has_event = false;

		step.expect[0] = "GET /v1.41/events?since=";
		step.expect[1] = QUERY;
		struct docker_bench bench = docker_bench_begin("1.41", &step, 1);

		assert_int_equal(docker_watch_open(bench.docker, "a=b", &watch, &err), 0);
		docker_bench_check(cases[i].when, watch_to_the_end(watch, &seen, &err), &err,
				   cases[i].class, cases[i].words);
		if (strcmp(buf_text(&seen), cases[i].seen) != 0)
			fail_msg("when %s: %s", cases[i].when, buf_text(&seen));
		assert_int_equal(docker_watch_turn(watch, &has_event, &event, &again), -1);
		assert_string_equal(again.message, err.message);
		docker_watch_close(watch);
		docker_bench_end(&bench, cases[i].when);
	}
}

/* What has come and was not asked for goes with it. */
static void a_watch_is_closed_with_events_in_it(void **state)
{
	static const struct http_step step = { .expect = { "/events" },
					       .answer = SAYS(EVENT("a", "1") EVENT("b", "2")
								      EVENT("c", "3")),
					       .after = HTTP_HANGS };
	struct docker_bench bench = docker_bench_begin("1.41", &step, 1);
	int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
	struct docker_watch *watch = NULL;
	struct docker_event event;
	struct error err = { 0 };
	bool has_event = false;

	(void)state;
	assert_int_equal(docker_watch_open(bench.docker, "a=b", &watch, &err), 0);
	while (!has_event && clock_monotonic_ms() < deadline_ms) {
		assert_int_equal(docker_watch_turn(watch, &has_event, &event, &err), 0);
		clock_sleep_ms(1);
	}
	assert_true(has_event);
	docker_event_release(&event);
	docker_watch_close(watch);
	docker_watch_close(NULL);
	docker_bench_end(&bench, "a watch is closed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_told_until_the_stream_ends),
		cmocka_unit_test(a_watch_is_closed_with_events_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
