#include "tests/unit/support/ledger_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BASE_S INT64_C(1795472471)

static void sample_item(struct ledger *out, size_t i, unsigned n)
{
	struct open_attempt *attempt = &out->attempts[i];
	struct remembered *machine = &out->machines[i];
	struct remembered_resource *resource = &out->resources[i];
	struct offering_state *offering = &out->offerings[i];

	*attempt =
		(struct open_attempt){ .slot = n + 1, .generation = n + 2, .asked_s = BASE_S + n };
	snprintf(attempt->resource, sizeof(attempt->resource), "attempt-%06zu", i);
	snprintf(attempt->day, sizeof(attempt->day), "2026-11-%02u", n % 28 + 1);
	snprintf(attempt->offering, sizeof(attempt->offering), "m5.large/us-east-1%c/spot",
		 (char)('a' + n % 6));
	out->marks[i].first_s = BASE_S + 2 * n;
	snprintf(out->marks[i].what, sizeof(out->marks[i].what), "silent \"local-%06zu\" %u", i, n);
	*machine = (struct remembered){ .last_report_ms = BASE_S * 1000 + n,
					.listed_s = BASE_S + n + 11,
					.was_busy = n % 2,
					.has_served = n % 3 == 0,
					.is_judged = n % 5 == 0,
					.spent_until_s = BASE_S - n };
	snprintf(machine->instance, sizeof(machine->instance), "i-%06zu", i);
	snprintf(machine->resource, sizeof(machine->resource), "gpu-%u", n);
	*resource = (struct remembered_resource){ .boot_failures = n + 3,
						  .last_boot_failure_s = BASE_S + n + 4,
						  .spot_failing_since_s = BASE_S + n + 5,
						  .spot_blackout_until_s = BASE_S + n + 6,
						  .spot_asked_s = BASE_S + n + 12,
						  .is_spot_secret = n % 4 == 0 };
	snprintf(resource->resource, sizeof(resource->resource), "resource-%06zu", i);
	*offering = (struct offering_state){ .until_s = BASE_S + n + 7,
					     .failures = n + 8,
					     .hinted_until_s = BASE_S + n + 9 };
	snprintf(offering->resource, sizeof(offering->resource), "resource-%06zu", i);
	snprintf(offering->offering, sizeof(offering->offering), "n1/europe-west4-a/%u", n);
	out->orders[i].order = (enum order)(n % ORDER_COUNT);
	out->orders[i].since_s = BASE_S + n + 10;
	snprintf(out->orders[i].instance, sizeof(out->orders[i].instance), "i-%06zu", i);
	snprintf(out->orders[i].issuer, sizeof(out->orders[i].issuer), "%08x", n % 3);
	snprintf(out->users[i].id, sizeof(out->users[i].id), "user-%06zu", i);
	snprintf(out->users[i].name, sizeof(out->users[i].name), "Ann \"%u\"", n);
	out->spot_prices[i] = (struct spot_price){ .price = n + 13, .learned_s = BASE_S + n + 14 };
	snprintf(out->spot_prices[i].resource, sizeof(out->spot_prices[i].resource), "gpu-%06zu",
		 i);
	text_cut(out->spot_prices[i].type, sizeof(out->spot_prices[i].type), "g5.xlarge");
	text_cut(out->spot_prices[i].region, sizeof(out->spot_prices[i].region), "us-east-1");
	snprintf(out->spot_prices[i].zone, sizeof(out->spot_prices[i].zone), "us-east-1%c",
		 (char)('a' + n % 6));
}

void ledger_sample(unsigned seed, size_t count, struct ledger *out)
{
	*out = (struct ledger){ .since_s = BASE_S + seed,
				.passes = seed + 1,
				.looked_s = BASE_S + seed + 3,
				.channel = seed + 2,
				.is_spend_whole = seed % 2,
				.counted_until_s = BASE_S + seed + 4,
				.users_asked_s = BASE_S + seed + 5,
				.mirror = seed + 5,
				.rival_s = BASE_S + seed + 6,
				.spend_lost_s = BASE_S + seed + 7 };
	snprintf(out->issuer, sizeof(out->issuer), "%08x", seed + 7);
	snprintf(out->rival, sizeof(out->rival), "%08x", seed + 8);
	snprintf(out->task, sizeof(out->task), "%032x", seed);
	out->attempts = memory_array(count + 1, sizeof(*out->attempts));
	out->marks = memory_array(count + 1, sizeof(*out->marks));
	out->machines = memory_array(count + 1, sizeof(*out->machines));
	out->resources = memory_array(count + 1, sizeof(*out->resources));
	out->offerings = memory_array(count + 1, sizeof(*out->offerings));
	out->orders = memory_array(count + 1, sizeof(*out->orders));
	out->users = memory_array(count + 1, sizeof(*out->users));
	out->spot_prices = memory_array(count + 1, sizeof(*out->spot_prices));
	for (size_t i = 0; i < count; i++)
		sample_item(out, i, seed + (unsigned)i);
	out->attempt_count = out->mark_count = out->machine_count = count;
	out->resource_count = out->offering_count = out->order_count = count;
	out->user_count = out->spot_price_count = count;
}

#define SAME_LISTS(list, count)        \
	(one->count == other->count && \
	 (!one->count || !memcmp(one->list, other->list, one->count * sizeof(*one->list))))

const char *ledger_difference(const struct ledger *one, const struct ledger *other)
{
	if (one->since_s != other->since_s || one->passes != other->passes)
		return "since, or passes";
	if (strcmp(one->task, other->task) != 0 || one->channel != other->channel)
		return "the reaper's task, or the command's number";
	if (one->looked_s != other->looked_s || one->is_spend_whole != other->is_spend_whole ||
	    one->counted_until_s != other->counted_until_s ||
	    one->users_asked_s != other->users_asked_s || one->spend_lost_s != other->spend_lost_s)
		return "when it looked, or what is counted";
	if (strcmp(one->issuer, other->issuer) != 0 || strcmp(one->rival, other->rival) != 0 ||
	    one->rival_s != other->rival_s || one->mirror != other->mirror)
		return "who signs, or who else does";
	if (!SAME_LISTS(attempts, attempt_count))
		return "attempts";
	if (!SAME_LISTS(marks, mark_count))
		return "marks";
	if (!SAME_LISTS(machines, machine_count))
		return "machines";
	if (!SAME_LISTS(resources, resource_count))
		return "resources";
	if (!SAME_LISTS(offerings, offering_count))
		return "offerings";
	if (!SAME_LISTS(orders, order_count))
		return "orders";
	if (!SAME_LISTS(users, user_count))
		return "users";
	return SAME_LISTS(spot_prices, spot_price_count) ? NULL : "spot prices";
}

struct ledger_file *ledger_opened(const char *folder, int64_t now_s)
{
	struct ledger_file *file;
	struct error err = { 0 };

	if (ledger_open(folder, now_s, &file, &err) < 0)
		fail_msg("%s", err.message);
	return file;
}
