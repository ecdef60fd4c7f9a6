/* import_config: each of their keys is a setting of ours, or a note says why not and what to do. */
#include "reaper/import/import_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/file.h"
#include "reaper/settings/settings.h"
#include "tests/unit/support/import_bench.h"

struct row {
	const char *when, *hyper, *resource;
	const char *path, *want; /* what is there; NULL: not looked at */
	const char *warning, *hint; /* words of a note; NULL: not looked at */
};

static void look(const struct row *row, const struct import_bench *bench)
{
	if (!bench->config.root)
		fail_msg("when %s: %s", row->when, bench->err.message);
	if (row->path && strcmp(import_bench_value(bench, row->path), row->want) != 0)
		fail_msg("when %s: %s is %s", row->when, row->path,
			 import_bench_value(bench, row->path));
	if (row->warning && !import_bench_says(bench, IMPORT_WARNING, row->warning))
		fail_msg("when %s: no warning \"%s\" in\n%s", row->when, row->warning,
			 buf_text(&bench->text));
	if (row->hint && !import_bench_says(bench, IMPORT_HINT, row->hint))
		fail_msg("when %s: no hint \"%s\" in\n%s", row->when, row->hint,
			 buf_text(&bench->text));
}

static void look_at_all(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct import_bench bench;

		import_bench_script(rows[i].hyper, rows[i].resource, &bench);
		look(&rows[i], &bench);
		import_bench_release(&bench);
	}
}

static void test_the_whole(void **state)
{
	static const struct row rows[] = {
		{ "the prefix is one of ours", "  workers_prefix: dynamic_aws\n", "", "prefix",
		  "\"dynamic_aws\"", "while the old autoscaler still runs", NULL },
		{ "the prefix has a blank", "  workers_prefix: a b\n", "", "prefix", "\"a_b\"",
		  "it is another one now", NULL },
		{ "there is no prefix", "", "", "prefix", "\"dynamic_worker\"", NULL, NULL },
		{ "idle time is minutes", "", "", "defaults.idle_timeout", "\"15m\"", NULL, NULL },
		{ "polling has a part of a minute", "  polling_interval_time_min: 0.5\n", "",
		  "watch_every", "\"30s\"", NULL, "a timer or cron" },
		{ "polling is a text", "  polling_interval_time_min: '5'\n", "", "watch_every",
		  "\"5m\"", NULL, NULL },
		{ "polling is nothing", "  polling_interval_time_min: 0\n", "", "watch_every", "",
		  "0 is refused here", NULL },
		{ "polling is no number", "  polling_interval_time_min: [5]\n", "", "watch_every",
		  "", "polling_interval_time_min: expected a number from 0 on, got a list", NULL },
		{ "spin-up is said", "  max_spin_up_time_min: 30\n", "", "defaults.boot_deadline",
		  "\"30m\"", NULL, NULL },
		{ "missing queues are made", "", "", "create_queues", "true", NULL, NULL },
		{ "there is an image", "  default_docker_image: python:3.11\n", "",
		  "defaults.agent", "{\"mode\":\"docker\",\"docker\":{\"image\":\"python:3.11\"}}",
		  NULL, NULL },
		{ "words stand behind the image",
		  "  default_docker_image: a:1 --ipc=host -v /x:/x\n", "", "defaults.agent.docker",
		  "{\"image\":\"a:1\",\"arguments\":[\"--ipc=host\",\"-v\",\"/x:/x\"]}", NULL,
		  "what stood behind the image" },
		{ "they have quotes", "  default_docker_image: a:1 -e \"A=b c\"\n", "", NULL, NULL,
		  "there are quotes in it", NULL },
		{ "there is no image", "  default_docker_image: ''\n", "", "defaults.agent",
		  "{\"mode\":\"host\"}", NULL, "must have clearml-agent in it" },
		{ "there is a region", "  cloud_credentials_region: eu-west-1\n", "",
		  "defaults.aws.region", "\"eu-west-1\"", NULL, NULL },
		{ "there is none", "  cloud_credentials_region: null\n", "", "defaults.aws.region",
		  "", NULL, "\"region\" is not said" },
		{ "a profile has a name", "  iam_name: worker\n", "",
		  "defaults.aws.instance_profile", "\"worker\"", NULL, NULL },
		{ "a profile has both", "  iam_name: worker\n  iam_arn: arn:aws:iam::1:x\n", "",
		  "defaults.aws.instance_profile", "\"arn:aws:iam::1:x\"", NULL, "the ARN counts" },
		{ "a profile is wanted, and none named", "  use_iam_instance_profile: true\n", "",
		  "defaults.aws.instance_profile", "", "no profile is named", NULL },
		{ "there are keys", "  cloud_credentials_key: AKIA\n", "", NULL, NULL,
		  "cloud_credentials_key: not copied", NULL },
		{ "there is a secret", "  cloud_credentials_secret: canary\n", "", NULL, NULL,
		  "cloud_credentials_secret: not copied", NULL },
		{ "there is a token", "  cloud_credentials_token: canary\n", "", NULL, NULL,
		  "cloud_credentials_token: not copied", NULL },
		{ "the chain is used", "  use_credentials_chain: true\n", "", NULL, NULL, NULL,
		  "use_credentials_chain: not needed" },
		{ "tags are for all", "  tags: a=b\n", "", NULL, NULL, "puts it on nothing", NULL },
		{ "a key is not known", "  max_idle_tme_min: 3\n", "", NULL, NULL,
		  "hyper_params.max_idle_tme_min: mayfly does not know it", NULL },
		{ "the cloud is AWS", "  cloud_provider: AWS\n", "", "defaults.provider", "\"aws\"",
		  NULL, NULL },
	};

	(void)state;
	look_at_all(rows, ARRAY_LEN(rows));
}

