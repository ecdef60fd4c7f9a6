#include "common/log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/buf.h"
#include "common/clock.h"
#include "tests/unit/support/scratch.h"

enum { ROOM = 16384 };

/* What stands behind "time=2026-11-24T03:00:00.123Z ", after a look at that. */
static const char *after_time(const char *line)
{
	int64_t ms;
	struct error err;
	struct slice time = { line + 5, 24 };

	assert_true(strlen(line) > 30);
	assert_memory_equal(line, "time=", 5);
	assert_int_equal(clock_parse_iso(time, &ms, &err), 0);
	assert_int_equal(line[29], ' ');
	return line + 30;
}

static void test_messages_are_escaped(void **state)
{
	static const struct {
		const char *when, *message, *want;
	} cases[] = {
		{ "it is plain", "task 1a2b", "task 1a2b" },
		{ "it is empty", "", "" },
		{ "it forges a line", "x\ntime=0 event=paid", "x\\ntime=0 event=paid" },
		{ "it ends its quotes", "a\" event=paid", "a\\\" event=paid" },
		{ "it escapes the escape", "a\\\"", "a\\\\\\\"" },
		{ "it drives a terminal", "\x1b[2J\x07", "\\x1b[2J\\x07" },
		{ "it uses the other control set", "a\xc2\x9b\x32J", "a\\u009b2J" },
		{ "it uses that set's bare bytes", "a\x9b\x32J", "a\\x9b2J" },
		{ "it deletes", "a\x7f", "a\\x7f" },
		{ "it has tabs and returns", "a\tb\r", "a\\tb\\r" },
		{ "it is in another script", "na\xc3\xafve \xe2\x82\xac",
		  "na\xc3\xafve \xe2\x82\xac" },
		{ "it turns the direction",
		  "a\xe2\x80\xae"
		  "b",
		  "a\\u202eb" },
		{ "its UTF-8 is cut", "a\xe2\x82", "a\\xe2\\x82" },
		{ "it spells a slash long", "\xc0\xaf", "\\xc0\\xaf" },
	};

	(void)state;
	log_open("prog", "inst-0", LOG_INFO);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char got[ROOM], want[512];
		struct capture capture = capture_begin(STDERR_FILENO);

		log_info("popped", "%s", cases[i].message);
		capture_end(&capture, got, sizeof(got));
		snprintf(want, sizeof(want),
			 "level=info program=prog subject=inst-0 event=popped msg=\"%s\"\n",
			 cases[i].want);
		if (strcmp(after_time(got), want) != 0)
			fail_msg("when %s: %s", cases[i].when, got);
	}
}

static void test_names_are_quoted_when_they_must_be(void **state)
{
	char got[ROOM];
	struct capture capture = capture_begin(STDERR_FILENO);

	(void)state;
	log_open("my prog", "a=\"b\"", LOG_INFO);
	log_warn("x y", "%d", 7);
	log_open("prog", NULL, LOG_INFO);
	log_error("e", "%d", 8);
	capture_end(&capture, got, sizeof(got));

	const char *first = after_time(got);
	const char *second = strchr(first, '\n') + 1;
	static const char want[] =
		"level=warn program=\"my prog\" subject=\"a=\\\"b\\\"\" event=\"x y\" msg=\"7\"\n";

	assert_memory_equal(first, want, sizeof(want) - 1);
	assert_string_equal(after_time(second), "level=error program=prog event=e msg=\"8\"\n");
}

static void test_levels_below_the_least_are_silent(void **state)
{
	static const struct {
		enum log_level least;
		size_t lines;
	} cases[] = { { LOG_DEBUG, 5 }, { LOG_INFO, 4 }, { LOG_WARN, 3 }, { LOG_ERROR, 1 } };
	const struct error err = { ERROR_DENIED, "no" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char got[ROOM];
		size_t lines = 0;
		struct capture capture = capture_begin(STDERR_FILENO);

		log_open("prog", NULL, cases[i].least);
		log_debug("e", "1");
		log_info("e", "2");
		log_warn("e", "3");
		log_error("e", "4");
		log_failure("e", &err);
		capture_end(&capture, got, sizeof(got));
		for (const char *at = strchr(got, '\n'); at; at = strchr(at + 1, '\n'))
			lines++;
		assert_int_equal(lines, cases[i].lines);
	}
}

