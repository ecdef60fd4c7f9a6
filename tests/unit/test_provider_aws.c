/* aws: the provider's verbs against a peer that answers by a script, as EC2 does. Signatures are
 * tests/vectors' to judge; what moto makes of these requests is tests/aws'. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/providers/provider.h"
#include "tests/unit/support/aws_bench.h"
#include "tests/unit/support/http_peer.h"
#include "tests/unit/support/scratch.h"

static const char *const environment[] = { "S=secret", NULL };
static const char form[] =
	"{\"prefix\": \"p\", \"clearml\": {\"api_server\": \"http://h:1\", \"access_key\": \"A\", "
	"\"secret_key\": {\"env\": \"S\"}}, \"signing_key\": {\"file\": \"k\"}, \"resources\": "
	"[{\"name\": \"gpu\", \"provider\": \"aws\", \"queues\": [\"gpu\"], \"max_instances\": 9, "
	"\"bundle\": {\"file\": \"b\"}, \"agent\": {\"command\": [\"true\"]}, \"offerings\": [%s], "
	"\"aws\": {\"external_id\": \"test-%u\", %s}}]}\n";
static char folder[SCRATCH_ROOM];

#define ONE "{\"instance_types\": [\"t3.large\"], \"regions\": [\"us-east-1\"]}"
#define TWO                                                                                  \
	"{\"instance_types\": [\"t3.large\"], \"regions\": [\"us-east-1\", \"eu-west-1\"], " \
	"\"zones\": [\"us-east-1a\", \"eu-west-1b\"]}"
#define IMAGE "\"image\": \"ami-01234567\""

#define HEAD(status) "HTTP/1.1 " status "\r\nConnection: close\r\nContent-Type: text/xml\r\n\r\n"
#define GOOD(body) HEAD("200 OK") body
#define BAD(status, code, text)                                        \
	HEAD(status)                                                   \
	"<Response><Errors><Error><Code>" code "</Code><Message>" text \
	"</Message></Error></Errors><RequestID>r</RequestID></Response>"
#define TAG(key, value) "<item><key>mayfly:" key "</key><value>" value "</value></item>"
#define INSTANCE(id, slot)                                                                        \
	"<item><instancesSet><item><instanceId>" id "</instanceId><instanceState><name>"          \
	"running</name></instanceState><instanceType>t3.large</instanceType><launchTime>"         \
	"2026-11-30T15:20:00.000Z</launchTime><tagSet>" TAG("prefix", "p") TAG("resource", "gpu") \
		TAG("slot", slot) TAG("generation", "0") "</tagSet></item></instancesSet></item>"
#define LIST(instances, rest) GOOD("<R><reservationSet>" instances "</reservationSet>" rest "</R>")
#define STARTED(id)                                                                  \
	GOOD("<R><instancesSet><item><instanceId>" id "</instanceId><instanceState>" \
	     "<name>pending</name></instanceState></item></instancesSet></R>")

static int make_folder(void **state)
{
	bool is_locked;
	struct error err;

	(void)state;
	scratch_make(folder);
	aws_bench_alone(folder);
	return secret_prepare_process(&is_locked, &err);
}

static int remove_folder(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

/* ---- one call ---- */

static struct bench {
	struct settings settings;
	struct http_peer peer;
	const struct resource *resource;
} bench;

static void load(const char *offerings, const char *aws, unsigned number, struct settings *out)
{
	SCOPED(buf) struct buf text = BUF(1 << 16);
	struct error err;

	buf_addf(&text, form, offerings, number, aws);
	if (settings_parse(buf_slice(&text), "c.json", environment, out, &err) < 0)
		fail_msg("%s", err.message);
}

/* Each has an account of its own: those that were opened before know another peer. */
static void open_bench(const char *offerings, const char *aws, const struct http_step *steps,
		       size_t count)
{
	static unsigned number;

	load(offerings, aws, number++, &bench.settings);
	bench.resource = &bench.settings.resources[0];
	bench.peer = http_peer_start(steps, count, NULL);
	setenv("AWS_ENDPOINT_URL_EC2", bench.peer.url, 1);
	setenv("AWS_ENDPOINT_URL_SSM", bench.peer.url, 1);
}

static void close_bench(const char *when)
{
	http_peer_finish(&bench.peer, when);
	settings_release(&bench.settings);
}

static size_t count_steps(const struct http_step *steps)
{
	size_t count = 0;

	while (count < 4 && steps[count].answer)
		count++;
	return count;
}

