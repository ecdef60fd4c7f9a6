/* settings: each bad document gets one line that says where and what; a good one is read whole. */
#include "reaper/settings/settings.h"

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

#include "common/file.h"
#include "tests/unit/support/scratch.h"

static char folder[SCRATCH_ROOM];
static struct buf example = { .limit =
				      1
				      << 16 }; /* read before the tests change the working folder */
static const char *const environment[] = { "PATH=/usr/bin:/bin", "S=secret", "EMPTY=", NULL };

/* The document of most tests, by lines: 3 and 5 are the test's. */
#define CLEARML                                                                  \
	"\"clearml\": {\"api_server\": \"http://h:1/\", \"access_key\": \"A\", " \
	"\"secret_key\": {\"env\": \"S\"}}, \"signing_key\": {\"file\": \"k\"},\n"
static const char form[] =
	"{\"prefix\": \"p\", \"state_folder\": \"s\",\n" CLEARML "%s\n"
	"\"resources\": [{\"name\": \"cpu\", \"queues\": [\"cpu\"], \"bundle\": {\"file\": \"b\"}, "
	"\"agent\": {\"command\": [\"true\"]}, \"local\": {\"bootstrap\": \"/bin/true\"}\n%s}]}\n";
#define MAX ", \"max_instances\": 2"
#define SECOND "}, {\"name\": \"x\", \"max_instances\": 1"
#define QUEUE ", \"queues\": [\"cpu\"]"
#define SOURCE                                                                            \
	"c.json:5: resources[1].bundle.source: expected \"inline\" (in the user data), "  \
	"\"file:/path\" (on the machine), \"https://host/path\", \"s3://bucket/key\" or " \
	"\"aws-secretsmanager:NAME\""
#define RECIPIENT "age1q5nh0qu35q3wk0lh54zgw2wasn4aqjznq6a9f9dhhg6jxm0ueahqqwreg8"
#define ANY "*" /* at the end of a message: another module's words, which its own test knows */
#define BUNDLE ", \"bundle\": {\"file\": \"b\"}"

static void write_text(const char *name, const char *text, mode_t mode)
{
	struct error err;

	assert_int_equal(file_write(scratch_path(folder, name), slice_of(text), mode, &err), 0);
}

static int make_folder(void **state)
{
	(void)state;
	struct error err;

	if (file_read("templates/mayfly-reaper.example.json", &example, &err) < 0)
		return -1;
	scratch_make(folder);
	if (chdir(folder) < 0)
		return -1;
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	buf_release(&example);
	scratch_remove(folder);
	return 0;
}

