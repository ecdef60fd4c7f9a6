#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "bootstrap/identity_aws.h"

enum { LAUNCHED_S = 1795472400, UP_MS = 90000 };

/* What amazon-ec2-metadata-mock 1.13.0 gives, with a time and an instance of ours. */
static const char document[] =
	"{\n\t\"accountId\": \"0123456789\",\n"
	"\t\"imageId\": \"ami-0b69ea66ff7391e80\",\n"
	"\t\"availabilityZone\": \"us-east-1f\",\n"
	"\t\"ramdiskId\": null,\n\t\"kernelId\": null,\n"
	"\t\"devpayProductCodes\": null,\n\t\"marketplaceProductCodes\": null,\n"
	"\t\"version\": \"2017-09-30\",\n\t\"privateIp\": \"10.0.7.10\",\n"
	"\t\"billingProducts\": null,\n"
	"\t\"instanceId\": \"i-0aaaabbbbccccdddd\",\n"
	"\t\"pendingTime\": \"2026-11-23T22:20:00Z\",\n"
	"\t\"architecture\": \"x86_64\",\n\t\"instanceType\": \"m4.xlarge\",\n"
	"\t\"region\": \"us-east-1\"\n}";

static struct identity_clock clock_at(int64_t wall_ms)
{
	return (struct identity_clock){ .wall_ms = wall_ms, .monotonic_ms = UP_MS };
}

static void when_it_is_told(void **state)
{
	const struct identity_clock clock = clock_at((int64_t)LAUNCHED_S * 1000 + 100000);
	struct launch_note note;
	struct error err;

	(void)state;
	if (identity_aws_parse(slice_of(document), slice_of("spot"), &clock, &note, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(note.identity.provider, "aws");
	assert_string_equal(note.identity.instance, "i-0aaaabbbbccccdddd");
	assert_string_equal(note.identity.type, "m4.xlarge");
	assert_string_equal(note.identity.zone, "us-east-1f");
	assert_string_equal(note.identity.market, "spot");
	assert_int_equal(note.identity.launched_s, LAUNCHED_S);
	assert_false(note.names_slot);
}

static void when_it_was_launched(void **state)
{
	static const struct {
		const char *when;
		int64_t since_s; /* the service's clock, after pendingTime */
		int64_t launched_ms;
	} cases[] = {
		{ "before this boot", 100, UP_MS - 100000 },
		{ "in this boot, as a stand-in may say", 30, UP_MS - 30000 },
		{ "days ago, and the machine has restarted", 200000, UP_MS - 200000000 },
		{ "this moment", 0, UP_MS },
		{ "in the future of the service's clock", -3600, UP_MS },
	};
	struct launch_note note;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct identity_clock clock =
			clock_at(((int64_t)LAUNCHED_S + cases[i].since_s) * 1000);

		assert_int_equal(identity_aws_parse(slice_of(document), slice_of("on-demand\n"),
						    &clock, &note, &err),
				 0);
		if (note.identity.launched_monotonic_ms != cases[i].launched_ms)
			fail_msg("when %s: %lld", cases[i].when,
				 (long long)note.identity.launched_monotonic_ms);
		assert_string_equal(note.identity.market, "on-demand");
	}
}

#define WITHOUT(instance, type, zone, time)                                                 \
	"{\"instanceId\":" instance ",\"instanceType\":" type ",\"availabilityZone\":" zone \
	",\"pendingTime\":" time "}"
#define ID "\"i-0\""
#define TYPE "\"m\""
#define ZONE "\"z\""
#define TIME "\"2026-11-23T22:20:00Z\""

static void when_what_it_is_told_makes_no_sense(void **state)
{
	static const struct {
		const char *when, *document, *life_cycle, *says;
	} cases[] = {
		{ "nothing was answered", "", "spot", "the instance identity document" },
		{ "a page for people was answered", "<html>", "spot",
		  "the instance identity document" },
		{ "the document is a list", "[]", "spot", "instanceId" },
		{ "the id is empty", WITHOUT("\"\"", TYPE, ZONE, TIME), "spot", "instanceId" },
		{ "the id is null", WITHOUT("null", TYPE, ZONE, TIME), "spot", "instanceId" },
		{ "the id is no instance's", WITHOUT("\"ami-0\"", TYPE, ZONE, TIME), "spot",
		  "expected i-..., got ami-0" },
		{ "the id would move a record's fields", WITHOUT("\"i-0:x\"", TYPE, ZONE, TIME),
		  "spot", "instanceId" },
		{ "the type is missing",
		  "{\"instanceId\":" ID ",\"availabilityZone\":" ZONE ",\"pendingTime\":" TIME "}",
		  "spot", "instanceType" },
		{ "the zone is a number", WITHOUT(ID, TYPE, "7", TIME), "spot",
		  "availabilityZone" },
		{ "the time is none", WITHOUT(ID, TYPE, ZONE, "\"yesterday\""), "spot",
		  "pendingTime" },
		{ "the time is the beginning of all time",
		  WITHOUT(ID, TYPE, ZONE, "\"1970-01-01T00:00:00Z\""), "spot", "pendingTime" },
		{ "the market is empty", WITHOUT(ID, TYPE, ZONE, TIME), "", "instance-life-cycle" },
		{ "the market is a page", WITHOUT(ID, TYPE, ZONE, TIME), "<html>",
		  "instance-life-cycle" },
	};
	const struct identity_clock clock = clock_at((int64_t)LAUNCHED_S * 1000);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct launch_note note = { .slot = 7 };
		struct error err = { 0 };

		if (identity_aws_parse(slice_of(cases[i].document), slice_of(cases[i].life_cycle),
				       &clock, &note, &err) == 0)
			fail_msg("when %s: it was taken", cases[i].when);
		if (err.class != ERROR_MALFORMED || !strstr(err.message, cases[i].says))
			fail_msg("when %s: %s", cases[i].when, err.message);
		assert_int_equal(note.slot, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_it_is_told),
		cmocka_unit_test(when_it_was_launched),
		cmocka_unit_test(when_what_it_is_told_makes_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
