#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "reaper/breaker.h"
#include "reaper/observe_remember.h"
#include "reaper/offerings.h"
#include "reaper/pass_journal.h"
#include "reaper/text_index.h"

struct reporter {
	const struct act *act;
	const struct act_result *result;
	struct news_list *out;
};

void news_list_release(struct news_list *list)
{
	free(list->news);
	*list = (struct news_list){ 0 };
}

/* Returns the entry's text, to be written: an empty one of its room. */
static struct journal_entry *add(const struct reporter *reporter, enum news_kind kind,
				 const char *event, const char *subject)
{
	struct news_list *out = reporter->out;

	out->news = memory_grow(out->news, out->count + 1, sizeof(*out->news));
	struct news *news = &out->news[out->count++];
	*news = (struct news){ .kind = kind,
			       .entry = { .time_s = reporter->act->seen->now_ms / 1000 } };
	text_cut(news->entry.event, sizeof(news->entry.event), event);
	text_cut(news->entry.subject, sizeof(news->entry.subject), subject);
	return &news->entry;
}

static void PRINTF(2, 3) say(struct journal_entry *entry, const char *fmt, ...)
{
	va_list arguments;

	va_start(arguments, fmt);
	vsnprintf(entry->text, sizeof(entry->text), fmt, arguments);
	va_end(arguments);
}

static const struct resource *resource_of(const struct reporter *reporter, size_t resource)
{
	return &reporter->act->settings->resources[resource];
}

/* ---- launches ---- */

static void slot_name(const struct reporter *reporter, const struct planned_launch *launch,
		      char out[static TICKET_FIELD_ROOM])
{
	char text[TICKET_FIELD_ROOM + 32];

	snprintf(text, sizeof(text), "%s slot %u", resource_of(reporter, launch->resource)->name,
		 launch->slot);
	text_cut(out, TICKET_FIELD_ROOM, text);
}

static void add_launched(const struct reporter *reporter, size_t i)
{
	const struct planned_launch *launch = &reporter->act->plan->launches[i];
	const struct act_launched *launched = &reporter->result->launched[i];
	struct journal_entry *entry = add(reporter, NEWS_HAPPENED, "launched", launched->instance);

	say(entry, "%s slot %u generation %u, %s: %s",
	    resource_of(reporter, launch->resource)->name, launch->slot, launch->generation,
	    launched->offering, why_text(launch->why));
}

static void add_launch(const struct reporter *reporter, size_t i)
{
	const struct planned_launch *launch = &reporter->act->plan->launches[i];
	const struct error *why = &reporter->result->launched[i].why;
	char slot[TICKET_FIELD_ROOM];

	slot_name(reporter, launch, slot);
	switch (reporter->result->launches[i]) {
	case OUTCOME_DONE:
		add_launched(reporter, i);
		return;
	case OUTCOME_HELD:
		say(add(reporter, NEWS_LASTS, "held", slot), "held: %s", why->message);
		return;
	case OUTCOME_OPEN:
		say(add(reporter, NEWS_LASTS, "open", slot),
		    "no answer: the same request is repeated (%s)", why->message);
		return;
	case OUTCOME_FAILED:
		say(add(reporter, NEWS_LASTS, "launch failed", slot), "%s: %s",
		    error_class_name(why->class), why->message);
		return;
	default:
		return;
	}
}

/* ---- machines ---- */

static const char *resource_name(const struct reporter *reporter,
				 const struct observed_machine *machine)
{
	return machine->resource == RESOURCE_NONE ? machine->instance.resource :
						    resource_of(reporter, machine->resource)->name;
}

