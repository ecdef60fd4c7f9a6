#include "bootstrap/heartbeat.h"

#include "common/log.h"

enum { RETRY_MS = 5000, FORGOTTEN_MS = MACHINE_RECORD_TIMEOUT_S * 1000 * 3 / 4 };
enum { SUBCODE_INVALID_WORKER = 1001 };

bool heartbeat_is_gap(const struct heartbeat *heartbeat, int64_t now_ms)
{
	return !heartbeat->is_registered || now_ms - heartbeat->ok_ms >= FORGOTTEN_MS;
}

static int register_and_report(struct heartbeat *heartbeat, const struct machine *machine,
			       const struct clearml_report *report, int64_t now_ms,
			       struct error *err)
{
	if (heartbeat_is_gap(heartbeat, now_ms)) {
		heartbeat->is_registered = false;
		if (clearml_register(machine->clearml, report, err) < 0)
			return -1;
		heartbeat->is_registered = true;
	}
	if (clearml_report(machine->clearml, report, err) == 0)
		return 0;
	if (clearml_subcode(machine->clearml) != SUBCODE_INVALID_WORKER)
		return -1;
	if (clearml_register(machine->clearml, report, err) < 0)
		return -1;
	return clearml_report(machine->clearml, report, err);
}

static void failed(struct heartbeat *heartbeat, int64_t report_every_ms, int64_t now_ms,
		   const struct error *err)
{
	heartbeat->next_ms = now_ms + (report_every_ms < RETRY_MS ? report_every_ms : RETRY_MS);
	if (!heartbeat->is_failing)
		log_failure("heartbeat", err);
	heartbeat->is_failing = true;
}

int heartbeat_send(struct heartbeat *heartbeat, const struct machine *machine,
		   const struct machine_record *record, int64_t now_ms, int64_t wall_ms,
		   struct error *err)
{
	int64_t report_every_ms = machine->ticket.limits.report_every_s * 1000;
	struct machine_tags tags;

	machine_record_tags(record, &tags);
	const struct clearml_report report = {
		.worker = machine->record_id,
		.tags = tags.list,
		.tag_count = tags.count,
		.timeout_s = MACHINE_RECORD_TIMEOUT_S,
		.wall_ms = wall_ms,
	};

	if (register_and_report(heartbeat, machine, &report, now_ms, err) < 0) {
		failed(heartbeat, report_every_ms, now_ms, err);
		return -1;
	}
	if (heartbeat->is_failing)
		log_info("heartbeat", "ClearML takes our reports again");
	heartbeat->is_failing = false;
	heartbeat->ok_ms = now_ms;
	heartbeat->next_ms = now_ms + report_every_ms;
	return 0;
}
