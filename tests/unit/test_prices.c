/* prices: what the tables say, what the operator says instead, and what nobody says. */
#include "reaper/money/prices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"
#include "reaper/money/price_tables.h"

static struct offering offering_of(const char *type, const char *region, const char *zone,
				   enum market market)
{
	struct offering offering = { .market = market };

	text_cut(offering.type, sizeof(offering.type), type);
	text_cut(offering.region, sizeof(offering.region), region);
	text_cut(offering.zone, sizeof(offering.zone), zone);
	return offering;
}

static void test_says_what_the_tables_say(void **state)
{
	static const struct {
		const char *when, *provider, *type, *region, *zone;
		int64_t price;
	} cases[] = {
		{ "the first row of aws", "aws", "a1.2xlarge", "us-east-1", "", 204000 },
		{ "a GPU machine", "aws", "g4dn.xlarge", "us-east-1", "", 526000 },
		{ "the region is that of the zone", "aws", "g4dn.xlarge", "", "us-east-1a",
		  526000 },
		{ "another region", "aws", "g4dn.xlarge", "eu-west-1", "", MONEY_UNKNOWN },
		{ "no region is said at all", "aws", "g4dn.xlarge", "", "", MONEY_UNKNOWN },
		{ "no such type", "aws", "g4dn.xlarg", "us-east-1", "", MONEY_UNKNOWN },
		{ "a type that begins like another", "aws", "g4dn.xlarges", "us-east-1", "",
		  MONEY_UNKNOWN },
		{ "no type", "aws", "", "us-east-1", "", MONEY_UNKNOWN },
		{ "rounded to the nearest micro-dollar, up", "gcp", "n1-standard-2", "us-central1",
		  "", 95000 },
		{ "rounded to the nearest micro-dollar, down", "gcp", "a2-ultragpu-2g",
		  "us-central1", "", 10137596 },
		{ "a zone of gcp", "gcp", "e2-micro", "", "us-central1-f", 8376 },
		{ "a GPU is attached", "gcp", "n1-standard-4_nvidia-tesla-t4", "us-central1", "",
		  189999 + 350000 },
		{ "two GPUs are attached", "gcp", "n1-standard-4_nvidia-tesla-v100.2",
		  "us-central1", "", 189999 + 2 * 2480000 },
		{ "an attached GPU has no price", "gcp", "n1-standard-4_nvidia-tesla-k80",
		  "us-central1", "", MONEY_UNKNOWN },
		{ "no GPU is attached", "gcp", "n1-standard-4_nvidia-tesla-t4.0", "us-central1", "",
		  MONEY_UNKNOWN },
		{ "the number is none", "gcp", "n1-standard-4_nvidia-tesla-t4.x", "us-central1", "",
		  MONEY_UNKNOWN },
		{ "the number is out of reason", "gcp", "n1-standard-4_nvidia-tesla-t4.99999",
		  "us-central1", "", MONEY_UNKNOWN },
		{ "the GPU alone fits the machine's part", "gcp", "nope_nvidia-tesla-t4",
		  "us-central1", "", MONEY_UNKNOWN },
		{ "this machine itself", "local", "local", "", "", 0 },
		{ "a provider without a table", "kubernetes", "pod", "us-east-1", "",
		  MONEY_UNKNOWN },
	};
	static const struct price_book book = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct offering offering = offering_of(cases[i].type, cases[i].region,
						       cases[i].zone, MARKET_ON_DEMAND);
		int64_t price = prices_find(&book, cases[i].provider, &offering, NULL);

		if (price != cases[i].price)
			fail_msg("when %s: %lld", cases[i].when, (long long)price);
		offering.market = MARKET_SPOT;
		if (prices_find(&book, cases[i].provider, &offering, NULL) !=
		    (strcmp(cases[i].provider, "local") != 0 ? MONEY_UNKNOWN : 0))
			fail_msg("when %s: a spot price was guessed", cases[i].when);
	}
}

