#include "bootstrap/seats.h"

#include <stdio.h>

#include "bootstrap/seat.h"
#include "common/clock.h"
#include "common/log.h"

enum {
	WORKER_TIMEOUT_S = 120,
	WORKER_GAP_MS = 90000, /* after so long the server may have forgotten the record */
	WORKER_RETRY_MS = 5000,
};

/* While its agent lives, the agent reports on the seat's id: our report would blank its task. */
static bool is_agents(const struct seat *seat)
{
	return seat->state == SEAT_RUNNING || seat->state == SEAT_ENDING;
}

static size_t known_queues(const struct seats *seats, const char *ids[static TICKET_MAX_QUEUES])
{
	size_t count = 0;

	for (size_t i = 0; i < seats->machine->ticket.queue_count; i++)
		if (seats->queues[i].id[0])
			ids[count++] = seats->queues[i].id;
	return count;
}

/* The same words as in CLEARML_WORKER_TAGS, so that the record looks alike whoever reports. */
static int send_report(struct seats *seats, struct seat *seat, bool is_new, struct error *err)
{
	const char *queues[TICKET_MAX_QUEUES];
	char instance[TICKET_FIELD_ROOM + 16];
	const char *const tags[] = { "role:seat", instance };
	struct clearml_report report = {
		.worker = seat->worker,
		.queues = queues,
		.queue_count = known_queues(seats, queues),
		.tags = tags,
		.tag_count = ARRAY_LEN(tags),
		.timeout_s = WORKER_TIMEOUT_S,
		.wall_ms = clock_wall_ms(),
	};

	snprintf(instance, sizeof(instance), "instance:%s", seats->machine->identity.instance);
	if (is_new && clearml_register(seats->machine->clearml, &report, err) < 0)
		return -1;
	return clearml_report(seats->machine->clearml, &report, err);
}

static void report_seat(struct seats *seats, struct seat *seat, int64_t now_ms)
{
	bool is_new = !seat->is_registered || now_ms - seat->reported_ms >= WORKER_GAP_MS;
	struct error err = { 0 };

	if (send_report(seats, seat, is_new, &err) == 0) {
		seat->is_registered = true;
		seat->reported_ms = now_ms;
		seat->report_ms = now_ms + seats->machine->ticket.limits.report_every_s * 1000;
		return;
	}
	if (err.class == ERROR_UNREACHABLE)
		seats->is_cut = true;
	else
		seat->is_registered =
			false; /* refused: perhaps the record, or a queue of it, is gone */
	if (err.class == ERROR_NOT_FOUND)
		seats->resolved_ms = 0;
	seat->report_ms = now_ms + WORKER_RETRY_MS;
	log_failure("worker", &err);
}

void seats_report_workers(struct seats *seats, int64_t now_ms)
{
	const char *queues[TICKET_MAX_QUEUES];

	seats->is_cut = false;
	if (!known_queues(seats, queues))
		return; /* the first poll finds them */
	for (unsigned i = 0; i < seats->count && !seats->is_cut; i++) {
		struct seat *seat = &seats->list[i];

		if (!is_agents(seat) && now_ms >= seat->report_ms)
			report_seat(seats, seat, now_ms);
	}
}

void seats_unregister(struct seats *seats)
{
	for (unsigned i = 0; i < seats->count; i++) {
		struct seat *seat = &seats->list[i];
		struct error err = { 0 };

		if (is_agents(seat))
			continue;
		seat->is_registered = false;
		if (clearml_unregister(seats->machine->clearml, seat->worker, &err) == 0)
			continue;
		log_failure("unregister", &err);
		if (err.class == ERROR_UNREACHABLE)
			return; /* it expires by itself */
	}
}
