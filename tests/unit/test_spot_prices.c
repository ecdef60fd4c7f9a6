/* spot_prices: asked once an hour, kept for a day, and what the offerings then cost. EC2 is a peer
 * that answers by a script. */
#include "reaper/money/spot_prices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "tests/unit/support/aws_bench.h"
#include "tests/unit/support/http_peer.h"
#include "tests/unit/support/scratch.h"

#define NOW_S INT64_C(1795482071) /* 2026-11-24T01:01:11Z */
enum { HOUR = 3600, UNKNOWN = -1 };

#define HEAD(status) "HTTP/1.1 " status "\r\nConnection: close\r\nContent-Type: text/xml\r\n\r\n"
#define ITEM_SINCE(time, type, zone, price)                                                      \
	"<item><instanceType>" type                                                              \
	"</instanceType><productDescription>Linux/UNIX</productDescription>"                     \
	"<spotPrice>" price "</spotPrice><timestamp>" time "</timestamp><availabilityZone>" zone \
	"</availabilityZone></item>"
#define ITEM(type, zone, price) ITEM_SINCE("2026-11-24T00:59:00.000Z", type, zone, price)
#define PRICES(items, rest) \
	HEAD("200 OK") "<R><spotPriceHistorySet>" items "</spotPriceHistorySet>" rest "</R>"
#define DENIED                                                                            \
	HEAD("403 Forbidden")                                                             \
	"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>m</Message>" \
	"</Error></Errors><RequestID>r</RequestID></Response>"

static const char *const environment[] = { "S=secret", NULL };
static const char config[] =
	"{\"prefix\": \"p\", \"clearml\": {\"api_server\": \"http://h:1\", \"access_key\": \"A\", "
	"\"secret_key\": {\"env\": \"S\"}}, \"signing_key\": {\"file\": \"k\"}, \"resources\": "
	"[{\"name\": \"gpu\", \"provider\": \"aws\", \"queues\": [\"gpu\"], \"max_instances\": 9, "
	"\"bundle\": {\"file\": \"b\"}, \"agent\": {\"command\": [\"true\"]}, \"offerings\": "
	"[{\"instance_types\": [\"g5.xlarge\", \"m5.large\"], \"markets\": [\"spot\"]}], "
	"\"prices\": {\"spot_share\": 0.5, \"overrides\": [{\"instance_type\": \"m5.large\", "
	"\"market\": \"spot\", \"hour\": 0.01}]}, "
	"\"aws\": {\"region\": \"us-east-1\", \"image\": \"ami-01234567\"}}]}\n";
static char folder[SCRATCH_ROOM];

