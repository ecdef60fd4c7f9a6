#include "reaper/observe_join.h"

#include <stdlib.h>
#include <string.h>

#include "reaper/text_index.h"

/* A report takes its time to us, and Date headers count whole seconds. */
enum { RECORD_MARGIN_MS = 15000, RECORD_TIMEOUT_MS = MACHINE_RECORD_TIMEOUT_S * 1000 };
enum { LIST_MEMORY_S = 300, LEAST_VANISHED = 2, LEAST_ENTRIES = 1000 };

/* ---- queues ---- */

/* launch_after: a task that a free machine takes at once is not worth a launch. */
static unsigned count_ripe(const struct clearml_queue *queue, int64_t now_ms,
			   int64_t launch_after_s)
{
	unsigned ripe = 0;

	for (size_t i = 0; i < queue->entry_count; i++)
		ripe += !launch_after_s ||
			now_ms - queue->entries[i].added_ms >= launch_after_s * 1000;
	return ripe;
}

unsigned join_entry_cap(const struct settings *settings)
{
	uint64_t seats = 1;

	if (settings->user_budget_count)
		return 0;
	for (size_t r = 0; r < settings->resource_count; r++)
		seats += (uint64_t)settings->resources[r].max_instances *
			 settings->resources[r].ticket.seats;
	return (unsigned)(seats > LEAST_ENTRIES ? seats : LEAST_ENTRIES);
}

void join_queues(struct observation *seen, const struct settings *settings,
		 const struct clearml_queues *queues, unsigned cap)
{
	SCOPED(text_index) struct text_index index = { 0 };

	text_index_open(&index, queues->count);
	for (size_t i = 0; i < queues->count; i++)
		(void)text_index_add(&index, queues->list[i].name, i);
	for (size_t i = 0; i < settings->queue_count; i++) {
		size_t found = text_index_find(&index, settings->queues[i]);

		if (found == TEXT_INDEX_NONE)
			continue;
		const struct clearml_queue *queue = &queues->list[found];
		seen->queues[i] = (struct observed_queue){
			.exists = true,
			.is_forced_off = queue->is_forced_off,
			.waiting = (unsigned)queue->entry_count,
			.is_capped = cap && queue->entry_count >= cap,
			.ripe = count_ripe(queue, seen->now_ms, settings->launch_after_s),
			.oldest_ms = queue->entry_count ? queue->entries[0].added_ms : 0,
		};
		memcpy(seen->queues[i].id, queue->id, sizeof(queue->id));
	}
}

/* ---- instances ---- */

/* Room for so many more: then what an index borrows does not move. */
static void make_room(struct observation *seen, size_t more)
{
	seen->machines = memory_grow(seen->machines, seen->machine_count + more + 1,
				     sizeof(*seen->machines));
}

static struct observed_machine *add_machine(struct observation *seen)
{
	struct observed_machine *machine = &seen->machines[seen->machine_count++];

	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): make_room() was called */
	*machine = (struct observed_machine){ .resource = RESOURCE_NONE,
					      .place = RESOURCE_NONE,
					      .price = MONEY_UNKNOWN };
	return machine;
}

static void index_machines(const struct observation *seen, size_t room, struct text_index *index)
{
	text_index_open(index, seen->machine_count + room);
	for (size_t i = 0; i < seen->machine_count; i++)
		(void)text_index_add(index, seen->machines[i].instance.id, i);
}

static struct observed_machine *find_machine(struct observation *seen,
					     const struct text_index *index, const char *instance)
{
	size_t place = text_index_find(index, instance);

	return place == TEXT_INDEX_NONE ? NULL : &seen->machines[place];
}

