#include "bootstrap/agent_environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bootstrap/docker_words.h"
#include "common/child.h"
#include "tests/unit/support/engine_bench.h"

/* The variables of the agent's container. Those of host mode are in test_agent.c. */

#define TASK "0123456789abcdef0123456789abcdef"

enum { PYTHON_MS = 60000, WORDS = 12 };

static const struct agent_run run = {
	.seat = 2, .attempt = 3, .task = TASK, .worker = "p:r:t:i:2"
};

static int make(struct engine_bench *bench, struct agent_environment *out, struct error *err)
{
	return agent_environment_contained(&bench->machine, &run, "/run/h", out, err);
}

static const char *value_of(const struct agent_environment *environment, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < environment->count; i++)
		if (!strncmp(environment->list[i], name, len) && environment->list[i][len] == '=')
			return environment->list[i] + len + 1;
	return NULL;
}

/* All of it, so that nothing comes along unseen. */
static void these_and_no_others(void **state)
{
	SCOPED(agent_environment) struct agent_environment made = { 0 };
	SCOPED(buf) struct buf got = BUF(8192), want = BUF(8192);
	struct engine_bench bench;
	struct error err = { 0 };

	(void)state;
	engine_bench_begin(&bench, NULL);
	const char *instance = bench.machine.identity.instance;

	engine_note_agent(bench.machine.engine, "3.0.3", true);
	assert_int_equal(make(&bench, &made, &err), 0);
	assert_null(made.list[made.count]);
	for (size_t i = 0; i < made.count; i++)
		buf_addf(&got, "%s\n", made.list[i]);
	buf_addf(&want,
		 "PYTHONUNBUFFERED=1\nCLEARML_CONFIG_FILE=/root/clearml.conf\n"
		 "CLEARML_WORKER_ID=p:r:t:i:2\nCLEARML_WORKER_TAGS=role:seat instance:%s\n"
		 "CLEARML_SUPPRESS_UPDATE_MESSAGE=1\nTMPDIR=/root/.clearml/tmp\n"
		 "CLEARML_AGENT_ENABLE_FILES_CONFIG_SECTION=false\n"
		 "CLEARML_AGENT_DISABLE_SSH_MOUNT=1\n"
		 "CLEARML_DOCKER_SKIP_GPUS_FLAG=\n"
		 "CLEARML_AGENT_DOCKER_HOST_MOUNT=/run/h:/root/.clearml\n"
		 "CLEARML_AGENT_DOCKER_AGENT_REPO=clearml-agent==3.0.3\n"
		 "MAYFLY_INSTANCE=%s\nMAYFLY_RUN=%s/2/" TASK "/3\n",
		 instance, instance, instance);
	buf_addf(&want,
		 "CLEARML_AGENT_EXTRA_DOCKER_LABELS='mayfly.instance=%s' "
		 "'mayfly.run=2/" TASK "/3' 'mayfly.role=task'\n"
		 "CLEARML_AGENT_EXTRA_DOCKER_ARGS='--label' 'mayfly.instance=%s' "
		 "'--label' 'mayfly.run=2/" TASK "/3' '--label' 'mayfly.role=task' "
		 "'--network=bridge' '-e' 'MAYFLY_INSTANCE=%s' "
		 "'-e' 'MAYFLY_RUN=%s/2/" TASK "/3'\n",
		 instance, instance, instance, instance);
	assert_string_equal(buf_text(&got), buf_text(&want));
	engine_bench_end(&bench);
}

static void an_agent_of_unknown_version_is_not_pinned(void **state)
{
	SCOPED(agent_environment) struct agent_environment made = { 0 };
	struct engine_bench bench;
	struct error err = { 0 };

	(void)state;
	engine_bench_begin(&bench, NULL);
	assert_int_equal(make(&bench, &made, &err), 0);
	assert_null(value_of(&made, "CLEARML_AGENT_DOCKER_AGENT_REPO"));
	engine_bench_end(&bench);
}

/* ---- words for the task's container ---- */

