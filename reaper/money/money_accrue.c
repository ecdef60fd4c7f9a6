#include <stdlib.h>
#include <string.h>

#include "reaper/money/money.h"

enum { DAY_S = 86400, HOUR_S = 3600, MOST_RUNS = MACHINE_MAX_SEATS };

struct accrual { /* one machine's */
	const struct observation *seen;
	const struct settings *settings;
	const struct observed_machine *machine;
	const char
		*idle_queue; /* what a seat without a task, or a task of an unknown queue, is for */
	const struct observed_run *runs[MOST_RUNS]; /* one a seat */
	unsigned run_count, seats;
	int64_t from_s, until_s;
	struct spend_list *out;
	size_t first; /* of its rows */
};

/* ---- exact shares ---- */

/* What it has cost from its launch to then, rounded down: so the cost of a stretch is a difference,
 * and stretches that follow each other add up to the whole, however they are cut. */
static int64_t cost_until(int64_t price, int64_t launched_s, int64_t at_s)
{
	int64_t lived = at_s > launched_s ? at_s - launched_s : 0;

	return lived / HOUR_S * price + lived % HOUR_S * price / HOUR_S;
}

/* Of seat i, so that all seats' shares add up to the whole. */
static int64_t share(int64_t whole, unsigned seat, unsigned seats)
{
	int64_t each = whole / seats, left = whole % seats;

	return each + left * (seat + 1) / seats - left * seat / seats;
}

/* ---- days ---- */

/* Of days since 1970 (as clock_format(), which is no pure function's to call). */
static void day_text(int64_t days, char out[static 11])
{
	int64_t shifted = days + 719468, era = shifted / 146097;
	int64_t day_of_era = shifted % 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t march = (5 * day_of_year + 2) / 153; /* 0: March ... 11: February */
	int64_t day = day_of_year - (153 * march + 2) / 5 + 1;
	int64_t month = march < 10 ? march + 3 : march - 9;
	int64_t year = year_of_era + era * 400 + (month <= 2);
	int64_t number = year * 10000 + month * 100 + day;

	for (int at = 9; at >= 0; at--) {
		if (at == 7 || at == 4) {
			out[at] = '-';
			continue;
		}
		out[at] = (char)('0' + number % 10);
		number /= 10;
	}
	out[10] = 0;
}

/* ---- rows ---- */

static struct spend_row *row_of(struct accrual *accrual, const struct spend_row *key)
{
	struct spend_list *out = accrual->out;

	for (size_t i = out->count; i > accrual->first; i--) {
		struct spend_row *row = &out->rows[i - 1];

		if (!strcmp(row->day, key->day) && !strcmp(row->task, key->task) &&
		    !strcmp(row->queue, key->queue) && !strcmp(row->user, key->user))
			return row;
	}
	/* Doubling, so that many machines do not copy the list once each. */
	if (!(out->count & (out->count + 1)))
		out->rows = memory_grow(out->rows, 2 * (out->count + 1), sizeof(*out->rows));
	out->rows[out->count] = *key;
	return &out->rows[out->count++];
}

static void count_seat(struct accrual *accrual, unsigned seat, int64_t from_s, int64_t until_s)
{
	const struct observed_machine *machine = accrual->machine;
	const struct observed_run *run = seat < accrual->run_count ? accrual->runs[seat] : NULL;
	int64_t launched_s = machine->instance.launched_s;
	bool is_priced = machine->price != MONEY_UNKNOWN;
	int64_t money = is_priced ? cost_until(machine->price, launched_s, until_s) -
					    cost_until(machine->price, launched_s, from_s) :
				    0;
	int64_t seconds = share(until_s - from_s, seat, accrual->seats);
	struct spend_row key = { 0 };

	if (run && run->since_s > from_s)
		run = NULL;
	day_text(from_s / DAY_S, key.day);
	memcpy(key.resource, machine->instance.resource, sizeof(key.resource));
	memcpy(key.instance, machine->instance.id, sizeof(key.instance));
	text_cut(key.queue, sizeof(key.queue),
		 run && *run->queue ? run->queue : accrual->idle_queue);
	if (run) {
		memcpy(key.task, run->task, sizeof(key.task));
		memcpy(key.user, run->user, sizeof(key.user));
	}
	struct spend_row *row = row_of(accrual, &key);

	row->seconds += seconds;
	row->money += share(money, seat, accrual->seats);
	row->unpriced_s += is_priced ? 0 : seconds;
}

