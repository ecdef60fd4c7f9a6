/* settings of what is launched where, what it may cost, and when: offerings, prices, budgets,
 * schedules, and the planner's numbers. */
#include "reaper/settings/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/file.h"
#include "tests/unit/support/scratch.h"

static const char *const environment[] = { "PATH=/usr/bin:/bin", "S=secret", NULL };

/* Line 3 is the test's, and line 5: the rest of the one resource. */
static const char form[] =
	"{\"prefix\": \"p\", \"state_folder\": \"s\", \"clearml\": {\"api_server\": "
	"\"http://h:1/\",\n"
	"\"access_key\": \"A\", \"secret_key\": {\"env\": \"S\"}}, \"signing_key\": {\"file\": "
	"\"k\"},\n"
	"%s\n"
	"\"resources\": [{\"name\": \"cpu\", \"queues\": [\"cpu\", \"odd name\"], "
	"\"max_instances\": 4,\n"
	"%s\"bundle\": {\"file\": \"b\"}, \"agent\": {\"command\": [\"true\"]},\n"
	"\"local\": {\"bootstrap\": \"/bin/true\"}}]}\n";

static int load(const char *top, const char *resource, struct settings *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(1 << 20);

	buf_addf(&text, form, top, resource);
	return settings_parse(buf_slice(&text), "c.json", environment, out, err);
}

static void load_good(const char *top, const char *resource, struct settings *out)
{
	struct error err;

	if (load(top, resource, out, &err) < 0)
		fail_msg("%s", err.message);
}

/* ---- what is refused ---- */

#define WEEK(days, from, until, zone, min)                                                 \
	"\"schedules\": [{\"days\": " days ", \"from\": \"" from "\", \"until\": \"" until \
	"\", \"time_zone\": \"" zone "\", \"min_instances\": " min "}],"

