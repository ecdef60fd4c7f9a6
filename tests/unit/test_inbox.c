#include "bootstrap/inbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/file.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/talk.h"

enum { TEXT_BYTES = 2 * ORDERS_BYTES, EVERY_MS = 25000, LONG_MS = 11 * 60 * 1000 };

static struct minisign_key key, stranger;
static char folder[SCRATCH_ROOM], trusted_path[SCRATCH_ROOM + 16];

static void trust(const struct minisign_key *trusted)
{
	SCOPED(buf) struct buf text = BUF(4096);
	struct minisign_public public;
	struct error err = { 0 };

	minisign_key_public(trusted, &public);
	minisign_public_print(&public, &text);
	succeed(file_write(trusted_path, buf_slice(&text), 0600, &err), &err);
}

static int begin_all(void **state)
{
	struct error err;

	(void)state;
	scratch_make(folder);
	(void)snprintf(trusted_path, sizeof(trusted_path), "%s/trusted.pub", folder);
	if (minisign_key_new(&key, &err) < 0 || minisign_key_new(&stranger, &err) < 0)
		return -1;
	return 0;
}

static int end_all(void **state)
{
	(void)state;
	minisign_key_release(&key);
	minisign_key_release(&stranger);
	scratch_remove(folder);
	return 0;
}

static char *board(const char *id, const char *orders)
{
	SCOPED(json_document) struct json_document data = { 0 };
	SCOPED(buf) struct buf text = BUF(TEXT_BYTES);

	json_new_object(&data);
	struct json *task = json_add_object(json_add_list(data.root, "tasks"), NULL);

	json_add_text(task, "id", id);
	json_add_text(task, "name", "mayfly-reaper lab");
	json_add_text(task, "type", "monitor");
	json_add_text(task, "status", "in_progress");
	struct json *properties =
		json_add_object(json_add_object(task, "hyperparams"), "properties");

	if (orders)
		json_add_text(json_add_object(properties, "mayfly_orders"), "value", orders);
	json_print(data.root, false, &text);
	return memory_text(buf_slice(&text));
}

struct said {
	const struct minisign_key *by;
	const char *prefix, *to;
	enum order order;
	int64_t number, age_s;
};

static char *sign(const struct said *said)
{
	struct orders_line line = { .order = said->order };
	struct orders orders = {
		.number = said->number,
		.own = { .time_s = clock_wall_ms() / 1000 - said->age_s, .list = &line, .count = 1 }
	};
	SCOPED(buf) struct buf text = BUF(TEXT_BYTES);
	struct error err = { 0 };

	text_cut(line.instance, sizeof(line.instance), said->to);
	text_cut(orders.prefix, sizeof(orders.prefix), said->prefix);
	succeed(orders_sign(&orders, said->by, &text, &err), &err);
	return memory_text(buf_slice(&text));
}

struct scene {
	struct talk talk;
	struct machine *machine;
	struct inbox inbox;
};

static void begin(struct scene *scene, const struct api_step *steps, size_t count)
{
	const struct trust_files files = { .trusted_keys = trusted_path };

	trust(&key);
	*scene = (struct scene){ .talk = talk_begin(steps, count),
				 .machine = memory_array(1, sizeof(*scene->machine)) };
	scene->machine->clearml = scene->talk.clearml;
	scene->machine->ticket.limits.report_every_s = EVERY_MS / 1000;
	text_cut(scene->machine->ticket.prefix, TICKET_FIELD_ROOM, "lab");
	text_cut(scene->machine->identity.instance, TICKET_FIELD_ROOM, "i-one");
	inbox_open(&scene->inbox, &files);
}

static void end(struct scene *scene)
{
	free(scene->machine);
	talk_end(&scene->talk);
}