/* To the next midnight, or the next task's begin. */
static int64_t stretch_end(const struct accrual *accrual, int64_t at_s)
{
	int64_t end_s = (at_s / DAY_S + 1) * DAY_S;

	if (accrual->until_s < end_s)
		end_s = accrual->until_s;
	for (unsigned i = 0; i < accrual->run_count; i++)
		if (accrual->runs[i]->since_s > at_s && accrual->runs[i]->since_s < end_s)
			end_s = accrual->runs[i]->since_s;
	return end_s;
}

static void count_machine(struct accrual *accrual)
{
	accrual->first = accrual->out->count;
	for (int64_t at_s = accrual->from_s; at_s < accrual->until_s;) {
		int64_t end_s = stretch_end(accrual, at_s);

		for (unsigned seat = 0; seat < accrual->seats; seat++)
			count_seat(accrual, seat, at_s, end_s);
		at_s = end_s;
	}
}

/* ---- which machine, from when to when ---- */

/* The runs are in order of instance. */
static void find_runs(struct accrual *accrual)
{
	const struct observation *seen = accrual->seen;
	size_t low = 0, high = seen->run_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(seen->runs[middle].instance, accrual->machine->instance.id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < seen->run_count && accrual->run_count < MOST_RUNS &&
	       !strcmp(seen->runs[low].instance, accrual->machine->instance.id);
	     low++)
		accrual->runs[accrual->run_count++] = &seen->runs[low];
}

