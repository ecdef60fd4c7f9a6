#include "bootstrap/init_script.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/marked.h"
#include "tests/unit/support/deny.h"
#include "tests/unit/support/scratch.h"

enum { DEADLINE_MS = 30000, TEXT_MAX = 1 << 18 };

/* One machine in a folder of its own, whose user's home is a folder beside it. */
struct bench {
	char folder[SCRATCH_ROOM], home[SCRATCH_ROOM + 8];
	struct machine machine;
	char mark[128];
	struct init_script *script;
	char said[TEXT_MAX]; /* the log, of the last run */
};

static struct bench bench;
static char home_variable[SCRATCH_ROOM + 16]; /* of our own environment */

static void bench_open(const char *script)
{
	struct machine *machine = &bench.machine;
	struct error err = { 0 };
	char instance[40];

	bench = (struct bench){ 0 };
	scratch_make(bench.folder);
	log_open("test", NULL, LOG_INFO);
	/* Its own name: test programs may run beside each other. */
	snprintf(instance, sizeof(instance), "local-%d", (int)getpid());
	snprintf(machine->folder, sizeof(machine->folder), "%s/m", bench.folder);
	snprintf(machine->marker, sizeof(machine->marker), "MAYFLY_INSTANCE=%s", instance);
	snprintf(bench.mark, sizeof(bench.mark), "MAYFLY_INIT=%s", instance);
	text_cut(machine->identity.instance, sizeof(machine->identity.instance), instance);
	text_cut(machine->identity.provider, sizeof(machine->identity.provider), "local");
	text_cut(machine->identity.type, sizeof(machine->identity.type), "small");
	text_cut(machine->identity.zone, sizeof(machine->identity.zone), "here");
	text_cut(machine->ticket.resource, sizeof(machine->ticket.resource), "cpu");
	machine->ticket.slot = 3;
	machine->ticket.init.script = memory_text(slice_of(script));
	machine->ticket.init.timeout_s = 600;
	assert_int_equal(file_make_folder(machine->folder, 0700, &err), 0);
	snprintf(bench.home, sizeof(bench.home), "%s/home", bench.folder);
	assert_int_equal(file_make_folder(bench.home, 0700, &err), 0);
	snprintf(home_variable, sizeof(home_variable), "HOME=%s", bench.home);
	assert_int_equal(putenv(home_variable), 0);
}

static void bench_close(void)
{
	struct error err = { 0 };

	init_script_close(bench.script);
	assert_int_equal(marked_kill(bench.machine.marker, 0, 0, DEADLINE_MS, &err), 0);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	free(bench.machine.ticket.init.script);
	scratch_remove(bench.folder);
}

static const char *in_machine(const char *name)
{
	return scratch_path(bench.machine.folder, name);
}

static void write_file(const char *path, const char *text)
{
	struct error err = { 0 };

	if (file_write(path, slice_of(text), 0600, &err) < 0)
		fail_msg("%s", err.message);
}

static const char *read_text(const char *path)
{
	static char text[TEXT_MAX];
	SCOPED(buf) struct buf bytes = BUF(TEXT_MAX - 1);
	struct error err = { 0 };

	if (file_read(path, &bytes, &err) < 0)
		fail_msg("%s", err.message);
	for (size_t i = 0; i < bytes.len; i++)
		text[i] = bytes.bytes[i] ? bytes.bytes[i] : '\n';
	text[bytes.len] = '\0';
	return text;
}

static void wait_for_file(const char *name)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;

	while (!file_exists(in_machine(name))) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("%s does not appear", name);
		clock_sleep_ms(5);
	}
}

static size_t count_marked(const char *marker)
{
	SCOPED(marked) struct marked found = { 0 };
	struct error err = { 0 };

	assert_int_equal(marked_find(marker, &found, &err), 0);
	return found.count;
}

static void begin(void)
{
	struct error err = { 0 };

	if (init_script_begin(&bench.machine, &bench.script, &err) < 0)
		fail_msg("%s", err.message);
}

