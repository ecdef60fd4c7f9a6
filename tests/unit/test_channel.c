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

#define LONG_AGO "2026-11-01T10:00:00+00:00"
#define PROJECT "909e0610a4bd4c929c2ec795314c2d9c"
#define NONE                                                          \
	{                                                             \
		.endpoint = "tasks.get_all", .data = "{\"tasks\":[]}" \
	}

/* ---- the task ---- */

static void the_task_is_made_when_there_is_none(void **state)
{
	char *made = channel_scene_board(TASK_A, "created", NULL);
	const struct api_step steps[] = {
		HELLO,
		NONE,
		{ .endpoint = "projects.get_all", .data = "{\"projects\":[]}" },
		{ .endpoint = "projects.create", .data = "{\"id\":\"" PROJECT "\"}" },
		{ .endpoint = "tasks.create", .data = "{\"id\":\"" TASK_A "\"}" },
		{ .endpoint = "tasks.get_all", .data = made },
		{ .endpoint = "tasks.started", .data = "{\"updated\":1}" },
	};
	struct channel_scene scene;

	(void)state;
	channel_scene_begin(&scene, steps, ARRAY_LEN(steps));
	channel_scene_look(&scene);
	assert_false(scene.channel.is_found);
	assert_string_equal(scene.ledger.task, "");
	channel_scene_find(&scene);
	assert_string_equal(scene.ledger.task, TASK_A);
	check_sent(&scene.talk, FIRST + 2, "\"name\":\"mayfly/lab\"");
	check_sent(&scene.talk, FIRST + 3, "\"name\":\"mayfly-reaper lab\"");
	check_sent(&scene.talk, FIRST + 5, "\"task\":\"" TASK_A "\"");
	channel_scene_end(&scene);
	free(made);
}

/* Two reapers that make one in the same moment: both take the older one, the other is dropped. */
static void of_two_that_are_made_the_oldest_stays(void **state)
{
	char *made = channel_scene_board(TASK_B, "in_progress", NULL);
	const struct api_step steps[] = {
		HELLO,
		NONE,
		{ .endpoint = "projects.get_all",
		  .data = "{\"projects\":[{\"id\":\"" PROJECT "\",\"name\":\"mayfly/lab\"}]}" },
		{ .endpoint = "tasks.create", .data = "{\"id\":\"" TASK_A "\"}" },
		{ .endpoint = "tasks.get_all", .data = made },
		{ .endpoint = "tasks.delete", .data = "{\"deleted\":true}" },
	};
	struct channel_scene scene;

	(void)state;
	channel_scene_begin(&scene, steps, ARRAY_LEN(steps));
	channel_scene_look(&scene);
	channel_scene_find(&scene);
	assert_string_equal(scene.ledger.task, TASK_B);
	check_sent(&scene.talk, FIRST + 4, "\"task\":\"" TASK_A "\"");
	channel_scene_end(&scene);
	free(made);
}

static void the_task_is_kept_in_progress(void **state)
{
	static const char *const statuses[] = { "created", "stopped", "failed", "completed" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		char *there = channel_scene_board(TASK_A, statuses[i], NULL);
		const struct api_step steps[] = {
			HELLO,
			{ .endpoint = "tasks.get_all", .data = there },
			{ .endpoint = "tasks.started", .data = "{\"updated\":1}" },
		};
		struct channel_scene scene;

		channel_scene_begin(&scene, steps, ARRAY_LEN(steps));
		channel_scene_look(&scene);
		channel_scene_find(&scene);
		check_sent(&scene.talk, FIRST + 1, "\"force\":true");
		channel_scene_end(&scene);
		free(there);
	}
}

/* Else the server would stop it after two hours. */
static void a_task_that_was_silent_gives_a_sign(void **state)
{
	static const char silent[] =
		"{\"tasks\":[{\"id\":\"" TASK_A "\",\"name\":\"mayfly-reaper lab\",\"type\":"
		"\"monitor\",\"status\":\"in_progress\",\"created\":\"" LONG_AGO
		"\",\"last_update\":\"" LONG_AGO "\"}]}";
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .data = silent },
		{ .endpoint = "tasks.ping", .data = "{}" },
	};
	struct channel_scene scene;

	(void)state;
	channel_scene_begin(&scene, steps, ARRAY_LEN(steps));
	channel_scene_look(&scene);
	channel_scene_find(&scene);
	channel_scene_end(&scene);
}

/* ---- orders ---- */