static void find_seats(struct accrual *accrual)
{
	const struct observed_machine *machine = accrual->machine;
	size_t r = settings_resource_named(accrual->settings, machine->instance.resource);
	const struct resource *resource =
		r == RESOURCE_NONE ? NULL : &accrual->settings->resources[r];

	accrual->seats = machine->record.seats ? machine->record.seats :
			 resource	       ? resource->ticket.seats :
						 1;
	if (accrual->seats < accrual->run_count || !accrual->seats)
		accrual->seats = accrual->run_count ? accrual->run_count : 1;
	if (resource && resource->queue_count == 1)
		accrual->idle_queue = accrual->settings->queues[resource->queues[0]];
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* A machine costs until now, or until the provider says that it ended; one that is stopped,
 * terminated, or not in a list that is whole, has cost until it was last heard of: when it ended
 * nobody saw. */
static int64_t counted_to(const struct observation *seen, const struct observed_machine *machine)
{
	int64_t now_s = seen->now_ms / 1000, heard_s = machine->last_report_ms / 1000;
	enum instance_state state = machine->instance.state;
	bool is_gone = !machine->is_listed && machine->resource != RESOURCE_NONE &&
		       seen->resources[machine->resource].is_listed;

	if (state == INSTANCE_TERMINATED && machine->instance.ended_s)
		return least(machine->instance.ended_s, now_s);
	if (state != INSTANCE_TERMINATED && state != INSTANCE_STOPPED && !is_gone)
		return now_s;
	return least(heard_s, now_s);
}

struct places { /* of machines, observed or remembered, in order of their names */
	size_t *list;
	size_t count;
};

static void places_release(struct places *places)
{
	free(places->list);
}

struct named {
	const char *name;
	size_t place;
};

static int by_name(const void *left, const void *right)
{
	const struct named *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : (a->place > b->place) - (a->place < b->place);
}

static void sort_places(struct named *named, size_t count, struct places *out)
{
	if (count)
		qsort(named, count, sizeof(*named), by_name);
	out->list = memory_array(count, sizeof(*out->list));
	out->count = count;
	for (size_t i = 0; i < count; i++)
		out->list[i] = named[i].place;
	free(named);
}

static void sort_observed(const struct observation *seen, struct places *out)
{
	struct named *named = memory_array(seen->machine_count, sizeof(*named));

	for (size_t i = 0; i < seen->machine_count; i++)
		named[i] = (struct named){ seen->machines[i].instance.id, i };
	sort_places(named, seen->machine_count, out);
}

static void sort_remembered(const struct ledger *ledger, struct places *out)
{
	struct named *named = memory_array(ledger->machine_count, sizeof(*named));

	for (size_t i = 0; i < ledger->machine_count; i++)
		named[i] = (struct named){ ledger->machines[i].instance, i };
	sort_places(named, ledger->machine_count, out);
}

static struct remembered *remember(struct ledger *ledger, const struct observed_machine *machine)
{
	ledger->machines =
		memory_grow(ledger->machines, ledger->machine_count + 1, sizeof(*ledger->machines));
	struct remembered *remembered = &ledger->machines[ledger->machine_count++];

	*remembered = (struct remembered){ 0 };
	memcpy(remembered->instance, machine->instance.id, sizeof(remembered->instance));
	memcpy(remembered->resource, machine->instance.resource, sizeof(remembered->resource));
	return remembered;
}

/* One that no pass saw alive: it came and went between two of them, or ended before this ledger
 * began (before the sums that it took over end), and is none of its business. */
static bool is_counted(const struct ledger *ledger, const struct observed_machine *machine)
{
	int64_t since_s = ledger->counted_until_s ? ledger->counted_until_s : ledger->since_s;

	return machine->instance.state != INSTANCE_TERMINATED ||
	       machine->instance.ended_s > since_s;
}

/* Its record alone does not say on which market it is: what it cost meanwhile is counted when a
 * list shows it again, and not put down as nothing. */
static bool is_price_to_come(const struct observation *seen, const struct observed_machine *machine)
{
	return !machine->is_listed && machine->price == MONEY_UNKNOWN &&
	       machine->resource != RESOURCE_NONE && !seen->resources[machine->resource].is_listed;
}

static void accrue_machine(struct accrual *accrual, struct ledger *ledger,
			   struct remembered *remembered)
{
	const struct observed_machine *machine = accrual->machine;

	/* What has no id yet is counted under its own, from its launch on. */
	if (!machine->instance.launched_s || machine->instance.is_unnamed ||
	    is_price_to_come(accrual->seen, machine) ||
	    (!remembered && !is_counted(ledger, machine)))
		return;
	accrual->from_s = remembered && remembered->spent_until_s ? remembered->spent_until_s :
								    machine->instance.launched_s;
	if (accrual->from_s < ledger->counted_until_s)
		accrual->from_s = ledger->counted_until_s;
	accrual->until_s = counted_to(accrual->seen, machine);
	if (accrual->until_s > accrual->from_s) {
		find_runs(accrual);
		find_seats(accrual);
		count_machine(accrual);
	}
	if (!remembered)
		remembered = remember(ledger, machine);
	int64_t marked_s = machine->instance.state == INSTANCE_STOPPED ?
				   accrual->seen->now_ms / 1000 :
				   accrual->until_s;

	if (marked_s < accrual->from_s)
		marked_s = accrual->from_s;
	if (remembered->spent_until_s < marked_s)
		remembered->spent_until_s = marked_s;
}

void money_accrue(const struct observation *seen, const struct settings *settings,
		  struct ledger *ledger, struct spend_list *out)
{
	SCOPED(places) struct places observed = { 0 }, known = { 0 };
	size_t at = 0;

	*out = (struct spend_list){ 0 };
	sort_observed(seen, &observed);
	sort_remembered(ledger, &known);
	for (size_t i = 0; i < observed.count; i++) {
		struct accrual accrual = { .seen = seen,
					   .settings = settings,
					   .machine = &seen->machines[observed.list[i]],
					   .idle_queue = "",
					   .out = out };
		const char *name = accrual.machine->instance.id;
		struct remembered *remembered = NULL;

		/* Two lists may show the same one. */
		if (i && !strcmp(name, seen->machines[observed.list[i - 1]].instance.id))
			continue;
		while (at < known.count &&
		       strcmp(ledger->machines[known.list[at]].instance, name) < 0)
			at++;
		if (at < known.count && !strcmp(ledger->machines[known.list[at]].instance, name))
			remembered = &ledger->machines[known.list[at]];
		accrue_machine(&accrual, ledger, remembered);
	}
}

void spend_list_release(struct spend_list *list)
{
	free(list->rows);
	*list = (struct spend_list){ 0 };
}
