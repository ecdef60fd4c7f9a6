#include "bootstrap/slot.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"

static const char *const answers[] = {
	[SETTLE_LEAVE] = "another machine holds the slot",
	[SETTLE_WAIT] = "waiting to see whether another machine lives, and leaves",
	[SETTLE_CLAIM] = "no living rival has a claim",
	[SETTLE_HOLD] = "the slot is ours",
};

void slot_open(struct slot *slot, const struct machine *machine)
{
	*slot = (struct slot){ .answer = SETTLE_CLAIM };
	/* Two reports, and some time for slow calls; the record of a dead one lasts 120 s. */
	slot->settle.patience_ms = machine->ticket.limits.report_every_s * 2000 + 5000;
}

static bool is_rival(const struct machine *machine, const struct machine_record *record)
{
	return !strcmp(record->resource, machine->ticket.resource) &&
	       record->slot == machine->ticket.slot && strcmp(record->phase, "left") != 0;
}

static struct settle_rival rival_of(const struct machine_record *record, int64_t server_now_ms)
{
	struct settle_rival rival = {
		.launched_s = record->launched_s,
		.claim = record->claim,
		.last_report_ms = record->last_report_ms,
	};

	if (server_now_ms && record->last_report_ms)
		rival.silent_ms = server_now_ms - record->last_report_ms;
	text_cut(rival.instance, sizeof(rival.instance), record->instance);
	return rival;
}

/* Returns how many there are; those past the room are counted and not written. */
static size_t pick_rivals(struct slot *slot, const struct machine *machine,
			  const struct clearml_workers *workers,
			  struct settle_rival rivals[static SETTLE_MAX_RIVALS])
{
	int64_t server_now_ms = clearml_now_ms(machine->clearml);
	size_t count = 0;

	slot->is_listed = false;
	for (size_t i = 0; i < workers->count; i++) {
		struct machine_record record = { 0 };
		struct error err;

		if (!strcmp(workers->list[i].id, machine->record_id)) {
			slot->is_listed = true;
			continue;
		}
		/* A record without sense names no slot: nothing to settle with it. */
		if (machine_record_read(&workers->list[i], machine->ticket.prefix, &record, &err) <
			    0 ||
		    !is_rival(machine, &record))
			continue;
		if (count < SETTLE_MAX_RIVALS)
			rivals[count] = rival_of(&record, server_now_ms);
		count++;
	}
	return count;
}

int slot_look(struct slot *slot, const struct machine *machine, enum claim claim, int64_t now_ms,
	      struct error *err)
{
	SCOPED(clearml_workers) struct clearml_workers workers = { 0 };
	const struct settle_self self = { machine->identity.instance, machine->identity.launched_s,
					  claim };
	struct settle_rival rivals[SETTLE_MAX_RIVALS];
	char prefix[WORKER_ID_ROOM];

	(void)snprintf(prefix, sizeof(prefix), "%s:%s:", machine->ticket.prefix,
		       machine->ticket.resource);
	if (clearml_workers(machine->clearml, prefix, &workers, err) < 0)
		return error_wrap(err, "who else has our slot");
	size_t count = pick_rivals(slot, machine, &workers, rivals);
	enum settle_answer answer = settle_look(&slot->settle, &self, rivals, count, now_ms);

	text_cut(slot->rival, sizeof(slot->rival), count ? rivals[0].instance : "");
	if (answer != slot->answer)
		log_info("slot", "%s slot %u: %s%s%s", machine->ticket.resource,
			 machine->ticket.slot, answers[answer], count ? "; listed too: " : "",
			 slot->rival);
	slot->answer = answer;
	return 0;
}
