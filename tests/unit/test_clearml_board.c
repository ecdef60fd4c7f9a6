#include "common/clearml_board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/clearml_call.h"
#include "tests/unit/support/talk.h"

#define PROJECT "909e0610a4bd4c929c2ec795314c2d9c"
#define NAME "mayfly-reaper la.b"
#define TASK(id, status, created, properties)                                                \
	"{\"id\":\"" id "\",\"name\":\"" NAME "\",\"type\":\"monitor\",\"status\":\"" status \
	"\",\"created\":\"" created "\",\"last_update\":\"2026-11-23T22:18:20+00:00\","      \
	"\"hyperparams\":{\"properties\":{" properties "}}}"
#define EARLY "2026-11-23T10:00:00.001000+00:00"
#define LATE "2026-11-23T10:00:00.002000+00:00"
#define ONE "\"one\":{\"section\":\"properties\",\"value\":\"first\"}"
#define TWO "\"two\":{\"section\":\"properties\",\"value\":\"second\"}"

static const char *const properties[] = { "one", "two" };
static const struct clearml_board_wish wish = { NAME, properties, 2 };

static void a_board_is_found_by_its_name(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all",
		  .data = "{\"tasks\":[" TASK(TASK_A, "in_progress", EARLY, TWO) "]}" },
	};
	struct talk talk = BEGIN(steps);
	SCOPED(clearml_board) struct clearml_board board = { 0 };
	struct error err = { 0 };

	(void)state;
	succeed(clearml_board_find(talk.clearml, &wish, &board, &err), &err);
	check_sent(&talk, FIRST, "\"name\":\"^mayfly-reaper la\\\\.b$\"");
	check_sent(&talk, FIRST, "\"type\":[\"monitor\"]");
	check_sent(&talk, FIRST, "\"order_by\":[\"created\"]");
	assert_string_equal(board.id, TASK_A);
	assert_int_equal(board.status, TASK_IN_PROGRESS);
	assert_int_equal(board.last_update_ms, (int64_t)1795472300000);
	assert_null(board.values[0]);
	assert_string_equal(board.values[1], "second");
	talk_end(&talk);
}