static const struct {
	const char *when, *top, *resource, *want;
} bad[] = {
	{ "an offering comes twice", "",
	  "\"offerings\": [{\"zones\": [\"a\"]}, {\"zones\": [\"b\", \"a\"]}],",
	  "c.json:5: resources[0].offerings[1]: local/a/on-demand comes twice, and could not be "
	  "told apart" },
	{ "regions have no zones", "", "\"offerings\": [{\"regions\": [\"r1\", \"r2\"]}],",
	  "c.json:5: resources[0].offerings[0]: local comes twice, and could not be told apart; of "
	  "several regions each needs its zones" },
	{ "a zone is in no region", "",
	  "\"offerings\": [{\"regions\": [\"r1\", \"r2\"], \"zones\": [\"r1a\", \"r3a\"]}],",
	  "c.json:5: resources[0].offerings[0].zones[1]: \"r3a\" begins with none of the regions" },
	{ "a market is unknown", "", "\"offerings\": [{\"markets\": [\"sport\"]}],",
	  "c.json:5: resources[0].offerings[0].markets[0]: unknown value \"sport\", did "
	  "you mean \"spot\"?, expected one of \"on-demand\", \"spot\"" },
	{ "a market is misspelt among the defaults",
	  "\"defaults\": {\"offerings\": [{\"market\": [\"spot\"]}]},", "",
	  "c.json:3: defaults.offerings[0].market: unknown, did you mean markets?" },
	{ "there are no offerings", "", "\"offerings\": [],",
	  "c.json:5: resources[0].offerings: must have at least 1 item, has 0" },
	{ "a budget is nothing", "\"budgets\": {\"total\": {\"day\": 0}},", "",
	  "c.json:3: budgets.total.day: must be more than 0, got 0" },
	{ "a budget is below the least sum", "\"budgets\": {\"total\": {\"day\": 1e-9}},", "",
	  "c.json:3: budgets.total.day: is less than the least sum, 0.000001" },
	{ "a budget has seven decimals", "", "\"budget\": {\"hour\": 0.1234567},",
	  "c.json:5: resources[0].budget.hour: expected dollars with up to six decimals, got "
	  "0.1234567" },
	{ "a budget's word is unknown", "", "\"budget\": {\"days\": 1},",
	  "c.json:5: resources[0].budget.days: unknown, did you mean day?" },
	{ "a queue's budget is of no queue", "\"budgets\": {\"queues\": {\"cpus\": {\"day\": 1}}},",
	  "", "c.json:3: budgets.queues.cpus: no resource serves this queue, did you mean cpu?" },
	{ "a user has no name", "\"budgets\": {\"users\": {\"\": {\"day\": 1}}},", "",
	  "c.json:3: budgets.users: \"\" is no user: expected ClearML's id of one, 1 to 127 "
	  "bytes" },
	{ "an hour pays for no machine", "",
	  "\"prices\": {\"overrides\": [{\"hour\": 2}]}, \"budget\": {\"hour\": 1.5},",
	  "c.json:5: resources[0].budget.hour: 1.50 an hour pays for no machine of resource cpu: "
	  "the cheapest costs 2.00" },
	{ "a price has seven decimals", "", "\"prices\": {\"overrides\": [{\"hour\": 0.0000001}]},",
	  "c.json:5: resources[0].prices.overrides[0].hour: expected dollars with up to six "
	  "decimals, got 1e-07" },
	{ "a price is missing", "", "\"prices\": {\"overrides\": [{\"instance_type\": \"x\"}]},",
	  "c.json:5: resources[0].prices.overrides[0].hour: missing, expected a number" },
	{ "a region's name is too long", "",
	  "\"prices\": {\"region_factors\": "
	  "{\"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdef\": 1}},",
	  "c.json:5: resources[0].prices.region_factors: "
	  "\"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdef\" is no name of a "
	  "region" },
	{ "a share is more than all", "", "\"prices\": {\"spot_share\": 1.5},",
	  "c.json:5: resources[0].prices.spot_share: must be at most 1, got 1.5" },
	{ "a day is none", "", WEEK("[\"mo\"]", "08:00", "18:00", "UTC", "1"),
	  "c.json:5: resources[0].schedules[0].days[0]: unknown value \"mo\", did you mean "
	  "\"mon\"?, expected one of \"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", "
	  "\"sun\"" },
	{ "a time is none", "", WEEK("[\"mon\"]", "8:00", "18:00", "UTC", "1"),
	  "c.json:5: resources[0].schedules[0].from: expected a time of "
	  "day such as 08:00, got \"8:00\"" },
	{ "a window begins where the day ends", "", WEEK("[\"mon\"]", "24:00", "02:00", "UTC", "1"),
	  "c.json:5: resources[0].schedules[0].from: is the next day's 00:00" },
	{ "a zone is none", "", WEEK("[\"mon\"]", "08:00", "18:00", "Europe/Berln", "1"),
	  "c.json:5: resources[0].schedules[0].time_zone: there is no zone \"Europe/Berln\" in "
	  "/usr/share/zoneinfo: expected a name such as \"Europe/Berlin\"" },
	{ "a window's minimum is above the limit", "",
	  WEEK("[\"mon\"]", "08:00", "18:00", "UTC", "5"),
	  "c.json:5: resources[0].schedules[0].min_instances: is larger than max_instances (4) in "
	  "resource cpu" },
	{ "a cooldown is longer than the longest", "\"cooldown\": \"1h\",", "",
	  "c.json:3: cooldown: expected at most cooldown_max (1800 seconds), got 3600" },
	{ "a probe is at once", "\"breaker\": {\"probe\": 0},", "",
	  "c.json:3: breaker.probe: expected at least 1 seconds, got 0" },
	{ "a warning is past the budget", "\"budgets\": {\"warn_percent\": 101},", "",
	  "c.json:3: budgets.warn_percent: must be at most 100, got 101" },
	{ "a roll-back is no time", "", "\"spot_rollback\": \"soon\",",
	  "c.json:5: resources[0].spot_rollback: expected a number of seconds or a text such as "
	  "\"15m\" or \"24h\" (at most 3653d), got \"soon\"" },
};