static struct {
	const char *when;
	char environment[2][40], arguments[3][40]; /* "": no more of them */
	const char *words[WORDS]; /* after the marks */
} cases[] = {
	{ "nothing is given", { "" }, { "" }, { NULL } },
	{ "arguments are given",
	  { "" },
	  { "--shm-size", "8g", "--init" },
	  { "--shm-size", "8g", "--init" } },
	{ "a variable is given, and arguments follow it",
	  { "A=b", "C=" },
	  { "--init" },
	  { "-e", "A=b", "-e", "C=", "--init" } },
	{ "there are blanks",
	  { "A= b  c " },
	  { "--label=x y" },
	  { "-e", "A= b  c ", "--label=x y" } },
	{ "there are quotes",
	  { "A='it''s'" },
	  { "--label=\"q\"", "'", "''" },
	  { "-e", "A='it''s'", "--label=\"q\"", "'", "''" } },
	{ "there are backslashes",
	  { "A=\\\\host\\share\\" },
	  { "--label=\\'" },
	  { "-e", "A=\\\\host\\share\\", "--label=\\'" } },
	{ "a shell would do something with it",
	  { "A=$(id) `id` ${HOME} ; #x" },
	  { "--label=a|b>c&d*?[e]~{f,g}!h" },
	  { "-e", "A=$(id) `id` ${HOME} ; #x", "--label=a|b>c&d*?[e]~{f,g}!h" } },
	{ "there are tabs and line ends", { "A=b\tc\r\n1" }, { "" }, { "-e", "A=b\tc\r\n1" } },
	{ "it is not ASCII",
	  { "A=caf\xc3\xa9 \xf0\x9f\xa6\x8b" },
	  { "" },
	  { "-e", "A=caf\xc3\xa9 \xf0\x9f\xa6\x8b" } },
};

static void make_case(struct engine_bench *bench, size_t i, struct agent_environment *out)
{
	char *environment[3] = { NULL }, *arguments[4] = { NULL };
	struct error err = { 0 };

	for (size_t j = 0; j < 2 && cases[i].environment[j][0]; j++)
		environment[j] = cases[i].environment[j];
	for (size_t j = 0; j < 3 && cases[i].arguments[j][0]; j++)
		arguments[j] = cases[i].arguments[j];
	bench->machine.ticket.agent.environment = environment;
	bench->machine.ticket.agent.docker.arguments = arguments;
	if (make(bench, out, &err) < 0)
		fail_msg("when %s: %s", cases[i].when, err.message);
}

enum { OURS = 6 + 1 + 4 };

static void check_words(size_t i, const struct docker_words *words)
{
	size_t count = 0;

	/* Before them: three labels, the network, and the marks of instance and run. */
	if (words->count < OURS || strcmp(words->list[6], "--network=bridge") != 0)
		fail_msg("when %s: it begins otherwise", cases[i].when);
	while (count < WORDS && cases[i].words[count])
		count++;
	if (words->count != OURS + count)
		fail_msg("when %s: %zu words", cases[i].when, words->count);
	for (size_t j = 0; j < count; j++)
		if (strcmp(words->list[OURS + j], cases[i].words[j]) != 0)
			fail_msg("when %s: word %zu is %s", cases[i].when, j,
				 words->list[OURS + j]);
}