static void test_a_resource(void **state)
{
	static const struct row rows[] = {
		{ "it is plain", "", "", "resources[0]",
		  "{\"name\":\"gpu\",\"queues\":[\"train\"],\"max_instances\":2,"
		  "\"instance_type\":\"g4dn.12xlarge\",\"aws\":{}}",
		  "gpu: \"image\" is missing", NULL },
		{ "tasks run in docker", "  default_docker_image: a\n", "", "resources[0].gpus",
		  "4", NULL, NULL },
		{ "it is for CPUs alone", "  default_docker_image: a\n", "      cpu_only: yes\n",
		  "resources[0].agent", "{\"environment\":{\"NVIDIA_VISIBLE_DEVICES\":\"none\"}}",
		  NULL, NULL },
		{ "it is for CPUs alone: GPUs", "  default_docker_image: a\n",
		  "      cpu_only: yes\n", "resources[0].gpus", "", NULL, NULL },
		{ "it has a zone", "", "      availability_zone: us-east-1b\n",
		  "resources[0].offerings", "[{\"zones\":[\"us-east-1b\"]}]", NULL, NULL },
		{ "it is spot", "", "      is_spot: true\n", "resources[0].offerings",
		  "[{\"markets\":[\"spot\"]}]", NULL, "add \"on-demand\" behind it" },
		{ "it has a subnet and a zone", "",
		  "      subnet_id: subnet-1\n      availability_zone: us-east-1b\n",
		  "resources[0].offerings", "", NULL, "the zone is left out" },
		{ "it has a subnet", "", "      subnet_id: subnet-1\n", "resources[0].aws.subnets",
		  "\"subnet-1\"", NULL, NULL },
		{ "it has an image", "", "      ami_id: ami-1\n", "resources[0].aws.image",
		  "\"ami-1\"", NULL, "must have mayfly-bootstrap" },
		{ "it has a volume", "", "      ebs_device_name: /dev/sda1\n",
		  "resources[0].aws.volume",
		  "{\"device\":\"/dev/sda1\",\"gigabytes\":80,\"type\":\"gp3\"}", NULL, NULL },
		{ "it has a larger one", "",
		  "      ebs_device_name: /dev/sda1\n      ebs_volume_size: 200\n"
		  "      ebs_volume_type: io2\n",
		  "resources[0].aws.volume",
		  "{\"device\":\"/dev/sda1\",\"gigabytes\":200,\"type\":\"io2\"}", NULL, NULL },
		{ "a volume has no device", "", "      ebs_volume_size: 200\n",
		  "resources[0].aws.volume", "", "its volume's size and type are left out", NULL },
		{ "a volume is a snapshot's", "",
		  "      ebs_device_name: /dev/sda1\n      ebs_snapshot_id: snap-1\n",
		  "resources[0].aws.launch_spec",
		  "{\"BlockDeviceMappings\":[{\"DeviceName\":\"/dev/sda1\","
		  "\"Ebs\":{\"SnapshotId\":\"snap-1\"}}]}",
		  NULL, NULL },
		{ "a snapshot has no device", "", "      ebs_snapshot_id: snap-1\n",
		  "resources[0].aws.launch_spec", "", "ebs_snapshot_id: left out", NULL },
		{ "it has a key", "", "      key_name: ops\n", "resources[0].aws.key_name",
		  "\"ops\"", NULL, NULL },
		{ "it has groups", "", "      security_group_ids: [sg-1, sg-2]\n",
		  "resources[0].aws.security_groups", "[\"sg-1\",\"sg-2\"]", NULL, NULL },
		{ "groups are a text", "", "      security_group_ids: sg-1, sg-2\n",
		  "resources[0].aws.security_groups", "[\"sg-1\",\"sg-2\"]", NULL, NULL },
		{ "it has tags", "", "      tags: team = vision, a=b=c\n", "resources[0].aws.tags",
		  "{\"team\":\"vision\",\"a\":\"b=c\"}", NULL, NULL },
		{ "a tag is none", "", "      tags: a=b, c, a=d\n", "resources[0].aws.tags",
		  "{\"a\":\"b\"}", "not all of its tags", NULL },
		{ "it is watched", "", "      enable_monitoring: true\n",
		  "resources[0].aws.launch_spec", "{\"Monitoring\":{\"Enabled\":true}}", NULL,
		  NULL },
		{ "it is not", "", "      enable_monitoring: false\n",
		  "resources[0].aws.launch_spec", "", NULL, NULL },
		{ "a key is not known", "", "      wat: 1\n", NULL, NULL,
		  "resource_configurations.gpu.wat: mayfly does not know it", NULL },
	};

	(void)state;
	look_at_all(rows, ARRAY_LEN(rows));
}

