/* channel: beside a second reaper, and what is believed of what stands in the task. */
#include "reaper/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/unit/support/channel_scene.h"

/* Beside a second reaper of the prefix: its orders stand, ours too, and people are told. */
static void another_reapers_orders_are_carried(void **state)
{
	static const struct {
		const char *when, *issuer, *task;
		int64_t known; /* the number that the ledger knows, less that of what stands */
		enum order carried;
		size_t adopted;
		const char *rival;
	} cases[] = {
		{ "another signed since", "b", TASK_A, -5, ORDER_KEEP, 0, "b" },
		{ "what it signed was seen before", "b", TASK_A, 0, ORDER_KEEP, 0, "" },
		{ "an old one of it was put back", "b", TASK_A, 1, ORDER_NONE, 0, "" },
		{ "we signed it", "us", TASK_A, -5, ORDER_NONE, 0, "" },
		{ "the ledger is new", "b", "", -5, ORDER_NONE, 1, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t number = channel_scene_wall_s();

		channel_scene_next_issuer = cases[i].issuer;
		char *text = channel_scene_signed_orders(&channel_scene_settings.signing_key,
							 number, channel_scene_wall_s() - 60,
							 "i-two", ORDER_KEEP);
		char *there = channel_scene_board(TASK_A, "in_progress", text);
		const struct api_step steps[] = {
			HELLO,
			{ .endpoint = "tasks.get_all", .data = there },
			{ .endpoint = "tasks.edit_hyper_params", .data = "{\"updated\":1}" },
		};
		SCOPED(orders) struct orders sent = { 0 };
		struct channel_scene scene;

		channel_scene_next_issuer = "";
		channel_scene_begin(&scene, steps, ARRAY_LEN(steps));
		text_cut(scene.ledger.task, sizeof(scene.ledger.task), cases[i].task);
		text_cut(scene.ledger.issuer, sizeof(scene.ledger.issuer), "us");
		scene.ledger.channel = (uint64_t)(number + cases[i].known);
		channel_scene_look(&scene);
		channel_scene_find(&scene);
		channel_scene_send_orders(&scene, 1);
		channel_scene_open_sent(&scene, FIRST + 1, &sent);
		if (orders_for(&sent, "i-two") != cases[i].carried ||
		    scene.ledger.order_count != cases[i].adopted ||
		    strcmp(scene.ledger.rival, cases[i].rival) != 0)
			fail_msg("when %s: \"%s\"", cases[i].when, scene.ledger.rival);
		assert_string_equal(sent.own.issuer, "us");
		assert_int_equal(orders_for(&sent, "i-one"), ORDER_DRAIN);
		assert_true(sent.number > number);
		channel_scene_end(&scene);
		free(there);
		free(text);
	}
}

static void which_mirror_is_believed(void **state)
{
	static const struct {
		const char *when, *issuer, *task, *why;
		const struct minisign_key *key;
		uint64_t known;
		bool is_believed;
		const char *rival;
	} cases[] = {
		{ "the ledger is new", "b", "", "", &channel_scene_settings.signing_key, 0, true,
		  "" },
		{ "it is ours", "us", TASK_A, "", &channel_scene_settings.signing_key, 8, true,
		  "" },
		{ "it was seen before", "b", TASK_A, "", &channel_scene_settings.signing_key, 9,
		  true, "" },
		{ "another signed since", "b", TASK_A, "", &channel_scene_settings.signing_key, 8,
		  true, "b" },
		{ "an old one was put back", "us", TASK_A, "an old one was put back",
		  &channel_scene_settings.signing_key, 10, false, "" },
		{ "a stranger has signed it", "us", "", "not trusted", &channel_scene_stranger, 0,
		  false, "" },
		{ "nobody has signed it", "", "", "expected a line and its signature", NULL, 0,
		  false, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = cases[i].key ?
				     channel_scene_signed_mirror(cases[i].key, cases[i].issuer, 9) :
				     memory_text(slice_of("{\"until\":1,\"rows\":[]}"));
		char *there = channel_scene_whole_board(TASK_A, "in_progress", NULL, text);
		const struct api_step steps[] = {
			HELLO,
			{ .endpoint = "tasks.get_all", .data = there },
			{ .endpoint = "tasks.edit_hyper_params", .data = "{\"updated\":1}" },
		};
		const struct spend_list none = { 0 };
		size_t calls = ARRAY_LEN(steps) - cases[i].is_believed;
		struct error err = { 0 };
		struct channel_scene scene;

		channel_scene_begin(&scene, steps, calls);
		text_cut(scene.ledger.task, sizeof(scene.ledger.task), cases[i].task);
		text_cut(scene.ledger.issuer, sizeof(scene.ledger.issuer), "us");
		scene.ledger.mirror = cases[i].known;
		channel_scene_look(&scene);
		if ((scene.channel.mirrored.number == 9) != cases[i].is_believed ||
		    !strstr(scene.channel.mirror_refused, cases[i].why) ||
		    !*scene.channel.mirror_refused != cases[i].is_believed ||
		    strcmp(scene.ledger.rival, cases[i].rival) != 0)
			fail_msg("when %s: %s", cases[i].when, scene.channel.mirror_refused);
		/* What is not believed is written over; what stands already is not. */
		succeed(channel_mirror(&scene.channel, &none, channel_scene_wall_s(), &err), &err);
		assert_int_equal(api_peer_calls(scene.talk.peer), calls);
		channel_scene_end(&scene);
		free(there);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_reapers_orders_are_carried),
		cmocka_unit_test(which_mirror_is_believed),
	};

	return cmocka_run_group_tests(tests, channel_scene_make_keys, channel_scene_drop_keys);
}
