#include "common/verdict.h"

#include <string.h>

static bool is_ours(const struct verdict_facts *facts)
{
	if (facts->is_deleted || facts->is_owner_other || facts->is_run_by_other)
		return false;
	return facts->is_owner_us || (facts->is_last_worker_us && facts->status != TASK_QUEUED);
}

/* The agent's words when it was told to end; a stop by a person reads otherwise. An engine that
 * ends, or starts again, tells all its containers to end. */
static bool is_stopped_by_signal(const struct verdict_facts *facts)
{
	static const char changed_by[] = "Changed by clearml-agent ";
	size_t len = sizeof(changed_by) - 1;

	return (facts->has_signalled || facts->is_engine_lost) &&
	       strcmp(facts->status_reason, "user abort") == 0 &&
	       strncmp(facts->status_message, changed_by, len) == 0 &&
	       strcmp(facts->status_message + len, facts->worker) == 0;
}

static bool is_stopped_by_watchdog(const struct verdict_facts *facts)
{
	return strcmp(facts->status_reason, VERDICT_FORCED_STOP) == 0 ||
	       strcmp(facts->status_message, VERDICT_FORCED_STOP) == 0;
}

static enum verdict again(const struct verdict_facts *facts)
{
	bool is_last = facts->attempt >= facts->max_attempts;

	return is_last || facts->is_over_time || facts->is_hopeless ? VERDICT_FAIL : VERDICT_RETURN;
}

enum verdict verdict_of(const struct verdict_facts *facts)
{
	if (!is_ours(facts))
		return VERDICT_HANDS_OFF;
	switch (facts->status) {
	case TASK_QUEUED:
		return facts->is_in_queue ? VERDICT_HANDS_OFF : again(facts);
	case TASK_IN_PROGRESS:
		return again(facts);
	case TASK_STOPPED:
		return is_stopped_by_signal(facts) || is_stopped_by_watchdog(facts) ?
			       again(facts) :
			       VERDICT_STANDS;
	case TASK_FAILED:
		return facts->is_engine_lost ? again(facts) : VERDICT_STANDS;
	case TASK_COMPLETED:
	case TASK_CLOSED:
	case TASK_PUBLISHED:
		return VERDICT_STANDS;
	case TASK_CREATED:
		return VERDICT_HANDS_OFF;
	case TASK_UNKNOWN:
		break;
	}
	return VERDICT_WAIT;
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_WAIT] = "wait",     [VERDICT_HANDS_OFF] = "hands off",
		[VERDICT_STANDS] = "stands", [VERDICT_RETURN] = "return",
		[VERDICT_FAIL] = "fail",
	};

	return (size_t)verdict < ARRAY_LEN(names) ? names[verdict] : "unknown";
}

enum pop_verdict verdict_of_pop(const struct pop_facts *facts)
{
	if (!facts->is_deleted && facts->status == TASK_UNKNOWN)
		return POP_WAIT;
	if (facts->is_deleted || facts->status != TASK_QUEUED)
		return POP_OTHERS;
	if (facts->is_in_queue)
		return facts->sent_ms >= VERDICT_SURE_MS ? POP_NOT_DONE : POP_WAIT;
	if (facts->has_owner && !facts->is_owner_stale)
		return POP_OTHERS;
	return facts->nowhere_ms >= VERDICT_SURE_MS ? POP_OURS : POP_WAIT;
}

bool verdict_is_put_back(const char *status_reason, const char *owner)
{
	static const char by_us[] = "infra:";
	size_t owner_len = strlen(owner), reason_len = strlen(status_reason);

	if (owner_len > VERDICT_OWNER_MAX)
		owner_len = VERDICT_OWNER_MAX;
	size_t mark_len = owner_len + 3; /* " (", ")" */
	if (!owner_len || reason_len < mark_len ||
	    strncmp(status_reason, by_us, sizeof(by_us) - 1) != 0)
		return false;
	const char *mark = status_reason + reason_len - mark_len;

	return !strncmp(mark, " (", 2) && !strncmp(mark + 2, owner, owner_len) &&
	       mark[mark_len - 1] == ')';
}

unsigned verdict_attempts_before(const char *property, const char *task)
{
	size_t len = strlen(task);
	unsigned number = 0, digits = 0;

	if (!len || strncmp(property, task, len) != 0 || property[len] != '/')
		return 0;
	for (const char *at = property + len + 1; *at; at++) {
		if (*at < '0' || *at > '9' || ++digits > 6)
			return 0;
		number = number * 10 + (unsigned)(*at - '0');
	}
	return number;
}
