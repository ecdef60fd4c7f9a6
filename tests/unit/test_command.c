#include "common/command.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/support/scratch.h"

/* What the commands below saw: "config=FILE json" and so on. */
static char seen[256];

static int run(const struct command_line *line)
{
	snprintf(seen, sizeof(seen), "run config=%s%s", command_value(line, "--config", "default"),
		 command_has(line, "--json") ? " json" : "");
	return EXIT_PARTLY;
}

static int version(const struct command_line *line)
{
	snprintf(seen, sizeof(seen), "%s", line->command->name);
	return EXIT_OK;
}

static int copy(const struct command_line *line)
{
	size_t len = 0;

	seen[0] = '\0';
	for (size_t i = 0; i < line->operand_count; i++)
		len += (size_t)snprintf(seen + len, sizeof(seen) - len, "%s ", line->operands[i]);
	len += (size_t)snprintf(seen + len, sizeof(seen) - len, "to %s%s",
				command_value(line, "TO", "nowhere"),
				command_has(line, "--json") ? " json" : "");
	const char *also[12];
	size_t count = command_values(line, "--also", also, ARRAY_LEN(also));

	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(seen + len, sizeof(seen) - len, " also %s", also[i]);
	return EXIT_OK;
}

static const struct command_option copy_options[] = {
	{ "--json", NULL, "for programs" },
	{ "--also", "FILE...", "others" },
	{ "TO", NULL, "where to" },
	{ "FROM", "...", "from where" },
};
static const struct command_option pair_options[] = {
	{ "LEFT", NULL, "one" },
	{ "--json", NULL, "for programs" },
	{ "RIGHT", NULL, "the other" },
};
static const struct command_option run_options[] = {
	{ "--config", "FILE", "the configuration" },
	{ "--json", NULL, "for programs" },
};
static const struct command commands[] = {
	{ "run", run, "one pass", run_options, ARRAY_LEN(run_options) },
	{ "version", version, "which one this is", NULL, 0 },
	{ "copy", copy, "take operands", copy_options, ARRAY_LEN(copy_options) },
	{ "pair", version, "take two", pair_options, ARRAY_LEN(pair_options) },
};

static const char usage[] = "usage: prog COMMAND [OPTION...]; COMMAND --help lists its options\n"
			    "\n"
			    "  run      one pass\n"
			    "  version  which one this is\n"
			    "  copy     take operands\n"
			    "  pair     take two\n";

static const char run_usage[] = "usage: prog run [OPTION...]\n"
				"\n"
				"one pass\n"
				"\n"
				"  --config FILE  the configuration\n"
				"  --json         for programs\n"
				"  --help         show this text\n";

static const char table[] = "run\t\t\tone pass\n"
			    "run\t--config\tFILE\t"
			    "the configuration\n"
			    "run\t--json\t\tfor programs\n"
			    "version\t\t\twhich one this is\n"
			    "copy\t\t\ttake operands\n"
			    "copy\t--json\t\tfor programs\n"
			    "copy\t--also\tFILE...\tothers\n"
			    "copy\tTO\t\twhere to\n"
			    "copy\tFROM\t...\tfrom where\n"
			    "pair\t\t\ttake two\n"
			    "pair\tLEFT\t\tone\n"
			    "pair\t--json\t\tfor programs\n"
			    "pair\tRIGHT\t\t"
			    "the other\n";

static const char copy_usage[] = "usage: prog copy [OPTION...] TO FROM...\n"
				 "\n"
				 "take operands\n"
				 "\n"
				 "  --json          for programs\n"
				 "  --also FILE...  others\n"
				 "  TO              where to\n"
				 "  FROM...         from where\n"
				 "  --help          show this text\n";