static void test_a_bad_document_gets_one_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		SCOPED(settings) struct settings settings = { 0 };
		struct error err = { 0 };
		bool is_taken = load(bad[i].top, bad[i].resource, &settings, &err) == 0;

		if (is_taken != !bad[i].want)
			fail_msg("when %s: %s", bad[i].when, is_taken ? "taken" : err.message);
		if (!is_taken &&
		    (err.class != ERROR_CONFIGURATION || strcmp(err.message, bad[i].want) != 0))
			fail_msg("when %s: %s", bad[i].when, err.message);
	}
}

/* ---- a shape ---- */

static void load_shape(const char *text, int want, struct settings *out, struct error *err)
{
	char folder[SCRATCH_ROOM], path[SCRATCH_ROOM + 16];
	struct error why;

	scratch_make(folder);
	snprintf(path, sizeof(path), "%s/c.json", folder);
	assert_int_equal(file_write(path, slice_of(text), 0644, &why), 0);
	if (settings_load_shape(path, environment, out, err) != want)
		fail_msg("%s: %s", text, want ? "taken" : err->message);
	scratch_remove(folder);
}

static void test_a_shape_needs_nothing_but_the_file(void **state)
{
	static const char text[] =
		"{\"prefix\": \"p\", \"resources\": [{\"name\": \"cpu\", \"queues\": [\"cpu\"], "
		"\"max_instances\": 4, \"agent\": {\"command\": [\"no-such-agent\"]}, "
		"\"local\": {\"bootstrap\": \"/no/such\"}, \"init\": {\"file\": \"none\"}}]}";
	SCOPED(settings) struct settings settings = { 0 };
	struct error err;

	(void)state;
	load_shape(text, 0, &settings, &err);
	assert_int_equal(settings.resource_count, 1);
	assert_int_equal(settings.resources[0].offering_count, 1);
	assert_int_equal(settings.resources[0].ticket.limits.idle_timeout_s, 900);
}