#define EXTRA(json) "      extra_configurations: " json "\n"

static void test_what_is_added_to_the_request(void **state)
{
	static const struct row rows[] = {
		{ "it is for EC2 alone", "", EXTRA("{EbsOptimized: true}"),
		  "resources[0].aws.launch_spec", "{\"EbsOptimized\":true}", NULL, NULL },
		{ "it says the type", "", EXTRA("{InstanceType: m5.large}"),
		  "resources[0].instance_type", "\"m5.large\"", NULL, NULL },
		{ "it says the image", "", "      ami_id: ami-1\n" EXTRA("{ImageId: ami-2}"),
		  "resources[0].aws", "{\"image\":\"ami-2\"}", NULL, NULL },
		{ "it says the subnet", "", EXTRA("{SubnetId: subnet-2}"),
		  "resources[0].aws.subnets", "\"subnet-2\"", NULL, NULL },
		{ "it says the groups", "", EXTRA("{SecurityGroupIds: [sg-9]}"),
		  "resources[0].aws.security_groups", "[\"sg-9\"]", NULL, NULL },
		{ "it says the zone", "", EXTRA("{Placement: {AvailabilityZone: z, Tenancy: t}}"),
		  "resources[0].aws.launch_spec", "{\"Placement\":{\"Tenancy\":\"t\"}}", NULL,
		  NULL },
		{ "it says the zone: offerings", "",
		  EXTRA("{Placement: {AvailabilityZone: z, Tenancy: t}}"), "resources[0].offerings",
		  "[{\"zones\":[\"z\"]}]", NULL, NULL },
		{ "it says monitoring", "",
		  "      enable_monitoring: true\n" EXTRA("{Monitoring: {Enabled: false}}"),
		  "resources[0].aws.launch_spec", "{\"Monitoring\":{\"Enabled\":false}}", NULL,
		  NULL },
		{ "it has volumes", "",
		  "      ebs_device_name: /dev/sda1\n" EXTRA("{BlockDeviceMappings: []}"),
		  "resources[0].aws.volume", "", NULL, "those of BlockDeviceMappings" },
		{ "it says how many", "", EXTRA("{MinCount: 3}"), "resources[0].aws.launch_spec",
		  "", "extra_configurations.MinCount: left out", NULL },
		{ "it forbids its end", "", EXTRA("{DisableApiTermination: true}"),
		  "resources[0].aws.launch_spec", "",
		  "extra_configurations.DisableApiTermination: left out", NULL },
		{ "it has user data", "", EXTRA("{UserData: x}"), "resources[0].aws.launch_spec",
		  "", "goes into init.script", NULL },
		{ "it is a list", "", EXTRA("[1]"), "resources[0].aws.launch_spec", "",
		  "it is no object", NULL },
	};

	(void)state;
	look_at_all(rows, ARRAY_LEN(rows));
}

