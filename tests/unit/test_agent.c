#include "bootstrap/agent.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bootstrap/agent_room.h"
#include "common/child.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/marked.h"
#include "tests/unit/support/own_mounts.h"
#include "tests/unit/support/scratch.h"

#define TASK "0123456789abcdef0123456789abcdef"
#define SECRET "not-for-anybodys-eyes"

enum { DEADLINE_MS = 20000, TEXT_MAX = 1 << 16 };

/* One machine in a folder of its own, whose agent is a script of the test's. */
struct bench {
	char folder[SCRATCH_ROOM];
	char script[SCRATCH_ROOM + 32];
	char *command[2], *environment[3];
	struct machine machine;
	struct agent_run run;
};

static void write_file(const char *path, const char *text, mode_t mode)
{
	struct error err = { 0 };

	if (file_write(path, slice_of(text), mode, &err) < 0)
		fail_msg("%s", err.message);
}

static void bench_open(struct bench *bench, const char *script)
{
	struct machine *machine = &bench->machine;
	struct ticket *ticket = &machine->ticket;
	struct error err = { 0 };
	char instance[40];

	*bench = (struct bench){ 0 };
	scratch_make(bench->folder);
	snprintf(bench->script, sizeof(bench->script), "%s/agent.sh", bench->folder);
	write_file(bench->script, script, 0755);
	/* Its own name: test programs may run beside each other. */
	snprintf(instance, sizeof(instance), "local-%d", (int)getpid());
	snprintf(machine->folder, sizeof(machine->folder), "%s/m", bench->folder);
	snprintf(machine->marker, sizeof(machine->marker), "MAYFLY_INSTANCE=%s", instance);
	text_cut(machine->identity.instance, sizeof(machine->identity.instance), instance);
	text_cut(ticket->api_server, sizeof(ticket->api_server), "http://127.0.0.1:8008");
	text_cut(machine->bundle.access_key, sizeof(machine->bundle.access_key), "ACCESS");
	assert_int_equal(secret_copy(&machine->bundle.secret_key, slice_of(SECRET), &err), 0);
	bench->command[0] = bench->script;
	ticket->agent.command = bench->command;
	ticket->agent.environment = bench->environment;
	bench->environment[0] = memory_text(slice_of("PIP_NO_INDEX=1"));
	bench->run = (struct agent_run){ .seat = 2, .attempt = 3 };
	text_cut(bench->run.task, sizeof(bench->run.task), TASK);
	text_cut(bench->run.worker, sizeof(bench->run.worker), "p:r:t:i:2");
	assert_int_equal(file_make_folder(machine->folder, 0700, &err), 0);
}

static void bench_close(struct bench *bench)
{
	struct error err = { 0 };

	assert_int_equal(marked_kill(bench->machine.marker, 0, 0, DEADLINE_MS, &err), 0);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	secret_release(&bench->machine.bundle.secret_key);
	secret_release(&bench->machine.bundle.ssh.key);
	free(bench->environment[0]);
	assert_int_equal(agent_room_remove_all(bench->machine.identity.instance, false, &err), 0);
	scratch_remove(bench->folder);
}

static pid_t start(struct bench *bench)
{
	struct error err = { 0 };
	pid_t pid = 0;

	if (agent_start(&bench->machine, &bench->run, &pid, &err) < 0)
		fail_msg("%s", err.message);
	return pid;
}

static bool is_alive(const struct bench *bench)
{
	struct error err = { 0 };
	bool alive = false;

	if (agent_is_alive(&bench->machine, &bench->run, &alive, &err) < 0)
		fail_msg("%s", err.message);
	return alive;
}

static void wait_for_file(const char *path)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;

	while (!file_exists(path)) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("%s does not appear", path);
		clock_sleep_ms(5);
	}
}

static void wait_for_end(pid_t pid)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;
	struct error err = { 0 };
	bool has_ended = false;
	int status = 0;

	while (!has_ended) {
		if (child_reap(pid, &has_ended, &status, &err) < 0)
			fail_msg("%s", err.message);
		if (clock_monotonic_ms() > end_ms)
			fail_msg("the agent does not end");
		clock_sleep_ms(5);
	}
}

static struct agent_room room_of(const struct bench *bench)
{
	struct agent_room room = { 0 };
	struct error err = { 0 };

	if (agent_room_name(&bench->machine, bench->run.seat, &room, &err) < 0)
		fail_msg("%s", err.message);
	return room;
}