void join_fleet(struct observation *seen, const struct settings *settings, size_t place,
		const struct fleet *fleet)
{
	SCOPED(text_index) struct text_index index = { 0 };

	make_room(seen, fleet->count);
	index_machines(seen, fleet->count, &index);
	for (size_t i = 0; i < fleet->count; i++) {
		const struct instance *instance = &fleet->list[i];
		struct observed_machine *machine = find_machine(seen, &index, instance->id);

		if (!machine) {
			machine = add_machine(seen);
			(void)text_index_add(&index, fleet->list[i].id, seen->machine_count - 1);
			machine->resource = settings_resource_named(settings, instance->resource);
			machine->place = place;
			machine->is_listed = true;
		}
		/* Of two lists the later one knows more; its own resource's list is its place. */
		machine->instance = *instance;
		if (machine->resource == place)
			machine->place = place;
	}
}

/* ---- open attempts ---- */

enum { SLOT_KEY_TEXT_ROOM = TICKET_FIELD_ROOM + 12 };

static void slot_text(const char *resource, unsigned slot, char out[static SLOT_KEY_TEXT_ROOM])
{
	size_t at = strnlen(resource, TICKET_FIELD_ROOM);

	memcpy(out, resource, at);
	out[at++] = ':'; /* stands in no resource's name */
	do {
		out[at++] = (char)('0' + slot % 10);
		slot /= 10;
	} while (slot);
	out[at] = '\0';
}

/* What the lists say of the slot of an attempt. */
struct slot_sight {
	char text[SLOT_KEY_TEXT_ROOM];
	bool is_taken;
	bool has_ended;
	unsigned ended; /* the newest generation that was seen terminated */
};

static void note_sight(const struct instance *instance, struct slot_sight *sight)
{
	if (instance->state != INSTANCE_TERMINATED) {
		sight->is_taken = true;
		return;
	}
	if (!sight->has_ended || instance->generation > sight->ended)
		sight->ended = instance->generation;
	sight->has_ended = true;
}

/* The slot has moved on, or somebody is in it: then our request is answered. */
static bool is_answered(const struct slot_sight *sight, const struct open_attempt *attempt)
{
	return sight->is_taken || (sight->has_ended && sight->ended >= attempt->generation);
}

static void look_at_slots(const struct observation *seen, const struct ledger *ledger,
			  struct text_index *index, struct slot_sight *sights)
{
	char text[SLOT_KEY_TEXT_ROOM];

	for (size_t i = 0; i < ledger->attempt_count; i++) {
		slot_text(ledger->attempts[i].resource, ledger->attempts[i].slot, sights[i].text);
		(void)text_index_add(index, sights[i].text, i);
	}
	for (size_t i = 0; i < seen->machine_count; i++) {
		const struct instance *instance = &seen->machines[i].instance;

		slot_text(instance->resource, instance->slot, text);
		size_t at = text_index_find(index, text);
		if (at != TEXT_INDEX_NONE)
			note_sight(instance, &sights[at]);
	}
}

void join_attempts(struct observation *seen, const struct ledger *ledger)
{
	SCOPED(text_index) struct text_index index = { 0 };
	struct slot_sight *sights = memory_array(ledger->attempt_count + 1, sizeof(*sights));

	text_index_open(&index, ledger->attempt_count);
	look_at_slots(seen, ledger, &index, sights);
	seen->attempts = memory_array(ledger->attempt_count + 1, sizeof(*seen->attempts));
	for (size_t i = 0; i < ledger->attempt_count; i++) {
		size_t at = text_index_find(&index, sights[i].text);

		if (!is_answered(&sights[at], &ledger->attempts[i]))
			seen->attempts[seen->attempt_count++] = ledger->attempts[i];
	}
	free(sights);
}

/* ---- machine records ---- */

static int64_t reported_ms(const struct machine_record *record)
{
	return record->last_report_ms > record->registered_ms ? record->last_report_ms :
								record->registered_ms;
}

bool join_is_live(const struct machine_record *record, int64_t now_ms)
{
	return now_ms - reported_ms(record) < RECORD_TIMEOUT_MS &&
	       strcmp(record->phase, "left") != 0;
}