static void test_a_script_is_kept_and_spoken_of(void **state)
{
	struct import_bench bench;

	(void)state;
	import_bench_text("hyper_params: {}\nconfigurations:\n  extra_vm_bash_script: |\n"
			  "    export A=1\n    curl -H \"Token: x\" h\n"
			  "  queues: {q: [[r, 1]]}\n  resource_configurations: {r: {}}\n",
			  &bench);
	assert_string_equal(import_bench_value(&bench, "defaults.init"),
			    "{\"script\":\"export A=1\\ncurl -H \\\"Token: x\\\" h\\n\","
			    "\"on_failure\":\"continue\"}");
	assert_true(import_bench_says(&bench, IMPORT_WARNING, "a secret in it"));
	assert_true(import_bench_says(&bench, IMPORT_WARNING, "does not reach tasks"));
	import_bench_release(&bench);
}

/* A queue prefers the resources that stand first, there and here. */
static void test_queues_and_resources(void **state)
{
	struct import_bench bench;

	(void)state;
	import_bench_text("hyper_params: {}\nconfigurations:\n"
			  "  queues: {q 1: [[b, 1], [a, '2']], q2: [[c:d, 3], [c d, 4]]}\n"
			  "  resource_configurations: {a: {}, b: {}, c:d: {}, c d: {}, e: {}}\n",
			  &bench);
	static const char *const want[][2] = {
		{ "resources[0].name", "\"b\"" },     { "resources[0].queues", "[\"q 1\"]" },
		{ "resources[1].name", "\"a\"" },     { "resources[1].max_instances", "2" },
		{ "resources[2].name", "\"c_d\"" },   { "resources[2].queues", "[\"q2\"]" },
		{ "resources[3].name", "\"c_d-2\"" }, { "resources[4]", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_string_equal(import_bench_value(&bench, want[i][0]), want[i][1]);
	assert_true(import_bench_says(&bench, IMPORT_WARNING, "it has another name here"));
	assert_true(import_bench_says(&bench, IMPORT_WARNING,
				      "resource_configurations.e: no queue uses it"));
	import_bench_release(&bench);
}

static void test_a_resource_of_two_queues(void **state)
{
	struct import_bench bench;

	(void)state;
	import_bench_text("hyper_params: {}\nconfigurations:\n"
			  "  queues: {q1: [[a, 1]], q2: [[a, 3]]}\n"
			  "  resource_configurations: {a: {}}\n",
			  &bench);
	assert_string_equal(import_bench_value(&bench, "resources[0].queues"), "[\"q1\",\"q2\"]");
	assert_string_equal(import_bench_value(&bench, "resources[0].max_instances"), "3");
	assert_true(import_bench_says(&bench, IMPORT_WARNING, "serves several queues"));
	import_bench_release(&bench);
}

static void test_what_is_refused(void **state)
{
	static const struct {
		const char *when, *text, *want;
	} cases[] = {
		{ "it is something else", "a: 1\n",
		  "it has neither hyper_params nor configurations: expected ClearML's "
		  "aws_autoscaler.yaml, or the JSON that its app exports" },
		{ "there are no configurations", "hyper_params: {}\n",
		  "configurations: expected a mapping, as in ClearML's aws_autoscaler.yaml" },
		{ "there are no resources", "hyper_params: {}\nconfigurations: {queues: {}}\n",
		  "configurations.resource_configurations: expected a mapping, as in ClearML's "
		  "aws_autoscaler.yaml" },
		{ "there are no queues",
		  "hyper_params: {}\nconfigurations: {queues: {}, resource_configurations: {}}\n",
		  "configurations.queues: expected QUEUE: [[RESOURCE, MAX], ...]" },
		{ "a queue is a text",
		  "hyper_params: {}\n"
		  "configurations: {queues: {q: a}, resource_configurations: {}}\n",
		  "configurations.queues.q: expected a list of [RESOURCE, MAX]" },
		{ "a queue's entry has no limit",
		  "hyper_params: {}\n"
		  "configurations: {queues: {q: [[a]]}, resource_configurations: {}}\n",
		  "configurations.queues.q: expected a list of [RESOURCE, MAX]" },
		{ "a resource is not there",
		  "hyper_params: {}\n"
		  "configurations: {queues: {q: [[a, 1]]}, resource_configurations: {}}\n",
		  "configurations.queues names the resource \"a\", and "
		  "configurations.resource_configurations does not have it" },
		{ "it is Google's",
		  "hyper_params: {cloud_provider: GCP}\n"
		  "configurations: {queues: {q: [[a, 1]]}, resource_configurations: {a: {}}}\n",
		  "hyper_params.cloud_provider: it is not AWS's, and only that one's is read" },
		{ "JSON has no resources", "{\"name\": \"x\"}",
		  "no Compute Resources in it: expected the JSON that ClearML's AWS Autoscaler "
		  "exports, or the script's aws_autoscaler.yaml" },
		{ "JSON is cut", "{\"a\": ", "line 1, column 7: " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct import_bench bench;

		import_bench_text(cases[i].text, &bench);
		assert_null(bench.config.root);
		if (bench.err.class != ERROR_MALFORMED ||
		    strncmp(bench.err.message, cases[i].want, strlen(cases[i].want)) != 0)
			fail_msg("when %s: got \"%s\"", cases[i].when, bench.err.message);
		import_bench_release(&bench);
	}
}

/* What is printed of a whole script is what the reaper takes, as it stands. */
static void test_the_reaper_takes_it(void **state)
{
	static const char *const environment[] = { "CLEARML_API_HOST=http://h:8008",
						   "CLEARML_API_ACCESS_KEY=A",
						   "CLEARML_API_SECRET_KEY=S", NULL };
	SCOPED(settings) struct settings settings = { 0 };
	SCOPED(buf) struct buf script = BUF(1 << 16);
	struct import_bench bench;
	bool is_locked;
	struct error err;

	(void)state;
	assert_int_equal(secret_prepare_process(&is_locked, &err), 0);
	assert_int_equal(file_read("tests/aws/clearml/aws_autoscaler.yaml", &script, &err), 0);
	import_bench_text(buf_text(&script), &bench);
	if (settings_parse(buf_slice(&bench.text), "c.json", environment, &settings, &err) < 0)
		fail_msg("%s in\n%s", err.message, buf_text(&bench.text));
	assert_int_equal(settings.resource_count, 3);
	assert_string_equal(settings.resources[0].name, "cpu");
	assert_string_equal(settings.resources[1].name, "gpu");
	assert_string_equal(settings.resources[1].offerings[0].zone, "us-east-1a");
	assert_string_equal(settings.resources[2].name, "gpu_spot");
	assert_int_equal(settings.resources[1].offerings[0].market, MARKET_ON_DEMAND);
	assert_int_equal(settings.resources[2].offerings[0].market, MARKET_SPOT);
	assert_int_equal(settings.watch_every_s, 300);
	assert_true(settings.are_queues_created);
	import_bench_release(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_whole),
		cmocka_unit_test(test_a_resource),
		cmocka_unit_test(test_what_is_added_to_the_request),
		cmocka_unit_test(test_a_script_is_kept_and_spoken_of),
		cmocka_unit_test(test_queues_and_resources),
		cmocka_unit_test(test_a_resource_of_two_queues),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_the_reaper_takes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