static void add_termination(const struct reporter *reporter, size_t i)
{
	const struct planned_termination *planned = &reporter->act->plan->terminations[i];
	const struct observed_machine *machine = &reporter->act->seen->machines[planned->machine];
	const char *id = machine->instance.id, *doom = doom_text(planned->doom);

	switch (reporter->result->terminations[i]) {
	case OUTCOME_DONE:
		say(add(reporter, NEWS_HAPPENED, "terminated", id), "%s slot %u: %s",
		    resource_name(reporter, machine), machine->instance.slot, doom);
		return;
	case OUTCOME_CHANGED:
		say(add(reporter, NEWS_HAPPENED, "left alone", id), "it is no more: %s", doom);
		return;
	case OUTCOME_FAILED:
		say(add(reporter, NEWS_LASTS, "termination failed", id), "%s: the log says why",
		    doom);
		return;
	default:
		return;
	}
}

static bool is_ending(const struct observed_machine *machine)
{
	return machine->is_listed && machine->instance.state >= INSTANCE_STOPPING;
}

/* How long it lived, as far as anybody knows, and what it said last. */
static void say_gone(const struct reporter *reporter, const struct observed_machine *machine)
{
	const struct instance *instance = &machine->instance;
	int64_t ended_ms =
		instance->ended_s ? instance->ended_s * 1000 : reporter->act->seen->now_ms;
	const char *reason = machine->record.reason;
	char span[CLOCK_TEXT_LEN] = "an unknown time";

	if (instance->launched_s)
		clock_format_span(ended_ms - instance->launched_s * 1000, span);
	say(add(reporter, NEWS_HAPPENED, "gone", instance->id), "%s slot %u after %s%s%s",
	    resource_name(reporter, machine), instance->slot, span, *reason ? ": " : "", reason);
}

/* Alive in the list of an earlier pass, and not in this one's. */
static void add_gone(const struct reporter *reporter)
{
	const struct observation *seen = reporter->act->seen;
	const struct ledger *ledger = reporter->act->ledger;
	SCOPED(text_index) struct text_index machines = { 0 };

	text_index_open(&machines, seen->machine_count);
	for (size_t i = 0; i < seen->machine_count; i++)
		(void)text_index_add(&machines, seen->machines[i].instance.id, i);
	for (size_t i = 0; i < ledger->machine_count; i++) {
		const struct remembered *remembered = &ledger->machines[i];
		size_t at = text_index_find(&machines, remembered->instance);

		if (at != TEXT_INDEX_NONE && remembered->listed_s && is_ending(&seen->machines[at]))
			say_gone(reporter, &seen->machines[at]);
		else if (at == TEXT_INDEX_NONE && observe_has_vanished(seen, remembered))
			say(add(reporter, NEWS_HAPPENED, "gone", remembered->instance),
			    "%s: no list shows it any more", remembered->resource);
	}
}

static void add_order(const struct reporter *reporter, const struct planned_order *planned)
{
	const struct observed_machine *machine = &reporter->act->seen->machines[planned->machine];

	say(add(reporter, NEWS_LASTS, "ordered", machine->instance.id), "%s: %s",
	    order_text(planned->order),
	    planned->doom == DOOM_NONE ? "an operator's word" : doom_text(planned->doom));
}

static void add_unregister(const struct reporter *reporter, size_t i)
{
	const struct planned_unregister *planned = &reporter->act->plan->unregisters[i];
	const struct observed_ghost *ghost = &reporter->act->seen->ghosts[planned->ghost];

	if (reporter->result->unregisters[i] == OUTCOME_DONE)
		say(add(reporter, NEWS_HAPPENED, "unregistered", ghost->worker),
		    "its machine %s is seen terminated", ghost->instance);
}

/* ---- tasks and queues ---- */

static void say_lost(struct journal_entry *entry, const struct observed_task *lost,
		     const char *fate)
{
	static const char *const losses[] = {
		[LOSS_TERMINATED] = "is seen terminated",
		[LOSS_UNLISTED] = "does not run it",
		[LOSS_NOBODY] = "",
	};

	if (lost->loss == LOSS_NOBODY)
		say(entry, "it was in no queue, and nobody's: %s", fate);
	else
		say(entry, "attempt %u of %u ended, its machine %s %s: %s", lost->attempt,
		    lost->max_attempts, lost->instance, losses[lost->loss], fate);
}