static void words_come_back_as_they_were(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(agent_environment) struct agent_environment made = { 0 };
		SCOPED(docker_words) struct docker_words words = { 0 };
		struct engine_bench bench;
		struct error err = { 0 };

		engine_bench_begin(&bench, NULL);
		make_case(&bench, i, &made);
		const char *text = value_of(&made, "CLEARML_AGENT_EXTRA_DOCKER_ARGS");

		if (docker_words_split(slice_of(text), &words, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		check_words(i, &words);
		engine_bench_end(&bench);
	}
}

/* Not only by our reading of it: by the function that clearml-agent calls. */
static void python_reads_the_same_words(void **state)
{
	static const char script[] =
		"import os, shlex, sys\n"
		"for word in shlex.split(os.environ['CLEARML_AGENT_EXTRA_DOCKER_ARGS'].strip()):\n"
		"    sys.stdout.buffer.write(os.fsencode(word) + b'\\0')\n";
	const char *const argv[] = { "python3", "-c", script, NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(agent_environment) struct agent_environment made = { 0 };
		SCOPED(docker_words) struct docker_words words = { 0 };
		SCOPED(buf) struct buf said = BUF(65536);
		struct engine_bench bench;
		struct error err = { 0 };
		int status;

		engine_bench_begin(&bench, NULL);
		make_case(&bench, i, &made);
		const char *variable = value_of(&made, "CLEARML_AGENT_EXTRA_DOCKER_ARGS") -
				       strlen("CLEARML_AGENT_EXTRA_DOCKER_ARGS=");
		const char *const environment[] = { variable, "LC_ALL=C.UTF-8", NULL };
		const struct child_spec spec = { .argv = argv, .environment = environment };

		if (child_run(&spec, PYTHON_MS, &said, &status, &err) < 0 || status)
			fail_msg("when %s: %s %s", cases[i].when, err.message, buf_text(&said));
		for (size_t at = 0; at < said.len; at += strlen(said.bytes + at) + 1)
			docker_words_add(&words, said.bytes + at);
		check_words(i, &words);
		engine_bench_end(&bench);
	}
}

/* ---- refusals ---- */

static void what_keeps_runs_apart_is_ours(void **state)
{
	static struct {
		const char *when;
		char variable[64];
		const char *words; /* NULL: it is taken */
	} rows[] = {
		{ "one of our own is given anew", "PYTHONUNBUFFERED=0", NULL },
		{ "the name only begins like one of ours", "MAYFLY_RUNNER=1", NULL },
		{ "the run's mark is given", "MAYFLY_RUN=x", "MAYFLY_RUN" },
		{ "the instance's mark is given", "MAYFLY_INSTANCE=x", "MAYFLY_INSTANCE" },
		{ "the host mount is given", "CLEARML_AGENT_DOCKER_HOST_MOUNT=/:/",
		  "CLEARML_AGENT_DOCKER_HOST_MOUNT" },
		{ "its old name is given", "CLEARML_AGENT_K8S_HOST_MOUNT=/:/",
		  "CLEARML_AGENT_K8S_HOST_MOUNT" },
		{ "the arguments are given", "CLEARML_AGENT_EXTRA_DOCKER_ARGS=--privileged",
		  "CLEARML_AGENT_EXTRA_DOCKER_ARGS" },
		{ "the labels are given", "CLEARML_AGENT_EXTRA_DOCKER_LABELS=a",
		  "CLEARML_AGENT_EXTRA_DOCKER_LABELS" },
		{ "the filters are given", "CLEARML_AGENT_DOCKER_ARGS_FILTERS=.*",
		  "CLEARML_AGENT_DOCKER_ARGS_FILTERS" },
		{ "there is no value", "LONELY", "NAME=value" },
		{ "there is no name", "=x", "NAME=value" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCOPED(agent_environment) struct agent_environment made = { 0 };
		char *environment[] = { rows[i].variable, NULL };
		struct engine_bench bench;
		struct error err = { 0 };

		engine_bench_begin(&bench, NULL);
		bench.machine.ticket.agent.environment = environment;
		int result = make(&bench, &made, &err);

		if ((result == 0) != !rows[i].words)
			fail_msg("when %s: %d %s", rows[i].when, result, err.message);
		if (result < 0 &&
		    (err.class != ERROR_CONFIGURATION || !strstr(err.message, rows[i].words) ||
		     made.count || strstr(err.message, "privileged")))
			fail_msg("when %s: it says %s", rows[i].when, err.message);
		engine_bench_end(&bench);
	}
}

/* More than an environment can carry is said, not cut. */
static void too_many_words_are_refused(void **state)
{
	SCOPED(agent_environment) struct agent_environment made = { 0 };
	char *arguments[] = { NULL, NULL };
	struct engine_bench bench;
	struct error err = { 0 };
	char word[70000];

	(void)state;
	memset(word, 'a', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	arguments[0] = word;
	engine_bench_begin(&bench, NULL);
	bench.machine.ticket.agent.docker.arguments = arguments;
	assert_int_equal(make(&bench, &made, &err), -1);
	assert_non_null(strstr(err.message, "agent.docker.arguments"));
	assert_int_equal(made.count, 0);
	engine_bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(these_and_no_others),
		cmocka_unit_test(an_agent_of_unknown_version_is_not_pinned),
		cmocka_unit_test(words_come_back_as_they_were),
		cmocka_unit_test(python_reads_the_same_words),
		cmocka_unit_test(what_keeps_runs_apart_is_ours),
		cmocka_unit_test(too_many_words_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