/* A live machine that no list shows: of another host, or its list failed, or is late. */
static struct observed_machine *add_unlisted(struct observation *seen,
					     const struct settings *settings,
					     const struct machine_record *record)
{
	struct observed_machine *machine = add_machine(seen);
	struct instance *instance = &machine->instance;

	memcpy(instance->id, record->instance, sizeof(instance->id));
	memcpy(instance->resource, record->resource, sizeof(instance->resource));
	memcpy(instance->type, record->type, sizeof(instance->type));
	instance->state = INSTANCE_RUNNING;
	instance->launched_s = record->launched_s;
	/* Tags that made no sense name no slot: it counts, but holds no place of its own. */
	instance->slot = *record->phase ? record->slot : UINT32_MAX;
	instance->generation = record->generation;
	machine->resource = settings_resource_named(settings, record->resource);
	return machine;
}

/* Fit for work: what only a machine says or does that got through its gates. One that left keeps
 * no claim and no free seat in its record, but these reasons come after serving alone. */
static bool tells_of_service(const struct machine_record *record)
{
	return !strcmp(record->phase, "serve") || record->claim == CLAIM_SERVES ||
	       record->task_count || !strcmp(record->reason, "idle") ||
	       !strcmp(record->reason, "one-task");
}

static void take_record(struct observed_machine *machine, const struct machine_record *record,
			bool lives)
{
	/* Two users may have left a record of one name: the newer one counts, and either proves
	 * that the machine came up. */
	machine->has_served |= tells_of_service(record);
	if (machine->was_seen && machine->last_report_ms > reported_ms(record))
		return;
	machine->was_seen = true;
	machine->was_busy = record->task_count > 0;
	machine->last_report_ms = reported_ms(record);
	machine->has_record = lives;
	machine->record = *record;
}

void join_records(struct observation *seen, const struct settings *settings,
		  const struct record_list *records)
{
	SCOPED(text_index) struct text_index index = { 0 };

	make_room(seen, records->count);
	index_machines(seen, records->count, &index);
	for (size_t i = 0; i < records->count; i++) {
		const struct machine_record *record = &records->list[i];
		struct observed_machine *machine = find_machine(seen, &index, record->instance);
		bool lives = join_is_live(record, seen->now_ms);

		if (!machine && !lives)
			continue;
		if (!machine) {
			machine = add_unlisted(seen, settings, record);
			(void)text_index_add(&index, record->instance, seen->machine_count - 1);
		}
		take_record(machine, record, lives);
	}
}

size_t join_missing(const struct ledger *ledger, const struct record_list *records, int64_t now_ms)
{
	SCOPED(text_index) struct text_index index = { 0 };
	size_t missing = 0;

	text_index_open(&index, records->count);
	for (size_t i = 0; i < records->count; i++)
		(void)text_index_add(&index, records->list[i].instance, i);
	for (size_t i = 0; i < ledger->machine_count; i++) {
		const struct remembered *machine = &ledger->machines[i];

		if (now_ms - machine->last_report_ms < RECORD_TIMEOUT_MS - RECORD_MARGIN_MS &&
		    text_index_find(&index, machine->instance) == TEXT_INDEX_NONE)
			missing++;
	}
	return missing;
}

/* ---- the ledger's memory ---- */

static void join_memory(struct observation *seen, const struct settings *settings,
			const struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->resource_count; i++) {
		const struct remembered_resource *from = &ledger->resources[i];
		size_t r = settings_resource_named(settings, from->resource);

		if (r == RESOURCE_NONE)
			continue;
		struct observed_resource *to = &seen->resources[r];
		to->boot_failures = from->boot_failures;
		to->last_boot_failure_s = from->last_boot_failure_s;
		to->spot_failing_since_s = from->spot_failing_since_s;
		to->spot_blackout_until_s = from->spot_blackout_until_s;
	}
}

