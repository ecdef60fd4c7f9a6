#include "reaper/money/spend.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "reaper/money/money.h"
#include "reaper/money/spend_runs.h"
#include "reaper/money/user_names.h"

enum { CALL_LIMIT_MS = 10000, STALE_S = 3600 };

static void note_problem(struct observation *seen, const char *what, struct error *why)
{
	(void)error_wrap(why, "%s", what);
	log_failure("unknown", why);
	if (!*seen->problem)
		text_cut(seen->problem, sizeof(seen->problem), why->message);
}

static int give_time(const struct spend_look *look, struct error *err)
{
	int64_t left_ms = look->deadline_ms - clock_monotonic_ms();

	if (left_ms <= 0)
		return error_set(err, ERROR_UNREACHABLE, "the pass's deadline is over");
	clearml_set_timeout(look->clearml, left_ms < CALL_LIMIT_MS ? left_ms : CALL_LIMIT_MS);
	return 0;
}

/* ---- prices ---- */

static int64_t price_of(const struct settings *settings, const struct observed_machine *machine)
{
	const struct instance *instance = &machine->instance;
	struct offering offering = { .market = instance->market };

	if (machine->resource == RESOURCE_NONE)
		return MONEY_UNKNOWN;
	const struct resource *resource = &settings->resources[machine->resource];
	const char *type = *instance->type	 ? instance->type :
			   *machine->record.type ? machine->record.type :
						   resource->type;

	text_cut(offering.type, sizeof(offering.type), type);
	memcpy(offering.zone, instance->zone, sizeof(offering.zone));
	/* Where the provider names no zone, the resource's offerings may all be in one region. */
	if (!*offering.zone && resource->offering_count)
		memcpy(offering.region, resource->offerings[0].region, sizeof(offering.region));
	return prices_find(&resource->prices, resource->provider, &offering, NULL);
}

/* ---- sums ---- */

struct sums {
	const struct settings *settings;
	struct observation *seen;
	size_t *queues; /* places in settings.queues, in order of name */
};

static void sums_release(struct sums *sums)
{
	free(sums->queues);
}

static const struct settings *sorted_for; /* qsort() takes no context */

static int by_queue_name(const void *left, const void *right)
{
	return strcmp(sorted_for->queues[*(const size_t *)left],
		      sorted_for->queues[*(const size_t *)right]);
}

static void sums_begin(const struct settings *settings, struct observation *seen, struct sums *out)
{
	*out = (struct sums){ .settings = settings, .seen = seen };
	out->queues = memory_array(settings->queue_count + 1, sizeof(*out->queues));
	for (size_t q = 0; q < settings->queue_count; q++)
		out->queues[q] = q;
	sorted_for = settings;
	if (settings->queue_count)
		qsort(out->queues, settings->queue_count, sizeof(*out->queues), by_queue_name);
}

static struct spent *spent_of_queue(struct sums *sums, const char *name)
{
	size_t low = 0, high = sums->settings->queue_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(sums->settings->queues[sums->queues[middle]], name);

