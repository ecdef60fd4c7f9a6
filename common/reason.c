#include "common/reason.h"

#include <string.h>

enum { LEFT_AS_PLANNED = 0, FAILED = 1, REFUSED = 3, TRY_AGAIN = 75 };

static const struct {
	const char *word;
	int exit_status;
	const char *cause;
} reasons[REASON_COUNT] = {
	[REASON_FAILED] = { "failed", FAILED, "machine-failed" },
	[REASON_IDLE] = { "idle", LEFT_AS_PLANNED, "terminated" },
	[REASON_ONE_TASK] = { "one-task", LEFT_AS_PLANNED, "terminated" },
	[REASON_DRAINED] = { "drained", LEFT_AS_PLANNED, "terminated" },
	[REASON_SIGTERM] = { "sigterm", LEFT_AS_PLANNED, "terminated" },
	[REASON_MAX_AGE] = { "max-age", LEFT_AS_PLANNED, "terminated" },
	[REASON_MAX_LIFE] = { "max-life", LEFT_AS_PLANNED, "max-life" },
	[REASON_TERMINATED] = { "terminated", LEFT_AS_PLANNED, "terminated" },
	[REASON_TOLD_TO_LEAVE] = { "told-to-leave", LEFT_AS_PLANNED, "terminated" },
	[REASON_INTERRUPTED] = { "interrupted", LEFT_AS_PLANNED, "spot" },
	[REASON_REBALANCE] = { "rebalance", LEFT_AS_PLANNED, "terminated" },
	[REASON_SLOT_HELD] = { "slot-held", REFUSED, "slot-held" },
	[REASON_DEAD_MAN] = { "dead-man", FAILED, "dead-man" },
	[REASON_INFRASTRUCTURE] = { "infrastructure", FAILED, "machine-failed" },
	[REASON_BOOT_DEADLINE] = { "boot-deadline", FAILED, "machine-failed" },
	[REASON_GATE] = { "gate", REFUSED, "machine-failed" },
	[REASON_INIT] = { "init", REFUSED, "machine-failed" },
	[REASON_IDENTITY] = { "identity", REFUSED, "machine-failed" },
	[REASON_ADMISSION] = { "admission", REFUSED, "machine-failed" },
	[REASON_SYSTEM] = { "system", TRY_AGAIN, "machine-failed" },
};

const char *reason_word(enum reason reason)
{
	return reasons[reason].word;
}

int reason_exit_status(enum reason reason)
{
	return reasons[reason].exit_status;
}

const char *reason_cause(enum reason reason)
{
	return reasons[reason].cause;
}

enum reason reason_of(const char *word)
{
	for (unsigned i = 0; i < REASON_COUNT; i++)
		if (!strcmp(reasons[i].word, word))
			return (enum reason)i;
	return REASON_FAILED;
}
