#include "bootstrap/interruption.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/unit/support/http_call.h"
#include "tests/unit/support/http_peer.h"

enum { NOW_MS = 5000000 };

static const int64_t wall_ms = 1795472400000; /* 2026-11-23T22:20:00Z */

static void when_a_notice_comes(void **state)
{
	static const struct {
		const char *when, *text;
		int64_t left_ms;
	} cases[] = {
		/* As amazon-ec2-metadata-mock 1.13.0 writes it. */
		{ "it comes in time",
		  "{\n\t\"action\": \"terminate\",\n\t\"time\": \"2026-11-23T22:21:55Z\"\n}",
		  115000 },
		{ "it comes late", "{\"action\":\"terminate\",\"time\":\"2026-11-23T22:20:03Z\"}",
		  3000 },
		{ "its time is over",
		  "{\"action\":\"hibernate\",\"time\":\"2026-11-23T22:19:00Z\"}", 0 },
		{ "a clock is an hour off",
		  "{\"action\":\"stop\",\"time\":\"2026-11-23T23:20:00Z\"}", 120000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct interruption_notice notice = { .is_rebalance = true };
		struct error err = { 0 };

		if (interruption_parse(slice_of(cases[i].text), wall_ms, NOW_MS, &notice, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (notice.taken_ms != NOW_MS + cases[i].left_ms)
			fail_msg("when %s: %lld left", cases[i].when,
				 (long long)(notice.taken_ms - NOW_MS));
		assert_true(notice.action[0] && notice.is_rebalance);
	}
}

static void when_it_makes_no_sense(void **state)
{
	static const struct {
		const char *when, *text, *says;
	} cases[] = {
		{ "it is empty", "", "" },
		{ "it is a page", "<html>", "" },
		{ "it is a list", "[]", "action" },
		{ "nothing is to be done", "{\"time\":\"2026-11-23T22:21:55Z\"}", "action" },
		{ "it is to be danced", "{\"action\":\"dance\",\"time\":\"2026-11-23T22:21:55Z\"}",
		  "got dance" },
		{ "the time is missing", "{\"action\":\"stop\"}", "time" },
		{ "the time is none", "{\"action\":\"stop\",\"time\":\"soon\"}", "time" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct interruption_notice notice = { 0 };
		struct error err = { 0 };

		if (interruption_parse(slice_of(cases[i].text), wall_ms, NOW_MS, &notice, &err) ==
		    0)
			fail_msg("when %s: it was taken", cases[i].when);
		assert_int_equal(notice.taken_ms, 0);
		if (err.class != ERROR_MALFORMED || !strstr(err.message, cases[i].says))
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

/* ---- against a service ---- */

#define ASKS_TOKEN                                                                   \
	{                                                                            \
		"PUT /latest/api/token HTTP/1.1\r\n", "token-ttl-seconds: 21600\r\n" \
	}
#define ASKS(path, token)                                                                      \
	{                                                                                      \
		"GET /latest/meta-data/" path " HTTP/1.1\r\n", "metadata-token: " token "\r\n" \
	}
#define ACTION(token) ASKS("spot/instance-action", token)
#define REBALANCE(token) ASKS("events/recommendations/rebalance", token)
#define NONE STATUS("404 Not Found")
#define NOTICE "{\"action\": \"terminate\", \"time\": \"2026-11-23T22:21:00Z\"}"

struct scene {
	const char *when;
	struct http_step steps[9]; /* up to the first one without an expectation */
	bool is_rebalance;
	int64_t left_ms; /* 0: no notice */
};

/* Our time stands still but for the waits between the questions. */
static void turn_until(struct interruption *interruption, const struct scene *scene)
{
	const struct interruption_notice *notice = interruption_look(interruption);
	int64_t end_ms = clock_monotonic_ms() + HTTP_CALL_MS, now_ms = NOW_MS;

	while (notice->is_rebalance != scene->is_rebalance ||
	       (notice->taken_ms > 0) != (scene->left_ms > 0)) {
		interruption_turn(interruption, wall_ms, now_ms);
		if (!notice->taken_ms && interruption_next_ms(interruption, now_ms) > now_ms + 1000)
			now_ms = interruption_next_ms(interruption, now_ms);
		if (clock_monotonic_ms() > end_ms)
			fail_msg("when %s: nothing comes", scene->when);
		clock_sleep_ms(1);
	}
	if (scene->left_ms && notice->taken_ms != now_ms + scene->left_ms)
		fail_msg("when %s: %lld left", scene->when, (long long)(notice->taken_ms - now_ms));
	if (scene->left_ms)
		assert_true(interruption_next_ms(interruption, now_ms) == INT64_MAX);
}

static void when_the_service_is_asked(void **state)
{
	static const struct scene scenes[] = {
		{ .when = "there is a notice at once",
		  .steps = { { .expect = ASKS_TOKEN, .answer = OK("A") },
			     { .expect = ACTION("A"), .answer = OK(NOTICE) } },
		  .left_ms = 60000 },
		{ .when = "it comes later, after a recommendation",
		  .steps = { { .expect = ASKS_TOKEN, .answer = OK("A") },
			     { .expect = ACTION("A"), .answer = NONE },
			     { .expect = REBALANCE("A"), .answer = NONE },
			     { .expect = ACTION("A"), .answer = NONE },
			     { .expect = REBALANCE("A"), .answer = OK("{}") },
			     { .expect = ACTION("A"), .answer = OK(NOTICE) } },
		  .is_rebalance = true,
		  .left_ms = 60000 },
		{ .when = "the token runs out",
		  .steps = { { .expect = ASKS_TOKEN, .answer = OK("A") },
			     { .expect = ACTION("A"), .answer = STATUS("401 No") },
			     { .expect = ASKS_TOKEN, .answer = OK("B") },
			     { .expect = ACTION("B"), .answer = NONE },
			     { .expect = REBALANCE("B"), .answer = OK("{}") } },
		  .is_rebalance = true },
		{ .when = "the service stumbles",
		  .steps = { { .expect = ASKS_TOKEN, .answer = STATUS("500 Oops") },
			     { .expect = ASKS_TOKEN, .answer = OK("A") },
			     { .expect = ACTION("A"), .after = HTTP_RESETS },
			     { .expect = ACTION("A"), .answer = OK("<html>") },
			     { .expect = ACTION("A"), .answer = STATUS("503 Busy") },
			     { .expect = ACTION("A"), .answer = OK(NOTICE) } },
		  .left_ms = 60000 },
		{ .when = "the token is none",
		  .steps = { { .expect = ASKS_TOKEN, .answer = OK("no token") },
			     { .expect = ASKS_TOKEN, .answer = NONE },
			     { .expect = ASKS_TOKEN, .answer = OK("A") },
			     { .expect = ACTION("A"), .answer = OK(NOTICE) } },
		  .left_ms = 60000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
		struct interruption *interruption = NULL;
		struct error err = { 0 };
		size_t count = 0;

		while (count < ARRAY_LEN(scenes[i].steps) && scenes[i].steps[count].expect[0])
			count++;
		struct http_peer peer = http_peer_start(scenes[i].steps, count, NULL);

		setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", peer.url, 1);
		assert_int_equal(interruption_open(&interruption, &err), 0);
		turn_until(interruption, &scenes[i]);
		interruption_close(interruption);
		http_peer_finish(&peer, scenes[i].when);
	}
}

/* Each turn is back at once: it is asked for a thousand of them while nobody answers. */
static void when_the_service_hangs(void **state)
{
	static const struct http_step steps[] = { { .expect = ASKS_TOKEN, .after = HTTP_HANGS } };
	struct http_peer peer = http_peer_start(steps, ARRAY_LEN(steps), NULL);
	struct interruption *interruption = NULL;
	struct error err = { 0 };

	(void)state;
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", peer.url, 1);
	assert_int_equal(interruption_open(&interruption, &err), 0);
	for (unsigned i = 0; i < 1000; i++)
		interruption_turn(interruption, wall_ms, NOW_MS);
	assert_int_equal(interruption_look(interruption)->taken_ms, 0);
	interruption_close(interruption);
	http_peer_kill(&peer);
}

static void when_nobody_could_take_it(void **state)
{
	(void)state;
	interruption_turn(NULL, wall_ms, NOW_MS);
	assert_true(interruption_next_ms(NULL, NOW_MS) == INT64_MAX);
	assert_int_equal(interruption_look(NULL)->taken_ms, 0);
	assert_false(interruption_look(NULL)->is_rebalance);
	interruption_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_a_notice_comes),
		cmocka_unit_test(when_it_makes_no_sense),
		cmocka_unit_test(when_the_service_is_asked),
		cmocka_unit_test(when_the_service_hangs),
		cmocka_unit_test(when_nobody_could_take_it),
	};

	return cmocka_run_group_tests(tests, http_call_open, http_call_close);
}