static void join_remembered(struct observed_machine *machine, const struct remembered *remembered)
{
	machine->has_served |= remembered->has_served;
	if (machine->last_report_ms >= remembered->last_report_ms)
		return;
	machine->was_seen = true;
	machine->was_busy = remembered->was_busy;
	machine->last_report_ms = remembered->last_report_ms;
}

static void *copy_list(const void *list, size_t count, size_t item_len)
{
	void *copy = memory_array(count + 1, item_len);

	if (count)
		memcpy(copy, list, count * item_len);
	return copy;
}

void join_ledger(struct observation *seen, const struct settings *settings,
		 const struct ledger *ledger)
{
	SCOPED(text_index) struct text_index index = { 0 };
	struct observed_machine *machine;

	seen->ledger_since_s = ledger->since_s;
	seen->marks = copy_list(ledger->marks, ledger->mark_count, sizeof(*seen->marks));
	seen->mark_count = ledger->mark_count;
	seen->offerings =
		copy_list(ledger->offerings, ledger->offering_count, sizeof(*seen->offerings));
	seen->offering_count = ledger->offering_count;
	join_memory(seen, settings, ledger);
	index_machines(seen, 0, &index);
	for (size_t i = 0; i < ledger->machine_count; i++) {
		machine = find_machine(seen, &index, ledger->machines[i].instance);
		if (machine)
			join_remembered(machine, &ledger->machines[i]);
	}
	for (size_t i = 0; i < ledger->order_count; i++) {
		machine = find_machine(seen, &index, ledger->orders[i].instance);
		if (machine)
			machine->order = ledger->orders[i].order;
	}
}

/* ---- lists that are suddenly empty ---- */

struct vanished {
	size_t expected, missing;
};

static void count_vanished(const struct observation *seen, const struct settings *settings,
			   const struct ledger *ledger, const struct text_index *accounted,
			   struct vanished *counts)
{
	for (size_t i = 0; i < ledger->machine_count; i++) {
		const struct remembered *remembered = &ledger->machines[i];
		size_t r = settings_resource_named(settings, remembered->resource);

		if (r == RESOURCE_NONE || !remembered->listed_s ||
		    seen->now_ms / 1000 - remembered->listed_s > LIST_MEMORY_S)
			continue;
		counts[r].expected++;
		counts[r].missing +=
			text_index_find(accounted, remembered->instance) == TEXT_INDEX_NONE;
	}
}

/* Listed, or gone by its own word. */
static void index_accounted(const struct observation *seen, const struct record_list *records,
			    struct text_index *index)
{
	text_index_open(index, seen->machine_count + records->count);
	for (size_t i = 0; i < seen->machine_count; i++)
		if (seen->machines[i].is_listed)
			(void)text_index_add(index, seen->machines[i].instance.id, i);
	for (size_t i = 0; i < records->count; i++)
		if (!strcmp(records->list[i].phase, "left"))
			(void)text_index_add(index, records->list[i].instance, i);
}

/* How many machines a list that failed keeps from us, as far as the ledger knows. What has left by
 * its own word counts too: it may not have powered off. */
static void count_hidden(struct observation *seen, const struct settings *settings,
			 const struct ledger *ledger)
{
	SCOPED(text_index) struct text_index index = { 0 };
	bool has_failed = false;

	for (size_t r = 0; r < settings->resource_count; r++)
		has_failed |= !seen->resources[r].is_listed;
	index_machines(seen, 0, &index);
	for (size_t i = 0; i < ledger->machine_count; i++) {
		const struct remembered *remembered = &ledger->machines[i];
		size_t r = settings_resource_named(settings, remembered->resource);

		if (!remembered->listed_s ||
		    text_index_find(&index, remembered->instance) != TEXT_INDEX_NONE)
			continue;
		if (r == RESOURCE_NONE)
			seen->hidden += has_failed;
		else
			seen->resources[r].hidden += !seen->resources[r].is_listed;
	}
}

