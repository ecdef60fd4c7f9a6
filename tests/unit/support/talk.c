#include "tests/unit/support/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct talk talk_begin(const struct api_step *steps, size_t count)
{
	struct talk talk = { .peer = api_peer_open(steps, count) };
	struct secret key = { 0 };
	struct error err = { 0 };
	char server[64];

	snprintf(server, sizeof(server), "http://127.0.0.1:%u/base/", api_peer_port(talk.peer));
	assert_int_equal(secret_copy(&key, slice_of(TALK_SECRET), &err), 0);
	struct clearml_settings settings = { .api_server = server,
					     .client_name = "mayfly-test/1",
					     .worker = "p:cpu:small:i-1" };

	if (clearml_open(&settings, "AK", &key, &talk.clearml, &err) < 0)
		fail_msg("%s", err.message);
	assert_null(key.guarded); /* moved */
	return talk;
}

void talk_end(struct talk *talk)
{
	clearml_close(talk->clearml);
	api_peer_close(talk->peer);
}

void check_sent(struct talk *talk, size_t step, const char *want)
{
	const char *got = api_peer_request(talk->peer, step);

	if (!strstr(got, want))
		fail_msg("request %zu lacks %s:\n%s", step, want, got);
}

void check_not_sent(struct talk *talk, size_t step, const char *text)
{
	const char *got = api_peer_request(talk->peer, step);

	if (strstr(got, text))
		fail_msg("request %zu has %s:\n%s", step, text, got);
}

void succeed(int result, const struct error *err)
{
	if (result < 0)
		fail_msg("%s: %s", error_class_name(err->class), err->message);
}