static const struct {
	const char *when, *top, *resource, *want;
} bad_documents[] = {
	{ "a key of the whole is misspelt", "\"max_instnces\": 3,", MAX,
	  "c.json:3: max_instnces: unknown, did you mean max_instances?" },
	{ "a key of a resource is misspelt", "", ", \"max_instnces\": 2",
	  "c.json:5: resources[0].max_instnces: unknown, did you mean max_instances?" },
	{ "a resource has no limit", "", "",
	  "c.json:4: resources[0]: max_instances is missing: how many machines may exist at once" },
	{ "a limit is a text", "", ", \"max_instances\": \"2\"",
	  "c.json:5: resources[0].max_instances: expected a whole number, got \"2\"" },
	{ "a limit is negative", "", ", \"max_instances\": -1",
	  "c.json:5: resources[0].max_instances: must be at least 0, got -1" },
	{ "a minimum is above its maximum", "", MAX ", \"min_instances\": 3",
	  "c.json:5: resources[0].min_instances: min_instances is larger than max_instances in "
	  "resource cpu" },
	{ "the minimums are above the total", "\"max_instances\": 1,", MAX ", \"min_instances\": 2",
	  "c.json:3: max_instances: expected at least 2, the sum of all min_instances, got 1" },
	{ "an inherited age is above a life", "\"defaults\": {\"max_age\": \"30d\"},", MAX,
	  "c.json:3: defaults.max_age: max_age is larger than max_life in resource cpu" },
	{ "a life is below the default age", "", MAX ", \"max_life\": \"1h\"",
	  "c.json:5: resources[0].max_life: max_age is larger than max_life in resource cpu" },
	{ "polls are in the wrong order", "", MAX ", \"poll\": {\"min\": 20}",
	  "c.json:5: resources[0].poll.min: poll.min is larger than poll.max in resource cpu" },
	{ "a duration has an unknown unit", "", MAX ", \"max_age\": \"5hs\"",
	  "c.json:5: resources[0].max_age: expected a number of seconds or a text such as \"15m\" "
	  "or "
	  "\"24h\" (at most 3653d), got \"5hs\"" },
	{ "a duration is not whole seconds", "", MAX ", \"max_age\": 1.5",
	  "c.json:5: resources[0].max_age: expected whole seconds, got 1500 ms" },
	{ "a machine may never idle", "", MAX ", \"idle_timeout\": 0",
	  "c.json:5: resources[0].idle_timeout: expected at least 1s, got 0s" },
	{ "reports are rarer than a record lasts", "", MAX ", \"report_every\": \"2m\"",
	  "c.json:5: resources[0].report_every: expected at most 60s, got 120s" },
	{ "two looks are one", "\"two_looks\": 0,", MAX,
	  "c.json:3: two_looks: expected at least 1 seconds, got 0" },
	{ "a provider is unknown", "", MAX ", \"provider\": \"azure\"",
	  "c.json:5: resources[0].provider: \"azure\" is no provider: known is local, aws" },
	{ "a provider is almost known", "", MAX ", \"provider\": \"locl\"",
	  "c.json:5: resources[0].provider: \"locl\" is no provider: known is local, aws" },
	{ "a type is no field of a worker's name", "", MAX ", \"instance_type\": \"a:b\"",
	  "c.json:5: resources[0].instance_type: expected 1 to 64 "
	  "letters, digits, _ . or -, got \"a:b\"" },
	{ "a name stands twice", "", MAX ", \"name\": \"x\"",
	  "c.json:5: column 23: the name name is there twice" },
	{ "a queue stands twice", "", MAX SECOND ", \"queues\": [\"cpu\", \"cpu\"]",
	  "c.json:5: resources[1].queues[1]: the same as [0], each may be there once" },
	{ "there is no queue", "", MAX SECOND,
	  "c.json:5: resources[1]: queues is missing: a list of ClearML queue names" },
	{ "an agent's program is not there", "",
	  MAX SECOND QUEUE BUNDLE ", \"agent\": {\"command\": [\"no-such-agent\"]}",
	  "c.json:5: resources[1].agent.command: there is no program no-such-agent in PATH: give "
	  "its path" },
	{ "a variable's name is none", "",
	  MAX SECOND QUEUE BUNDLE ", \"agent\": {\"environment\": {\"1X\": \"y\"}}",
	  "c.json: resources[1].agent.environment: \"1X\" is no name of a variable" },
	{ "there is no bundle", "", MAX SECOND QUEUE,
	  "c.json:5: resources[1]: bundle.file is missing: the sealed credentials of its machines, "
	  "which `mayfly-reaper seal` makes" },
	{ "a bundle is nowhere that a machine could look", "",
	  MAX SECOND QUEUE ", \"bundle\": {\"file\": \"b\", \"source\": \"file:b\"}", SOURCE },
	{ "a bundle's place is not encrypted", "",
	  MAX SECOND QUEUE ", \"bundle\": {\"file\": \"b\", \"source\": \"http://h/b\"}", SOURCE },
	{ "a bundle's place has no path", "",
	  MAX SECOND QUEUE ", \"bundle\": {\"file\": \"b\", \"source\": \"https://h\"}", SOURCE },
	{ "a bundle's bucket has no key in it", "",
	  MAX SECOND QUEUE ", \"bundle\": {\"file\": \"b\", \"source\": \"s3://bucket/\"}",
	  SOURCE },
	{ "a bundle's bucket is none", "",
	  MAX SECOND QUEUE ", \"bundle\": {\"file\": \"b\", \"source\": \"s3://Bucket/b\"}",
	  SOURCE },
	{ "a bundle's secret has no name", "",
	  MAX SECOND QUEUE ", \"bundle\": {\"file\": \"b\", \"source\": \"aws-secretsmanager:\"}",
	  SOURCE },
	{ "a recipient is none", "\"recipients\": [\"age1x\"],", MAX,
	  "c.json:3: recipients[0]: expected a public key of age (age1...): " ANY },
	{ "a recipient is a secret key",
	  "\"recipients\": [\"" RECIPIENT "\",\n\"AGE-SECRET-KEY-1QQ\"],", MAX,
	  "c.json:4: recipients[1]: this is a secret key, which does not belong here: give its "
	  "public one (age1..., `age-keygen -y FILE` prints it)" },
	{ "a recipient stands twice", "\"recipients\": [\"" RECIPIENT "\", \"" RECIPIENT "\"],",
	  MAX, "c.json:3: recipients[1]: the same as [0], each may be there once" },
	{ "there are no recipients", "\"recipients\": [],", MAX, "c.json:3: recipients: " ANY },
};