/* ---- list ---- */

static void test_list(void **state)
{
	static const struct {
		const char *when, *offerings;
		struct http_step steps[4];
		const char *want; /* ids; NULL: it fails */
		enum error_class class;
	} cases[] = {
		{ "there is nothing",
		  ONE,
		  { { .expect = { "POST / HTTP/1.1", "Action=DescribeInstances&Version=2016-11-15",
				  "us-east-1/ec2/aws4_request" },
		      .answer = LIST("", "") } },
		  "",
		  ERROR_NONE },
		{ "there are three pages",
		  ONE,
		  { { .refuse = "NextToken",
		      .answer = LIST(INSTANCE("i-1", "0"), "<nextToken>a/b</nextToken>") },
		    { .expect = { "NextToken=a%2Fb" },
		      .answer = LIST(INSTANCE("i-2", "1"), "<nextToken>c</nextToken>") },
		    { .expect = { "NextToken=c" }, .answer = LIST(INSTANCE("i-3", "2"), "") } },
		  "i-1 i-2 i-3 ",
		  ERROR_NONE },
		{ "the second page fails",
		  ONE,
		  { { .answer = LIST(INSTANCE("i-1", "0"), "<nextToken>a</nextToken>") },
		    { .answer = BAD("500 Oh", "InternalError", "t") } },
		  NULL,
		  ERROR_UNREACHABLE },
		{ "the second page makes no sense",
		  ONE,
		  { { .answer = LIST(INSTANCE("i-1", "0"), "<nextToken>a</nextToken>") },
		    { .answer = GOOD("<html/>") } },
		  NULL,
		  ERROR_MALFORMED },
		{ "we may not",
		  ONE,
		  { { .answer = BAD("403 Forbidden", "UnauthorizedOperation", "t") } },
		  NULL,
		  ERROR_DENIED },
		{ "there are two regions",
		  TWO,
		  { { .answer = LIST(INSTANCE("i-1", "0"), "") },
		    { .answer = LIST(INSTANCE("i-1", "0"), "") } },
		  "i-1 i-1 ",
		  ERROR_NONE },
		{ "one of two regions fails",
		  TWO,
		  { { .answer = LIST(INSTANCE("i-1", "0"), "") },
		    { .answer = BAD("403 Forbidden", "OptInRequired", "t") } },
		  NULL,
		  ERROR_DENIED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(fleet) struct fleet fleet = { 0 };
		SCOPED(buf) struct buf ids = BUF(256);
		struct error err = { 0 };

		open_bench(cases[i].offerings, IMAGE, cases[i].steps, count_steps(cases[i].steps));
		int result = provider_aws.list(&bench.settings, bench.resource, &fleet, &err);

		for (size_t f = 0; f < fleet.count; f++)
			buf_addf(&ids, "%s ", fleet.list[f].id);
		if ((result == 0) != (cases[i].want != NULL) || err.class != cases[i].class ||
		    strcmp(buf_text(&ids), cases[i].want ? cases[i].want : "") != 0)
			fail_msg("when %s: %d %s %s", cases[i].when, result, buf_text(&ids),
				 err.message);
		close_bench(cases[i].when);
	}
}

static void test_which_resources_share_a_list(void **state)
{
	static const struct {
		const char *when, *offerings, *other, *profile;
		bool want;
	} cases[] = {
		{ "they are in one region", ONE, ONE, "", true },
		{ "one knows its region by the zone", ONE,
		  "{\"instance_types\": [\"t\"], \"zones\": [\"us-east-1b\"]}", "", true },
		{ "both are in two", TWO, TWO, "", true },
		{ "one is in another as well", ONE, TWO, "", false },
		{ "the other way round", TWO, ONE, "", false },
		{ "one leaves its region to the chain", ONE, "{\"instance_types\": [\"t\"]}", "",
		  false },
		{ "they are of two accounts", ONE, ONE, "other", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(settings) struct settings one = { 0 };
		SCOPED(settings) struct settings two = { 0 };

		load(cases[i].offerings, IMAGE, 0, &one);
		load(cases[i].other, IMAGE, 0, &two);
		text_cut(two.resources[0].aws.profile, sizeof(two.resources[0].aws.profile),
			 cases[i].profile);
		if (provider_aws.is_one_list(&one.resources[0], &two.resources[0]) != cases[i].want)
			fail_msg("when %s", cases[i].when);
	}
}

/* ---- launch ---- */

#define RUN "Action=RunInstances&Version=2016-11-15&ImageId=ami-01234567&InstanceType=t3.large"
#define KEY "ClientToken=0123456789abcdef0123456789abcdef"
#define DESCRIBED(id)                                                                          \
	GOOD("<R><imagesSet><item><imageId>" id "</imageId><imageState>available</imageState>" \
	     "<rootDeviceName>/dev/sda1</rootDeviceName></item></imagesSet></R>")

static void test_launch(void **state)
{
	static const struct {
		const char *when, *aws;
		struct http_step steps[4];
		const char *want; /* the id; NULL: it fails */
		enum error_class class;
		enum launch_key key;
		const char *zone; /* the first that is named */
	} cases[] = {
		{ "it boots",
		  IMAGE,
		  { { .expect = { RUN, KEY, "UserData=aGVsbG8%3D" }, .answer = STARTED("i-7") } },
		  "i-7",
		  ERROR_NONE,
		  LAUNCH_KEY_FRESH,
		  "" },
		{ "there is no capacity, but elsewhere",
		  IMAGE,
		  { { .answer =
			      BAD("500 Oh", "InsufficientInstanceCapacity",
				  "You can currently get t3.large capacity by not specifying an "
				  "Availability Zone in your request or choosing us-east-1c.") } },
		  NULL,
		  ERROR_CAPACITY,
		  LAUNCH_KEY_FRESH,
		  "us-east-1c" },
		{ "the quota names a zone by chance",
		  IMAGE,
		  { { .answer = BAD("400 Bad", "VcpuLimitExceeded", "choosing us-east-1c") } },
		  NULL,
		  ERROR_QUOTA,
		  LAUNCH_KEY_FRESH,
		  "" },
		{ "the key is another request's",
		  IMAGE,
		  { { .answer = BAD("400 Bad", "IdempotentParameterMismatch", "t") } },
		  NULL,
		  ERROR_CONFLICT,
		  LAUNCH_KEY_DIFFERS,
		  "" },
		{ "the key's machine has ended",
		  IMAGE,
		  { { .answer = BAD("400 Bad", "IdempotentInstanceTerminated", "t") } },
		  NULL,
		  ERROR_CONFLICT,
		  LAUNCH_KEY_SPENT,
		  "" },
		{ "EC2 answers with that machine",
		  IMAGE,
		  { { .answer = GOOD("<R><instancesSet><item><instanceId>i-7</instanceId>"
				     "<instanceState><name>terminated</name></instanceState></item>"
				     "</instancesSet></R>") } },
		  NULL,
		  ERROR_CONFLICT,
		  LAUNCH_KEY_SPENT,
		  "" },
		{ "the answer makes no sense",
		  IMAGE,
		  { { .answer = GOOD("<R>") } },
		  NULL,
		  ERROR_MALFORMED,
		  LAUNCH_KEY_FRESH,
		  "" },
		{ "EC2 itself fails",
		  IMAGE,
		  { { .answer = BAD("500 Oh", "InternalError", "t") } },
		  NULL,
		  ERROR_UNREACHABLE,
		  LAUNCH_KEY_FRESH,
		  "" },
		{ "the image is a parameter",
		  "\"image\": \"resolve:ssm:/a/b\"",
		  { { .expect = { "AmazonSSM.GetParameter", "us-east-1/ssm/aws4_request",
				  "{\"Name\":\"/a/b\"}", "application/x-amz-json-1.1" },
		      .answer = GOOD("{\"Parameter\": {\"Value\": \"ami-01234567\"}}") },
		    { .expect = { RUN }, .answer = STARTED("i-7") } },
		  "i-7",
		  ERROR_NONE,
		  LAUNCH_KEY_FRESH,
		  "" },
		{ "the parameter is not there",
		  "\"image\": \"resolve:ssm:/a/c\"",
		  { { .answer = HEAD("400 Bad") "{\"__type\": \"ParameterNotFound\"}" } },
		  NULL,
		  ERROR_CONFIGURATION,
		  LAUNCH_KEY_FRESH,
		  "" },
		{ "the parameter is no image",
		  "\"image\": \"resolve:ssm:/a/d\"",
		  { { .answer = GOOD("{\"Parameter\": {\"Value\": \"hello\"}}") } },
		  NULL,
		  ERROR_CONFIGURATION,
		  LAUNCH_KEY_FRESH,
		  "" },
		{ "SSM fails: nothing was launched",
		  "\"image\": \"resolve:ssm:/a/e\"",
		  { { .answer = HEAD("500 Oh") "{\"__type\": \"InternalServerError\"}" } },
		  NULL,
		  ERROR_REFUSED,
		  LAUNCH_KEY_FRESH,
		  "" },
		{ "the image is by name",
		  "\"image\": {\"name\": \"m-*\", \"owners\": [\"self\"]}",
		  { { .expect = { "Action=DescribeImages", "Owner.1=self" },
		      .answer = DESCRIBED("ami-01234567") },
		    { .expect = { RUN }, .answer = STARTED("i-7") } },
		  "i-7",
		  ERROR_NONE,
		  LAUNCH_KEY_FRESH,
		  "" },
		{ "no image has the name",
		  "\"image\": {\"name\": \"n-*\", \"owners\": [\"self\"]}",
		  { { .answer = GOOD("<R><imagesSet/></R>") } },
		  NULL,
		  ERROR_CONFIGURATION,
		  LAUNCH_KEY_FRESH,
		  "" },
		{ "the disk's device is the image's",
		  IMAGE ", \"volume\": {\"gigabytes\": 80}",
		  { { .expect = { "Action=DescribeImages", "ImageId.1=ami-01234567" },
		      .answer = DESCRIBED("ami-01234567") },
		    { .expect = { "BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsda1",
				  "BlockDeviceMapping.1.Ebs.VolumeSize=80" },
		      .answer = STARTED("i-7") } },
		  "i-7",
		  ERROR_NONE,
		  LAUNCH_KEY_FRESH,
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char zones[LAUNCH_ZONES][TICKET_FIELD_ROOM] = { "" }, id[TICKET_FIELD_ROOM] = "";
		enum launch_key key = LAUNCH_KEY_FRESH;
		struct error err = { 0 };

		open_bench(ONE, cases[i].aws, cases[i].steps, count_steps(cases[i].steps));
		const struct launch launch = { .settings = &bench.settings,
					       .resource = bench.resource,
					       .offering = &bench.resource->offerings[0],
					       .key = "0123456789abcdef0123456789abcdef",
					       .user_data = slice_of("hello"),
					       .zones = zones,
					       .key_fate = &key };
		int result = provider_aws.launch(&launch, id, &err);

		if ((result == 0) != (cases[i].want != NULL) || err.class != cases[i].class ||
		    key != cases[i].key || strcmp(id, cases[i].want ? cases[i].want : "") != 0 ||
		    strcmp(zones[0], cases[i].zone) != 0)
			fail_msg("when %s: %d %s, key %d, zone %s: %s", cases[i].when, result, id,
				 (int)key, zones[0], err.message);
		close_bench(cases[i].when);
	}
}

/* A pass launches many: they ask for the image once. */
static void test_an_image_is_looked_up_once(void **state)
{
	static const struct http_step steps[] = {
		{ .expect = { "AmazonSSM.GetParameter" },
		  .answer = GOOD("{\"Parameter\": {\"Value\": \"ami-01234567\"}}") },
		{ .expect = { RUN }, .answer = STARTED("i-1") },
		{ .expect = { RUN }, .answer = STARTED("i-2") },
	};
	char id[TICKET_FIELD_ROOM];
	struct error err;

	(void)state;
	open_bench(ONE, "\"image\": \"resolve:ssm:/once\"", steps, ARRAY_LEN(steps));
	for (unsigned i = 0; i < 2; i++) {
		const struct launch launch = { .settings = &bench.settings,
					       .resource = bench.resource,
					       .offering = &bench.resource->offerings[0],
					       .key = "0123456789abcdef0123456789abcdef" };

		if (provider_aws.launch(&launch, id, &err) < 0)
			fail_msg("%s", err.message);
	}
	assert_string_equal(id, "i-2");
	close_bench("an image is looked up once");
}

/* ---- terminate, console ---- */

static void test_terminate(void **state)
{
	static const struct {
		const char *when, *offerings;
		struct http_step steps[4];
		enum error_class class;
	} cases[] = {
		{ "it is there",
		  ONE,
		  { { .expect = { "Action=TerminateInstances", "InstanceId.1=i-1" },
		      .answer = GOOD("<R/>") } },
		  ERROR_NONE },
		{ "it is gone",
		  ONE,
		  { { .answer = BAD("400 Bad", "InvalidInstanceID.NotFound", "t") } },
		  ERROR_NOT_FOUND },
		{ "it is in the second region",
		  TWO,
		  { { .expect = { "us-east-1/ec2" },
		      .answer = BAD("400 Bad", "InvalidInstanceID.NotFound", "t") },
		    { .expect = { "eu-west-1/ec2" }, .answer = GOOD("<R/>") } },
		  ERROR_NONE },
		/* As EC2 does where the policy asks for a tag, which no such instance bears. */
		{ "it is in the second region, and the first does not say whether it has it",
		  TWO,
		  { { .expect = { "us-east-1/ec2" },
		      .answer = BAD("403 No", "UnauthorizedOperation", "t") },
		    { .expect = { "eu-west-1/ec2" }, .answer = GOOD("<R/>") } },
		  ERROR_NONE },
		{ "we may not, where it is",
		  TWO,
		  { { .answer = BAD("400 Bad", "InvalidInstanceID.NotFound", "t") },
		    { .answer = BAD("403 No", "UnauthorizedOperation", "t") } },
		  ERROR_DENIED },
		{ "we may not, or it is gone",
		  TWO,
		  { { .answer = BAD("403 No", "UnauthorizedOperation", "t") },
		    { .answer = BAD("400 Bad", "InvalidInstanceID.NotFound", "t") } },
		  ERROR_DENIED },
		{ "the second region says something else",
		  TWO,
		  { { .answer = BAD("403 No", "UnauthorizedOperation", "t") },
		    { .answer = BAD("400 Bad", "InvalidParameterValue", "t") } },
		  ERROR_CONFIGURATION },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };

		open_bench(cases[i].offerings, IMAGE, cases[i].steps, count_steps(cases[i].steps));
		int result = provider_aws.terminate(&bench.settings, bench.resource, "i-1", &err);

		if (result == 0 ? cases[i].class != ERROR_NONE : err.class != cases[i].class)
			fail_msg("when %s: %d %s", cases[i].when, result, err.message);
		close_bench(cases[i].when);
	}
}

static void test_console(void **state)
{
	static const struct {
		const char *when;
		struct http_step steps[4];
		const char *want; /* NULL: it fails */
	} cases[] = {
		{ "it is a Nitro one",
		  { { .expect = { "Action=GetConsoleOutput", "InstanceId=i-1", "Latest=true" },
		      .answer = GOOD("<R><output>aGVsbG8=</output></R>") } },
		  "hello" },
		{ "it is none",
		  { { .answer = BAD("400 Bad", "UnsupportedOperation", "t") },
		    { .refuse = "Latest", .answer = GOOD("<R><output>aGVsbG8=</output></R>") } },
		  "hello" },
		{ "it is gone",
		  { { .answer = BAD("400 Bad", "InvalidInstanceID.NotFound", "t") } },
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf out = BUF(64);
		struct error err = { 0 };

		open_bench(ONE, IMAGE, cases[i].steps, count_steps(cases[i].steps));
		int result =
			provider_aws.console(&bench.settings, bench.resource, "i-1", &out, &err);

		if ((result == 0) != (cases[i].want != NULL) ||
		    strcmp(buf_text(&out), cases[i].want ? cases[i].want : "") != 0)
			fail_msg("when %s: %d %s", cases[i].when, result, err.message);
		close_bench(cases[i].when);
	}
}

/* ---- where an offering is ---- */

static void test_where_a_zone_is(void **state)
{
	static const struct {
		const char *zone, *want;
	} cases[] = {
		{ "us-east-1a", "us-east-1/ec2" },
		{ "us-gov-west-1b", "us-gov-west-1/ec2" },
		{ "us-west-2-lax-1a", "us-west-2/ec2" },
		{ "ap-southeast-12c", "ap-southeast-12/ec2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct http_step step = { .expect = { cases[i].want },
						.answer = GOOD("<R/>") };
		char offering[128];
		struct error err;

		snprintf(offering, sizeof(offering),
			 "{\"instance_types\": [\"t3.large\"], \"zones\": [\"%s\"]}",
			 cases[i].zone);
		open_bench(offering, IMAGE, &step, 1);
		if (provider_aws.terminate(&bench.settings, bench.resource, "i-1", &err) < 0)
			fail_msg("%s: %s", cases[i].zone, err.message);
		close_bench(cases[i].zone);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_which_resources_share_a_list),
		cmocka_unit_test(test_launch),
		cmocka_unit_test(test_an_image_is_looked_up_once),
		cmocka_unit_test(test_terminate),
		cmocka_unit_test(test_console),
		cmocka_unit_test(test_where_a_zone_is),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