static void give_key(struct bench *bench)
{
	struct error err = { 0 };

	assert_int_equal(secret_copy(&bench->machine.bundle.ssh.key, slice_of(SECRET), &err), 0);
}

static void read_text(const char *path, struct buf *out)
{
	struct error err = { 0 };

	if (file_read(path, out, &err) < 0)
		fail_msg("%s", err.message);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Entries between separators, sorted: the order of an environment means nothing. */
static size_t split(char *text, size_t len, char separator, char **out, size_t room)
{
	size_t count = 0;

	for (char *at = text; at < text + len && count < room; count++) {
		char *end = memchr(at, separator, (size_t)(text + len - at));

		out[count] = at;
		if (!end)
			break;
		*end = '\0';
		at = end + 1;
	}
	qsort(out, count, sizeof(out[0]), compare_lines);
	return count;
}

/* All of them, so that nothing inherited slips by; and none of them secret. */
static void test_environment(void **state)
{
	struct bench bench;
	SCOPED(buf) struct buf got = BUF(TEXT_MAX), want = BUF(TEXT_MAX);
	char *got_lines[64], *want_lines[64];

	(void)state;
	bench_open(&bench, "#!/bin/sh\ncat /proc/$$/environ > seen.new\nmv seen.new seen\n");
	const struct agent_room room = room_of(&bench);

	give_key(&bench);
	setenv("LEAK", "inherited", 1);
	wait_for_end(start(&bench));
	const char *m = bench.machine.folder;
	buf_addf(&want,
		 "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
		 "LANG=C.UTF-8\nPYTHONUNBUFFERED=1\nHOME=%s/agent/2/home\nTMPDIR=%s/agent/2/tmp\n",
		 m, m);
	buf_addf(&want,
		 "CLEARML_CONFIG_FILE=%s\nCLEARML_AGENT_TEMP_STDOUT_FILE_DIR=%s\n"
		 "GIT_SSH_COMMAND=ssh -F '%s/config'\nCLEARML_WORKER_ID=p:r:t:i:2\n"
		 "CLEARML_WORKER_TAGS=role:seat instance:%s\nCLEARML_SUPPRESS_UPDATE_MESSAGE=1\n",
		 room.conf, room.scratch, room.ssh, bench.machine.identity.instance);
	buf_addf(&want, "%s\nMAYFLY_RUN=%s/2/%s/3\nPIP_NO_INDEX=1\n", bench.machine.marker,
		 bench.machine.identity.instance, TASK);
	read_text(scratch_path(m, "agent/2/home/seen"), &got);
	size_t got_count = split(got.bytes, got.len, '\0', got_lines, 64);
	size_t want_count = split(want.bytes, want.len, '\n', want_lines, 64);
	for (size_t i = 0; i < got_count && i < want_count; i++)
		assert_string_equal(got_lines[i], want_lines[i]);
	assert_int_equal(got_count, want_count);
	bench_close(&bench);
}

static void test_arguments(void **state)
{
	struct bench bench;
	SCOPED(buf) struct buf got = BUF(TEXT_MAX);

	(void)state;
	bench_open(&bench,
		   "#!/bin/sh\necho \"$@\" > seen.new\ncat \"$CLEARML_CONFIG_FILE\" > conf\n"
		   "stat -c %a \"$CLEARML_CONFIG_FILE\" >> seen.new\nmv seen.new seen\n");
	wait_for_end(start(&bench));
	read_text(scratch_path(bench.machine.folder, "agent/2/home/seen"), &got);
	assert_string_equal(buf_text(&got), "execute --id " TASK " --require-queue "
					    "--full-monitoring --cpu-only\n600\n");
	buf_clear(&got);
	read_text(scratch_path(bench.machine.folder, "agent/2/home/conf"), &got);
	assert_non_null(strstr(buf_text(&got), SECRET));
	bench_close(&bench);
}

/* A ticket may replace PATH, but what keeps runs apart it may not. */
static void test_ticket_environment(void **state)
{
	static const struct {
		const char *when, *variable, *seen; /* seen NULL: refused */
	} cases[] = {
		{ "it replaces PATH", "PATH=/usr/bin:/bin", "PATH=/usr/bin:/bin" },
		{ "it adds an empty value", "EMPTY=", "EMPTY=" },
		{ "it has another home", "HOME=/root", NULL },
		{ "it has another run", "MAYFLY_RUN=x", NULL },
		{ "it has another machine", "MAYFLY_INSTANCE=x", NULL },
		{ "it has another configuration", "CLEARML_CONFIG_FILE=/x", NULL },
		{ "it has another place for its copy", "CLEARML_AGENT_TEMP_STDOUT_FILE_DIR=/x",
		  NULL },
		{ "it has another way to ssh", "GIT_SSH_COMMAND=ssh -v", "GIT_SSH_COMMAND=ssh -v" },
		{ "it is no variable", "word", NULL },
		{ "it has no name", "=word", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench bench;
		SCOPED(buf) struct buf got = BUF(TEXT_MAX);
		struct error err = { 0 };
		pid_t pid = 0;

		bench_open(&bench, "#!/bin/sh\ntr '\\0' '\\n' < /proc/$$/environ > seen\n");
		bench.environment[1] = memory_text(slice_of(cases[i].variable));
		int result = agent_start(&bench.machine, &bench.run, &pid, &err);
		if ((result == 0) != (cases[i].seen != NULL))
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (cases[i].seen) {
			wait_for_end(pid);
			read_text(scratch_path(bench.machine.folder, "agent/2/home/seen"), &got);
			assert_non_null(strstr(buf_text(&got), cases[i].seen));
		} else {
			assert_int_equal(err.class, ERROR_CONFIGURATION);
		}
		free(bench.environment[1]);
		bench_close(&bench);
	}
}

/* The agent has died, and a grandchild went to a session of its own: it is found all the same. */
static void test_kill_grandchild(void **state)
{
	struct bench bench;
	struct error err = { 0 };

	(void)state;
	bench_open(&bench, "#!/bin/sh\nsetsid sh -c 'echo $$ > pid.new; mv pid.new pid; "
			   "exec sleep 600' &\nexit 0\n");
	pid_t pid = start(&bench);
	wait_for_file(scratch_path(bench.machine.folder, "agent/2/home/pid"));
	wait_for_end(pid);
	assert_true(is_alive(&bench));
	assert_int_equal(agent_kill(&bench.machine, &bench.run, DEADLINE_MS, &err), 0);
	assert_false(is_alive(&bench));
	bench_close(&bench);
}

/* Of two seats' runs, only the one that is named dies. */
static void test_kill_one_of_two(void **state)
{
	struct bench bench;
	struct error err = { 0 };

	(void)state;
	bench_open(&bench, "#!/bin/sh\nexec sleep 600\n");
	struct agent_run first = bench.run;
	pid_t first_pid = start(&bench);
	bench.run.seat = 1;
	(void)start(&bench);
	assert_int_equal(agent_kill(&bench.machine, &first, DEADLINE_MS, &err), 0);
	wait_for_end(first_pid);
	assert_true(is_alive(&bench));
	bench.run.attempt++;
	assert_false(is_alive(&bench));
	bench.run.attempt--;
	assert_int_equal(agent_kill(&bench.machine, &bench.run, DEADLINE_MS, &err), 0);
	bench_close(&bench);
}

/* Killing what is not there is done at once. */
static void test_kill_nothing(void **state)
{
	struct bench bench;
	struct error err = { 0 };

	(void)state;
	bench_open(&bench, "#!/bin/sh\n");
	assert_false(is_alive(&bench));
	assert_int_equal(agent_kill(&bench.machine, &bench.run, DEADLINE_MS, &err), 0);
	bench_close(&bench);
}

/* Bootstrap dies of SIGKILL: its run lives on, and the next life finds it. */
static void test_survives_us(void **state)
{
	struct bench bench;
	int status = 0;

	(void)state;
	bench_open(&bench, "#!/bin/sh\ntouch started\nexec sleep 600\n");
	pid_t life = fork();
	if (life == 0) {
		struct error err = { 0 };
		pid_t pid = 0;

		if (agent_start(&bench.machine, &bench.run, &pid, &err) < 0)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(life, &status, 0), life);
	assert_true(WIFSIGNALED(status));
	wait_for_file(scratch_path(bench.machine.folder, "agent/2/home/started"));
	assert_true(is_alive(&bench));
	bench_close(&bench);
}

static bool holds_secret(const char *path)
{
	const char *const argv[] = { "grep", "-rqF", SECRET, path, NULL };
	const struct child_spec spec = { .argv = argv };
	SCOPED(buf) struct buf out = BUF(TEXT_MAX);
	struct error err = { 0 };
	int status = 0;

	if (child_run(&spec, DEADLINE_MS, &out, &status, &err) < 0)
		fail_msg("%s", err.message);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/*
 * What is secret never is in the machine's folder, but for what clearml-agent puts into its
 * TMPDIR; after the run it is nowhere. Caches stay.
 */
static void test_tidy(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, "#!/bin/sh\ncp \"$CLEARML_CONFIG_FILE\" "
			   "\"$CLEARML_AGENT_TEMP_STDOUT_FILE_DIR/.copy.cfg\"\n"
			   "cat \"$CLEARML_CONFIG_FILE\" > \"$HOME/.netrc\"\n"
			   "echo kept > cache\n");
	const struct agent_room room = room_of(&bench);

	give_key(&bench);
	wait_for_end(start(&bench));
	assert_true(holds_secret(room.scratch));
	assert_true(holds_secret(room.files));
	assert_true(holds_secret(room.ssh));
	assert_true(holds_secret(room.conf));
	assert_false(holds_secret(bench.machine.folder));
	write_file(scratch_path(bench.machine.folder, "agent/2/tmp/clearml_git_x.sh"), SECRET,
		   0700);
	agent_tidy(&bench.machine, &bench.run);
	assert_false(holds_secret(bench.machine.folder));
	assert_false(file_exists(room.folder));
	assert_true(file_exists(scratch_path(bench.machine.folder, "agent/2/home/cache")));
	wait_for_end(start(&bench)); /* and it can be started again, */
	wait_for_end(start(&bench)); /* also where nobody tidied up */
	bench_close(&bench);
}

/* Each is in the agent's own words: it writes where the configuration says, through our links. */
static void test_files(void **state)
{
	static struct bundle_file files[] = { { .name = "a", .path = "~/deep/in/a.pem" },
					      { .name = "b", .path = "~/b" } };
	struct bench bench;
	struct error err = { 0 };
	pid_t pid = 0;

	(void)state;
	bench_open(&bench, "#!/bin/sh\nfor file in .netrc deep/in/a.pem b; do\n"
			   "cat \"$CLEARML_CONFIG_FILE\" > $file && chmod 600 $file\ndone\n");
	bench.machine.bundle.files = files;
	bench.machine.bundle.file_count = ARRAY_LEN(files);
	for (unsigned life = 0; life < 2; life++) {
		wait_for_end(start(&bench));
		assert_true(holds_secret(
			scratch_path(bench.machine.folder, "agent/2/home/deep/in/a.pem")));
		assert_true(holds_secret(scratch_path(bench.machine.folder, "agent/2/home/b")));
		assert_false(holds_secret(bench.machine.folder)); /* grep -r follows no link */
		agent_tidy(&bench.machine, &bench.run);
		assert_false(file_exists(scratch_path(bench.machine.folder, "agent/2/home/b")));
	}
	text_cut(files[1].path, sizeof(files[1].path), "/etc/b");
	assert_int_equal(agent_check(&bench.machine, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	assert_int_equal(agent_start(&bench.machine, &bench.run, &pid, &err), -1);
	assert_false(file_exists(room_of(&bench).folder));
	text_cut(files[1].path, sizeof(files[1].path), "~/b");
	bench_close(&bench);
}

static void test_cannot_start(void **state)
{
	static char missing[] = "/nonexistent/clearml-agent", bare[] = "clearml-agent";
	const struct {
		const char *when;
		char *command;
		enum error_class class;
	} cases[] = {
		{ "there is no such program", missing, ERROR_NOT_FOUND },
		{ "it is no path", bare, ERROR_CONFIGURATION },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench bench;
		struct error err = { 0 };
		pid_t pid = 0;

		bench_open(&bench, "");
		bench.command[0] = cases[i].command;
		assert_int_equal(agent_start(&bench.machine, &bench.run, &pid, &err), -1);
		if (err.class != cases[i].class || !strstr(err.message, cases[i].command))
			fail_msg("when %s: it says %s", cases[i].when, err.message);
		assert_false(holds_secret(bench.machine.folder));
		bench_close(&bench);
	}
}

static void test_console_tail(void **state)
{
	static const struct {
		const char *when, *script, *tail;
		size_t room;
	} cases[] = {
		{ "it is short", "printf 'one\\ntwo\\n'", "one\ntwo\n", 100 },
		{ "it is cut", "printf 'one\\ntwo\\nthree\\n'", "three\n", 8 },
		{ "it drives a terminal", "printf 'a\\033[2Jb\\rc\\n'", "a [2Jb c\n", 100 },
		{ "it is no UTF-8", "printf 'a\\377b\\n'", "a b\n", 100 },
		{ "nothing was said", "true", "", 100 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench bench;
		SCOPED(buf) struct buf script = BUF(TEXT_MAX), tail = BUF(cases[i].room);

		buf_addf(&script, "#!/bin/sh\n%s\n", cases[i].script);
		bench_open(&bench, buf_text(&script));
		wait_for_end(start(&bench));
		agent_console_tail(&bench.machine, &bench.run, &tail);
		if (strcmp(buf_text(&tail), cases[i].tail) != 0)
			fail_msg("when %s: %s", cases[i].when, buf_text(&tail));
		bench_close(&bench);
	}
}

/* What the run before said stays readable, and is not taken for this one's words. */
static void test_console_turns(void **state)
{
	struct bench bench;
	SCOPED(buf) struct buf tail = BUF(100), earlier = BUF(100);

	(void)state;
	bench_open(&bench, "#!/bin/sh\n[ -e second ] && echo second || echo first\ntouch second\n");
	wait_for_end(start(&bench));
	wait_for_end(start(&bench));
	agent_console_tail(&bench.machine, &bench.run, &tail);
	assert_string_equal(buf_text(&tail), "second\n");
	read_text(scratch_path(bench.machine.folder, "agent/2/console.previous.log"), &earlier);
	assert_string_equal(buf_text(&earlier), "first\n");
	bench_close(&bench);
}

static bool has_nobody; /* as a user to become */

static void test_other_user(void **state)
{
	struct bench bench;
	struct error err = { 0 };
	SCOPED(buf) struct buf got = BUF(TEXT_MAX);
	pid_t pid = 0;

	(void)state;
	if (!has_nobody)
		skip();
	bench_open(&bench,
		   "#!/bin/sh\nid -un > seen\nstat -c '%U %a' \"$(dirname $CLEARML_CONFIG_FILE)\" "
		   "$CLEARML_CONFIG_FILE > modes\ncat \"$CLEARML_CONFIG_FILE\" > conf\n"
		   "touch \"$TMPDIR/x\" && ls \"$HOME/..\" > listed 2>&1 || echo no >> seen\n");
	char *user = bench.machine.ticket.agent.user;
	text_cut(user, TICKET_FIELD_ROOM, "nobody");
	assert_int_equal(agent_start(&bench.machine, &bench.run, &pid, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION); /* the scratch folder is root's alone */
	assert_non_null(strstr(err.message, bench.folder));

	assert_int_equal(chmod(bench.folder, 0711), 0);
	wait_for_end(start(&bench));
	read_text(scratch_path(bench.machine.folder, "agent/2/home/seen"), &got);
	assert_string_equal(buf_text(&got), "nobody\nno\n"); /* its seat's folder is ours to list */
	assert_true(holds_secret(scratch_path(bench.machine.folder, "agent/2/home/conf")));
	buf_clear(&got);
	read_text(scratch_path(bench.machine.folder, "agent/2/home/modes"), &got);
	assert_string_equal(buf_text(&got), "nobody 700\nnobody 600\n");
	wait_for_end(start(&bench)); /* again, in the place of what is the user's now */
	agent_tidy(&bench.machine, &bench.run);
	assert_false(file_exists(room_of(&bench).folder));

	text_cut(user, TICKET_FIELD_ROOM, "no-such-user");
	assert_int_equal(agent_start(&bench.machine, &bench.run, &pid, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	text_cut(user, TICKET_FIELD_ROOM, "");
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_ticket_environment),
		cmocka_unit_test(test_kill_grandchild),
		cmocka_unit_test(test_kill_one_of_two),
		cmocka_unit_test(test_kill_nothing),
		cmocka_unit_test(test_survives_us),
		cmocka_unit_test(test_tidy),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_cannot_start),
		cmocka_unit_test(test_console_tail),
		cmocka_unit_test(test_console_turns),
		cmocka_unit_test(test_other_user),
	};
	struct error err = { 0 };
	bool is_locked = false;

	/* Without a namespace of its own it works in this machine's, beside others. */
	has_nobody = geteuid() == 0;
	(void)own_mounts_begin();
	if (secret_prepare_process(&is_locked, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
