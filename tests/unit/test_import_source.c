/* import_source: the app's fields are found by their labels, in whatever nest; the script's keys by
 * their names. */
#include "reaper/import/import_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/import_bench.h"

#define RESOURCE(fields) "{\"Compute Resources\": [{" fields "}]}"

static void test_fields_are_found(void **state)
{
	static const struct {
		const char *when, *text, *path, *want;
	} cases[] = {
		{ "a label has its unit",
		  "{\"Max Idle Time (Minutes)\": 20, \"Compute Resources\": [{}]}",
		  "defaults.idle_timeout", "\"20m\"" },
		{ "it is written as in Python",
		  "{\"max_idle_time_min\": \"20\", \"instance_queue_list\": [{}]}",
		  "defaults.idle_timeout", "\"20m\"" },
		{ "it is in a panel",
		  "{\"AWS Credentials\": {\"AWS Region\": \"us-east-1\"}, "
		  "\"Compute Resources\": [{}]}",
		  "defaults.aws.region", "\"us-east-1\"" },
		{ "only the panel says whose name it is",
		  "{\"IAM Instance Profile\": {\"Name\": \"worker\"}, \"Compute Resources\": [{}]}",
		  "defaults.aws.instance_profile", "\"worker\"" },
		{ "fields are a list of pairs",
		  "{\"form\": [{\"name\": \"Workers Prefix\", \"value\": \"x\"}, "
		  "{\"name\": \"Compute Resources\", \"value\": [{}]}]}",
		  "prefix", "\"x\"" },
		{ "docker mode is off",
		  "{\"Use docker mode\": false, \"Base Docker Image\": \"a\", "
		  "\"Compute Resources\": [{}]}",
		  "defaults.agent", "{\"mode\":\"host\"}" },
		{ "docker mode is on",
		  "{\"Use docker mode\": true, \"Base Docker Image\": \"a\", "
		  "\"Compute Resources\": [{}]}",
		  "defaults.agent", "{\"mode\":\"docker\",\"docker\":{\"image\":\"a\"}}" },
		{ "no prefix is said", RESOURCE(""), "prefix", "\"dynamic_aws\"" },
		{ "queues are not made", RESOURCE(""), "create_queues", "" },
		{ "a resource has a queue", RESOURCE("\"Monitored Queue\": \"q\""),
		  "resources[0].queues", "[\"q\"]" },
		{ "a resource has a limit", RESOURCE("\"Max Number of Instances\": \"3\""),
		  "resources[0].max_instances", "3" },
		{ "a resource has no name", RESOURCE(""), "resources[0].name", "\"resource-1\"" },
		{ "resources are by name",
		  "{\"resource_configurations\": {\"a\": {\"EC2 Instance Type\": \"m5.large\"}}}",
		  "resources[0]", "{\"name\":\"a\",\"instance_type\":\"m5.large\",\"aws\":{}}" },
		{ "spot falls back",
		  RESOURCE("\"Use Spot Instance\": true, \"Regular Instance Rollback\": \"true\""),
		  "resources[0].offerings", "[{\"markets\":[\"spot\",\"on-demand\"]}]" },
		{ "spot falls back in time",
		  RESOURCE("\"Use Spot Instance\": true, "
			   "\"Regular Instance Rollback Timeout\": 7"),
		  "resources[0].spot_rollback", "\"7m\"" },
		{ "spot is left alone",
		  RESOURCE("\"Use Spot Instance\": true, \"Spot Instance Blackout Period\": 9"),
		  "resources[0].spot_blackout", "\"9m\"" },
		{ "there are several subnets", RESOURCE("\"VPC Subnet ID(s)\": \"subnet-1, s2\""),
		  "resources[0].aws.subnets", "\"subnet-1\"" },
		{ "a volume has no device", RESOURCE("\"EBS Volume Size (GB)\": 90"),
		  "resources[0].aws.volume", "{\"gigabytes\":90}" },
		{ "the launch spec is a text",
		  "{\"Custom Launch Spec\": \"{\\\"EbsOptimized\\\": true}\", "
		  "\"Compute Resources\": [{}]}",
		  "resources[0].aws.launch_spec", "{\"EbsOptimized\":true}" },
		{ "the launch spec is an object",
		  "{\"Custom Launch Spec\": {\"ImageId\": \"ami-1\"}, \"Compute Resources\": [{}]}",
		  "resources[0].aws", "{\"image\":\"ami-1\"}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct import_bench bench;

		import_bench_text(cases[i].text, &bench);
		if (!bench.config.root)
			fail_msg("when %s: %s", cases[i].when, bench.err.message);
		assert_true(bench.source->is_app);
		if (strcmp(import_bench_value(&bench, cases[i].path), cases[i].want) != 0)
			fail_msg("when %s: got %s", cases[i].when,
				 import_bench_value(&bench, cases[i].path));
		import_bench_release(&bench);
	}
}

static void test_what_is_noted(void **state)
{
	static const struct {
		const char *when, *text, *want;
	} cases[] = {
		{ "a field is not known", "{\"Wat\": 1, \"Compute Resources\": [{}]}",
		  "Wat: mayfly does not know it" },
		{ "a resource's is not known", RESOURCE("\"Wat\": 1"),
		  "Compute Resources #1.Wat: mayfly does not know it" },
		{ "a panel is a list of something", "{\"Wat\": [1], \"Compute Resources\": [{}]}",
		  "Wat: mayfly does not know it" },
		{ "a field is there twice",
		  "{\"Git User\": \"a\", \"git_user\": \"b\", \"Compute Resources\": [{}]}",
		  "git_user: is there twice" },
		{ "a text is a number", "{\"Workers Prefix\": 3, \"Compute Resources\": [{}]}",
		  "Workers Prefix: expected a text, got a number" },
		{ "a choice is a number", RESOURCE("\"Use Spot Instance\": 3"),
		  "Compute Resources #1.Use Spot Instance: expected true or false, got a number" },
		{ "a number is none", RESOURCE("\"Max Number of Instances\": \"3x\""),
		  "Max Number of Instances: expected a number from 0 on, got a text" },
		{ "a number is negative", "{\"Max Idle Time\": -1, \"Compute Resources\": [{}]}",
		  "Max Idle Time: expected a number from 0 on" },
		{ "there is no queue", RESOURCE(""), "\"queues\" is missing" },
		{ "there are several subnets", RESOURCE("\"VPC Subnet ID\": \"s1,s2\""),
		  "this is the first" },
		{ "the launch spec is no JSON",
		  "{\"Custom Launch Spec\": \"{\", \"Compute Resources\": [{}]}",
		  "Custom Launch Spec" },
		{ "docker mode has no image",
		  "{\"docker_mode\": true, \"Compute Resources\": [{}]}", "\"image\" is missing" },
		{ "GPUs are not known",
		  "{\"docker_mode\": true, \"Compute Resources\": "
		  "[{\"EC2 Instance Type\": \"g99.large\"}]}",
		  "how many GPUs has this type?" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct import_bench bench;

		import_bench_text(cases[i].text, &bench);
		if (!import_bench_says(&bench, IMPORT_WARNING, cases[i].want))
			fail_msg("when %s: no such warning in\n%s", cases[i].when,
				 buf_text(&bench.text));
		import_bench_release(&bench);
	}
}

static void test_too_many_are_refused(void **state)
{
	SCOPED(buf) struct buf text = BUF(1 << 16);
	struct import_bench bench;

	(void)state;
	buf_addf(&text, "{\"Compute Resources\": [{}");
	for (unsigned i = 0; i < IMPORT_MAX_RESOURCES; i++)
		buf_addf(&text, ", {}");
	buf_addf(&text, "]}");
	import_bench_text(buf_text(&text), &bench);
	assert_string_equal(bench.err.message, "more than 64 resources");
	import_bench_release(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_are_found),
		cmocka_unit_test(test_what_is_noted),
		cmocka_unit_test(test_too_many_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
