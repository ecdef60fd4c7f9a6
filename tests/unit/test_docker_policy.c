#include "bootstrap/docker_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LIST_ROOM = 16 };

/* "a b" -> { "a", "b", NULL }; ~ stands for a blank inside a word. */
struct list {
	char text[512];
	char *words[LIST_ROOM];
};

static void list_make(struct list *list, const char *text)
{
	size_t count = 0;
	char *rest = list->text;

	*list = (struct list){ 0 };
	text_cut(list->text, sizeof(list->text), text ? text : "");
	while (*rest && count + 1 < LIST_ROOM) {
		char *end = rest + strcspn(rest, " ");

		list->words[count++] = rest;
		rest = *end ? end + 1 : end;
		*end = '\0';
		for (char *byte = list->words[count - 1]; *byte; byte++)
			*byte = *byte == '~' ? ' ' : *byte;
	}
}

static void join(const struct docker_words *words, struct buf *out)
{
	for (size_t i = 0; i < words->count; i++)
		buf_addf(out, "%s%s", i ? " " : "", words->list[i]);
}

static int filter(const char *words_text, const char *allow_text, const char *arguments_text,
		  struct buf *kept_text, struct buf *refused, struct error *err)
{
	struct list words, allow, arguments;
	struct docker_words kept = { 0 }, given = { .list = words.words };

	list_make(&words, words_text);
	list_make(&allow, allow_text);
	list_make(&arguments, arguments_text);
	while (words.words[given.count])
		given.count++;
	const struct docker_policy policy = { .allow = allow.words, .arguments = arguments.words };
	int result = docker_policy_filter(&policy, &given, &kept, refused, err);

	join(&kept, kept_text);
	docker_words_release(&kept);
	return result;
}