/* Turns until it is over: 0 well, -1 as it says. */
static int turn_to_end(struct error *err)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;
	bool has_ended = false;
	int result = 0;

	while (!has_ended && !result) {
		result = init_script_turn(bench.script, &has_ended, err);
		if (clock_monotonic_ms() > end_ms)
			fail_msg("the script does not end");
		if (!has_ended && !result)
			clock_sleep_ms(5);
	}
	return result;
}

/* A whole run by one life. */
static int run(struct error *err)
{
	struct capture capture = capture_begin(2);
	int result = init_script_begin(&bench.machine, &bench.script, err);

	if (!result)
		result = turn_to_end(err);
	init_script_close(bench.script);
	bench.script = NULL;
	capture_end(&capture, bench.said, sizeof(bench.said));
	return result;
}

/* Each ending: what is in the message, the log, the output; what `check` says after it. */
static void test_endings(void **state)
{
	static const struct {
		const char *when, *script;
		bool is_optional;
		const char *message; /* NULL: it ended well, or that is no matter */
		const char *log, *output, *look;
	} cases[] = {
		{ "it ends well", "echo hello\n", false, NULL, "msg=\"hello\"", "hello\n",
		  "ended well" },
		{ "it has nothing to say", "true\n", false, NULL, "ended well", "", "ended well" },
		{ "it has no last line end", "echo a; echo b", false, NULL, "msg=\"b\"", "a\nb\n",
		  "ended well" },
		{ "it is empty", "", false, NULL, "ended well", "", "ended well" },
		{ "its output has no line end", "printf half", false, NULL, "msg=\"half\"", "half",
		  "ended well" },
		{ "it complains", "echo oops >&2", false, NULL, "msg=\"oops\"", "oops\n",
		  "ended well" },
		{ "it fails", "echo one; echo two; exit 3", false,
		  "exit status 3; its last line: two", "msg=\"two\"", "one\ntwo\n",
		  "exit status 3" },
		{ "it fails without a word", "exit 4", false, "exit status 4, without a word",
		  "the init script ended after", "", "exit status 4" },
		{ "a command is not there", "no-such-command-here", false,
		  "no-such-command-here: command not found", "command not found\"",
		  "command not found", "exit status 127" },
		{ "it is no shell script", "if true; then", false, "syntax error", "syntax error",
		  "syntax error", "exit status 2" },
		{ "it is killed", "echo x; kill -SEGV $$", false,
		  "killed by SIGSEGV; its last line: x", "msg=\"x\"", "x\n", "SIGSEGV" },
		{ "its last line draws on terminals", "printf 'a\\033[31mb\\n'; exit 1", false,
		  "last line: a [31mb", "a\\x1b[31mb", "a\033[31mb\n", "a [31mb" },
		{ "it fails, which is no matter", "echo x; exit 3", true, NULL,
		  "level=warn program=test event=init msg=\"failed, and the ticket says to go on: "
		  "exit status 3; its last line: x\"",
		  "x\n", "no matter: exit status 3" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf found = BUF(1024);
		struct error err = { 0 };

		bench_open(cases[i].script);
		bench.machine.ticket.init.is_optional = cases[i].is_optional;
		int result = run(&err);
		if (result != (cases[i].message ? -1 : 0))
			fail_msg("when %s: %d, %s", cases[i].when, result, err.message);
		if (result &&
		    (err.class != ERROR_REFUSED || !strstr(err.message, cases[i].message)))
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (!strstr(bench.said, cases[i].log))
			fail_msg("when %s: log: %s", cases[i].when, bench.said);
		if (!strstr(read_text(in_machine("init.log")), cases[i].output))
			fail_msg("when %s: init.log: %s", cases[i].when,
				 read_text(in_machine("init.log")));
		int look = init_script_look(&bench.machine, &found, &err);
		const char *told = look ? err.message : buf_text(&found);
		if (look != result || !strstr(told, cases[i].look))
			fail_msg("when %s: look: %s", cases[i].when, told);
		bench_close();
	}
}

static void test_none(void **state)
{
	SCOPED(buf) struct buf found = BUF(1024);
	struct error err = { 0 };

	(void)state;
	bench_open("");
	free(bench.machine.ticket.init.script);
	bench.machine.ticket.init.script = NULL;
	assert_int_equal(init_script_look(&bench.machine, &found, &err), 0);
	assert_string_equal(buf_text(&found), "there is none");
	assert_int_equal(run(&err), 0);
	assert_string_equal(bench.said, "");
	assert_false(file_exists(in_machine("init.json")));
	assert_false(file_exists(in_machine("init.sh")));
	init_script_close(NULL);
	bench_close();
}

/* All of it, so that nothing inherited slips by; bash itself adds PWD, SHLVL and _. */
static void test_environment(void **state)
{
	struct error err = { 0 };
	char want[2048];

	(void)state;
	bench_open("sort -z /proc/$$/environ > seen; pwd > where; stat -c %a init.sh > mode");
	assert_int_equal(setenv("LEAK", "inherited", 1), 0);
	assert_int_equal(setenv("BASH_ENV", "/dev/null/leak", 1), 0);
	assert_int_equal(run(&err), 0);
	snprintf(want, sizeof(want),
		 "HOME=%s\nLANG=C.UTF-8\n%s\nMAYFLY_INSTANCE=%s\nMAYFLY_PROVIDER=local\n"
		 "MAYFLY_RESOURCE=cpu\nMAYFLY_SLOT=3\nMAYFLY_TYPE=small\nMAYFLY_ZONE=here\n"
		 "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
		 bench.home, bench.mark, bench.machine.identity.instance);
	assert_string_equal(read_text(in_machine("seen")), want);
	snprintf(want, sizeof(want), "%s\n", bench.machine.folder);
	assert_string_equal(read_text(in_machine("where")), want);
	assert_string_equal(read_text(in_machine("mode")), "700\n");
	unsetenv("LEAK");
	unsetenv("BASH_ENV");
	bench_close();
}

static void test_login_files(void **state)
{
	static const struct {
		const char *when, *file;
		bool is_login, is_read;
	} cases[] = {
		{ "login files are wanted", ".profile", true, true },
		{ "login files are not wanted", ".profile", false, false },
		{ "bash has its own", ".bash_profile", true, true },
		{ "the file is for terminals", ".bashrc", false, false },
		{ "the file is for terminals, and login files are wanted", ".bashrc", true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };

		bench_open("echo \"greeting: $GREETING\"");
		bench.machine.ticket.init.is_login = cases[i].is_login;
		write_file(scratch_path(bench.home, cases[i].file), "export GREETING=hello\n");
		assert_int_equal(run(&err), 0);
		bool is_read = strstr(bench.said, "greeting: hello");
		if (is_read != cases[i].is_read || !strstr(bench.said, "greeting: "))
			fail_msg("when %s: %s", cases[i].when, bench.said);
		bench_close();
	}
}

/* Lines are told while the script runs: it waits until the test has seen the first one. */
static void test_output_as_it_comes(void **state)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;
	struct error err = { 0 };
	bool has_ended = false;

	(void)state;
	bench_open("echo first; while [ ! -e go ]; do sleep 0.02; done; echo second");
	begin();
	while (!strstr(bench.said, "msg=\"first\"")) {
		struct capture capture = capture_begin(2);
		int result = init_script_turn(bench.script, &has_ended, &err);

		capture_end(&capture, bench.said, sizeof(bench.said));
		assert_int_equal(result, 0);
		assert_false(has_ended);
		if (clock_monotonic_ms() > end_ms)
			fail_msg("the first line does not come");
	}
	write_file(in_machine("go"), "");
	assert_int_equal(turn_to_end(&err), 0);
	bench_close();
}

