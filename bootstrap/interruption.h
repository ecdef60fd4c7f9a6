#ifndef BOOTSTRAP_INTERRUPTION_H
#define BOOTSTRAP_INTERRUPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/error.h"

/*
 * interruption: does the cloud want its spot instance back? EC2's metadata
 * service (IMDSv2) is asked every 5 s, without ever waiting for it:
 *   /latest/meta-data/spot/instance-action   404, or two minutes before the end
 *       {"action": "terminate", "time": "2026-11-24T08:22:00Z"} (or stop, hibernate)
 *   /latest/meta-data/events/recommendations/rebalance   404, or an object: it may
 *       come to that soon
 * (EC2 User Guide, "Spot Instance interruption notices" and "rebalance recommendations".)
 * After a notice no more is asked. A service that does not answer is asked again.
 */

struct interruption_notice {
	int64_t taken_ms; /* monotonic: when the machine is taken away; 0: there is no notice */
	char action[16]; /* "terminate", "stop", "hibernate" */
	bool is_rebalance; /* recommended */
};

/* The text of instance-action alone; for the module, its test and its fuzzer. The end is at most
 * 2 min after now_ms, whatever the clocks say: no notice comes earlier. ERROR_MALFORMED. */
CHECKED int interruption_parse(struct slice text, int64_t wall_ms, int64_t now_ms,
			       struct interruption_notice *out, struct error *err);

struct interruption; /* opaque */

/* No call is made yet. The errors of http_open(), and of a metadata endpoint that makes no sense.
 */
CHECKED int interruption_open(struct interruption **out, struct error *err);
void interruption_close(struct interruption *interruption); /* NULL is fine, here and below */

/* Soon back; wall_ms is the best time there is, ClearML's for example. */
void interruption_turn(struct interruption *interruption, int64_t wall_ms, int64_t now_ms);
int64_t interruption_next_ms(const struct interruption *interruption, int64_t now_ms);
const struct interruption_notice *interruption_look(const struct interruption *interruption);

#endif