static int load(const char *top, const char *resource, struct settings *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(1 << 20);

	buf_addf(&text, form, top, resource);
	return settings_parse(buf_slice(&text), "c.json", environment, out, err);
}

static bool fits(const char *got, const char *want)
{
	size_t len = strlen(want);

	return len && want[len - 1] == *ANY ? strlen(got) >= len && !strncmp(got, want, len - 1) :
					      !strcmp(got, want);
}

static void test_a_bad_document_gets_one_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_documents); i++) {
		struct settings settings = { 0 };
		struct error err = { 0 };

		if (load(bad_documents[i].top, bad_documents[i].resource, &settings, &err) == 0)
			fail_msg("when %s: it was taken", bad_documents[i].when);
		if (err.class != ERROR_CONFIGURATION || !fits(err.message, bad_documents[i].want))
			fail_msg("when %s: %s", bad_documents[i].when, err.message);
		assert_null(settings.resources);
	}
}

static void test_a_whole_document_may_be_wrong(void **state)
{
	static const struct {
		const char *when, *text, *want;
	} cases[] = {
		{ "it is empty", "", "c.json:1: column 1: expected a value, but the text ends" },
		{ "it is cut", "{\"prefix\": \"p\",\n",
		  "c.json:2: column 1: expected a name in quotes, but the text ends" },
		{ "it is a list", "[]", "c.json:1: top level: expected an object, got a list" },
		{ "it says nothing", "{}",
		  "c.json:1: prefix: missing, expected a text (and 1 more)" },
		{ "there is no key to sign with",
		  "{\"prefix\": \"p\", \"clearml\": {\"api_server\": \"http://h:1/\", "
		  "\"access_key\": \"A\", \"secret_key\": {\"env\": \"S\"}}, \"resources\": "
		  "[{\"name\": \"a\"}]}",
		  "/f/c.json: signing_key is missing: `mayfly-reaper keygen --folder /f` makes "
		  "one, "
		  "then write \"signing_key\": {\"file\": \"signing.key\"}" },
		{ "a resource's name comes twice",
		  "{\"prefix\": \"p\",\n" CLEARML
		  "\"defaults\": {\"max_instances\": 1, \"queues\": [\"cpu\"], "
		  "\"bundle\": {\"file\": \"b\"}, \"agent\": {\"command\": [\"true\"]}, "
		  "\"local\": {\"bootstrap\": \"/bin/true\"}},\n\"resources\": [\n"
		  "{\"name\": \"a\"},\n{\"name\": \"a\"}]}",
		  "c.json:6: resources[1].name: \"a\" is the name of resources[0] already: each "
		  "needs "
		  "its own" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *path = *cases[i].want == '/' ? "/f/c.json" : "c.json";
		struct settings settings = { 0 };
		struct error err = { 0 };

		assert_int_equal(
			settings_parse(slice_of(cases[i].text), path, environment, &settings, &err),
			-1);
		if (err.class != ERROR_CONFIGURATION || strcmp(err.message, cases[i].want) != 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

/* What is said of a file is said with its whole path. */
static void test_what_is_not_there_is_told(void **state)
{
	static const struct {
		const char *when, *resource, *want;
	} cases[] = {
		{ "a bootstrap program is not there",
		  MAX ", \"local\": {\"bootstrap\": \"./none\"}",
		  "c.json:5: resources[0].local.bootstrap: there is no program %s/./none" },
		{ "a bootstrap program is a folder", MAX ", \"local\": {\"bootstrap\": \"/bin\"}",
		  "c.json:5: resources[0].local.bootstrap: there is no program /bin" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf want = BUF(1024);
		SCOPED(buf) struct buf text = BUF(1 << 16);
		const char *mark = strstr(cases[i].want, "%s");
		struct settings settings = { 0 };
		struct error err = { 0 };

		buf_addf(&want, "%.*s%s%s",
			 mark ? (int)(mark - cases[i].want) : (int)strlen(cases[i].want),
			 cases[i].want, mark ? folder : "", mark ? mark + 2 : "");
		buf_addf(&text,
			 "{\"prefix\": \"p\", \"state_folder\": \"s\",\n" CLEARML
			 "\n\"resources\": [{\"name\": \"cpu\", \"queues\": [\"cpu\"]\n%s}],\n"
			 "\"defaults\": {\"bundle\": {\"file\": \"b\"}, "
			 "\"agent\": {\"command\": [\"true\"]}, "
			 "\"local\": {\"bootstrap\": \"/bin/true\"}}}\n",
			 cases[i].resource);
		assert_int_equal(
			settings_parse(buf_slice(&text), "c.json", environment, &settings, &err),
			-1);
		if (strcmp(err.message, buf_text(&want)) != 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

static void test_a_good_document_is_read_whole(void **state)
{
	static const char top[] =
		"// comments are fine\n\"max_instances\": 9, \"max_booting\": 3, "
		"\"silent_idle\": \"20m\", \"two_looks\": 90, \"defaults\": {\"idle_timeout\": "
		"\"1h 30m\", \"bundle\": {\"source\": \"https://h/b.age\"}, \"agent\": "
		"{\"environment\": {\"A\": \"1\", \"B\": \"2\"}}},";
	static const char more[] =
		", \"max_instances\": 4, \"min_instances\": 1, \"one_task\": true, "
		"\"poll\": {\"min\": \"500ms\"}, \"gates\": {\"free_gigabytes\": 0.5}}, "
		"{\"name\": \"gpu\", \"queues\": [\"gpu\", \"cpu\"], \"max_instances\": 1, "
		"\"instance_type\": \"big\", \"idle_timeout\": 7, "
		"\"bundle\": {\"file\": \"./other\", \"source\": \"file:/b.age\"}, "
		"\"agent\": {\"command\": [\"/bin/sh\", \"-c\"], \"environment\": {\"B\": \"3\"}}, "
		"\"local\": {\"machines\": \"m\", \"bootstrap\": \"true\", \"image_key\": "
		"\"i.key\", "
		"\"trusted_keys\": \"/t.pub\"}}, {\"name\": \"same\", \"queues\": [\"cpu\"], "
		"\"max_instances\": 1, \"bundle\": {\"file\": \"b\", \"source\": \"inline\"}, "
		"\"agent\": {\"command\": [\"true\"]}, \"local\": {\"bootstrap\": \"true\"}";
	SCOPED(settings) struct settings settings = { 0 };
	struct error err;

	(void)state;
	if (load(top, more, &settings, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(settings.prefix, "p");
	assert_string_equal(settings.api_server, "http://h:1");
	assert_string_equal(settings.access_key, "A");
	assert_string_equal(secret_text(&settings.secret_key), "secret");
	assert_string_equal(settings.state_folder, scratch_path(folder, "s"));
	assert_int_equal(settings.max_instances, 9);
	assert_int_equal(settings.max_booting, 3);
	assert_int_equal(settings.silent_idle_s, 1200);
	assert_int_equal(settings.silent_busy_s, 5400);
	assert_int_equal(settings.two_looks_s, 90);
	assert_int_equal(settings.queue_count, 2);
	assert_string_equal(settings.queues[1], "gpu");
	assert_int_equal(settings.resource_count, 3);

	const struct resource *cpu = &settings.resources[0], *gpu = &settings.resources[1];

	assert_int_equal(cpu->max_instances, 4);
	assert_int_equal(cpu->min_instances, 1);
	assert_true(cpu->ticket.one_task);
	assert_int_equal(cpu->ticket.limits.idle_timeout_s, 5400);
	assert_int_equal(cpu->ticket.limits.poll_min_ms, 500);
	assert_int_equal(cpu->ticket.limits.poll_max_ms, 15000);
	assert_int_equal(cpu->ticket.gates.free_bytes, 500000000);
	assert_string_equal(cpu->ticket.agent.environment[0], "A=1");
	assert_string_equal(cpu->ticket.agent.environment[1], "B=2");
	assert_null(cpu->ticket.agent.environment[2]);
	assert_int_equal(cpu->bundle, 0);
	assert_string_equal(cpu->ticket.bundle.source, "https://h/b.age");
	assert_string_equal(cpu->local.image_key, "/etc/mayfly/image.key");
	assert_string_equal(cpu->local.trusted_keys, "/etc/mayfly/trusted.pub");
	/* Two files, one of them for two resources. */
	assert_int_equal(settings.bundle_count, 2);
	assert_string_equal(settings.bundles[0].path, scratch_path(folder, "b"));
	assert_string_equal(settings.bundles[0].at, "resources[0].bundle.file");
	assert_string_equal(settings.bundles[1].path, scratch_path(folder, "./other"));
	assert_int_equal(settings.resources[2].bundle, 0);
	assert_string_equal(settings.resources[2].ticket.bundle.source, "inline");

	assert_string_equal(gpu->type, "big");
	assert_int_equal(gpu->queue_count, 2);
	assert_int_equal(gpu->queues[0], 1);
	assert_int_equal(gpu->queues[1], 0);
	assert_int_equal(gpu->ticket.limits.idle_timeout_s, 7);
	assert_int_equal(gpu->ticket.limits.max_attempts, 3);
	assert_string_equal(gpu->ticket.agent.command[0], "/bin/sh");
	assert_string_equal(gpu->ticket.agent.command[1], "-c");
	assert_null(gpu->ticket.agent.command[2]);
	assert_string_equal(gpu->ticket.agent.environment[0], "A=1");
	assert_string_equal(gpu->ticket.agent.environment[1], "B=3");
	assert_int_equal(gpu->bundle, 1);
	assert_string_equal(gpu->ticket.bundle.source, "file:/b.age");
	assert_string_equal(gpu->local.image_key, scratch_path(folder, "i.key"));
	assert_string_equal(gpu->local.trusted_keys, "/t.pub");
	assert_string_equal(gpu->local.machines, scratch_path(folder, "m"));
	assert_string_equal(gpu->local.bootstrap + strlen(gpu->local.bootstrap) - 5, "/true");
}

static void test_the_shipped_example_is_valid(void **state)
{
	char path[SCRATCH_ROOM + 16];
	const char *const variables[] = { path, "MAYFLY_ACCESS_KEY=a", "MAYFLY_SECRET_KEY=s",
					  NULL };
	SCOPED(settings) struct settings settings = { 0 };
	struct error err;

	(void)state;
	snprintf(path, sizeof(path), "PATH=%s", folder);
	write_text("clearml-agent", "#!/bin/sh\n", 0755);
	write_text("mayfly-bootstrap", "#!/bin/sh\n", 0755);
	if (settings_parse(buf_slice(&example), "example.json", variables, &settings, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(settings.resource_count, 2);
	assert_int_equal(settings.queue_count, 3);
	assert_int_equal(settings.recipient_count, 1);
	assert_string_equal(settings.bundles[0].path, scratch_path(folder, "bundle.age"));
	assert_int_equal(settings.resources[1].ticket.limits.boot_deadline_s, 900);
	assert_int_equal(settings.resources[0].ticket.agent.mode, AGENT_HOST);
	assert_int_equal(settings.resources[1].ticket.agent.mode, AGENT_DOCKER);
	assert_int_equal(settings.resources[1].ticket.agent.docker.gpus, 4);
	assert_null(settings.resources[0].ticket.init.script);
	assert_true(settings.resources[1].ticket.init.is_optional);
	assert_string_equal(settings.resources[0].local.bootstrap,
			    scratch_path(folder, "mayfly-bootstrap"));
}

static void test_a_file_is_needed(void **state)
{
	struct settings settings = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(settings_load("none.json", environment, &settings, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
	assert_non_null(strstr(err.message, "none.json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_bad_document_gets_one_line),
		cmocka_unit_test(test_a_whole_document_may_be_wrong),
		cmocka_unit_test(test_what_is_not_there_is_told),
		cmocka_unit_test(test_a_good_document_is_read_whole),
		cmocka_unit_test(test_the_shipped_example_is_valid),
		cmocka_unit_test(test_a_file_is_needed),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
