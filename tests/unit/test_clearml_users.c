/* clearml_users: who ClearML's users are, and what they are called. */
#include "common/clearml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clearml_call.h"
#include "tests/unit/support/talk.h"

static char *users_page(const char *first, size_t count)
{
	struct buf text = BUF(1 << 20);

	buf_addf(&text, "{\"users\":[%s", first);
	for (size_t i = 0; i < count; i++)
		buf_addf(&text, "%s{\"id\":\"%05zu\",\"name\":\"n%zu\"}", i || *first ? "," : "", i,
			 i);
	buf_addf(&text, "]}");
	return text.bytes;
}

static void test_reads_what_is_there(void **state)
{
	char long_text[300];
	struct buf data = BUF(4096);

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = 0;
	buf_addf(
		&data,
		"{\"users\":[{\"id\":\"z\",\"name\":\"Zoe\"},{\"id\":\"ann\",\"name\":\"Ann Bee\"},"
		"{\"id\":\"b\",\"name\":null},{\"id\":\"c\"},{\"id\":\"d\",\"name\":\"a\\u001b["
		"2J\"},"
		"{\"id\":\"e\",\"name\":\"%s\"},{\"id\":\"%s\",\"name\":\"long\"},"
		"{\"id\":\"z\",\"name\":\"Zoe\"}]}",
		long_text, long_text);
	const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "users.get_all", .data = buf_text(&data) },
	};
	static const char *const wanted[][2] = {
		{ "ann", "Ann Bee" }, { "b", "" }, { "c", "" },
		{ "d", "" },	      { "e", "" }, { "z", "Zoe" }
	};
	SCOPED(clearml_users) struct clearml_users found = { 0 };
	struct talk talk = BEGIN(steps);
	struct error err;

	succeed(clearml_users(talk.clearml, &found, &err), &err);
	check_sent(&talk, FIRST, "\"only_fields\":[\"id\",\"name\"]");
	check_sent(&talk, FIRST, "\"order_by\":[\"id\"]");
	assert_int_equal(found.count, ARRAY_LEN(wanted));
	for (size_t i = 0; i < found.count; i++) {
		assert_string_equal(found.list[i].id, wanted[i][0]);
		assert_string_equal(found.list[i].name, wanted[i][1]);
	}
	talk_end(&talk);
	buf_release(&data);
}

static void test_refuses_what_makes_no_sense(void **state)
{
	static const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "users.get_all", .data = "{}" },
		{ .endpoint = "users.get_all", .data = "{\"users\":[{\"name\":\"Ann\"}]}" },
		{ .endpoint = "users.get_all", .data = "{\"users\":[{\"id\":\"\"}]}" },
		{ .endpoint = "users.get_all", .data = "{\"users\":[{\"id\":7}]}" },
		{ .endpoint = "users.get_all", .data = "{\"users\":[{\"id\":\"a\\nb\"}]}" },
	};
	struct talk talk = BEGIN(steps);

	(void)state;
	for (size_t i = FIRST; i < ARRAY_LEN(steps); i++) {
		struct clearml_users found = { 0 };
		struct error err = { 0 };

		assert_int_equal(clearml_users(talk.clearml, &found, &err), -1);
		if (err.class != ERROR_MALFORMED)
			fail_msg("step %zu: %s", i, err.message);
		assert_null(found.list);
	}
	talk_end(&talk);
}

/* A page that is full of what does not fit is no last one. */
static void test_reads_every_page(void **state)
{
	char long_one[256];

	(void)state;
	memset(long_one, 'x', sizeof(long_one));
	memcpy(long_one, "{\"id\":\"", 7);
	memcpy(long_one + sizeof(long_one) - 3, "\"}", 3);

	char *page = users_page(long_one, CLEARML_PAGE - 1), *last = users_page("", 1);
	const struct api_step steps[] = {
		HELLO,
		{ .endpoint = "users.get_all", .data = page },
		{ .endpoint = "users.get_all", .data = last },
	};
	SCOPED(clearml_users) struct clearml_users found = { 0 };
	struct talk talk = BEGIN(steps);
	struct error err;

	succeed(clearml_users(talk.clearml, &found, &err), &err);
	assert_int_equal(found.count, CLEARML_PAGE - 1);
	check_sent(&talk, FIRST + 1, "\"page\":1");
	talk_end(&talk);
	free(page);
	free(last);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_is_there),
		cmocka_unit_test(test_refuses_what_makes_no_sense),
		cmocka_unit_test(test_reads_every_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