static void add_repair(const struct reporter *reporter, size_t i)
{
	const struct planned_repair *planned = &reporter->act->plan->repairs[i];
	const struct observed_task *lost = &reporter->act->seen->lost[planned->lost];

	if (reporter->result->repairs[i] == OUTCOME_FAILED)
		say(add(reporter, NEWS_LASTS, "repair failed", lost->task.id),
		    "%s: the log says why", verdict_name(planned->verdict));
	if (reporter->result->repairs[i] != OUTCOME_DONE)
		return;
	if (planned->verdict == VERDICT_RETURN)
		say_lost(add(reporter, NEWS_HAPPENED, "returned", lost->task.id), lost,
			 "back to the front of its queue");
	else if (planned->verdict == VERDICT_FAIL)
		say_lost(add(reporter, NEWS_HAPPENED, "failed", lost->task.id), lost,
			 "it is not tried again");
}

static void add_queue(const struct reporter *reporter, size_t q)
{
	const char *name = reporter->act->settings->queues[q];

	if (reporter->result->queues[q] == OUTCOME_DONE)
		say(add(reporter, NEWS_HAPPENED, "queue made", name),
		    "it is configured, and was not in ClearML");
}

static void add_double(const struct reporter *reporter, const struct observed_double *twice)
{
	say(add(reporter, NEWS_LASTS, "double", twice->task), "runs twice: %s and %s",
	    twice->workers[0], twice->workers[1]);
}

static void add_leftover(const struct reporter *reporter, size_t i)
{
	const struct leftover *left = &reporter->act->seen->leftovers[i].leftover;
	const char *kind = leftover_kind_text(left->kind);

	if (reporter->result->leftovers[i] == OUTCOME_DONE)
		say(add(reporter, NEWS_HAPPENED, "removed", left->id),
		    "%s of %s slot %u: its launch is over", kind, left->resource, left->slot);
	else if (reporter->result->leftovers[i] == OUTCOME_FAILED)
		say(add(reporter, NEWS_LASTS, "removal failed", left->id),
		    "%s of %s slot %u: the log says why", kind, left->resource, left->slot);
	else if (reporter->act->plan->leftovers[i] == LEFTOVER_KEPT)
		say(add(reporter, NEWS_LASTS, "leftover", left->id), "%s of %s slot %u: %s", kind,
		    left->resource, left->slot, leftover_fate_text(LEFTOVER_KEPT));
}

/* ---- what lasts ---- */

static void add_leftovers(const struct reporter *reporter)
{
	const struct observation *seen = reporter->act->seen;
	const char *prefix = reporter->act->settings->prefix;

	for (size_t i = 0; i < seen->leftover_count; i++)
		add_leftover(reporter, i);
	if (*seen->leftover_problem)
		say(add(reporter, NEWS_LASTS, "leftovers", prefix), "unknown: %s",
		    seen->leftover_problem);
	else if (seen->leftovers_known)
		say(add(reporter, NEWS_ENDED, "leftovers", prefix), "known again");
}

static void add_list(const struct reporter *reporter, size_t r)
{
	const struct observed_resource *seen = &reporter->act->seen->resources[r];
	const char *name = resource_of(reporter, r)->name;

	if (seen->is_listed)
		say(add(reporter, NEWS_ENDED, "list", name), "known again");
	else
		say(add(reporter, NEWS_LASTS, "list", name), "unknown: %s", seen->problem);
}