void join_lists(struct observation *seen, const struct settings *settings,
		const struct ledger *ledger, const struct record_list *records)
{
	SCOPED(text_index) struct text_index accounted = { 0 };
	struct vanished *counts = memory_array(settings->resource_count, sizeof(*counts));

	index_accounted(seen, records, &accounted);
	count_vanished(seen, settings, ledger, &accounted, counts);
	for (size_t r = 0; r < settings->resource_count; r++) {
		struct observed_resource *resource = &seen->resources[r];
		SCOPED(buf) struct buf why = BUF(sizeof(resource->problem));

		if (!resource->is_listed || counts[r].missing < LEAST_VANISHED ||
		    2 * counts[r].missing <= counts[r].expected)
			continue;
		resource->is_listed = false;
		buf_addf(&why,
			 "%zu of %zu machines are missing in the list that were there a moment "
			 "ago: it is not believed",
			 counts[r].missing, counts[r].expected);
		text_cut(resource->problem, sizeof(resource->problem), buf_text(&why));
	}
	free(counts);
	count_hidden(seen, settings, ledger);
}

/* ---- prices ---- */

static bool may_be_of(const struct observed_machine *machine, const struct offering *offering)
{
	const struct instance *instance = &machine->instance;

	return (!*instance->type || !strcmp(instance->type, offering->type)) &&
	       (!*instance->zone || !*offering->zone || !strcmp(instance->zone, offering->zone)) &&
	       (!machine->is_listed || instance->market == offering->market);
}

/* Unknown as soon as two offerings that it may be of differ: never guessed. */
static int64_t price_of(const struct observed_machine *machine, const struct resource *resource)
{
	int64_t price = MONEY_UNKNOWN;
	bool is_found = false;

	for (size_t i = 0; i < resource->offering_count; i++) {
		const struct offering *offering = &resource->offerings[i];

		if (!may_be_of(machine, offering))
			continue;
		if (is_found && offering->price != price)
			return MONEY_UNKNOWN;
		price = offering->price;
		is_found = true;
	}
	return price;
}

void join_prices(struct observation *seen, const struct settings *settings)
{
	for (size_t i = 0; i < seen->machine_count; i++) {
		struct observed_machine *machine = &seen->machines[i];

		if (machine->resource != RESOURCE_NONE)
			machine->price = price_of(machine, &settings->resources[machine->resource]);
	}
}

/* ---- is a sweep due? ---- */

static bool is_suspicious(const struct observation *seen, const struct settings *settings,
			  const struct observed_machine *machine)
{
	if (machine->instance.state == INSTANCE_TERMINATED)
		return machine->was_busy;
	/* Idle when it was heard last, and silent: it may have taken a task since. */
	if (machine->was_seen)
		return machine->is_listed && !machine->has_record && !machine->was_busy;
	/* Of a resource that is configured no more: as doom judges it, by whose list shows it. */
	size_t of = machine->resource == RESOURCE_NONE ? machine->place : machine->resource;
	if (of == RESOURCE_NONE)
		return false;

	/* It may have served while nobody looked: then a task names it. */
	const struct ticket_limits *limits = &settings->resources[of].ticket.limits;
	return seen->now_ms / 1000 - machine->instance.launched_s > limits->boot_deadline_s;
}

bool join_is_sweep_due(const struct observation *seen, const struct settings *settings,
		       const struct ledger *ledger)
{
	if (ledger->passes % OBSERVE_SWEEP_EVERY == 0)
		return true;
	for (size_t i = 0; i < ledger->mark_count; i++)
		if (!strncmp(ledger->marks[i].what, "task ", 5))
			return true;
	for (size_t i = 0; i < seen->machine_count; i++)
		if (is_suspicious(seen, settings, &seen->machines[i]))
			return true;
	return false;
}