/* Two reapers that began at once come to the same one. */
static void which_of_several_counts(void **state)
{
	static const struct {
		const char *when, *data, *id;
	} cases[] = {
		{ "the older one is listed last",
		  "{\"tasks\":[" TASK(TASK_A, "created", LATE, ONE) "," TASK(TASK_B, "stopped",
									     EARLY, "") "]}",
		  TASK_B },
		{ "the older one is listed first",
		  "{\"tasks\":[" TASK(TASK_A, "created", EARLY, ONE) "," TASK(TASK_B, "created",
									      LATE, "") "]}",
		  TASK_A },
		{ "both were made in the same moment",
		  "{\"tasks\":[" TASK(TASK_B, "created", LATE, "") "," TASK(TASK_A, "created", LATE,
									    "") "]}",
		  TASK_A },
		{ "the older one was published",
		  "{\"tasks\":[" TASK(TASK_A, "published", EARLY, "") "," TASK(TASK_B, "failed",
									       LATE, "") "]}",
		  TASK_B },
		{ "another name is listed too, by a server that knows no filter",
		  "{\"tasks\":[{\"id\":\"" TASK_A "\",\"name\":\"mayfly-reaper laxb\",\"type\":"
		  "\"monitor\",\"status\":\"created\"}," TASK(TASK_B, "queued", LATE, "") "]}",
		  TASK_B },
		{ "an equal name is of another kind",
		  "{\"tasks\":[{\"id\":\"" TASK_A "\",\"name\":\"" NAME "\",\"type\":\"training\","
		  "\"status\":\"created\"}," TASK(TASK_B, "queued", LATE, "") "]}",
		  TASK_B },
		{ "there is none", "{\"tasks\":[]}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(json_document) struct json_document data = { 0 };
		SCOPED(clearml_board) struct clearml_board board = { 0 };
		struct error err = { 0 };

		succeed(json_parse(slice_of(cases[i].data), &data, &err), &err);
		int result = clearml_read_board(data.root, &wish, &board, &err);

		if ((result == 0) != (cases[i].id != NULL) ||
		    (cases[i].id && strcmp(cases[i].id, board.id) != 0))
			fail_msg("when %s: %s %s", cases[i].when, board.id, err.message);
		if (result < 0)
			assert_int_equal(err.class, ERROR_NOT_FOUND);
	}
}

static void what_makes_no_sense_decides_nothing(void **state)
{
	static const char *const answers[] = {
		"{}",
		"{\"tasks\":null}",
		"{\"tasks\":[" TASK("12", "created", EARLY, "") "]}",
		"{\"tasks\":[" TASK(TASK_A, "created", "yesterday", "") "]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		SCOPED(json_document) struct json_document data = { 0 };
		struct clearml_board board = { 0 };
		struct error err = { 0 };

		succeed(json_parse(slice_of(answers[i]), &data, &err), &err);
		if (clearml_read_board(data.root, &wish, &board, &err) == 0)
			fail_msg("taken: %s", answers[i]);
		assert_int_equal(err.class, ERROR_MALFORMED);
	}
}

/* Else anybody could keep the reaper from its own task. */
static void a_property_that_is_no_text_is_empty(void **state)
{
	static const char *const answers[] = {
		"{\"tasks\":[" TASK(TASK_A, "created", EARLY, "\"one\":{\"value\":7}," TWO) "]}",
		"{\"tasks\":[" TASK(TASK_A, "created", EARLY, "\"one\":\"first\"," TWO) "]}",
		"{\"tasks\":[" TASK(TASK_A, "created", EARLY, "\"one\":{}," TWO) "]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		SCOPED(json_document) struct json_document data = { 0 };
		SCOPED(clearml_board) struct clearml_board board = { 0 };
		struct error err = { 0 };

		succeed(json_parse(slice_of(answers[i]), &data, &err), &err);
		succeed(clearml_read_board(data.root, &wish, &board, &err), &err);
		assert_string_equal(board.values[0], "");
		assert_string_equal(board.values[1], "second");
	}
}

static void a_board_by_id(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.get_all",
		  .data = "{\"tasks\":[" TASK(TASK_A, "in_progress", EARLY, ONE) "]}" },
		{ .endpoint = "tasks.get_all",
		  .data = "{\"tasks\":[" TASK(TASK_B, "in_progress", EARLY, ONE) "]}" },
		{ .endpoint = "tasks.get_all", .data = "{\"tasks\":[]}" },
	};
	struct talk talk = BEGIN(steps);
	SCOPED(clearml_board) struct clearml_board board = { 0 };
	struct clearml_board none = { 0 };
	struct error err = { 0 };

	(void)state;
	succeed(clearml_board_read(talk.clearml, TASK_A, &wish, &board, &err), &err);
	check_sent(&talk, FIRST, "\"id\":[\"" TASK_A "\"]");
	check_not_sent(&talk, FIRST, "\"name\":\"^");
	assert_string_equal(board.values[0], "first");
	assert_int_equal(clearml_board_read(talk.clearml, TASK_A, &wish, &none, &err), -1);
	assert_int_equal(err.class, ERROR_MALFORMED); /* another one than was asked for */
	assert_int_equal(clearml_board_read(talk.clearml, TASK_A, &wish, &none, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
	talk_end(&talk);
}

static void a_board_is_made_in_its_project(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "projects.get_all", .data = "{\"projects\":[]}" },
		{ .endpoint = "projects.create", .data = "{\"id\":\"" PROJECT "\"}" },
		{ .endpoint = "tasks.create", .data = "{\"id\":\"" TASK_A "\"}" },
	};
	struct talk talk = BEGIN(steps);
	char id[CLEARML_ID_ROOM];
	struct error err = { 0 };

	(void)state;
	succeed(clearml_board_make(talk.clearml, "mayfly/la.b", NAME, "why", id, &err), &err);
	check_sent(&talk, FIRST, "\"name\":\"^mayfly/la\\\\.b$\"");
	check_sent(&talk, FIRST + 1, "\"name\":\"mayfly/la.b\"");
	check_sent(&talk, FIRST + 2, "\"project\":\"" PROJECT "\"");
	check_sent(&talk, FIRST + 2, "\"type\":\"monitor\"");
	assert_string_equal(id, TASK_A);
	talk_end(&talk);
}

