/* aws_answer: EC2's good answers into records; what makes no sense is no answer. */
#include "reaper/providers/aws_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TAG(key, value) "<item><key>" key "</key><value>" value "</value></item>"
#define TAGS(resource, slot, generation)                                                       \
	"<tagSet>" TAG("Name", "x") TAG("mayfly:prefix", "p") TAG("mayfly:resource", resource) \
		TAG("mayfly:slot", slot) TAG("mayfly:generation", generation) "</tagSet>"
#define STATE(name) "<instanceState><code>16</code><name>" name "</name></instanceState>"
#define INSTANCE(id, state, rest)                                                                 \
	"<item><instanceId>" id                                                                   \
	"</instanceId>" STATE(state) "<instanceType>g5.xlarge</instanceType>"                     \
				     "<launchTime>2026-11-30T15:20:00.000Z</launchTime>"          \
				     "<placement><availabilityZone>us-east-1a</availabilityZone>" \
				     "<tenancy>default</tenancy></placement>" rest "</item>"
#define PAGE(instances, rest)                                                              \
	"<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"   \
	"<requestId>r</requestId><reservationSet><item><reservationId>r-1</reservationId>" \
	"<instancesSet>" instances "</instancesSet></item></reservationSet>" rest          \
	"</DescribeInstancesResponse>"

static int read_page(const char *text, struct fleet *fleet, struct buf *next, struct error *err)
{
	return aws_answer_instances(slice_of(text), "p", fleet, next, err);
}

static bool is_same(const struct instance *a, const struct instance *b)
{
	return !strcmp(a->id, b->id) && !strcmp(a->resource, b->resource) && a->slot == b->slot &&
	       a->generation == b->generation && a->state == b->state &&
	       a->launched_s == b->launched_s && a->ended_s == b->ended_s &&
	       !strcmp(a->type, b->type) && !strcmp(a->zone, b->zone) && a->market == b->market &&
	       !strcmp(a->why_ended, b->why_ended) && !a->is_unnamed;
}