static void what_is_heard(void **state)
{
	static const struct {
		const char *when;
		struct said said;
		int64_t last;
		bool is_heard;
		enum order order;
	} cases[] = {
		{ "it is told to drain",
		  { &key, "lab", "i-one", ORDER_DRAIN, 7, 0 },
		  0,
		  true,
		  ORDER_DRAIN },
		{ "it is told the same again",
		  { &key, "lab", "i-one", ORDER_KEEP, 7, 0 },
		  7,
		  true,
		  ORDER_KEEP },
		{ "another one is told something",
		  { &key, "lab", "i-two", ORDER_LEAVE, 7, 0 },
		  0,
		  true,
		  ORDER_NONE },
		{ "an old order is put back",
		  { &key, "lab", "i-one", ORDER_LEAVE, 7, 0 },
		  8,
		  false,
		  0 },
		{ "a stranger says so",
		  { &stranger, "lab", "i-one", ORDER_LEAVE, 7, 0 },
		  0,
		  false,
		  0 },
		{ "it is for another installation",
		  { &key, "lob", "i-one", ORDER_LEAVE, 7, 0 },
		  0,
		  false,
		  0 },
		{ "it is too old",
		  { &key, "lab", "i-one", ORDER_LEAVE, 7, ORDERS_LIFE_S + 60 },
		  0,
		  false,
		  0 },
		{ "it is of the future",
		  { &key, "lab", "i-one", ORDER_LEAVE, 7, -ORDERS_LIFE_S - 60 },
		  0,
		  false,
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = sign(&cases[i].said), *there = board(TASK_A, text);
		const struct api_step steps[] = { HELLO,
						  { .endpoint = "tasks.get_all", .data = there } };
		struct heard heard = { .number = -1 };
		struct scene scene;

		begin(&scene, steps, ARRAY_LEN(steps));
		if (inbox_look(&scene.inbox, scene.machine, cases[i].last, 1000, &heard) !=
		    cases[i].is_heard)
			fail_msg("when %s: %s", cases[i].when, scene.inbox.told);
		if (cases[i].is_heard) {
			assert_int_equal(heard.number, 7);
			assert_int_equal(heard.order, cases[i].order);
			assert_string_equal(scene.inbox.told, "");
		} else {
			assert_int_equal(heard.number, -1);
			assert_string_not_equal(scene.inbox.told, "");
		}
		end(&scene);
		free(there);
		free(text);
	}
}

/* Whose clock is wrong does not matter: the reaper dates by the server's, too. */
static void the_servers_clock_counts(void **state)
{
	enum { MINUTES = 60, THEN_S = 1700000000 };
	struct said said = { &key, "lab", "i-one", ORDER_DRAIN, 7, 0 };

	(void)state;
	said.age_s = clock_wall_ms() / 1000 - THEN_S + 5L * MINUTES;
	char *text = sign(&said), *there = board(TASK_A, text);
	const struct api_step steps[] = { HELLO,
					  { .endpoint = "tasks.get_all",
					    .data = there,
					    .header = "Date: Tue, 14 Nov 2023 22:13:20 GMT" } };
	struct heard heard;
	struct scene scene;

	begin(&scene, steps, ARRAY_LEN(steps));
	assert_true(inbox_look(&scene.inbox, scene.machine, 0, 1000, &heard));
	assert_int_equal(heard.time_s, THEN_S - 5 * MINUTES);
	end(&scene);
	free(there);
	free(text);
}

/* A key that was brought in while the machine runs (docs/keys.md, Rotation). */
static void keys_are_read_anew(void **state)
{
	struct said said = { &stranger, "lab", "i-one", ORDER_DRAIN, 7, 0 };
	char *text = sign(&said), *there = board(TASK_A, text);
	const struct api_step steps[] = { HELLO,
					  { .endpoint = "tasks.get_all", .data = there },
					  { .endpoint = "tasks.get_all", .data = there } };
	struct heard heard;
	struct scene scene;

	(void)state;
	begin(&scene, steps, ARRAY_LEN(steps));
	assert_false(inbox_look(&scene.inbox, scene.machine, 0, 1000, &heard));
	trust(&stranger);
	assert_true(inbox_look(&scene.inbox, scene.machine, 0, 1000 + EVERY_MS, &heard));
	end(&scene);
	free(there);
	free(text);
}

static void a_look_a_heartbeat_and_no_more(void **state)
{
	char *there = board(TASK_A, NULL);
	const struct api_step steps[] = { HELLO,
					  { .endpoint = "tasks.get_all", .data = there },
					  { .endpoint = "tasks.get_all", .data = there },
					  { .endpoint = "tasks.get_all", .data = there } };
	struct heard heard;
	struct scene scene;

	(void)state;
	begin(&scene, steps, ARRAY_LEN(steps));
	assert_false(inbox_look(&scene.inbox, scene.machine, 0, 1000, &heard));
	check_sent(&scene.talk, FIRST, "\"name\":\"^mayfly-reaper lab$\"");
	/* Reports at once on a change ask nothing. */
	assert_false(inbox_look(&scene.inbox, scene.machine, 0, 1000, &heard));
	assert_false(inbox_look(&scene.inbox, scene.machine, 0, 1000 + EVERY_MS / 3, &heard));
	assert_int_equal(api_peer_calls(scene.talk.peer), FIRST + 1);
	assert_false(inbox_look(&scene.inbox, scene.machine, 0, 1000 + EVERY_MS, &heard));
	check_sent(&scene.talk, FIRST + 1, "\"id\":[\"" TASK_A "\"]");
	/* After some time by its name again: there may be an older one. */
	assert_false(inbox_look(&scene.inbox, scene.machine, 0, 1000 + LONG_MS, &heard));
	check_sent(&scene.talk, FIRST + 2, "\"name\":\"^mayfly-reaper lab$\"");
	assert_string_equal(scene.inbox.told, "");
	end(&scene);
	free(there);
}

static void a_task_that_is_gone_is_found_anew(void **state)
{
	char *first = board(TASK_A, NULL), *second = board(TASK_B, NULL);
	const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[]}" }, /* none yet */
		{ .endpoint = "tasks.get_all", .data = first },
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[]}" },
		{ .endpoint = "tasks.get_all", .data = second },
	};
	struct heard heard;
	struct scene scene;

	(void)state;
	begin(&scene, steps, ARRAY_LEN(steps));
	for (int64_t i = 0; i < 4; i++)
		assert_false(
			inbox_look(&scene.inbox, scene.machine, 0, 1000 + i * EVERY_MS, &heard));
	check_sent(&scene.talk, FIRST + 2, "\"id\":[\"" TASK_A "\"]");
	check_sent(&scene.talk, FIRST + 3, "\"name\":\"^mayfly-reaper lab$\"");
	assert_string_equal(scene.inbox.task, TASK_B);
	assert_int_equal(scene.inbox.failures, 0); /* nothing of this is an error */
	end(&scene);
	free(first);
	free(second);
}