static void orders_are_sent_when_they_change(void **state)
{
	char *there = channel_scene_board(TASK_A, "in_progress", NULL);
	const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .data = there },
		{ .endpoint = "tasks.edit_hyper_params", .data = "{\"updated\":1}" },
		{ .endpoint = "tasks.edit_hyper_params", .data = "{\"updated\":1}" },
	};
	SCOPED(orders) struct orders first = { 0 }, second = { 0 };
	struct channel_scene scene;

	(void)state;
	channel_scene_begin(&scene, steps, ARRAY_LEN(steps));
	channel_scene_look(&scene);
	channel_scene_find(&scene);
	channel_scene_send_orders(&scene, 0); /* nothing is there, and nothing is to be said */
	channel_scene_send_orders(&scene, 1);
	channel_scene_send_orders(&scene, 1); /* stands already */
	channel_scene_open_sent(&scene, FIRST + 1, &first);
	assert_int_equal(orders_for(&first, "i-one"), ORDER_DRAIN);
	assert_int_equal(orders_for(&first, "i-two"), ORDER_NONE);
	assert_true(first.number >= channel_scene_wall_s() - 60);
	channel_scene_send_orders(&scene, 0);
	channel_scene_open_sent(&scene, FIRST + 2, &second);
	assert_int_equal(second.own.count, 0);
	assert_true(second.number > first.number);
	assert_int_equal(scene.ledger.channel, second.number);
	channel_scene_end(&scene);
	free(there);
}

static void orders_are_signed_anew_in_time(void **state)
{
	static const struct {
		const char *when;
		int64_t age_s;
		bool is_sent;
	} cases[] = {
		{ "they are of now", 0, false },
		{ "they are not half as old as they may be", ORDERS_LIFE_S / 2 - 60, false },
		{ "they are older than half of that", ORDERS_LIFE_S / 2 + 60, true },
		{ "the server's clock went back", -ORDERS_LIFE_S, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = channel_scene_signed_orders(&channel_scene_settings.signing_key, 5,
							 channel_scene_wall_s() - cases[i].age_s,
							 "i-one", ORDER_DRAIN);
		char *there = channel_scene_board(TASK_A, "in_progress", text);
		const struct api_step steps[] = {
			HELLO,
			{ .endpoint = "tasks.get_all", .data = there },
			{ .endpoint = "tasks.edit_hyper_params", .data = "{\"updated\":1}" },
		};
		struct channel_scene scene;

		channel_scene_begin(&scene, steps, ARRAY_LEN(steps) - !cases[i].is_sent);
		channel_scene_look(&scene);
		channel_scene_find(&scene);
		channel_scene_send_orders(&scene, 1);
		if (api_peer_calls(scene.talk.peer) != ARRAY_LEN(steps) - !cases[i].is_sent)
			fail_msg("when %s", cases[i].when);
		channel_scene_end(&scene);
		free(there);
		free(text);
	}
}

/* What somebody else wrote there is taken away even if there is nothing to be said. */
static void a_forgery_is_written_over(void **state)
{
	char *forged =
		channel_scene_signed_orders(&channel_scene_stranger, INT64_C(9007199254740992),
					    channel_scene_wall_s(), "i-two", ORDER_LEAVE);
	char *there = channel_scene_board(TASK_A, "in_progress", forged);
	const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .data = there },
		{ .endpoint = "tasks.edit_hyper_params", .data = "{\"updated\":1}" },
	};
	SCOPED(orders) struct orders sent = { 0 };
	struct channel_scene scene;

	(void)state;
	channel_scene_begin(&scene, steps, ARRAY_LEN(steps));
	channel_scene_look(&scene);
	assert_int_equal(scene.ledger.channel, 0); /* its number is nobody's word */
	assert_int_equal(scene.ledger.order_count, 0);
	channel_scene_find(&scene);
	channel_scene_send_orders(&scene, 0);
	channel_scene_open_sent(&scene, FIRST + 1, &sent);
	assert_int_equal(sent.own.count, 0);
	channel_scene_end(&scene);
	free(there);
	free(forged);
}