static int make_folder(void **state)
{
	bool is_locked;
	struct error err;

	(void)state;
	log_open("test", NULL, LOG_ERROR);
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

static void load(struct settings *out)
{
	struct error err;

	if (settings_parse(slice_of(config), "c.json", environment, out, &err) < 0)
		fail_msg("%s", err.message);
}

static const struct http_step script[] = {
	{ .expect = { "Action=DescribeSpotPriceHistory", "InstanceType.1=g5.xlarge",
		      "StartTime=2026-11-24T00%3A56%3A11Z",
		      "ProductDescription.2=Linux%2FUNIX%20%28Amazon%20VPC%29" },
	  .refuse = "NextToken",
	  .answer = PRICES(
		  ITEM("g5.xlarge", "us-east-1a", "0.300000") ITEM(
			  "g5.xlarge", "us-east-1a", "0.290000") ITEM("x9.large", "us-east-1a", "7")
			  ITEM_SINCE("2026-11-23T20:00:00.000Z", "g5.xlarge", "us-east-1a", "0.9"),
		  "<nextToken>a</nextToken>") },
	{ .expect = { "NextToken=a" },
	  .answer = PRICES(ITEM("g5.xlarge", "us-east-1b", "0.400000"), "<nextToken/>") },
	{ .answer = PRICES(ITEM("g5.xlarge", "us-east-1b", "0.100000"), "") },
	{ .answer = DENIED },
	{ .answer = PRICES(ITEM("g5.xlarge", "us-east-1a", "none"), "") },
	{ .answer = DENIED },
	{ .answer = PRICES("", "") },
	{ .answer = PRICES(ITEM("g5.xlarge", "us-east-1a", "0.500000"), "") },
	{ .answer = PRICES(ITEM("g5.xlarge", "us-east-1a", "0.600000"), "") },
};

static void test_a_day(void **state)
{
	static const struct {
		const char *when;
		int64_t after_s;
		int64_t price, share; /* of g5.xlarge; by spot_share */
		bool is_secret;
	} passes[] = {
		{ "asked for the first time: the dearer zone", 0, 400000, 0, false },
		{ "within the hour nobody asks", HOUR - 1, 400000, 0, false },
		{ "an hour later one zone's is told: the other's stays", HOUR, 300000, 0, false },
		{ "it may not any more: the old price counts", 2 * HOUR, 300000, 0, true },
		{ "within that hour nobody asks", 3 * HOUR - 1, 300000, 0, true },
		{ "the answer makes no sense: the old price counts", 3 * HOUR, 300000, 0, true },
		{ "a day later the old price counts no more", 25 * HOUR, 0, 503000, true },
		{ "none is told: it is still unknown", 26 * HOUR, 0, 503000, false },
		{ "soon after nobody asks", 26 * HOUR + 299, 0, 503000, false },
		{ "one that is missing is asked for again", 26 * HOUR + 300, 500000, 0, false },
		{ "a clock that was set back silences nobody", HOUR, 600000, 0, false },
	};
	SCOPED(settings) struct settings settings = { 0 };
	SCOPED(ledger) struct ledger ledger = { 0 };
	struct http_peer peer = http_peer_start(script, ARRAY_LEN(script), NULL);

	(void)state;
	setenv("AWS_ENDPOINT_URL_EC2", peer.url, 1);
	load(&settings);
	for (size_t i = 0; i < ARRAY_LEN(passes); i++) {
		struct spot_prices_look look = { &settings, &ledger,
						 (NOW_S + passes[i].after_s) * 1000, INT64_MAX };
		const struct offering *offerings = settings.resources[0].offerings;
		int64_t want = passes[i].share ? passes[i].share : passes[i].price;

		spot_prices_look(&look);
		if (offerings[0].price != want || offerings[1].price != 10000 ||
		    (offerings[0].price_source == PRICE_SHARE) != (passes[i].share != 0) ||
		    ledger.resources[0].is_spot_secret != passes[i].is_secret)
			fail_msg("when %s: %lld", passes[i].when, (long long)offerings[0].price);
	}
	http_peer_finish(&peer, "a day");
}

static void test_asks_nobody(void **state)
{
	static const struct {
		const char *when;
		int64_t deadline_ms;
		size_t offering; /* the only one */
		enum market market;
	} cases[] = {
		{ "the pass's time is over", 0, 0, MARKET_SPOT },
		{ "all prices are the operator's", INT64_MAX, 1, MARKET_SPOT },
		{ "nothing is spot", INT64_MAX, 0, MARKET_ON_DEMAND },
	};

	(void)state;
	setenv("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:1", 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(settings) struct settings settings = { 0 };
		SCOPED(ledger) struct ledger ledger = { 0 };

		load(&settings);
		struct offering *offerings = settings.resources[0].offerings;

		offerings[0] = offerings[cases[i].offering];
		offerings[0].market = cases[i].market;
		settings.resources[0].offering_count = 1;
		spot_prices_look(&(struct spot_prices_look){ &settings, &ledger, NOW_S * 1000,
							     cases[i].deadline_ms });
		if (ledger.resource_count)
			fail_msg("when %s: it asked", cases[i].when);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_day),
		cmocka_unit_test(test_asks_nobody),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
