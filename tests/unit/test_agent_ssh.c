#include "bootstrap/agent_ssh.h"

#include <setjmp.h>
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

#include "common/child.h"
#include "common/file.h"
#include "tests/unit/support/scratch.h"

enum { DEADLINE_MS = 30000, TEXT_MAX = 1 << 16 };

static char folder[SCRATCH_ROOM];

static int run(const char *const *argv, struct buf *out)
{
	const struct child_spec spec = { .argv = argv };
	struct error err = { 0 };
	int status = 0;

	if (child_run(&spec, DEADLINE_MS, out, &status, &err) < 0)
		fail_msg("%s", err.message);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void read_text(const char *path, struct buf *out)
{
	struct error err = { 0 };

	if (file_read(path, out, &err) < 0)
		fail_msg("%s", err.message);
}

static void make_key(const char *type, struct buf *out)
{
	const char *path = scratch_path(folder, "made");
	const char *const argv[] = { "ssh-keygen", "-q", "-t", type, "-N", "", "-f", path, NULL };
	SCOPED(buf) struct buf said = BUF(TEXT_MAX);
	struct error err = { 0 };

	assert_int_equal(file_remove(path, &err), 0);
	assert_int_equal(run(argv, &said), 0);
	read_text(path, out);
}

static void write_ssh(struct slice key, char *known_hosts)
{
	struct bundle_ssh ssh = { .known_hosts = known_hosts };
	struct error err = { 0 };

	assert_int_equal(secret_copy(&ssh.key, key, &err), 0);
	if (agent_ssh_write(folder, folder, &ssh, &err) < 0)
		fail_msg("%s", err.message);
	secret_release(&ssh.key);
}

/* By OpenSSH itself, which is particular about modes and line ends. */
static void openssh_reads_the_key(void **state)
{
	static const char *const types[] = { "ed25519", "rsa", "ecdsa" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		SCOPED(buf) struct buf key = BUF(TEXT_MAX), said = BUF(TEXT_MAX);
		struct stat found;

		make_key(types[i], &key);
		write_ssh(buf_slice(&key), NULL);
		const char *path = scratch_path(folder, "id");
		const char *const argv[] = { "ssh-keygen", "-y", "-f", path, NULL };

		if (run(argv, &said) != 0)
			fail_msg("%s: %s", types[i], buf_text(&said));
		assert_int_equal(lstat(path, &found), 0);
		assert_int_equal(found.st_mode, S_IFREG | 0600);
	}
}

/* What ssh makes of the command that git gets. */
static void ssh_understands_the_command(void **state)
{
	static char known[] = "git.example.com ssh-ed25519 AAAA\n";
	static const struct {
		const char *when;
		char *known_hosts;
		const char *checks;
	} cases[] = {
		{ "there are known hosts", known, "\nstricthostkeychecking true\n" },
		{ "there are none", NULL, "\nstricthostkeychecking accept-new\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf said = BUF(TEXT_MAX), line = BUF(TEXT_MAX);
		SCOPED(buf) struct buf want = BUF(TEXT_MAX), hosts = BUF(TEXT_MAX);
		char command[AGENT_SSH_COMMAND];
		struct error err = { 0 };

		assert_int_equal(file_remove(scratch_path(folder, "known_hosts"), &err), 0);
		write_ssh(slice_of("key"), cases[i].known_hosts);
		agent_ssh_command(folder, command);
		buf_addf(&line, "%s -G git.example.com", command);
		const char *const argv[] = { "sh", "-c", buf_text(&line), NULL };

		assert_int_equal(run(argv, &said), 0);
		if (!strstr(buf_text(&said), cases[i].checks) ||
		    !strstr(buf_text(&said), "\nbatchmode yes\n") ||
		    !strstr(buf_text(&said), "\nidentitiesonly yes\n"))
			fail_msg("when %s: %s", cases[i].when, buf_text(&said));
		buf_addf(&want, "\nidentityfile %s/id\n", folder);
		assert_non_null(strstr(buf_text(&said), buf_text(&want)));
		buf_clear(&want);
		buf_addf(&want, "\nuserknownhostsfile %s/known_hosts\n", folder);
		assert_non_null(strstr(buf_text(&said), buf_text(&want)));
		assert_int_equal(file_exists(scratch_path(folder, "known_hosts")),
				 cases[i].known_hosts != NULL);
		if (!cases[i].known_hosts)
			continue;
		read_text(scratch_path(folder, "known_hosts"), &hosts);
		assert_string_equal(buf_text(&hosts), "git.example.com ssh-ed25519 AAAA\n");
	}
}

static void some_paths_cannot_stand_in_the_configuration(void **state)
{
	static const struct {
		const char *when, *seen_at;
		bool is_fine;
	} cases[] = {
		{ "it is the home's", "~/.ssh", true },
		{ "it has a blank", "/run/mayfly/vast:12+3 4/0/ssh", true },
		{ "it has a quote", "/run/a\"b", false },
		{ "it has the shell's quote", "/run/a'b", false },
		{ "it has a percent sign", "/run/a%h", false },
		{ "it has a variable", "/run/a${HOME}", false },
		{ "it has a line end", "/run/a\nb", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bundle_ssh ssh = { 0 };
		struct error err = { 0 };

		assert_int_equal(secret_copy(&ssh.key, slice_of("key"), &err), 0);
		int result = agent_ssh_write(folder, cases[i].seen_at, &ssh, &err);

		if ((result == 0) != cases[i].is_fine ||
		    (result < 0 && err.class != ERROR_CONFIGURATION))
			fail_msg("when %s: %d %s", cases[i].when, result, err.message);
		secret_release(&ssh.key);
	}
}

static int begin(void **state)
{
	(void)state;
	scratch_make(folder);
	return 0;
}

static int end(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(openssh_reads_the_key, begin, end),
		cmocka_unit_test_setup_teardown(ssh_understands_the_command, begin, end),
		cmocka_unit_test_setup_teardown(some_paths_cannot_stand_in_the_configuration, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