static void test_a_failure_carries_its_class(void **state)
{
	const struct error err = { ERROR_UNREACHABLE, "queues: no answer" };
	char got[ROOM];
	struct capture capture = capture_begin(STDERR_FILENO);

	(void)state;
	log_open("prog", NULL, LOG_INFO);
	errno = EBADF;
	log_failure("observe", &err);
	assert_int_equal(errno, EBADF);
	capture_end(&capture, got, sizeof(got));
	assert_string_equal(after_time(got), "level=warn program=prog event=observe "
					     "class=unreachable msg=\"queues: no answer\"\n");
}

static void test_a_long_line_is_cut_and_still_well_formed(void **state)
{
	static const char *const repeated[] = { "a", "\"", "\n", "\xe2\x82\xac", "\xff" };
	static const char last[] = "a\"n\xac"
				   "f"; /* what each ends with as it is written */
	static char message[20000];
	char subject[512];

	(void)state;
	memset(subject, '"', sizeof(subject) - 1);
	subject[sizeof(subject) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(repeated); i++) {
		size_t len = strlen(repeated[i]);
		char got[ROOM];
		struct capture capture = capture_begin(STDERR_FILENO);

		for (size_t at = 0; at + len < sizeof(message); at += len)
			memcpy(message + at, repeated[i], len);
		log_open("prog", subject, LOG_INFO);
		log_info("e", "%s", message);
		capture_end(&capture, got, sizeof(got));
		size_t got_len = strlen(got);

		assert_in_range(got_len, 4080, 4096);
		assert_string_equal(got + got_len - 5, "...\"\n");
		assert_int_equal(got[got_len - 6], last[i]);
		assert_int_equal(strcspn(got, "\n"), got_len - 1);
		for (size_t at = 0; at < got_len; at++)
			assert_true((unsigned char)got[at] < 0x80 || i == 3);
	}
}

/* A datagram socket keeps the borders of each write(). */
static void test_a_line_is_one_write(void **state)
{
	int ends[2], saved = dup(STDERR_FILENO);
	char got[ROOM];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
	dup2(ends[0], STDERR_FILENO);
	log_open("prog", "inst", LOG_INFO);
	log_info("first", "%s", "one\ntwo");
	log_info("second", "three");
	dup2(saved, STDERR_FILENO);
	for (unsigned i = 0; i < 2; i++) {
		ssize_t len = recv(ends[1], got, sizeof(got) - 1, MSG_DONTWAIT);

		assert_true(len > 0);
		got[len] = '\0';
		assert_int_equal(got[len - 1], '\n');
		assert_non_null(strstr(got, i == 0 ? "event=first" : "event=second"));
	}
	assert_int_equal(recv(ends[1], got, sizeof(got), MSG_DONTWAIT), -1);
	close(ends[0]);
	close(ends[1]);
	close(saved);
}

static void test_level_words(void **state)
{
	static const struct {
		const char *word;
		int want; /* -1: refused */
		const char *suggestion;
	} cases[] = {
		{ "debug", LOG_DEBUG, NULL },
		{ "info", LOG_INFO, NULL },
		{ "warn", LOG_WARN, NULL },
		{ "error", LOG_ERROR, NULL },
		{ "inof", -1, "info" },
		{ "Warn", -1, "warn" },
		{ "", -1, NULL },
		{ "loud", -1, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum log_level level = LOG_DEBUG;
		struct error err = { 0 };
		int got = log_level_parse(cases[i].word, &level, &err);

		assert_int_equal(got < 0 ? -1 : (int)level, cases[i].want);
		if (got == 0)
			continue;
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		assert_int_equal(strstr(err.message, "did you mean") != NULL,
				 cases[i].suggestion != NULL);
		if (cases[i].suggestion)
			assert_non_null(strstr(err.message, cases[i].suggestion));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_are_escaped),
		cmocka_unit_test(test_names_are_quoted_when_they_must_be),
		cmocka_unit_test(test_levels_below_the_least_are_silent),
		cmocka_unit_test(test_a_failure_carries_its_class),
		cmocka_unit_test(test_a_long_line_is_cut_and_still_well_formed),
		cmocka_unit_test(test_a_line_is_one_write),
		cmocka_unit_test(test_level_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
