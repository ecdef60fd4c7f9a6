#include "common/settle.h"

#include <string.h>

enum liveness { LIVENESS_UNKNOWN, LIVENESS_ALIVE, LIVENESS_DEAD };

static const struct settle_watch *watch_of(const struct settle *settle, const char *instance)
{
	for (size_t i = 0; i < settle->count; i++)
		if (!strcmp(settle->watched[i].instance, instance))
			return &settle->watched[i];
	return NULL;
}

static struct settle_watch watch_again(const struct settle_watch *before,
				       const struct settle_rival *rival, int64_t now_ms)
{
	struct settle_watch watch = { .last_report_ms = rival->last_report_ms };

	memcpy(watch.instance, rival->instance, sizeof(watch.instance));
	watch.changed_ms = now_ms - (rival->silent_ms > 0 ? rival->silent_ms : 0);
	if (!before)
		return watch;
	watch.has_advanced = before->has_advanced;
	if (before->last_report_ms == rival->last_report_ms)
		watch.changed_ms = before->changed_ms;
	else
		watch.has_advanced = true;
	return watch;
}

/* Those that are not in the list any more are forgotten. */
static void watch_all(struct settle *settle, const struct settle_rival *rivals, size_t count,
		      int64_t now_ms)
{
	struct settle next = { .patience_ms = settle->patience_ms };

	for (size_t i = 0; i < count; i++)
		next.watched[next.count++] =
			watch_again(watch_of(settle, rivals[i].instance), &rivals[i], now_ms);
	*settle = next;
}

static enum liveness liveness_of(const struct settle *settle, const char *instance, int64_t now_ms)
{
	const struct settle_watch *watch = watch_of(settle, instance);

	if (!watch || now_ms - watch->changed_ms > settle->patience_ms)
		return LIVENESS_DEAD;
	return watch->has_advanced ? LIVENESS_ALIVE : LIVENESS_UNKNOWN;
}

static bool is_elder(const struct settle_rival *rival, const struct settle_self *self)
{
	if (rival->launched_s != self->launched_s)
		return rival->launched_s < self->launched_s;
	return strcmp(rival->instance, self->instance) < 0;
}

/* What one rival, alive for certain, makes us do. */
static enum settle_answer answer_to(const struct settle_rival *rival,
				    const struct settle_self *self)
{
	if (rival->claim == CLAIM_NONE)
		return SETTLE_HOLD;
	if (self->claim == CLAIM_SERVES)
		return rival->claim == CLAIM_SERVES && is_elder(rival, self) ? SETTLE_LEAVE :
									       SETTLE_HOLD;
	return rival->claim == CLAIM_SERVES || is_elder(rival, self) ? SETTLE_LEAVE : SETTLE_WAIT;
}

enum settle_answer settle_look(struct settle *settle, const struct settle_self *self,
			       const struct settle_rival *rivals, size_t count, int64_t now_ms)
{
	bool is_waiting = count > SETTLE_MAX_RIVALS;

	watch_all(settle, rivals, is_waiting ? SETTLE_MAX_RIVALS : count, now_ms);
	for (size_t i = 0; i < settle->count; i++) {
		enum liveness liveness = liveness_of(settle, rivals[i].instance, now_ms);
		enum settle_answer answer = answer_to(&rivals[i], self);

		if (liveness == LIVENESS_DEAD || answer == SETTLE_HOLD)
			continue;
		if (liveness == LIVENESS_ALIVE && answer == SETTLE_LEAVE)
			return SETTLE_LEAVE;
		is_waiting = true;
	}
	if (is_waiting)
		return SETTLE_WAIT;
	return self->claim == CLAIM_SERVES ? SETTLE_HOLD : SETTLE_CLAIM;
}