static void test_takes_the_operators_word_before_the_tables(void **state)
{
	static struct price_region regions[] = { { "eu-west-1", 1.1 }, { "us-east-1", 2 } };
	static struct price_override overrides[] = {
		{ "", "us-west-2", MARKET_ON_DEMAND, 7 },
		{ "m5.large", "", MARKET_ON_DEMAND, 50000 },
		{ "m5.large", "us-west-2", MARKET_ON_DEMAND, 60000 },
		{ "m5.large", "us-west-2", MARKET_ON_DEMAND, 1 },
		{ "g4dn.xlarge", "", MARKET_SPOT, 150000 },
	};
	static const struct {
		const char *when, *provider, *type, *region;
		enum market market;
		double spot_share;
		int64_t price;
	} cases[] = {
		{ "a factor is said for the region", "aws", "g4dn.xlarge", "eu-west-1",
		  MARKET_ON_DEMAND, 0, 578600 },
		{ "a factor is said for the table's own region", "aws", "g4dn.xlarge", "us-east-1",
		  MARKET_ON_DEMAND, 0, 1052000 },
		{ "a factor is said, and there is no such type", "aws", "g4dn.nope", "eu-west-1",
		  MARKET_ON_DEMAND, 0, MONEY_UNKNOWN },
		{ "a factor is said, and the type is past the last", "aws", "zzz", "eu-west-1",
		  MARKET_ON_DEMAND, 0, MONEY_UNKNOWN },
		{ "the type is overridden", "aws", "m5.large", "us-east-1", MARKET_ON_DEMAND, 0,
		  50000 },
		{ "type and region are overridden, the first one counts", "aws", "m5.large",
		  "us-west-2", MARKET_ON_DEMAND, 0, 60000 },
		{ "the region is overridden", "aws", "c5.large", "us-west-2", MARKET_ON_DEMAND, 0,
		  7 },
		{ "spot is overridden", "aws", "g4dn.xlarge", "us-east-1", MARKET_SPOT, 0.3,
		  150000 },
		{ "spot is not what on-demand is overridden with", "aws", "m5.large", "us-east-1",
		  MARKET_SPOT, 0, MONEY_UNKNOWN },
		{ "spot is a share of what on-demand is overridden with", "aws", "m5.large",
		  "us-east-1", MARKET_SPOT, 0.3, 15000 },
		{ "spot is a share of the table's price", "aws", "t3.micro", "us-east-1",
		  MARKET_SPOT, 0.25, 5200 },
		{ "spot is a share of what nobody knows", "aws", "nope", "us-east-1", MARKET_SPOT,
		  0.25, MONEY_UNKNOWN },
		{ "this machine has its price", "local", "m5.large", "", MARKET_ON_DEMAND, 0,
		  50000 },
		{ "a pod has its price", "kubernetes", "m5.large", "", MARKET_ON_DEMAND, 0, 50000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct price_book book = { .overrides = overrides,
					   .override_count = ARRAY_LEN(overrides),
					   .regions = regions,
					   .region_count = ARRAY_LEN(regions),
					   .spot_share = cases[i].spot_share };
		struct offering offering =
			offering_of(cases[i].type, cases[i].region, "", cases[i].market);
		int64_t price = prices_find(&book, cases[i].provider, &offering, NULL);

		if (price != cases[i].price)
			fail_msg("when %s: %lld", cases[i].when, (long long)price);
	}
}

static void test_takes_the_clouds_word_on_spot(void **state)
{
	static struct spot_price said[] = {
		{ "gpu", "g5.xlarge", "us-east-1", "us-east-1a", 300000, 1 },
		{ "gpu", "g5.xlarge", "us-east-1", "us-east-1b", 500000, 1 },
		{ "gpu", "g5.xlarge", "us-west-2", "us-west-2a", 900000, 1 },
		{ "gpu", "m5.large", "us-east-1", "us-east-1a", 40000, 1 },
	};
	static struct price_override overrides[] = { { "m5.large", "", MARKET_SPOT, 7 } };
	static const struct {
		const char *when, *type, *region, *zone;
		enum market market;
		double spot_share;
		int64_t price;
		const char *source;
	} cases[] = {
		{ "its zone is told", "g5.xlarge", "us-east-1", "us-east-1a", MARKET_SPOT, 0.9,
		  300000, "cloud" },
		{ "the zone alone is known", "g5.xlarge", "", "us-west-2a", MARKET_SPOT, 0, 900000,
		  "cloud" },
		{ "any zone of the region may be had, the dearest counts", "g5.xlarge", "us-east-1",
		  "", MARKET_SPOT, 0, 500000, "cloud" },
		{ "any zone at all may be had", "g5.xlarge", "", "", MARKET_SPOT, 0, 900000,
		  "cloud" },
		{ "another zone is told", "g5.xlarge", "us-east-1", "us-east-1c", MARKET_SPOT, 0,
		  MONEY_UNKNOWN, NULL },
		{ "another zone is told, and a share is given", "g5.xlarge", "us-east-1",
		  "us-east-1c", MARKET_SPOT, 0.5, 503000, "spot_share" },
		{ "another type is told", "g4dn.xlarge", "us-east-1", "", MARKET_SPOT, 0.5, 263000,
		  "spot_share" },
		{ "the operator says it too", "m5.large", "us-east-1", "us-east-1a", MARKET_SPOT,
		  0.5, 7, "overrides" },
		{ "it is no spot one", "g5.xlarge", "us-east-1", "us-east-1a", MARKET_ON_DEMAND,
		  0.5, 1006000, "table" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct price_book book = { .overrides = overrides,
					   .override_count = ARRAY_LEN(overrides),
					   .spot_share = cases[i].spot_share,
					   .spot = said,
					   .spot_count = ARRAY_LEN(said) };
		struct offering offering =
			offering_of(cases[i].type, cases[i].region, cases[i].zone, cases[i].market);

		prices_set(&book, "aws", &offering);
		const char *source = prices_word(offering.price_source);

		if (offering.price != cases[i].price || !source != !cases[i].source ||
		    (source && strcmp(source, cases[i].source) != 0))
			fail_msg("when %s: %lld by %s", cases[i].when, (long long)offering.price,
				 source ? source : "nothing");
	}
}

static void test_a_price_is_a_number_of_dollars(void **state)
{
	static const struct {
		const char *text;
		int64_t price;
	} cases[] = {
		{ "0.123400", 123400 },
		{ "2", 2000000 },
		{ "0.0000005", 1 },
		{ "0.00001", 10 },
		{ "", MONEY_UNKNOWN },
		{ "-1", MONEY_UNKNOWN },
		{ "1e3", MONEY_UNKNOWN },
		{ "1.2.3", MONEY_UNKNOWN },
		{ "99999999999999999999", MONEY_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (prices_parse(slice_of(cases[i].text)) != cases[i].price)
			fail_msg("\"%s\"", cases[i].text);
}

/* Each row of a table is found, at the price that is written there; its head names the source. */
static void check_table(const char *provider, const char *text, size_t len)
{
	static const struct price_book book = { 0 };
	char *copy = memory_text((struct slice){ text, len }), *rest = copy, *line;
	const char *source = prices_source(provider);
	size_t rows = 0;

	line = strsep(&rest, "\n");
	assert_non_null(source);
	if (line[0] != '#' || !strstr(line, strrchr(source, ' ') + 1))
		fail_msg("%s: the head does not say the date of \"%s\"", provider, source);
	assert_string_equal(strsep(&rest, "\n"), "region,instance_type,usd_per_hour");
	for (line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n"), rows++) {
		char *region = strsep(&line, ","), *type = strsep(&line, ",");
		struct offering offering = offering_of(type, region, "", MARKET_ON_DEMAND);
		double wanted = strtod(line, NULL) * 1e6;
		double price = (double)prices_find(&book, provider, &offering, NULL);

		if (price - wanted > 0.5001 || wanted - price > 0.5001)
			fail_msg("%s %s: %f instead of %f", region, type, price, wanted);
	}
	if (rows < 250)
		fail_msg("%s: %zu rows", provider, rows);
	free(copy);
}

static void test_finds_every_row_of_every_table(void **state)
{
	(void)state;
	check_table("aws", prices_aws, prices_aws_len);
	check_table("gcp", prices_gcp, prices_gcp_len);
	assert_null(prices_source("local"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says_what_the_tables_say),
		cmocka_unit_test(test_takes_the_operators_word_before_the_tables),
		cmocka_unit_test(test_takes_the_clouds_word_on_spot),
		cmocka_unit_test(test_a_price_is_a_number_of_dollars),
		cmocka_unit_test(test_finds_every_row_of_every_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