/* The time limit ends what ignores SIGTERM too, wherever it went; bash itself may have left. */
static void test_time_limit(void **state)
{
	static const struct {
		const char *when, *script;
	} cases[] = {
		{ "it sleeps", "echo started; sleep 600" },
		{ "it ignores SIGTERM", "trap '' TERM; echo started; while :; do sleep 1; done" },
		{ "a child ignores SIGTERM", "setsid bash -c 'trap \"\" TERM; echo started; while "
					     ":; do sleep 1; done' & wait" },
		{ "it ends well when told to", "trap 'exit 0' TERM; echo started; while :; do "
					       "sleep 0.1; done" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };

		bench_open(cases[i].script);
		bench.machine.ticket.init.timeout_s = 1;
		assert_int_equal(run(&err), -1);
		assert_int_equal(err.class, ERROR_REFUSED);
		if (!strstr(err.message, "did not end within 1 s and was killed; its last line: "))
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (count_marked(bench.mark))
			fail_msg("when %s: something lives", cases[i].when);
		bench_close();
	}
}

/* What a script leaves running: stays when it ended well, goes when it failed. */
static void test_daemons(void **state)
{
	static const struct {
		const char *when, *ending;
		size_t alive;
	} cases[] = {
		{ "it ended well", "exit 0", 1 },
		{ "it failed", "exit 1", 0 },
		{ "it was killed", "kill -KILL $$", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };
		char script[256];

		snprintf(script, sizeof(script), "setsid sleep 600 & sleep 0.1; %s",
			 cases[i].ending);
		bench_open(script);
		assert_int_equal(run(&err), cases[i].alive ? 0 : -1);
		if (count_marked(bench.mark) != cases[i].alive)
			fail_msg("when %s: %zu live", cases[i].when, count_marked(bench.mark));
		/* It is the machine's all the same: with the machine it goes. */
		if (count_marked(bench.machine.marker) != cases[i].alive)
			fail_msg("when %s: not the machine's", cases[i].when);
		bench_close();
	}
}

