#include "bootstrap/init_output.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"
#include "tests/unit/support/scratch.h"

enum { SAID_MAX = 1 << 20, MANY = 4100, MEGABYTE = 1 << 20 };

static char said[SAID_MAX];

struct bench {
	char folder[SCRATCH_ROOM];
	struct init_output output;
	int writer;
};

static void bench_open(struct bench *bench)
{
	struct error err = { 0 };

	scratch_make(bench->folder);
	log_open("test", NULL, LOG_INFO);
	if (init_output_open(scratch_path(bench->folder, "log"), &bench->output, &err) < 0)
		fail_msg("%s", err.message);
	bench->writer = open(scratch_path(bench->folder, "log"), O_WRONLY | O_APPEND);
	assert_true(bench->writer >= 0);
}

static void bench_close(struct bench *bench)
{
	init_output_release(&bench->output);
	close(bench->writer);
	scratch_remove(bench->folder);
}

static void add(struct bench *bench, const char *bytes, size_t len)
{
	assert_int_equal(write(bench->writer, bytes, len), len);
}

static void turn(struct bench *bench)
{
	struct capture capture = capture_begin(2);

	init_output_turn(&bench->output);
	capture_end(&capture, said, sizeof(said));
}

static void end(struct bench *bench)
{
	struct capture capture = capture_begin(2);

	init_output_end(&bench->output);
	capture_end(&capture, said, sizeof(said));
}

static size_t count(const char *word)
{
	size_t found = 0;

	for (const char *at = strstr(said, word); at; at = strstr(at + 1, word))
		found++;
	return found;
}