static void add_breaker(const struct reporter *reporter, size_t r)
{
	const struct settings *settings = reporter->act->settings;
	const struct observed_resource *seen = &reporter->act->seen->resources[r];
	const char *name = resource_of(reporter, r)->name;
	int64_t until_s = 0;
	enum breaker breaker =
		breaker_look(&(struct breaker_facts){ .failures = seen->boot_failures,
						      .limit = settings->breaker_failures,
						      .last_failure_s = seen->last_boot_failure_s,
						      .probe_s = settings->breaker_probe_s,
						      .now_s = reporter->act->seen->now_ms / 1000 },
			     &until_s);

	if (breaker == BREAKER_CLOSED)
		say(add(reporter, NEWS_ENDED, "breaker", name), "closed: a machine served");
	else
		say(add(reporter, NEWS_LASTS, "breaker", name), "%s: %u boots failed in a row%s",
		    breaker_name(breaker), seen->boot_failures,
		    breaker == BREAKER_OPEN ? ", nothing is launched for now" :
					      ", one machine is tried");
}

static void add_budget(const struct reporter *reporter, size_t r)
{
	const struct resource_plan *planned = &reporter->act->plan->resources[r];
	const char *name = resource_of(reporter, r)->name;

	if (planned->why == WHY_BUDGET)
		say(add(reporter, NEWS_LASTS, "budget", name), "nothing is launched: %s",
		    planned->words);
}

/* "$/day of resource gpu: 9.60 of 12.00 spent": the budget, as calm_budgets names it, is the
 * subject, for whichever of its limits is the tightest. */
static void add_warning(const struct reporter *reporter, const char *words)
{
	static const char of[] = " of ";
	const char *name = strstr(words, of);
	char subject[PLAN_WORDS_ROOM];

	if (!name)
		return;
	name += sizeof(of) - 1;

	/* A queue's name may have a colon of its own. */
	const char *rest = strrchr(name, ':');

	if (!rest)
		rest = name + strlen(name);
	text_cut(subject, sizeof(subject), name);
	subject[rest - name] = 0;
	say(add(reporter, NEWS_LASTS, "budget warning", subject), "nearly used up: %.*s%s",
	    (int)strcspn(words, " "), words, rest);
}

static void add_cooldown(const struct reporter *reporter, const struct offering_state *state)
{
	int64_t now_ms = reporter->act->seen->now_ms;
	char subject[TICKET_FIELD_ROOM + OFFERING_KEY_ROOM], span[CLOCK_TEXT_LEN];

	snprintf(subject, sizeof(subject), "%s %s", state->resource, state->offering);
	if (state->until_s * 1000 <= now_ms) {
		say(add(reporter, NEWS_ENDED, "cooldown", subject), "over: it may be asked again");
		return;
	}
	clock_format_span(state->until_s * 1000 - now_ms, span);
	say(add(reporter, NEWS_LASTS, "cooldown", subject),
	    "cooling down: no capacity or quota, %u times in a row; not asked for %s",
	    state->failures, span);
}

/* As this pass left it: the ledger holds what its launches came to. */
static void add_spot(const struct reporter *reporter, const struct remembered_resource *memory)
{
	const struct act *act = reporter->act;
	size_t r = settings_resource_named(act->settings, memory->resource);

	if (r == RESOURCE_NONE)
		return;
	const struct offerings_view view = {
		.resource = resource_of(reporter, r),
		.spot_failing_since_s = memory->spot_failing_since_s,
		.spot_blackout_until_s = memory->spot_blackout_until_s,
		.now_s = act->seen->now_ms / 1000,
	};
	char span[CLOCK_TEXT_LEN];

	switch (offerings_spot(&view)) {
	case SPOT_ROLLED_BACK:
		clock_format_span((view.now_s - view.spot_failing_since_s) * 1000, span);
		say(add(reporter, NEWS_LASTS, "spot", memory->resource),
		    "rolled back: spot has failed for %s, on-demand is asked too", span);
		return;
	case SPOT_BLACKED_OUT:
		clock_format_span((view.spot_blackout_until_s - view.now_s) * 1000, span);
		say(add(reporter, NEWS_LASTS, "spot", memory->resource),
		    "blackout: spot failed again, on-demand alone is asked for %s", span);
		return;
	default:
		say(add(reporter, NEWS_ENDED, "spot", memory->resource), "asked again");
	}
}

