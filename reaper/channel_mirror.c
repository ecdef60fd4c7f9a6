#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "reaper/channel.h"
#include "reaper/money/spend_mirror.h"

/* ---- looking ---- */

static void refuse(struct channel *channel, const char *why)
{
	text_cut(channel->mirror_refused, sizeof(channel->mirror_refused), why);
	log_warn("mirror",
		 "user property " CHANNEL_SPEND_PROPERTY
		 " of task %s is not believed, and will be written over: %s",
		 channel->board.id, why);
}

/* A ledger that has looked before knows what the newest one was. A new one cannot know: an old one
 * that was put back is as good to it as one of a reaper that stood still. */
static int check_number(const struct channel *channel, const struct spend_mirror *mirror,
			struct error *err)
{
	if ((uint64_t)mirror->number >= channel->ledger->mirror)
		return 0;
	return error_set(err, ERROR_CONFLICT,
			 "number %lld, after %llu was seen: an old one was put back",
			 (long long)mirror->number, (unsigned long long)channel->ledger->mirror);
}

void channel_look_mirror(struct channel *channel)
{
	SCOPED(spend_mirror) struct spend_mirror mirror = { 0 };
	const char *text = channel->board.values[CHANNEL_SPEND];
	struct minisign_trusted own = { .count = 1 };
	struct ledger *ledger = channel->ledger;
	struct error err;

	spend_mirror_release(&channel->mirrored);
	*channel->mirror_refused = 0;
	if (!text)
		return;
	minisign_key_public(&channel->settings->signing_key, &own.list[0]);
	if (spend_mirror_open(slice_of(text), &own, channel->settings->prefix, &mirror, &err) < 0 ||
	    check_number(channel, &mirror, &err) < 0) {
		refuse(channel, err.message);
		return;
	}
	if ((uint64_t)mirror.number > ledger->mirror)
		channel_meet(channel, mirror.issuer, mirror.until_s);
	ledger->mirror = (uint64_t)mirror.number;
	channel->mirrored = mirror;
	mirror = (struct spend_mirror){ 0 };
}

/* ---- writing ---- */

/* The time alone is no change: whatever is launched after the old one is counted from its launch.
 */
static bool is_same(const struct spend_mirror *before, const struct spend_mirror *wanted)
{
	SCOPED(buf) struct buf one = BUF(SPEND_MIRROR_BYTES), other = BUF(SPEND_MIRROR_BYTES);
	struct spend_mirror then = *wanted;

	then.rows = before->rows;
	spend_mirror_print(&then, &one);
	spend_mirror_print(wanted, &other);
	return before->number && !strcmp(buf_text(&one), buf_text(&other));
}

static int pin(struct channel *channel, struct spend_mirror *wanted, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(SPEND_MIRROR_BYTES);
	int64_t now_s = clearml_now_ms(channel->clearml) / 1000;

	wanted->number = (int64_t)channel->ledger->mirror + 1;
	if (wanted->number < now_s)
		wanted->number = now_s;
	if (spend_mirror_sign(wanted, channel->settings->prefix, &channel->settings->signing_key,
			      &text, err) < 0 ||
	    buf_finish(&text, err) < 0)
		return -1;
	return clearml_property_set(channel->clearml, channel->board.id, CHANNEL_SPEND_PROPERTY,
				    buf_text(&text), err);
}

int channel_mirror(struct channel *channel, const struct spend_list *rows, int64_t until_s,
		   struct error *err)
{
	struct spend_mirror wanted = { .number = 1, .until_s = until_s, .rows = *rows };

	text_cut(wanted.issuer, sizeof(wanted.issuer), channel->ledger->issuer);
	if (is_same(&channel->mirrored, &wanted))
		return 0;
	return pin(channel, &wanted, err) < 0 ? error_wrap(err, "mirror the spend") : 0;
}