/* Once in a machine's life, however often bootstrap starts, and with one and the same outcome. */
static void test_second_life(void **state)
{
	static const struct {
		const char *when, *ending;
		bool is_optional;
		const char *message;
	} cases[] = {
		{ "it ended well", "exit 0", false, NULL },
		{ "it failed", "exit 3", false, "exit status 3; its last line: said" },
		{ "it failed, which is no matter", "exit 3", true, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char script[256];

		snprintf(script, sizeof(script), "echo run >> runs; echo said; %s",
			 cases[i].ending);
		bench_open(script);
		bench.machine.ticket.init.is_optional = cases[i].is_optional;
		for (int life = 0; life < 3; life++) {
			struct error err = { 0 };
			int result = run(&err);

			if (result != (cases[i].message ? -1 : 0) ||
			    (result && (err.class != ERROR_REFUSED ||
					!strstr(err.message, cases[i].message))))
				fail_msg("when %s, life %d: %s", cases[i].when, life, err.message);
		}
		assert_string_equal(read_text(in_machine("runs")), "run\n");
		bench_close();
	}
}

/* Bootstrap dies of SIGKILL in the middle: the script lives on, the next life ends it and runs
 * it again. */
static void test_cut_off(void **state)
{
	SCOPED(buf) struct buf found = BUF(1024);
	struct error err = { 0 };
	int status = 0;

	(void)state;
	bench_open("echo $$ >> runs\n"
		   "[ -e again ] && exit 0\n"
		   "touch again\n"
		   "setsid sleep 600 &\n"
		   "touch ready\n"
		   "sleep 600\n");
	pid_t life = fork();
	if (life == 0) {
		bool has_ended = false;

		if (init_script_begin(&bench.machine, &bench.script, &err) < 0)
			_exit(1);
		while (!file_exists(in_machine("ready")))
			if (init_script_turn(bench.script, &has_ended, &err) < 0 || has_ended)
				_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(life, &status, 0), life);
	assert_true(WIFSIGNALED(status));
	assert_true(count_marked(bench.mark) >= 2);
	assert_int_equal(init_script_look(&bench.machine, &found, &err), 0);
	assert_non_null(strstr(buf_text(&found), "was cut off"));
	assert_int_equal(run(&err), 0);
	assert_non_null(strstr(bench.said, "was cut off"));
	assert_int_equal(count_marked(bench.mark), 0);
	const char *runs = read_text(in_machine("runs"));
	assert_non_null(strchr(runs, '\n'));
	assert_string_not_equal(strchr(runs, '\n') + 1, "");
	assert_int_equal(run(&err), 0);
	assert_non_null(strstr(bench.said, "has run already"));
	bench_close();
}

/* The machine leaves while it runs. */
static void test_close_kills(void **state)
{
	struct error err = { 0 };
	bool has_ended = true;

	(void)state;
	bench_open("setsid sleep 600 & touch ready; trap '' TERM; while :; do sleep 1; done");
	begin();
	wait_for_file("ready");
	assert_int_equal(init_script_turn(bench.script, &has_ended, &err), 0);
	assert_false(has_ended);
	init_script_close(bench.script);
	bench.script = NULL;
	assert_int_equal(count_marked(bench.mark), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left to reap */
	bench_close();
}

static void test_not_run_yet(void **state)
{
	SCOPED(buf) struct buf found = BUF(1024);
	struct error err = { 0 };

	(void)state;
	bench_open("echo hello");
	assert_int_equal(init_script_look(&bench.machine, &found, &err), 0);
	assert_string_equal(buf_text(&found), "10 bytes, not run yet");
	assert_false(file_exists(in_machine("init.log")));
	bench_close();
}

/* 64 KiB are more than a pipe holds, and half of what one word of a command line may be. */
static void test_large_script(void **state)
{
	SCOPED(buf) struct buf script = BUF(1 << 17);
	struct error err = { 0 };

	(void)state;
	while (script.len < (1 << 16))
		buf_add(&script, slice_of("# A comment, as long scripts have them.\n"));
	buf_add(&script, slice_of("echo the end"));
	bench_open(buf_text(&script));
	assert_int_equal(run(&err), 0);
	assert_non_null(strstr(bench.said, "msg=\"the end\""));
	bench_close();
}

/* What the disk says makes no sense: nothing is run on the strength of it. */
static void test_broken_record(void **state)
{
	static const char *const records[] = { "", "{", "[]", "{\"progress\": 1}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		struct error err = { 0 };

		bench_open("touch ran");
		write_file(in_machine("init.json"), records[i]);
		assert_int_equal(run(&err), -1);
		assert_non_null(strstr(err.message, "init.json"));
		assert_false(file_exists(in_machine("ran")));
		bench_close();
	}
}

static void test_no_folder(void **state)
{
	struct error err = { 0 };

	(void)state;
	bench_open("true");
	assert_int_equal(file_remove_tree(bench.machine.folder, &err), 0);
	assert_int_equal(run(&err), -1);
	assert_non_null(strstr(err.message, "init script: "));
	assert_null(bench.script);
	bench_close();
}

/* In a process of its own, which may look at no file's rights any more: so finds no bash. */
static bool says_no_bash(void)
{
	struct error err = { 0 };

#ifdef SYS_access
	if (deny_call(SYS_access, ENOENT) < 0)
		return false;
#endif
	if (deny_call(SYS_faccessat, ENOENT) < 0)
		return false;
	return run(&err) == -1 && err.class == ERROR_REFUSED &&
	       strstr(err.message, "there is no bash on this machine") &&
	       /* ... and the next life says the same. */
	       run(&err) == -1 && strstr(err.message, "there is no bash on this machine");
}

static void test_no_bash(void **state)
{
	int status = 0;

	(void)state;
	bench_open("touch ran");
	pid_t pid = fork();
	if (pid == 0)
		_exit(says_no_bash() ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_false(file_exists(in_machine("ran")));
	bench_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endings),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_login_files),
		cmocka_unit_test(test_output_as_it_comes),
		cmocka_unit_test(test_time_limit),
		cmocka_unit_test(test_daemons),
		cmocka_unit_test(test_second_life),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_close_kills),
		cmocka_unit_test(test_not_run_yet),
		cmocka_unit_test(test_large_script),
		cmocka_unit_test(test_broken_record),
		cmocka_unit_test(test_no_folder),
		cmocka_unit_test(test_no_bash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