/* A cloud whose prices are known, and not all of them. */
static void test_a_budget_needs_every_price(void **state)
{
#define TYPE(name) "\"instance_type\": \"" name "\""
#define SPOT              \
	TYPE("m7i.large") \
	", \"offerings\": [{\"regions\": [\"us-east-1\"], \"markets\": [\"spot\"]}]"
#define ABROAD TYPE("m7i.large") ", \"offerings\": [{\"regions\": [\"mars-1\"]}]"
#define NOBODYS TYPE("zz9.plural")
#define NOT_KNOWN(what) "needs every price, and that of " what " in resource cpu is not known"
	static const struct {
		const char *when, *top, *resource, *want;
	} cases[] = {
		{ "there is no budget", "", SPOT, NULL },
		{ "a budget without a limit", "\"budgets\": {\"total\": {}},", SPOT, NULL },
		{ "all prices are known", "\"budgets\": {\"total\": {\"day\": 1}},",
		  TYPE("m7i.large") ", \"offerings\": [{\"regions\": [\"us-east-1\"]}]", NULL },
		{ "a share makes it known", "\"budgets\": {\"total\": {\"day\": 1}},",
		  SPOT ", \"prices\": {\"spot_share\": 0.4}", NULL },
		{ "an override makes it known", "\"budgets\": {\"total\": {\"day\": 1}},",
		  NOBODYS ", \"prices\": {\"overrides\": [{\"hour\": 3}]}", NULL },
		{ "a factor makes it known", "\"budgets\": {\"total\": {\"day\": 1}},",
		  ABROAD ", \"prices\": {\"region_factors\": {\"mars-1\": 3}}", NULL },
		{ "it is a resource's", "", SPOT ", \"budget\": {\"day\": 1}",
		  "4: resources[0].budget: " NOT_KNOWN("m7i.large in us-east-1 (spot)") },
		{ "it is inherited", "\"defaults\": {\"budget\": {\"day\": 1}},", SPOT,
		  "2: defaults.budget: " NOT_KNOWN("m7i.large in us-east-1 (spot)") },
		{ "it is the total", "\"budgets\": {\"total\": {\"month\": 1}},", NOBODYS,
		  "2: budgets.total: " NOT_KNOWN("zz9.plural (on-demand)") },
		{ "it is a queue's", "\"budgets\": {\"queues\": {\"odd name\": {\"hour\": 1}}},",
		  SPOT,
		  "2: budgets.queues[\"odd name\"]: " NOT_KNOWN("m7i.large in us-east-1 (spot)") },
		{ "it is a user's", "\"budgets\": {\"users\": {\"ann\": {\"hour\": 1}}},", ABROAD,
		  "2: budgets.users.ann: " NOT_KNOWN("m7i.large in mars-1 (on-demand)") },
		{ "it is of a queue that others serve",
		  "\"budgets\": {\"queues\": {\"theirs\": {\"day\": 1}}},", SPOT, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(settings) struct settings settings = { 0 };
		SCOPED(buf) struct buf text = BUF(4096);
		struct error err = { 0 };

		buf_addf(&text,
			 "{\"prefix\": \"p\",\n%s\n\"resources\": [{\"name\": \"cpu\", "
			 "\"provider\": \"aws\", \"queues\": [\"cpu\", \"odd name\"], "
			 "\"max_instances\": 4,\n%s}, {\"name\": \"x\", \"queues\": [\"theirs\"], "
			 "\"max_instances\": 1}]}",
			 cases[i].top, cases[i].resource);
		load_shape(buf_text(&text), cases[i].want ? -1 : 0, &settings, &err);
		if (cases[i].want && !strstr(err.message, cases[i].want))
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (cases[i].want)
			assert_non_null(strstr(err.message, "give prices.overrides"));
	}
}

static void test_a_cloud_needs_a_type(void **state)
{
	static const char form_of_cloud[] =
		"{\"prefix\": \"p\",\n\"resources\": [{\"name\": \"cpu\", \"provider\": \"%s\", "
		"\"queues\": [\"cpu\"], \"max_instances\": 1%s}]}";
	static const struct {
		const char *provider, *more, *want;
	} cases[] = {
		{ "aws", "",
		  "c.json:2: resources[0]: instance_type is missing: what its provider "
		  "shall launch" },
		{ "aws", ", \"offerings\": [{\"zones\": [\"a\"]}]",
		  "c.json:2: resources[0].offerings[0]: instance_types is missing, and resource "
		  "cpu has no instance_type" },
		{ "azure", "",
		  "c.json:2: resources[0].provider: \"azure\" is no provider: known is "
		  "local" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(settings) struct settings settings = { 0 };
		SCOPED(buf) struct buf text = BUF(4096);
		struct error err = { 0 };

		buf_addf(&text, form_of_cloud, cases[i].provider, cases[i].more);
		load_shape(buf_text(&text), -1, &settings, &err);
		if (!strstr(err.message, cases[i].want))
			fail_msg("%s", err.message);
	}
}

/* ---- offerings ---- */

static void test_offerings_are_all_combinations(void **state)
{
	static const struct {
		const char *when, *top, *resource;
		const char *want; /* type@region/zone/market=price */
	} cases[] = {
		{ "nothing is said", "", "", "local@//on-demand=0" },
		{ "a type is said", "", "\"instance_type\": \"big\",", "big@//on-demand=0" },
		{ "a type is inherited", "\"defaults\": {\"instance_type\": \"big\"},", "",
		  "big@//on-demand=0" },
		{ "an entry takes the type", "\"defaults\": {\"instance_type\": \"big\"},",
		  "\"offerings\": [{\"zones\": [\"z\"]}],", "big@/z/on-demand=0" },
		{ "types, markets and zones are combined in this order", "",
		  "\"offerings\": [{\"instance_types\": [\"a\", \"b\"], \"zones\": [\"y\", \"z\"], "
		  "\"markets\": [\"spot\", \"on-demand\"]}, {\"instance_types\": [\"c\"]}],",
		  "a@/y/spot=0 a@/z/spot=0 a@/y/on-demand=0 a@/z/on-demand=0 "
		  "b@/y/spot=0 b@/z/spot=0 b@/y/on-demand=0 b@/z/on-demand=0 c@//on-demand=0" },
		{ "zones go to their regions", "",
		  "\"offerings\": [{\"regions\": [\"r1\", \"r10\"], "
		  "\"zones\": [\"r10a\", \"r1a\", \"r1b\"]}],",
		  "local@r1/r1a/on-demand=0 local@r1/r1b/on-demand=0 local@r10/r10a/on-demand=0" },
		{ "a region has no zone", "",
		  "\"offerings\": [{\"regions\": [\"r1\", \"r2\"], \"zones\": [\"r2a\"]}],",
		  "local@r1//on-demand=0 local@r2/r2a/on-demand=0" },
		{ "one region has all zones", "",
		  "\"offerings\": [{\"regions\": [\"r\"], \"zones\": [\"x\", \"y\"]}],",
		  "local@r/x/on-demand=0 local@r/y/on-demand=0" },
		{ "prices are given", "",
		  "\"prices\": {\"spot_share\": 0.25, \"overrides\": [{\"instance_type\": \"a\", "
		  "\"hour\": 0.29}, {\"instance_type\": \"a\", \"market\": \"spot\", \"hour\": "
		  "0.1}, "
		  "{\"region\": \"r\", \"hour\": 8}]}, \"offerings\": [{\"instance_types\": "
		  "[\"a\"], "
		  "\"markets\": [\"spot\", \"on-demand\"]}, {\"instance_types\": [\"b\"], "
		  "\"regions\": [\"r\"], \"markets\": [\"on-demand\", \"spot\"]}],",
		  "a@//spot=100000 a@//on-demand=290000 b@r//on-demand=8000000 b@r//spot=2000000" },
		{ "the resource's offerings replace those of the defaults",
		  "\"defaults\": {\"offerings\": [{\"zones\": [\"d\"]}]},",
		  "\"offerings\": [{\"zones\": [\"o\"]}],", "local@/o/on-demand=0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(settings) struct settings settings = { 0 };
		SCOPED(buf) struct buf got = BUF(4096);
		const struct resource *resource;

		load_good(cases[i].top, cases[i].resource, &settings);
		resource = &settings.resources[0];
		for (size_t o = 0; o < resource->offering_count; o++) {
			const struct offering *offering = &resource->offerings[o];

			buf_addf(&got, "%s%s@%s/%s/%s=", o ? " " : "", offering->type,
				 offering->region, offering->zone, market_name(offering->market));
			if (offering->price == MONEY_UNKNOWN)
				buf_addf(&got, "?");
			else
				buf_addf(&got, "%lld", (long long)offering->price);
		}
		if (strcmp(buf_text(&got), cases[i].want) != 0)
			fail_msg("when %s: %s", cases[i].when, buf_text(&got));
		assert_string_equal(resource->type, resource->offerings[0].type);
		assert_string_equal(resource->ticket.type, resource->type);
	}
}

static void test_too_many_offerings_are_refused(void **state)
{
	SCOPED(buf) struct buf text = BUF(1 << 16);
	SCOPED(settings) struct settings settings = { 0 };
	struct error err;

	(void)state;
	for (int zones = 64; zones <= 65; zones++) {
		buf_clear(&text);
		buf_addf(&text, "\"offerings\": [{\"zones\": [\"z0\"]}");
		for (int i = 1; i < zones; i++)
			buf_addf(&text, ", {\"zones\": [\"z%d\"]}", i);
		buf_addf(&text, "],");
		settings_release(&settings);
		int result = load("", buf_text(&text), &settings, &err);

		assert_int_equal(result, zones == 64 ? 0 : -1);
	}
	/* The schema sees to entries, the rest is ours. */
	buf_clear(&text);
	buf_addf(&text, "\"offerings\": [{\"markets\": [\"spot\", \"on-demand\"], "
			"\"zones\": [\"z0\"");
	for (int i = 1; i < 33; i++)
		buf_addf(&text, ", \"z%d\"", i);
	buf_addf(&text, "]}],");
	assert_int_equal(load("", buf_text(&text), &settings, &err), -1);
	assert_string_equal(err.message, "c.json:5: resources[0].offerings[0]: more than 64 "
					 "offerings in resource cpu: list fewer types, zones or "
					 "markets");
}

/* ---- money ---- */

static int64_t read_day(const char *number)
{
	SCOPED(settings) struct settings settings = { 0 };
	char top[128];

	snprintf(top, sizeof(top), "\"budgets\": {\"total\": {\"day\": %s}},", number);
	load_good(top, "", &settings);
	return settings.budget.day;
}

static void test_dollars_are_exact(void **state)
{
	uint64_t random = 1;

	(void)state;
	assert_int_equal(read_day("0.1"), 100000);
	assert_int_equal(read_day("0.29"), 290000);
	assert_int_equal(read_day("0.000001"), 1);
	assert_int_equal(read_day("4.35"), 4350000);
	assert_int_equal(read_day("1e2"), 100000000);
	assert_int_equal(read_day("100000000"), 100000000000000);
	assert_int_equal(read_day("99999999.999999"), 99999999999999);
	for (int i = 0; i < 2000; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		int64_t micros = (int64_t)(random >> 17) % 100000000000000 + 1;
		char number[64];

		snprintf(number, sizeof(number), "%lld.%06lld", (long long)(micros / 1000000),
			 (long long)(micros % 1000000));
		if (read_day(number) != micros)
			fail_msg("%s", number);
	}
}

static void test_budgets(void **state)
{
	SCOPED(settings) struct settings settings = { 0 };

	(void)state;
	load_good("\"budgets\": {\"total\": {\"hour\": 10, \"month\": 300.5}, "
		  "\"queues\": {\"odd name\": {\"day\": 7}}, "
		  "\"users\": {\"ann\": {\"day\": 1}, \"bob\": {\"hour\": 2}}, \"warn_percent\": "
		  "75},",
		  "\"budget\": {\"hour\": 2, \"day\": 20, \"month\": 200},", &settings);
	assert_int_equal(settings.budget.hour, 10000000);
	assert_int_equal(settings.budget.day, 0);
	assert_int_equal(settings.budget.month, 300500000);
	assert_int_equal(settings.queue_budgets[0].day, 0);
	assert_int_equal(settings.queue_budgets[1].day, 7000000);
	assert_int_equal(settings.user_budget_count, 2);
	assert_string_equal(settings.user_budgets[0].user, "ann");
	assert_int_equal(settings.user_budgets[0].budget.day, 1000000);
	assert_string_equal(settings.user_budgets[1].user, "bob");
	assert_int_equal(settings.user_budgets[1].budget.hour, 2000000);
	assert_int_equal(settings.budget_warn_percent, 75);
	assert_int_equal(settings.resources[0].budget.hour, 2000000);
	assert_int_equal(settings.resources[0].budget.day, 20000000);
	assert_int_equal(settings.resources[0].budget.month, 200000000);
}

/* ---- schedules and numbers ---- */

static void test_schedules(void **state)
{
	SCOPED(settings) struct settings settings = { 0 };

	(void)state;
	load_good("",
		  "\"schedules\": [{\"days\": [\"sun\", \"mon\", \"sat\"], \"from\": \"22:30\", "
		  "\"until\": \"06:05\", \"time_zone\": \"America/New_York\", "
		  "\"min_instances\": 4}, {\"from\": \"00:00\", \"until\": \"24:00\", "
		  "\"min_instances\": 1}],",
		  &settings);

	const struct resource *resource = &settings.resources[0];

	assert_int_equal(resource->schedule_count, 2);
	assert_int_equal(resource->schedules[0].days, 0x43);
	assert_int_equal(resource->schedules[0].from_minute, 22 * 60 + 30);
	assert_int_equal(resource->schedules[0].until_minute, 6 * 60 + 5);
	assert_string_equal(resource->schedules[0].time_zone, "America/New_York");
	assert_int_equal(resource->schedules[0].min_instances, 4);
	assert_int_equal(resource->schedules[1].days, 0x7f);
	assert_int_equal(resource->schedules[1].until_minute, 1440);
	assert_string_equal(resource->schedules[1].time_zone, "UTC");
}

static void test_max_instances_0_silences_all_minimums(void **state)
{
	static const char minimums[] =
		"{\"prefix\": \"p\", \"state_folder\": \"s\", \"max_instances\": 2, \"clearml\": "
		"{\"api_server\": \"http://h:1/\", \"access_key\": \"A\", \"secret_key\": "
		"{\"env\": "
		"\"S\"}}, \"signing_key\": {\"file\": \"k\"}, \"resources\": [{\"name\": \"cpu\", "
		"\"queues\": [\"cpu\"], \"max_instances\": %d, \"min_instances\": %d, "
		"\"schedules\": [{\"from\": \"08:00\", \"until\": \"18:00\", "
		"\"min_instances\": 2}], \"bundle\": {\"file\": \"b\"}, \"agent\": {\"command\": "
		"[\"true\"]}, \"local\": {\"bootstrap\": \"/bin/true\"}}]}";
	static const struct {
		int most, least;
		unsigned min_instances;
		size_t schedules;
	} cases[] = { { 0, 3, 0, 0 }, { 2, 1, 1, 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(settings) struct settings settings = { 0 };
		SCOPED(buf) struct buf text = BUF(1 << 20);
		struct error err;

		buf_addf(&text, minimums, cases[i].most, cases[i].least);
		if (settings_parse(buf_slice(&text), "c.json", environment, &settings, &err) < 0)
			fail_msg("%s", err.message);
		assert_int_equal(settings.resources[0].min_instances, cases[i].min_instances);
		assert_int_equal(settings.resources[0].schedule_count, cases[i].schedules);
	}
}

static void check_numbers(const struct settings *settings, const int64_t want[static 11])
{
	const struct resource *resource = &settings->resources[0];
	const int64_t got[] = { settings->launch_after_s,
				settings->are_queues_created,
				settings->cooldown_s,
				settings->cooldown_max_s,
				settings->breaker_failures,
				settings->breaker_probe_s,
				settings->idle_grace_s,
				settings->budget_warn_percent,
				resource->spot_rollback_s,
				resource->spot_blackout_s,
				(int64_t)resource->schedule_count };

	for (size_t i = 0; i < ARRAY_LEN(got); i++)
		if (got[i] != want[i])
			fail_msg("number %zu is %lld", i, (long long)got[i]);
}

static void test_numbers(void **state)
{
	static const int64_t usual[] = { 0, 0, 180, 1800, 3, 600, 600, 80, 600, 1800, 0 };
	static const int64_t others[] = { 90, 1, 60, 300, 0, 120, 0, 80, 60, 7200, 0 };
	SCOPED(settings) struct settings settings = { 0 }, other = { 0 };

	(void)state;
	load_good("", "", &settings);
	check_numbers(&settings, usual);
	load_good("\"launch_after\": \"90s\", \"create_queues\": true, \"cooldown\": \"1m\", "
		  "\"cooldown_max\": \"5m\", \"breaker\": {\"failures\": 0, \"probe\": \"2m\"}, "
		  "\"idle_grace\": 0, \"defaults\": {\"spot_rollback\": \"1m\"},",
		  "\"spot_blackout\": \"2h\",", &other);
	check_numbers(&other, others);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_bad_document_gets_one_line),
		cmocka_unit_test(test_offerings_are_all_combinations),
		cmocka_unit_test(test_too_many_offerings_are_refused),
		cmocka_unit_test(test_dollars_are_exact),
		cmocka_unit_test(test_budgets),
		cmocka_unit_test(test_schedules),
		cmocka_unit_test(test_max_instances_0_silences_all_minimums),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_a_budget_needs_every_price),
		cmocka_unit_test(test_a_cloud_needs_a_type),
		cmocka_unit_test(test_a_shape_needs_nothing_but_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