		if (!order)
			return &sums->seen->queue_spent[sums->queues[middle]];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void add(struct spent *spent, const struct spend_row *row, bool is_today)
{
	spent->month += row->money;
	spent->day += is_today ? row->money : 0;
}

static bool add_row(const struct spend_row *row, void *context)
{
	struct sums *sums = context;
	const struct settings *settings = sums->settings;
	bool is_today = !strcmp(row->day, sums->seen->today);
	struct spent *queue = spent_of_queue(sums, row->queue);

	if (strncmp(row->day, sums->seen->today, 7) != 0) /* another month */
		return true;
	add(&sums->seen->spent, row, is_today);
	if (queue)
		add(queue, row, is_today);
	for (size_t r = 0; r < settings->resource_count; r++)
		if (!strcmp(settings->resources[r].name, row->resource))
			add(&sums->seen->resources[r].spent, row, is_today);
	for (size_t u = 0; u < settings->user_budget_count; u++)
		if (!strcmp(user_names_id(settings, sums->seen, u), row->user))
			add(&sums->seen->users[u].spent, row, is_today);
	return true;
}

static void month_of(const struct observation *seen, char first[static 11])
{
	text_cut(first, 11, seen->today);
	first[8] = '0';
	first[9] = '1';
}

static int add_up(const struct spend_look *look, struct observation *seen,
		  const struct spend_list *lists, size_t count, struct error *err)
{
	SCOPED(sums) struct sums sums = { 0 };
	char first[11];

	sums_begin(look->settings, seen, &sums);
	month_of(seen, first);
	if (ledger_spend_sums(look->file, first, seen->today, add_row, &sums, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		for (size_t r = 0; r < lists[i].count; r++)
			(void)add_row(&lists[i].rows[r], &sums);
	return 0;
}

/* ---- looking ---- */

static void tell_taken(const struct spend_mirror *mirror, int64_t now_s)
{
	char until[CLOCK_TEXT_LEN];

	clock_format(mirror->until_s * 1000, false, until);
	log_info("spend", "%zu sums of an earlier ledger are taken over, up to %s",
		 mirror->rows.count, until);
	if (now_s - mirror->until_s > STALE_S)
		log_warn("spend",
			 "what machines cost after %s, and ended before now, is in no sum: no "
			 "reaper ran meanwhile, or an old mirror was put back",
			 until);
}

/* What an earlier ledger left; what is not signed by our key was refused before (channel.h): then,
 * as when there is nothing, this ledger counts from now. */
static int take_over(const struct spend_look *look, const struct observation *seen,
		     struct spend_list *out, struct error *err)
{
	int64_t now_s = seen->now_ms / 1000;

	if (look->ledger->is_spend_whole)
		return 0;
	if (!look->channel)
		return error_set(err, ERROR_UNREACHABLE,
				 "the ledger is new, and the reaper's task could not be read");
	struct spend_mirror *mirror = &look->channel->mirrored;

	if (mirror->number) {
		tell_taken(mirror, now_s);
		look->ledger->counted_until_s = mirror->until_s < now_s ? mirror->until_s : now_s;
		ledger_spend_add(look->file, mirror->rows.rows, mirror->rows.count);
		*out = mirror->rows; /* theirs no more: this ledger signs its own */
		mirror->rows = (struct spend_list){ 0 };
	} else if (*look->channel->mirror_refused)
		look->ledger->spend_lost_s = now_s;
	look->ledger->is_spend_whole = true;
	return 0;
}

/* At every pass: who set a budget must not trust it meanwhile. */
static void tell_lost(const struct spend_look *look, struct observation *seen)
{
	int64_t lost_s = look->ledger->spend_lost_s;
	char since[CLOCK_TEXT_LEN];

	if (!money_is_loosened(look->settings, lost_s, seen->now_ms / 1000))
		return;
	seen->spend_lost_s = lost_s;
	clock_format(lost_s * 1000, false, since);
	log_warn("spend",
		 "budgets of this day or month count from %s only: the ledger was new, and the "
		 "mirror of what was spent before was refused",
		 since);
}

/* False: what the machines cost up to now could not be counted. */
static bool count(const struct spend_look *look, struct observation *seen, struct spend_list *out)
{
	struct error err;

	if (!seen->workers_known)
		return false;
	if (give_time(look, &err) < 0 ||
	    spend_runs_look(look->clearml, look->file, look->settings, seen, &err) < 0) {
		note_problem(seen, "whose tasks run", &err);
		return false;
	}
	money_accrue(seen, look->settings, look->ledger, out);
	ledger_spend_add(look->file, out->rows, out->count);
	return true;
}

/* Who was known stays known when ClearML does not answer. */
static void name_users(const struct spend_look *look, struct observation *seen)
{
	struct ledger *ledger = look->ledger;
	struct clearml_users found = { 0 };
	struct error err;

	if (user_names_are_due(look->settings, seen, ledger)) {
		ledger->users_asked_s = seen->now_ms / 1000;
		if (give_time(look, &err) == 0 && clearml_users(look->clearml, &found, &err) == 0) {
			free(ledger->users);
			ledger->users = found.list;
			ledger->user_count = found.count;
		} else {
			(void)error_wrap(&err, "names of users");
			log_failure("unknown", &err);
		}
	}
	user_names_resolve(look->settings,
			   &(struct clearml_users){ ledger->users, ledger->user_count }, seen);
}

static void look_at_users(const struct spend_look *look, struct observation *seen)
{
	struct error err;

	spend_runs_rate(look->settings, seen);
	if (!spend_runs_is_anyone_watched(look->settings, seen))
		return;
	if (give_time(look, &err) == 0 &&
	    spend_runs_bar(look->clearml, look->settings, seen, &err) == 0)
		return;
	/* Whose tasks wait is not known: none is launched for. */
	note_problem(seen, "whose tasks wait", &err);
	for (size_t q = 0; q < look->settings->queue_count; q++)
		seen->queues[q].barred = seen->queues[q].waiting;
}

void spend_look(const struct spend_look *look, struct observation *seen)
{
	enum { TAKEN, COUNTED, LISTS };
	struct spend_list lists[LISTS] = { 0 };
	unsigned calls_before = clearml_calls(look->clearml);
	struct error err;

	seen->is_spend_known = false;
	seen->users = memory_array(look->settings->user_budget_count + 1, sizeof(*seen->users));
	for (size_t i = 0; i < seen->machine_count; i++)
		seen->machines[i].price = price_of(look->settings, &seen->machines[i]);
	bool is_whole = take_over(look, seen, &lists[TAKEN], &err) == 0;

	if (!is_whole)
		note_problem(seen, "what was spent", &err);
	tell_lost(look, seen);
	bool is_counted = is_whole && count(look, seen, &lists[COUNTED]);

	name_users(look, seen);
	if (is_whole && add_up(look, seen, lists, LISTS, &err) < 0)
		note_problem(seen, "what was spent", &err);
	else
		seen->is_spend_known = is_counted;
	look_at_users(look, seen);
	for (size_t i = 0; i < LISTS; i++)
		spend_list_release(&lists[i]);
	seen->clearml_calls += clearml_calls(look->clearml) - calls_before;
}

/* ---- leaving ---- */

static bool keep_row(const struct spend_row *row, void *context)
{
	struct spend_list *list = context;

	if (!(list->count & (list->count + 1)))
		list->rows = memory_grow(list->rows, 2 * (list->count + 1), sizeof(*list->rows));
	list->rows[list->count++] = *row;
	return true;
}

int spend_leave(const struct spend_look *look, const struct observation *seen, struct error *err)
{
	SCOPED(spend_list) struct spend_list sums = { 0 };
	char first[11];

	if (!seen->is_spend_known || !look->channel || !look->channel->is_found)
		return 0;
	month_of(seen, first);
	if (give_time(look, err) < 0 ||
	    ledger_spend_sums(look->file, first, seen->today, keep_row, &sums, err) < 0)
		return error_wrap(err, "mirror the spend");
	if (!sums.count && !look->channel->board.values[CHANNEL_SPEND])
		return 0;
	return channel_mirror(look->channel, &sums, seen->now_ms / 1000, err);
}
