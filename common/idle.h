#ifndef COMMON_IDLE_H
#define COMMON_IDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ticket.h"

/*
 * idle: for how long has the machine had nothing to do, what keeps it up all
 * the same, and when does it leave? Pure. Idle time is monotonic, since the
 * last task ended or since serve began; a hold is in wall time, because the
 * ticket says it so. Nothing keeps a machine past max_life.
 */

struct idle_facts {
	int64_t now_ms; /* monotonic, like every *_ms here */
	int64_t since_ms; /* the last task's end or the begin of serve */
	int64_t timeout_ms; /* > 0: admission refuses zero */
	int64_t keep_command_ms, keep_file_ms, keep_order_ms; /* kept until then; 0: not asked for
							       */
	int64_t end_ms; /* max_life */
	int64_t now_wall_s;
	const struct ticket_span *hold; /* borrowed; in any order, may overlap */
	size_t hold_count;
	bool is_busy;
};

struct idle {
	int64_t idle_ms; /* 0 while busy */
	int64_t leaves_in_ms; /* if nothing comes; while busy: until max_life */
	const char *kept_by; /* "command", "file", "order"; "": none */
	bool is_held; /* the ticket's hold covers this moment */
	bool is_over; /* leave now */
};

struct idle idle_look(const struct idle_facts *facts);

#endif