static void test_kept_and_refused(void **state)
{
	static const struct {
		const char *when, *words, *allow, *arguments, *kept, *refused;
	} cases[] = {
		{ "there is nothing", "", NULL, NULL, "", "" },
		{ "a variable is set", "-e A=1 --env B=2 --env=C=3 -eD=4 -eE", NULL, NULL,
		  "-e A=1 --env B=2 --env=C=3 -eD=4 -eE", "" },
		{ "limits are set", "--shm-size 8g -m 4g --memory=4g --cpus 2 --ulimit nofile=1",
		  NULL, NULL, "--shm-size 8g -m 4g --memory=4g --cpus 2 --ulimit nofile=1", "" },
		{ "switches are set", "--init --read-only=true --no-healthcheck", NULL, NULL,
		  "--init --read-only=true --no-healthcheck", "" },
		{ "rights are taken away", "--cap-drop ALL", NULL, NULL, "--cap-drop ALL", "" },
		{ "a value has an equals sign in short form", "-h=x -u=0", NULL, NULL, "-h=x -u=0",
		  "" },
		{ "it wants privileges", "--privileged -e A=1", NULL, NULL, "-e A=1",
		  "--privileged" },
		{ "it wants a folder", "-v /:/host --volume=/:/h --mount type=bind,src=/,dst=/h",
		  NULL, NULL, "", "--volume, --mount" },
		{ "a folder is attached", "-v/:/host -e A=1", NULL, NULL, "-e A=1", "--volume" },
		{ "switches are before a folder in one word", "-itv /:/host -e A=1", NULL, NULL,
		  "-e A=1", "--interactive" },
		{ "it wants namespaces",
		  "--pid host --ipc=host --uts host --userns=host --network "
		  "host --net=host",
		  NULL, NULL, "", "--pid, --ipc, --uts, --userns, --network, --net" },
		{ "it wants labels of its own", "-l a=b --label c=d", NULL, NULL, "", "--label" },
		{ "a file of variables", "--env-file /x --env-file=/y", NULL, NULL, "",
		  "--env-file" },
		{ "an option begins as a harmless one", "--envx=1 --env_x=1 --memoryx 1", NULL,
		  NULL, "", "--envx, --env_x, --memoryx" },
		{ "an option is not known", "--new-thing x --other=y -Z -e A=1", NULL, NULL,
		  "-e A=1", "--new-thing, --other, -Z" },
		{ "an unknown letter is foreign", "-\u00fc", NULL, NULL, "", "-" },
		{ "case differs", "--ENV=A=1 -E A", NULL, NULL, "", "--ENV, -E" },
		{ "its memory goes first", "--oom-score-adj 5 --oom-score-adj=0", NULL, NULL,
		  "--oom-score-adj 5 --oom-score-adj=0", "" },
		{ "others' memory goes first", "--oom-score-adj=-5", NULL, NULL, "",
		  "--oom-score-adj" },
		{ "it wants never to stop", "--stop-timeout=-1 --stop-timeout=9", NULL, NULL,
		  "--stop-timeout=9", "--stop-timeout" },
		{ "others' memory may go first", "--oom-score-adj=-5", "--oom-score-adj", NULL,
		  "--oom-score-adj=-5", "" },
		{ "the operator allows by the long name", "--ipc=host -v /a:/b --volume /c:/d",
		  "--ipc --volume", NULL, "--ipc=host -v /a:/b --volume /c:/d", "" },
		{ "the operator allows by the letter", "-v /a:/b --volume /c:/d", "-v", NULL,
		  "-v /a:/b --volume /c:/d", "" },
		{ "the operator allows something else", "--privileged", "--ipc -p privileged", NULL,
		  "", "--privileged" },
		{ "the operator allows another letter", "-v /:/h -l a=b", "-p --ipc", NULL, "",
		  "--volume, --label" },
		{ "the operator writes a value into allow", "--ipc=host", "--ipc=host", NULL, "",
		  "--ipc" },
		{ "the operator allows an option that is new", "--new-thing=x --new-thing=-y",
		  "--new-thing", NULL, "--new-thing=x --new-thing=-y", "" },
		{ "a new option comes in two words", "--new-thing x -e A", "--new-thing", NULL,
		  "-e A", "--new-thing" },
		{ "the operator allows an odd name", "--new.*=x", "--new.*", NULL, "", "--new" },
		{ "the operator allows a switch's letter", "-t -it", "-t", NULL, "-t",
		  "--interactive" },
		{ "the operator allows all",
		  "--privileged -v /:/h --pid=host -it -itv /:/h "
		  "--new=1 --oom-score-adj=-9",
		  "*", NULL,
		  "--privileged -v /:/h --pid=host -it -itv /:/h --new=1 "
		  "--oom-score-adj=-9",
		  "" },
		{ "the operator has set a limit himself", "-m 64g --memory=64g --cpus 2", NULL,
		  "--memory 8g", "--cpus 2", "--memory" },
		{ "the operator has set it by the letter", "--memory=64g -e A=1", NULL, "-m8g",
		  "-e A=1", "--memory" },
		{ "the operator has set it and allows it", "-m 64g", "-m", "--memory=8g", "-m 64g",
		  "" },
		{ "the operator has set a switch", "--read-only=false", NULL, "--read-only", "",
		  "--read-only" },
		{ "the operator has set what adds up", "-e A=1 --dns 1.1.1.1 --tmpfs /y", NULL,
		  "-e B=1 --dns 9.9.9.9 --tmpfs /x", "-e A=1 --dns 1.1.1.1 --tmpfs /y", "" },
		{ "the operator uses a refused one", "-v /a:/b", NULL, "-v /c:/d", "", "--volume" },
		{ "a value has a blank and a line end", "-e A=x~y\n--privileged", NULL, NULL,
		  "-e A=x y\n--privileged", "" },
		{ "a refused option's value looks harmless", "--name x -e A=1", NULL, NULL,
		  "-e A=1", "--name" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf kept = BUF(1024), refused = BUF(1024);
		struct error err = { 0 };

		if (filter(cases[i].words, cases[i].allow, cases[i].arguments, &kept, &refused,
			   &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (strcmp(buf_text(&kept), cases[i].kept) != 0)
			fail_msg("when %s: kept %s", cases[i].when, buf_text(&kept));
		if (strcmp(buf_text(&refused), cases[i].refused) != 0)
			fail_msg("when %s: refused %s", cases[i].when, buf_text(&refused));
	}
}

/* What clearml-agent and docker would read in two ways. allow * opens none of it. */
static void test_not_to_be_given(void **state)
{
	static const struct {
		const char *when, *words, *message;
	} cases[] = {
		{ "a word stands alone", "evil/image", "word 1 belongs to no option" },
		{ "a word follows a switch", "--init evil/image", "word 2 belongs to no option" },
		{ "a word follows a value", "-e A=1 evil/image", "word 3 belongs to no option" },
		{ "a word follows an attached value", "-eA evil/image", "word 2 belongs to no" },
		{ "a word follows an attached long value", "--env=A evil", "word 2 belongs to no" },
		{ "a word follows a refused switch", "--privileged evil", "word 2 belongs to no" },
		{ "an option is the last word", "--init -e", "word 2 (--env) has no value" },
		{ "an option follows where a value must", "-e --privileged", "word 1 (--env) has" },
		{ "a refused option has no value", "--name -e A=1", "word 1 (--name) has no" },
		{ "a value is negative", "--memory-swap -1",
		  "write a value that begins with - as --memory-swap=VALUE" },
		{ "switches and an option in one word lack a value", "-ite --init",
		  "word 1 (--interactive) has no value" },
		{ "the options are ended", "-- evil", "word 1 is no option, and ends" },
		{ "the options are ended after one", "-e A=1 -- x", "word 3 is no option" },
		{ "a dash stands alone", "-", "word 1 is a lone -" },
		{ "a dash is a value", "-e -", "word 1 (--env) has no value" },
		{ "there are three dashes", "---privileged", "word 1 is no option" },
		{ "a name is missing", "--=x", "word 1 is no option" },
		{ "it names what a machine looks for", "-e MAYFLY_RUN=1",
		  "word 2 has a name that mayfly sets itself" },
		{ "it names it in the same word", "--env=MAYFLY_RUN=1",
		  "word 1 has a name that mayfly sets itself" },
		{ "a label is one of ours", "-l=mayfly.run=1",
		  "word 1 has a name that mayfly sets itself" },
		{ "a dash is another one", "\u2013-privileged", "word 1 belongs to no option" },
		{ "a hyphen is a soft one", "\u00ad-privileged", "word 1 belongs to no option" },
		{ "a switch's value hides an option", "--init ~--privileged", "word 2 begins or" },
		{ "a value hides an option", "-e ~--privileged", "word 2 begins or ends" },
		{ "a template may become an option", "-e $CLEARML_X", "word 2 has a template" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf kept = BUF(1024), refused = BUF(1024);
		size_t row = i / 2;
		struct error err = { 0 };

		int result =
			filter(cases[row].words, i % 2 ? "*" : NULL, NULL, &kept, &refused, &err);
		if (result == 0 || err.class != ERROR_REFUSED)
			fail_msg("when %s: kept %s", cases[row].when, buf_text(&kept));
		if (!strstr(err.message, cases[row].message))
			fail_msg("when %s: %s", cases[row].when, err.message);
		if (kept.len || refused.len)
			fail_msg("when %s: something is told", cases[row].when);
	}
}

/* Only where everything is allowed is an option that we cannot read a danger. */
static void test_unknown_among_all(void **state)
{
	static const char *const words[] = { "--new-thing", "-Z", "-itZ", "--new x", "-Z=1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		SCOPED(buf) struct buf kept = BUF(1024), refused = BUF(1024);
		struct error err = { 0 };

		assert_int_equal(filter(words[i], "*", NULL, &kept, &refused, &err), -1);
		assert_non_null(strstr(err.message, "write it as --NAME=VALUE"));
		assert_int_equal(filter(words[i], NULL, NULL, &kept, &refused, &err), 0);
	}
}

/* Values are nobody's business: they may be secrets. */
static void test_echoes_no_value(void **state)
{
	static const char *const words[] = { "--init s3cret", "-e A=1 s3cret",	 "--secret=s3cret",
					     "-Zs3cret",      "--name s3cret",	 "-e ~s3cret",
					     "-vs3cret",      "--unknown s3cret" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		SCOPED(buf) struct buf kept = BUF(1024), refused = BUF(1024);
		struct error err = { 0 };

		if (filter(words[i], NULL, NULL, &kept, &refused, &err) == 0)
			assert_null(strstr(buf_text(&refused), "s3cret"));
		assert_null(strstr(err.message, "s3cret"));
	}
}

static void test_patterns(void **state)
{
	static const struct {
		const char *when, *allow, *arguments, *has, *lacks;
	} cases[] = {
		{ "nothing is said", NULL, NULL, "^--env(=|$)", "volume" },
		{ "letters take values", NULL, NULL, " ^-e ", "^-v" },
		{ "a value must not be negative", NULL, NULL, "^--oom-score-adj(=[0-9]|$)",
		  "^--oom-score-adj(=|$)" },
		{ "it may be negative", "--oom-score-adj", NULL, "^--oom-score-adj(=|$)",
		  "[0-9]|$) ^--oom" },
		{ "one is allowed", "-v", NULL, "^--volume(=|$) ^-v ", "^--ipc" },
		{ "a switch is allowed", "--tty", NULL, "^--tty(=|$) ^-t$ ", "^-t " },
		{ "a new one is allowed", "--new-thing", NULL, " ^--new-thing= ", "^--new-thing(" },
		{ "an odd one is allowed", "--new.*", NULL, "^--env(=|$)", "new" },
		{ "the operator has set one", NULL, "-m 8g", "^--memory-swap(=|$)", "^--memory(" },
		{ "all is allowed", "--ipc *", NULL, " ^- ", "env" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct docker_words patterns = { 0 };
		SCOPED(buf) struct buf text = BUF(8192);
		struct list allow, arguments;

		list_make(&allow, cases[i].allow);
		list_make(&arguments, cases[i].arguments);
		const struct docker_policy policy = { allow.words, arguments.words };
		docker_policy_patterns(&policy, &patterns);
		buf_addf(&text, " ");
		join(&patterns, &text);
		buf_addf(&text, " ");
		if (!strstr(buf_text(&text), cases[i].has) ||
		    strstr(buf_text(&text), cases[i].lacks))
			fail_msg("when %s: %s", cases[i].when, buf_text(&text));
		docker_words_release(&patterns);
	}
}

static void test_operators_values(void **state)
{
	static const struct {
		const char *when, *arguments, *option;
		size_t n;
		const char *value;
	} cases[] = {
		{ "there are none", NULL, "--ipc", 0, NULL },
		{ "it is attached", "--ipc=host", "--ipc", 0, "host" },
		{ "it is the next word", "--ipc host", "--ipc", 0, "host" },
		{ "it is behind the letter", "-v/a:/b", "--volume", 0, "/a:/b" },
		{ "it is behind letter and sign", "-v=/a:/b", "--volume", 0, "/a:/b" },
		{ "it is the second", "-v /a:/b --volume=/c:/d", "-v", 1, "/c:/d" },
		{ "there is no second", "-v /a:/b", "-v", 1, NULL },
		{ "it is a switch", "--privileged", "--privileged", 0, "" },
		{ "the value is missing", "--ipc", "--ipc", 0, "" },
		{ "nobody knows the option", "--new=1", "--new", 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct list arguments;

		list_make(&arguments, cases[i].arguments);
		const struct docker_policy policy = { .arguments = arguments.words };
		const char *value = docker_policy_value(&policy, cases[i].option, cases[i].n);
		if (!value != !cases[i].value || (value && strcmp(value, cases[i].value) != 0))
			fail_msg("when %s: %s", cases[i].when, value ? value : "none");
	}
}

static void test_allows(void **state)
{
	static const struct {
		const char *when, *allow, *option;
		bool is_allowed;
	} cases[] = {
		{ "it is harmless", NULL, "--env", true },
		{ "it is harmless by its letter", NULL, "-e", true },
		{ "it is not", NULL, "--privileged", false },
		{ "it is named", "--privileged", "--privileged", true },
		{ "it is named by its letter", "-p", "--publish", true },
		{ "it is new", NULL, "--new", false },
		{ "it is new, and all is allowed", "*", "--new", true },
		{ "its value is harmless", NULL, "--oom-score-adj=5", true },
		{ "its value is not", NULL, "--oom-score-adj=-5", false },
		{ "its value is not, but it is named", "--oom-score-adj", "--oom-score-adj=-5",
		  true },
		{ "it is no option", NULL, "env", false },
		{ "its letter is behind another one", NULL, "xm", false },
		{ "it is nothing", NULL, "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct list allow;

		list_make(&allow, cases[i].allow);
		const struct docker_policy policy = { .allow = allow.words };
		if (docker_policy_allows(&policy, cases[i].option) != cases[i].is_allowed)
			fail_msg("when %s", cases[i].when);
	}
}

/* A policy without lists, and nobody who wants the answers. */
static void test_without_lists(void **state)
{
	const struct docker_policy policy = { 0 };
	struct docker_words words = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(docker_words_split(slice_of("-e A=1 --privileged"), &words, &err), 0);
	assert_int_equal(docker_policy_filter(&policy, &words, NULL, NULL, &err), 0);
	docker_words_release(&words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept_and_refused),
		cmocka_unit_test(test_not_to_be_given),
		cmocka_unit_test(test_unknown_among_all),
		cmocka_unit_test(test_echoes_no_value),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_operators_values),
		cmocka_unit_test(test_allows),
		cmocka_unit_test(test_without_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