static void add_calm(const struct reporter *reporter, const char *budget)
{
	say(add(reporter, NEWS_ENDED, "budget warning", budget), "over: not nearly used up");
}

static void add_memory(const struct reporter *reporter)
{
	const struct act *act = reporter->act;
	bool is_lost = false;

	for (size_t r = 0; r < act->settings->resource_count; r++)
		is_lost |= act->plan->resources[r].why == WHY_MEMORY_LOST;
	if (is_lost)
		say(add(reporter, NEWS_LASTS, "memory", act->settings->prefix),
		    "lost: %s; nothing is terminated, nothing launched", why_text(WHY_MEMORY_LOST));
	else if (act->seen->workers_known)
		say(add(reporter, NEWS_ENDED, "memory", act->settings->prefix),
		    "back: machines report to ClearML again");
}

static void add_mirror(const struct reporter *reporter)
{
	const struct observation *seen = reporter->act->seen;
	const char *prefix = reporter->act->settings->prefix;
	char since[CLOCK_TEXT_LEN];

	if (*seen->mirror_refused)
		say(add(reporter, NEWS_LASTS, "mirror", prefix), "refused: %s",
		    seen->mirror_refused);
	if (!seen->spend_lost_s) {
		say(add(reporter, NEWS_ENDED, "budgets", prefix), "count from their begin again");
		return;
	}
	clock_format(seen->spend_lost_s * 1000, false, since);
	say(add(reporter, NEWS_LASTS, "budgets", prefix),
	    "of this day or month count from %s only: what was spent before is not known", since);
}

static void add_rival(const struct reporter *reporter)
{
	const struct act *act = reporter->act;

	if (*act->seen->rival)
		say(add(reporter, NEWS_LASTS, "other reaper", act->settings->prefix),
		    "at work: its ledger is %s, ours %s; run one, or give each a prefix",
		    act->seen->rival, act->ledger->issuer);
	else
		say(add(reporter, NEWS_ENDED, "other reaper", act->settings->prefix),
		    "gone: it has signed nothing for a day");
}

void pass_news(const struct act *act, const struct act_result *result, struct news_list *out)
{
	const struct reporter reporter = { act, result, out };
	const struct plan *plan = act->plan;

	for (size_t i = 0; i < plan->launch_count; i++)
		add_launch(&reporter, i);
	for (size_t i = 0; i < plan->termination_count; i++)
		add_termination(&reporter, i);
	add_gone(&reporter);
	for (size_t i = 0; i < plan->repair_count; i++)
		add_repair(&reporter, i);
	for (size_t i = 0; i < plan->order_count; i++)
		add_order(&reporter, &plan->orders[i]);
	for (size_t i = 0; i < plan->unregister_count; i++)
		add_unregister(&reporter, i);
	for (size_t i = 0; i < act->seen->double_count; i++)
		add_double(&reporter, &act->seen->doubles[i]);
	for (size_t q = 0; q < act->settings->queue_count; q++)
		add_queue(&reporter, q);
	add_leftovers(&reporter);
	for (size_t r = 0; r < act->settings->resource_count; r++) {
		add_list(&reporter, r);
		add_breaker(&reporter, r);
		add_budget(&reporter, r);
	}
	for (size_t i = 0; i < plan->warning_count; i++)
		add_warning(&reporter, plan->warnings[i]);
	for (size_t i = 0; i < plan->calm_budget_count; i++)
		add_calm(&reporter, plan->calm_budgets[i]);
	for (size_t i = 0; i < act->ledger->offering_count; i++)
		add_cooldown(&reporter, &act->ledger->offerings[i]);
	for (size_t i = 0; i < act->ledger->resource_count; i++)
		add_spot(&reporter, &act->ledger->resources[i]);
	add_memory(&reporter);
	add_mirror(&reporter);
	add_rival(&reporter);
}