/* DESIGN I6. */
static void a_new_ledger_learns_from_the_task(void **state)
{
	static const struct {
		const char *when, *task;
		int64_t age_s;
		size_t adopted;
	} cases[] = {
		{ "the ledger is new", "", 60, 1 },
		{ "the ledger knows the task, and that its order was forgotten", TASK_A, 60, 0 },
		{ "the ledger is new, and the orders are too old", "", ORDERS_LIFE_S + 60, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t number = channel_scene_wall_s() + 100000;
		char *text = channel_scene_signed_orders(
			&channel_scene_settings.signing_key, number,
			channel_scene_wall_s() - cases[i].age_s, "i-two", ORDER_KEEP);
		char *there = channel_scene_board(TASK_A, "in_progress", text);
		const struct api_step steps[] = {
			HELLO,
			{ .endpoint = "tasks.get_all", .data = there },
			{ .endpoint = "tasks.edit_hyper_params", .data = "{\"updated\":1}" },
		};
		struct channel_scene scene;

		channel_scene_begin(&scene, steps, ARRAY_LEN(steps));
		text_cut(scene.ledger.task, sizeof(scene.ledger.task), cases[i].task);
		channel_scene_look(&scene);
		if (scene.ledger.order_count != cases[i].adopted)
			fail_msg("when %s: %zu orders", cases[i].when, scene.ledger.order_count);
		if (cases[i].adopted) {
			assert_string_equal(scene.ledger.orders[0].instance, "i-two");
			assert_int_equal(scene.ledger.orders[0].order, ORDER_KEEP);
		}
		assert_int_equal(scene.ledger.channel, number);
		channel_scene_find(&scene);
		channel_scene_send_orders(&scene, 1);
		assert_int_equal(scene.ledger.channel, number + 1);
		channel_scene_end(&scene);
		free(there);
		free(text);
	}
}

/* When not all fit, what ends machines and what persons said goes first. */
static void the_urgent_ones_are_sent_first(void **state)
{
	enum { MANY = ORDERS_MAX + 50 };
	char *there = channel_scene_board(TASK_A, "in_progress", NULL);
	const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .data = there },
		{ .endpoint = "tasks.edit_hyper_params", .data = "{\"updated\":1}" },
	};
	struct observed_machine *machines = memory_array(MANY, sizeof(*machines));
	struct planned_order *orders = memory_array(MANY, sizeof(*orders));
	SCOPED(orders) struct orders sent = { 0 };
	struct channel_scene scene;

	(void)state;
	channel_scene_begin(&scene, steps, ARRAY_LEN(steps));
	for (size_t i = 0; i < MANY; i++) {
		(void)snprintf(machines[i].instance.id, TICKET_FIELD_ROOM, "i-%zu", i);
		orders[i] = (struct planned_order){ i, ORDER_DRAIN, DOOM_OVERDUE };
	}
	orders[MANY - 1] = (struct planned_order){ MANY - 1, ORDER_KEEP, DOOM_NONE };
	orders[MANY - 2] = (struct planned_order){ MANY - 2, ORDER_LEAVE, DOOM_ORDERED };
	scene.seen.machines = machines;
	scene.seen.machine_count = MANY;
	scene.plan->orders = orders;
	channel_scene_look(&scene);
	channel_scene_send_orders(&scene, MANY);
	channel_scene_open_sent(&scene, FIRST + 1, &sent);
	assert_int_equal(sent.own.count, ORDERS_MAX);
	assert_int_equal(orders_for(&sent, machines[MANY - 1].instance.id), ORDER_KEEP);
	assert_int_equal(orders_for(&sent, machines[MANY - 2].instance.id), ORDER_LEAVE);
	assert_int_equal(orders_for(&sent, "i-0"), ORDER_DRAIN);
	channel_scene_end(&scene);
	free(machines);
	free(orders);
	free(there);
}

/* ---- the console ---- */

static void decisions_are_the_console(void **state)
{
	char *there = channel_scene_board(TASK_A, "in_progress", NULL);
	const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .data = there },
		{ .endpoint = "events.add_batch", .data = "{\"added\":2}" },
		{ .endpoint = "events.add_batch", .data = "{\"added\":200}" },
	};
	struct slice lines[CLEARML_BOARD_LINES + 10];
	struct error err = { 0 };
	struct channel_scene scene;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		lines[i] = slice_of("launched i-one");
	channel_scene_begin(&scene, steps, ARRAY_LEN(steps));
	channel_scene_look(&scene);
	succeed(channel_log(&scene.channel, lines, 0, &err), &err);
	succeed(channel_log(&scene.channel, lines, 2, &err), &err);
	check_sent(&scene.talk, FIRST + 1, "\"task\":\"" TASK_A "\"");
	check_sent(&scene.talk, FIRST + 1, "\"worker\":\"lab:mayfly-reaper\"");
	check_sent(&scene.talk, FIRST + 1, "\"msg\":\"launched i-one\"");
	succeed(channel_log(&scene.channel, lines, ARRAY_LEN(lines), &err), &err);
	check_sent(&scene.talk, FIRST + 2, "... and 11 more: mayfly-reaper journal");
	channel_scene_end(&scene);
	free(there);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_task_is_made_when_there_is_none),
		cmocka_unit_test(of_two_that_are_made_the_oldest_stays),
		cmocka_unit_test(the_task_is_kept_in_progress),
		cmocka_unit_test(a_task_that_was_silent_gives_a_sign),
		cmocka_unit_test(orders_are_sent_when_they_change),
		cmocka_unit_test(orders_are_signed_anew_in_time),
		cmocka_unit_test(a_forgery_is_written_over),
		cmocka_unit_test(a_new_ledger_learns_from_the_task),
		cmocka_unit_test(the_urgent_ones_are_sent_first),
		cmocka_unit_test(decisions_are_the_console),
	};

	return cmocka_run_group_tests(tests, channel_scene_make_keys, channel_scene_drop_keys);
}
