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
		int64_t price = prices_find(&book, cases[i].provider, &offering);

		if (price != cases[i].price)
			fail_msg("when %s: %lld", cases[i].when, (long long)price);
		offering.market = MARKET_SPOT;
		if (prices_find(&book, cases[i].provider, &offering) !=
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
		int64_t price = prices_find(&book, cases[i].provider, &offering);

		if (price != cases[i].price)
			fail_msg("when %s: %lld", cases[i].when, (long long)price);
	}
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
		double price = (double)prices_find(&book, provider, &offering);

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
		cmocka_unit_test(test_finds_every_row_of_every_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
