#include <string.h>

#include "reaper/channel.h"
#include "reaper/money/spend_mirror.h"

/* The time alone is no change: whatever is launched after the old one is counted from its launch.
 */
static bool is_same(const char *before, const struct buf *text, int64_t until_s)
{
	SCOPED(spend_list) struct spend_list list = { 0 };
	SCOPED(buf) struct buf again = BUF(SPEND_MIRROR_BYTES);
	struct error ignored;
	int64_t before_s;

	if (spend_mirror_parse(slice_of(before), &list, &before_s, &ignored) < 0)
		return false;
	spend_mirror_print(list.rows, list.count, until_s, &again);
	return !strcmp(buf_text(&again), buf_text(text));
}

int channel_mirror(struct channel *channel, const struct spend_row *rows, size_t count,
		   int64_t until_s, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(SPEND_MIRROR_BYTES);
	const char *before = channel->board.values[CHANNEL_SPEND];

	spend_mirror_print(rows, count, until_s, &text);
	if (buf_finish(&text, err) < 0)
		return error_wrap(err, "mirror the spend");
	if (before && is_same(before, &text, until_s))
		return 0;
	if (clearml_property_set(channel->clearml, channel->board.id, CHANNEL_SPEND_PROPERTY,
				 buf_text(&text), err) < 0)
		return error_wrap(err, "mirror the spend");
	return 0;
}

int channel_read_mirror(struct channel *channel, struct spend_row **rows, size_t *count,
			int64_t *until_s, bool *is_there, struct error *err)
{
	const char *text = channel->is_found ? channel->board.values[CHANNEL_SPEND] : NULL;
	struct spend_list list = { 0 };

	*is_there = text != NULL;
	if (!text)
		return 0;
	if (spend_mirror_parse(slice_of(text), &list, until_s, err) < 0)
		return error_wrap(err,
				  "task %s, user property " CHANNEL_SPEND_PROPERTY
				  " (take it away, and what was spent before counts as nothing)",
				  channel->board.id);
	*rows = list.rows;
	*count = list.count;
	return 0;
}