/* Between our look and our call somebody else has made the project. */
static void a_project_that_another_one_made(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "projects.get_all", .data = "{\"projects\":[]}" },
		{ .endpoint = "projects.create",
		  .status = 400,
		  .subcode = 801,
		  .message = "taken" },
		{ .endpoint = "projects.get_all",
		  .data = "{\"projects\":[{\"id\":\"" PROJECT "\",\"name\":\"mayfly/la.b\"}]}" },
		{ .endpoint = "tasks.create", .data = "{\"id\":\"" TASK_A "\"}" },
	};
	struct talk talk = BEGIN(steps);
	char id[CLEARML_ID_ROOM];
	struct error err = { 0 };

	(void)state;
	succeed(clearml_board_make(talk.clearml, "mayfly/la.b", NAME, "why", id, &err), &err);
	check_sent(&talk, FIRST + 3, "\"project\":\"" PROJECT "\"");
	talk_end(&talk);
}

/* An answer that is lost is not asked for again: there would be two. */
static void a_board_is_made_once(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "projects.get_all",
		  .data = "{\"projects\":[{\"id\":\"" PROJECT "\",\"name\":\"mayfly/la.b\"}]}" },
		{ .endpoint = "tasks.create", .status = 503, .body = PAGE, .type = "text/html" },
	};
	struct talk talk = BEGIN(steps);
	char id[CLEARML_ID_ROOM];
	struct error err = { 0 };

	(void)state;
	assert_int_equal(clearml_board_make(talk.clearml, "mayfly/la.b", NAME, "", id, &err), -1);
	assert_int_equal(err.class, ERROR_UNREACHABLE);
	talk_end(&talk);
}

static void a_board_is_kept(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "tasks.started", .data = "{\"updated\":1}" },
		{ .endpoint = "tasks.ping", .data = "{}" },
		{ .endpoint = "tasks.delete", .data = "{\"deleted\":true}" },
	};
	struct talk talk = BEGIN(steps);
	struct error err = { 0 };

	(void)state;
	succeed(clearml_board_start(talk.clearml, TASK_A, &err), &err);
	succeed(clearml_board_ping(talk.clearml, TASK_A, &err), &err);
	succeed(clearml_board_drop(talk.clearml, TASK_A, &err), &err);
	check_sent(&talk, FIRST, "\"force\":true");
	check_sent(&talk, FIRST + 1, "\"task\":\"" TASK_A "\"");
	/* Without force only what never ran is deleted. */
	check_not_sent(&talk, FIRST + 2, "force");
	talk_end(&talk);
}

static void lines_go_together(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "events.add_batch", .data = "{\"added\":2,\"errors\":0}" },
		{ .endpoint = "events.add_batch", .data = "{\"added\":1,\"errors\":1}" },
	};
	static const struct clearml_line lines[] = {
		{ TASK_A, "reaper", "info", "one \"line\"", 1000 },
		{ TASK_A, "reaper", "warning", "another", 2000 },
	};
	struct talk talk = BEGIN(steps);
	struct error err = { 0 };

	(void)state;
	succeed(clearml_console_lines(talk.clearml, lines, 0, &err), &err);
	succeed(clearml_console_lines(talk.clearml, lines, 2, &err), &err);
	check_sent(&talk, FIRST, "\"msg\":\"one \\\"line\\\"\"}\n{\"type\":\"log\"");
	check_sent(&talk, FIRST, "\"timestamp\":2000,\"msg\":\"another\"");
	assert_int_equal(clearml_console_lines(talk.clearml, lines, 2, &err), -1);
	assert_int_equal(err.class, ERROR_REFUSED);
	talk_end(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_board_is_found_by_its_name),
		cmocka_unit_test(which_of_several_counts),
		cmocka_unit_test(what_makes_no_sense_decides_nothing),
		cmocka_unit_test(a_property_that_is_no_text_is_empty),
		cmocka_unit_test(a_board_by_id),
		cmocka_unit_test(a_board_is_made_in_its_project),
		cmocka_unit_test(a_project_that_another_one_made),
		cmocka_unit_test(a_board_is_made_once),
		cmocka_unit_test(a_board_is_kept),
		cmocka_unit_test(lines_go_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