static void errors_make_it_wait(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all", .status = 500, .subcode = 100, .message = "no" },
		{ .endpoint = "tasks.get_all", .status = 500, .subcode = 100, .message = "no" },
		{ .endpoint = "tasks.get_all", .status = 500, .subcode = 100, .message = "no" },
	};
	struct heard heard;
	struct scene scene;
	int64_t now_ms = 1000;

	(void)state;
	begin(&scene, steps, ARRAY_LEN(steps));
	for (unsigned i = 1; i <= 3; i++) {
		int64_t before_ms = scene.inbox.next_ms;

		assert_false(inbox_look(&scene.inbox, scene.machine, 0, now_ms, &heard));
		assert_int_equal(scene.inbox.failures, i);
		assert_true(scene.inbox.next_ms - now_ms > now_ms - before_ms || i == 1);
		assert_string_not_equal(scene.inbox.told, "");
		now_ms = scene.inbox.next_ms;
	}
	end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_heard),
		cmocka_unit_test(the_servers_clock_counts),
		cmocka_unit_test(keys_are_read_anew),
		cmocka_unit_test(a_look_a_heartbeat_and_no_more),
		cmocka_unit_test(a_task_that_is_gone_is_found_anew),
		cmocka_unit_test(errors_make_it_wait),
	};

	return cmocka_run_group_tests(tests, begin_all, end_all);
}