static void test_an_instance(void **state)
{
	static const struct {
		const char *when, *text;
		struct instance want;
	} cases[] = {
		{ "it runs",
		  PAGE(INSTANCE("i-1", "running", TAGS("gpu", "3", "2")), ""),
		  { .id = "i-1",
		    .resource = "gpu",
		    .slot = 3,
		    .generation = 2,
		    .state = INSTANCE_RUNNING } },
		{ "it is a spot one, and boots",
		  PAGE(INSTANCE(
			       "i-2", "pending",
			       TAGS("gpu", "0", "0") "<instanceLifecycle>spot</instanceLifecycle>"),
		       ""),
		  { .id = "i-2",
		    .resource = "gpu",
		    .state = INSTANCE_PENDING,
		    .market = MARKET_SPOT } },
		{ "it shuts down",
		  PAGE(INSTANCE("i-3", "shutting-down", TAGS("gpu", "0", "0")), ""),
		  { .id = "i-3", .resource = "gpu", .state = INSTANCE_STOPPING } },
		{ "it stops",
		  PAGE(INSTANCE("i-3", "stopping", TAGS("gpu", "0", "0")), ""),
		  { .id = "i-3", .resource = "gpu", .state = INSTANCE_STOPPING } },
		{ "it was stopped",
		  PAGE(INSTANCE("i-4", "stopped", TAGS("gpu", "0", "0")), ""),
		  { .id = "i-4", .resource = "gpu", .state = INSTANCE_STOPPED } },
		{ "it powered off",
		  PAGE(INSTANCE("i-5", "terminated",
				TAGS("gpu", "0", "4") "<reason>User initiated (2026-11-30 15:30:00 "
						      "GMT)</reason><stateReason><code>"
						      "Client.InstanceInitiatedShutdown</code>"
						      "<message>t</message></stateReason>"),
		       ""),
		  { .id = "i-5",
		    .resource = "gpu",
		    .generation = 4,
		    .state = INSTANCE_TERMINATED,
		    .ended_s = 1796052600 } },
		{ "it died at once, and EC2 does not say when",
		  PAGE(INSTANCE("i-6", "terminated",
				TAGS("gpu", "0", "0") "<reason/><stateReason><code>"
						      "Server.InternalError</code><message>t"
						      "</message></stateReason>"),
		       ""),
		  { .id = "i-6",
		    .resource = "gpu",
		    .state = INSTANCE_TERMINATED,
		    .why_ended = "Server.InternalError: EC2 failed while it started" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(fleet) struct fleet fleet = { 0 };
		SCOPED(buf) struct buf next = BUF(64);
		struct instance want = cases[i].want;
		struct error err;

		want.launched_s = 1796052000;
		memcpy(want.type, "g5.xlarge", 10);
		memcpy(want.zone, "us-east-1a", 11);
		if (read_page(cases[i].text, &fleet, &next, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (fleet.count != 1 || !is_same(&fleet.list[0], &want))
			fail_msg("when %s: %zu, %s ended at %lld (%s)", cases[i].when, fleet.count,
				 fleet.list[0].id, (long long)fleet.list[0].ended_s,
				 fleet.list[0].why_ended);
		assert_int_equal(next.len, 0);
	}
}

static void test_what_is_ours(void **state)
{
	static const struct {
		const char *when, *text;
		size_t want;
	} cases[] = {
		{ "there is none", "<R><reservationSet/></R>", 0 },
		{ "its tags are another prefix's",
		  PAGE(INSTANCE("i-1", "running",
				"<tagSet>" TAG("mayfly:prefix", "pp") "</tagSet>"),
		       ""),
		  0 },
		{ "it has no tags", PAGE(INSTANCE("i-1", "running", ""), ""), 0 },
		{ "somebody gave it our prefix alone",
		  PAGE(INSTANCE("i-1", "running", "<tagSet>" TAG("mayfly:prefix", "p") "</tagSet>"),
		       ""),
		  0 },
		{ "its slot is no number",
		  PAGE(INSTANCE("i-1", "running", TAGS("gpu", "a", "0")), ""), 0 },
		{ "its generation is negative",
		  PAGE(INSTANCE("i-1", "running", TAGS("gpu", "1", "-1")), ""), 0 },
		{ "its slot is beyond all",
		  PAGE(INSTANCE("i-1", "running", TAGS("gpu", "4294967297", "0")), ""), 0 },
		{ "its resource is no name",
		  PAGE(INSTANCE("i-1", "running", TAGS("g:pu", "0", "0")), ""), 0 },
		{ "another one beside it is not",
		  PAGE(INSTANCE("i-1", "running", TAGS("gpu", "x", "0"))
			       INSTANCE("i-2", "running", TAGS("gpu", "1", "0")),
		       ""),
		  1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(fleet) struct fleet fleet = { 0 };
		SCOPED(buf) struct buf next = BUF(64);
		struct error err;

		if (read_page(cases[i].text, &fleet, &next, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (fleet.count != cases[i].want)
			fail_msg("when %s: %zu", cases[i].when, fleet.count);
	}
}

static void test_pages_add_up(void **state)
{
	SCOPED(fleet) struct fleet fleet = { 0 };
	SCOPED(buf) struct buf next = BUF(64);
	struct error err;

	(void)state;
	assert_int_equal(read_page(PAGE(INSTANCE("i-1", "running", TAGS("gpu", "0", "0")),
					"<nextToken>more==</nextToken>"),
				   &fleet, &next, &err),
			 0);
	assert_string_equal(buf_text(&next), "more==");
	assert_int_equal(read_page(PAGE(INSTANCE("i-2", "running", TAGS("gpu", "1", "0")), ""),
				   &fleet, &next, &err),
			 0);
	assert_int_equal(next.len, 0);
	assert_int_equal(fleet.count, 2);
	assert_string_equal(fleet.list[0].id, "i-1");
	assert_string_equal(fleet.list[1].id, "i-2");
}

static void test_a_list_that_makes_no_sense(void **state)
{
	static const struct {
		const char *when, *text, *want;
	} cases[] = {
		{ "it is cut off", "<DescribeInstancesResponse><reservationSet><item>", "*" },
		{ "it is another answer", "<html><body/></html>",
		  "answer of EC2: <html> without reservationSet" },
		{ "a reservation has no instances",
		  "<R><reservationSet><item/></reservationSet></R>",
		  "answer of EC2: a reservation without instancesSet" },
		{ "a state is unknown",
		  PAGE(INSTANCE("i-1", "hovering", TAGS("gpu", "0", "0")), ""),
		  "answer of EC2: i-1: \"hovering\" is no state of an instance" },
		{ "an id is none", PAGE(INSTANCE("", "running", TAGS("gpu", "0", "0")), ""),
		  "answer of EC2: instanceId: expected letters, digits, _ . or -, got \"\"" },
		{ "a time is none",
		  "<R><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId>" STATE(
			  "running") "<instanceType>t</instanceType><launchTime>now</"
				     "launchTime>" TAGS("gpu", "0",
							"0") "</item></instancesSet></item></"
							     "reservationSet></R>",
		  "*" },
		{ "a token has no room",
		  PAGE("", "<nextToken>0123456789012345678901234567890123456789"
			   "01234567890123456789012345678901234567</nextToken>"),
		  "*" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(fleet) struct fleet fleet = { 0 };
		SCOPED(buf) struct buf next = BUF(64);
		struct error err = { 0 };

		if (read_page(cases[i].text, &fleet, &next, &err) == 0 ||
		    err.class != ERROR_MALFORMED)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (*cases[i].want != '*' && strcmp(err.message, cases[i].want) != 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		assert_int_equal(fleet.count, 0);
	}
}

static void test_a_launch(void **state)
{
	static const struct {
		const char *when, *text, *want;
		bool is_over;
	} cases[] = {
		{ "it boots",
		  "<RunInstancesResponse><instancesSet><item><instanceId>i-1</instanceId>" STATE(
			  "pending") "</item></instancesSet></RunInstancesResponse>",
		  "i-1", false },
		{ "its machine has ended",
		  "<R><instancesSet><item><instanceId>i-1</instanceId>" STATE(
			  "terminated") "</item></instancesSet></R>",
		  "i-1", true },
		{ "there is none", "<R><instancesSet/></R>", NULL, false },
		{ "there are two",
		  "<R><instancesSet><item><instanceId>i-1</instanceId>" STATE(
			  "pending") "</item><item/></instancesSet></R>",
		  NULL, false },
		{ "it has no id",
		  "<R><instancesSet><item>" STATE("pending") "</item></instancesSet></R>", NULL,
		  false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char id[TICKET_FIELD_ROOM] = "";
		bool is_over = false;
		struct error err = { 0 };
		int result = aws_answer_launched(slice_of(cases[i].text), id, &is_over, &err);

		if ((result == 0) != (cases[i].want != NULL) ||
		    (result < 0 && err.class != ERROR_MALFORMED))
			fail_msg("when %s: %d %s", cases[i].when, result, err.message);
		assert_string_equal(id, cases[i].want ? cases[i].want : "");
		assert_int_equal(is_over, cases[i].is_over);
	}
}

static void test_a_console(void **state)
{
	static const struct {
		const char *when, *text;
		size_t room;
		const char *want; /* NULL: malformed */
	} cases[] = {
		{ "it printed", "<R><output>aGVsbG8g\nd29ybGQ=\r\n</output></R>", 64,
		  "hello world" },
		{ "only the end has room", "<R><output>aGVsbG8gd29ybGQ=</output></R>", 5, "world" },
		{ "it printed nothing yet", "<R><instanceId>i-1</instanceId></R>", 64, "" },
		{ "it is no base64", "<R><output>a</output></R>", 64, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf out = BUF(cases[i].room);
		struct error err = { 0 };
		int result = aws_answer_console(slice_of(cases[i].text), &out, &err);

		if ((result == 0) != (cases[i].want != NULL))
			fail_msg("when %s: %s", cases[i].when, err.message);
		assert_string_equal(buf_text(&out), cases[i].want ? cases[i].want : "");
	}
}

#define IMAGE(id, state, created)                                                                 \
	"<item><imageId>" id "</imageId><imageState>" state "</imageState><creationDate>" created \
	"</creationDate><rootDeviceName>/dev/" id "</rootDeviceName></item>"

static void test_images(void **state)
{
	static const struct {
		const char *when, *text, *want;
		enum error_class class;
	} cases[] = {
		{ "one is newer",
		  IMAGE("ami-1", "available", "2026-01-02T00:00:00.000Z")
			  IMAGE("ami-3", "available", "2026-01-03T00:00:00.000Z")
				  IMAGE("ami-2", "available", "2025-12-03T00:00:00.000Z"),
		  "ami-3", ERROR_NONE },
		{ "the newest is not there yet",
		  IMAGE("ami-1", "available", "2026-01-02T00:00:00.000Z")
			  IMAGE("ami-3", "pending", "2026-01-03T00:00:00.000Z"),
		  "ami-1", ERROR_NONE },
		{ "two are as old",
		  IMAGE("ami-2", "available", "2026-01-02T00:00:00.000Z")
			  IMAGE("ami-1", "available", "2026-01-02T00:00:00.000Z"),
		  "ami-2", ERROR_NONE },
		{ "one has no date", IMAGE("ami-2", "available", ""), "ami-2", ERROR_NONE },
		{ "there is none", "", "", ERROR_NOT_FOUND },
		{ "none is there yet", IMAGE("ami-3", "failed", ""), "", ERROR_NOT_FOUND },
		{ "a date is none", IMAGE("ami-3", "available", "today"), "", ERROR_MALFORMED },
		{ "an id is none", IMAGE("a:b", "available", ""), "", ERROR_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf text = BUF(4096);
		struct aws_image image = { 0 };
		struct error err = { 0 };

		buf_addf(&text, "<R><imagesSet>%s</imagesSet></R>", cases[i].text);
		(void)!aws_answer_image(buf_slice(&text), &image, &err);
		if (strcmp(image.id, cases[i].want) != 0 || err.class != cases[i].class)
			fail_msg("when %s: %s (%s)", cases[i].when, image.id, err.message);
		if (*image.id)
			assert_string_equal(image.root_device + 5, image.id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_instance),
		cmocka_unit_test(test_what_is_ours),
		cmocka_unit_test(test_pages_add_up),
		cmocka_unit_test(test_a_list_that_makes_no_sense),
		cmocka_unit_test(test_a_launch),
		cmocka_unit_test(test_a_console),
		cmocka_unit_test(test_images),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