static void test_lines(void **state)
{
	static const struct {
		const char *when, *written, *log, *last;
		size_t len; /* 0: of the text */
		size_t lines;
	} cases[] = {
		{ "one line comes", "one\n", "msg=\"one\"", "one", 0, 1 },
		{ "two come at once", "one\ntwo\n", "msg=\"two\"", "two", 0, 2 },
		{ "lines are empty", "\n\none\n\n", "msg=\"one\"", "one", 0, 1 },
		{ "returns draw a bar", "10%\r20%\r\n", "msg=\"20%\"", "20%", 0, 2 },
		{ "the last has no end", "one\ntwo", "msg=\"two\"", "two", 0, 2 },
		{ "a colour is set", "\033[31mred\n", "msg=\"\\x1b[31mred\"", " [31mred", 0, 1 },
		{ "a line looks like one of the log", "x level=error msg=\"y\"\n",
		  "msg=\"x level=error msg=\\\"y\\\"\"", "x level=error msg=\"y\"", 0, 1 },
		{ "a NUL is in it", "a\0b\n", "msg=\"a b\"", "a b", 4, 1 },
		{ "it is no UTF-8", "a\xff\n", "msg=\"a\\xff\"", "a ", 0, 1 },
		{ "it has a format's letters", "%s%n\n", "msg=\"%s%n\"", "%s%n", 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench bench = { 0 };

		bench_open(&bench);
		add(&bench, cases[i].written,
		    cases[i].len ? cases[i].len : strlen(cases[i].written));
		end(&bench);
		if (!strstr(said, cases[i].log) || count("event=init") != cases[i].lines)
			fail_msg("when %s: %s", cases[i].when, said);
		if (strcmp(bench.output.last, cases[i].last) != 0)
			fail_msg("when %s: last is \"%s\"", cases[i].when, bench.output.last);
		bench_close(&bench);
	}
}

static void test_as_it_comes(void **state)
{
	struct bench bench = { 0 };

	(void)state;
	bench_open(&bench);
	turn(&bench);
	assert_string_equal(said, "");
	add(&bench, "half", 4);
	turn(&bench);
	assert_string_equal(said, "");
	add(&bench, " a line\nmore", 12);
	turn(&bench);
	assert_non_null(strstr(said, "msg=\"half a line\""));
	assert_int_equal(count("event=init"), 1);
	turn(&bench);
	assert_string_equal(said, "");
	end(&bench);
	assert_non_null(strstr(said, "msg=\"more\""));
	end(&bench);
	assert_string_equal(said, "");
	bench_close(&bench);
}

/* What an earlier life wrote there was told by that one. */
static void test_earlier_output(void **state)
{
	struct bench bench = { 0 };
	struct error err = { 0 };

	(void)state;
	bench_open(&bench);
	add(&bench, "earlier\n", 8);
	init_output_release(&bench.output);
	assert_int_equal(init_output_open(scratch_path(bench.folder, "log"), &bench.output, &err),
			 0);
	add(&bench, "now\n", 4);
	end(&bench);
	assert_null(strstr(said, "earlier"));
	assert_non_null(strstr(said, "msg=\"now\""));
	bench_close(&bench);
}

static void test_long_line(void **state)
{
	struct bench bench = { 0 };
	char *text = calloc(1, MEGABYTE);

	(void)state;
	assert_non_null(text);
	bench_open(&bench);
	memset(text, 'x', MEGABYTE - 1);
	add(&bench, text, MEGABYTE - 1);
	add(&bench, "\nnext\n", 6);
	end(&bench);
	assert_int_equal(count("event=init"), 2);
	assert_non_null(strstr(said, "xxx ...\""));
	assert_true(strlen(said) < 2000);
	assert_string_equal(bench.output.last, "next");
	free(text);
	bench_close(&bench);
}

static void test_many_lines(void **state)
{
	struct bench bench = { 0 };
	char line[32];

	(void)state;
	bench_open(&bench);
	for (int i = 0; i < MANY; i++) {
		int len = snprintf(line, sizeof(line), "line %d.\n", i);

		add(&bench, line, (size_t)len);
	}
	end(&bench);
	assert_int_equal(count("event=init"), 4001);
	assert_non_null(strstr(said, "line 3999."));
	assert_null(strstr(said, "line 4000."));
	assert_int_equal(count("init.log alone"), 1);
	assert_string_equal(bench.output.last, "line 4099.");
	bench_close(&bench);
}

/* Eight MiB are written: the file keeps its end, and what comes after the cut is told. */
static void test_file_stays_short(void **state)
{
	struct bench bench = { 0 };
	char *block = malloc(MEGABYTE / 2);
	struct stat found;

	(void)state;
	assert_non_null(block);
	bench_open(&bench);
	memset(block, 'x', MEGABYTE / 2);
	for (int i = 0; i < 16; i++) {
		block[MEGABYTE / 2 - 1] = '\n';
		add(&bench, block, MEGABYTE / 2);
		turn(&bench);
		assert_int_equal(fstat(bench.writer, &found), 0);
		assert_true(found.st_size <= 5 * MEGABYTE / 2);
	}
	assert_true(found.st_size >= MEGABYTE);
	add(&bench, "the end\n", 8);
	end(&bench);
	assert_non_null(strstr(said, "msg=\"the end\""));
	assert_int_equal(count("event=init"), 1);
	free(block);
	bench_close(&bench);
}

/* More than it keeps comes between two turns: the last of it is told. */
static void test_flood(void **state)
{
	struct bench bench = { 0 };
	char *block = malloc(MEGABYTE);

	(void)state;
	assert_non_null(block);
	bench_open(&bench);
	memset(block, 'x', MEGABYTE);
	for (int i = 0; i < 5; i++)
		add(&bench, block, MEGABYTE);
	add(&bench, "\nthe end\n", 9);
	end(&bench);
	assert_non_null(strstr(said, "msg=\"the end\""));
	free(block);
	bench_close(&bench);
}

static void test_truncated(void **state)
{
	struct bench bench = { 0 };

	(void)state;
	bench_open(&bench);
	add(&bench, "before\n", 7);
	turn(&bench);
	assert_int_equal(ftruncate(bench.writer, 0), 0);
	turn(&bench);
	add(&bench, "after\n", 6);
	turn(&bench);
	assert_non_null(strstr(said, "msg=\"after\""));
	bench_close(&bench);
}

/* A link at its place could lead anywhere. */
static void test_refuses_link(void **state)
{
	struct init_output output = { 0 };
	char folder[SCRATCH_ROOM];
	struct error err = { 0 };

	(void)state;
	scratch_make(folder);
	assert_int_equal(symlink("elsewhere", scratch_path(folder, "log")), 0);
	assert_int_equal(init_output_open(scratch_path(folder, "log"), &output, &err), -1);
	assert_int_equal(err.class, ERROR_SYSTEM);
	assert_int_equal(access(scratch_path(folder, "elsewhere"), F_OK), -1);
	init_output_release(&output);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),	       cmocka_unit_test(test_as_it_comes),
		cmocka_unit_test(test_earlier_output), cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_many_lines),     cmocka_unit_test(test_file_stays_short),
		cmocka_unit_test(test_flood),	       cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_refuses_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