static const struct {
	const char *when;
	const char *words[22];
	int status;
	const char *seen, *out, *complaint; /* "": nothing */
} cases[] = {
	{ "nothing is asked", { NULL }, EXIT_USAGE, "", "", usage },
	{ "help is asked", { "--help" }, EXIT_OK, "", usage, "" },
	{ "it is asked in short", { "-h" }, EXIT_OK, "", usage, "" },
	{ "it is asked as a command", { "help" }, EXIT_OK, "", usage, "" },
	{ "it is asked about a command", { "help", "run" }, EXIT_OK, "", run_usage, "" },
	{ "a command is asked for it", { "run", "--help" }, EXIT_OK, "", run_usage, "" },
	{ "it is asked after other words",
	  { "run", "--json", "--bogus", "-h" },
	  EXIT_OK,
	  "",
	  run_usage,
	  "" },
	{ "it stands where a value should",
	  { "run", "--config", "--help" },
	  EXIT_OK,
	  "",
	  run_usage,
	  "" },
	{ "a program asks for all of it", { "help", "--table" }, EXIT_OK, "", table, "" },
	{ "help about help is asked", { "help", "--help" }, EXIT_OK, "", usage, "" },

	{ "no option is given", { "run" }, EXIT_PARTLY, "run config=default", "", "" },
	{ "a value follows", { "run", "--config", "a" }, EXIT_PARTLY, "run config=a", "", "" },
	{ "a value is joined", { "run", "--config=a=b" }, EXIT_PARTLY, "run config=a=b", "", "" },
	{ "a joined value looks like an option",
	  { "run", "--config=--json" },
	  EXIT_PARTLY,
	  "run config=--json",
	  "",
	  "" },
	{ "a value has one dash", { "run", "--config", "-" }, EXIT_PARTLY, "run config=-", "", "" },
	{ "all are given",
	  { "run", "--json", "--config", "a" },
	  EXIT_PARTLY,
	  "run config=a json",
	  "",
	  "" },
	{ "a command has no options", { "version" }, EXIT_OK, "version", "", "" },

	{ "a command with operands is asked for help",
	  { "copy", "--help" },
	  EXIT_OK,
	  "",
	  copy_usage,
	  "" },
	{ "there are no operands", { "copy" }, EXIT_OK, "to nowhere", "", "" },
	{ "there is one", { "copy", "a" }, EXIT_OK, "a to a", "", "" },
	{ "there are several, and an option between them",
	  { "copy", "a", "b", "--json", "c" },
	  EXIT_OK,
	  "a b c to a json",
	  "",
	  "" },
	{ "an operand is empty",
	  { "copy", "a", "" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog copy: FROM is empty\n" },
	{ "an operand's name is written as an option",
	  { "copy", "--from" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog copy: no option --from; prog copy --help lists them\n" },

	{ "an option is given several times",
	  { "copy", "--also", "c", "b", "--also=d" },
	  EXIT_OK,
	  "b to b also c also d",
	  "",
	  "" },
	{ "it is given more often than anybody needs",
	  { "copy", "--also=1", "--also=2", "--also=3", "--also=4", "--also=5", "--also=6",
	    "--also=7", "--also=8", "--also=9", "--also=0" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog copy: --also was given too often\n" },

	{ "a command is misspelt",
	  { "rnu" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog: no command \"rnu\", did you mean run?\n" },
	{ "help is misspelt",
	  { "hlep" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog: no command \"hlep\", did you mean help?\n" },
	{ "help is asked about a misspelt one",
	  { "help", "versoin" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog: no command \"versoin\", did you mean version?\n" },
	{ "a command is like none",
	  { "terminate" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog: no command \"terminate\"; prog --help lists them\n" },
	{ "an option is misspelt",
	  { "run", "--cofnig", "a" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog run: no option --cofnig, did you mean --config?\n" },
	{ "what it says may be a secret",
	  { "run", "--confg=hunter2" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog run: no option --confg, did you mean --config?\n" },
	{ "an option is like none",
	  { "run", "--verbose" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog run: no option --verbose; prog run --help lists them\n" },
	{ "an option is of another command",
	  { "version", "--json" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog version: no option --json; prog version --help lists them\n" },
	{ "the value is missing",
	  { "run", "--config" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog run: --config needs a value: --config FILE\n" },
	{ "an option stands in its place",
	  { "run", "--config", "--json" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog run: --config needs a value: --config FILE\n" },
	{ "the value is empty",
	  { "run", "--config=" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog run: --config needs a value: --config FILE\n" },
	{ "the next word is empty",
	  { "run", "--config", "" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog run: --config needs a value: --config FILE\n" },
	{ "a switch gets a value",
	  { "run", "--json=yes" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog run: --json takes no value\n" },
	{ "one is given twice",
	  { "run", "--config=a", "--config", "b" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog run: --config was given twice\n" },
	{ "a switch is given twice",
	  { "run", "--json", "--json" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog run: --json was given twice\n" },
	{ "a word is no option",
	  { "run", "now" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog run: \"now\" is no option; prog run --help lists them\n" },
	{ "there is one operand too many",
	  { "pair", "a", "b", "--json", "c" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog pair: \"c\" is one too many: it takes LEFT RIGHT\n" },
	{ "it is the start of an option",
	  { "run", "--con", "a" },
	  EXIT_USAGE,
	  "",
	  "",
	  "prog run: no option --con; prog run --help lists them\n" },
};

/* words are borrowed; the program's own name comes first. */
static int dispatch(const char *program, const char *const *words, char *out, char *complaint)
{
	char copies[24][64] = { "" }, *argv[25] = { 0 };
	int argc = 0;

	snprintf(copies[0], sizeof(copies[0]), "%s", program);
	argv[argc++] = copies[0];
	for (; words[argc - 1]; argc++) {
		snprintf(copies[argc], sizeof(copies[argc]), "%s", words[argc - 1]);
		argv[argc] = copies[argc];
	}
	struct capture to_out = capture_begin(STDOUT_FILENO);
	struct capture to_err = capture_begin(STDERR_FILENO);
	int status = command_dispatch(commands, ARRAY_LEN(commands), argc, argv);

	capture_end(&to_err, complaint, 1024);
	capture_end(&to_out, out, 1024);
	return status;
}

static void test_dispatch(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char out[1024], complaint[1024];

		seen[0] = '\0';
		int status = dispatch("/usr/bin/prog", cases[i].words, out, complaint);

		if (status != cases[i].status || strcmp(seen, cases[i].seen) != 0 ||
		    strcmp(out, cases[i].out) != 0 || strcmp(complaint, cases[i].complaint) != 0)
			fail_msg("when %s: %d, \"%s\"\n%s\n%s", cases[i].when, status, seen, out,
				 complaint);
	}
}

static void test_no_name_at_all(void **state)
{
	char text[1024], *none[] = { NULL };
	struct capture capture = capture_begin(STDERR_FILENO);

	(void)state;
	assert_int_equal(command_dispatch(commands, ARRAY_LEN(commands), 0, none), EXIT_USAGE);
	capture_end(&capture, text, sizeof(text));
	assert_non_null(strstr(text, "COMMAND"));
}

static int ask_for_what_is_not_there(const struct command_line *line)
{
	return command_has(line, "--not-in-the-table");
}

static int run_nothing(const struct command_line *line)
{
	(void)line;
	return EXIT_OK;
}

/* A bug in a table ends the program, loudly: in a child, to see it. */
static void test_bugs_abort(void **state)
{
	static const struct command_option many[25];
	static const struct command bugs[] = {
		{ "ask", ask_for_what_is_not_there, "", run_options, ARRAY_LEN(run_options) },
		{ "many", run_nothing, "", many, ARRAY_LEN(many) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bugs); i++) {
		pid_t pid = fork();
		int status = 0;

		if (pid == 0) {
			char name[] = "prog", word[16];
			char *argv[] = { name, word, NULL };

			signal(SIGABRT, SIG_DFL);
			snprintf(word, sizeof(word), "%s", bugs[i].name);
			close(STDERR_FILENO);
			_exit(command_dispatch(bugs, ARRAY_LEN(bugs), 2, argv));
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}

static void test_help_that_cannot_be_written_is_a_failure(void **state)
{
	pid_t pid = fork();
	int status = 0;

	(void)state;
	if (pid == 0) {
		char name[] = "prog", word[] = "--help";
		char *argv[] = { name, word, NULL };

		if (!freopen("/dev/full", "w", stdout))
			_exit(99);
		_exit(command_dispatch(commands, ARRAY_LEN(commands), 2, argv));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dispatch),
		cmocka_unit_test(test_no_name_at_all),
		cmocka_unit_test(test_bugs_abort),
		cmocka_unit_test(test_help_that_cannot_be_written_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
