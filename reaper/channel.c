#include "reaper/channel.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "reaper/orders_merge.h"
#include "reaper/told.h"

enum {
	NAME_ROOM = 128,
	PING_AFTER_MS = 10 * 60 * 1000, /* the server's patience is two hours */
	WORKER_ROOM = 128
};

static const char program[] = "mayfly-reaper";
static const char comment[] = "The console of mayfly-reaper, and its word to the machines. It runs "
			      "nowhere: never enqueue "
			      "it. When it is deleted, the next pass makes another one.";

static const char *const properties[] = {
	[CHANNEL_ORDERS] = ORDERS_PROPERTY,
	[CHANNEL_SPEND] = CHANNEL_SPEND_PROPERTY,
};

void channel_release(struct channel *channel)
{
	clearml_board_release(&channel->board);
	orders_release(&channel->pinned);
	spend_mirror_release(&channel->mirrored);
	*channel = (struct channel){ 0 };
}

/* ClearML's clock; it has answered already. */
static int64_t now_s(const struct channel *channel)
{
	int64_t now_ms = clearml_now_ms(channel->clearml);

	return (now_ms ? now_ms : clock_wall_ms()) / 1000;
}

/* ---- looking ---- */

static int read_board(struct channel *channel, struct error *err)
{
	char name[NAME_ROOM];
	const struct clearml_board_wish wish = { name, properties, ARRAY_LEN(properties) };

	(void)snprintf(name, sizeof(name), ORDERS_TASK "%s", channel->settings->prefix);
	clearml_board_release(&channel->board);
	channel->is_found = false;
	if (clearml_board_find(channel->clearml, &wish, &channel->board, err) < 0)
		return err->class == ERROR_NOT_FOUND ? 0 : -1;
	channel->is_found = true;
	return 0;
}

/* An old text that was put back must bring nobody's orders back with a new number; and so it does
 * not where our last one was lost on its way: the others then say theirs again. */
static int check_number(const struct channel *channel, struct error *err)
{
	if ((uint64_t)channel->pinned.number >= channel->ledger->channel)
		return 0;
	return error_set(err, ERROR_CONFLICT,
			 "number %" PRId64 ", after %" PRIu64 " was signed: an old one was put "
			 "back, or the newest did not arrive",
			 channel->pinned.number, channel->ledger->channel);
}

/* What another key has signed, or nobody, is not ours: it is written over with the next orders. */
static void read_pinned(struct channel *channel)
{
	const char *text = channel->board.values[CHANNEL_ORDERS];
	struct minisign_trusted own = { .count = 1 };
	struct error err;

	orders_release(&channel->pinned);
	if (!text)
		return;
	minisign_key_public(&channel->settings->signing_key, &own.list[0]);
	if (orders_open(slice_of(text), &own, channel->settings->prefix, &channel->pinned, &err) <
		    0 ||
	    check_number(channel, &err) < 0) {
		log_warn("orders", "what stands in task %s is not ours: %s", channel->board.id,
			 err.message);
		orders_release(&channel->pinned);
	}
}

/* ---- another reaper ---- */

void channel_meet(struct channel *channel, const char *issuer, int64_t signed_s)
{
	struct ledger *ledger = channel->ledger;

	/* At the first look it may be an earlier ledger of ours. */
	if (!*ledger->task || !*issuer || !strcmp(issuer, ledger->issuer))
		return;
	text_cut(ledger->rival, sizeof(ledger->rival), issuer);
	ledger->rival_s = signed_s;
}

static void warn_of_rival(const struct channel *channel)
{
	const struct ledger *ledger = channel->ledger;
	char signed_at[CLOCK_TEXT_LEN];

	if (!*ledger->rival || now_s(channel) - ledger->rival_s > CHANNEL_RIVAL_S)
		return;
	clock_format(ledger->rival_s * 1000, false, signed_at);
	log_warn("other-reaper",
		 "another reaper works with the prefix %s and a state folder of its own (its "
		 "ledger is %s, ours %s; it last signed at %s): run one, or give each a prefix",
		 channel->settings->prefix, ledger->rival, ledger->issuer, signed_at);
}

/* To a new ledger. Which of them the plan gave and not a person is not told apart any more; those
 * only drain, and who was told to drain drains already. */
static void adopt_orders(const struct channel *channel)
{
	const struct orders *pinned = &channel->pinned;
	int64_t age_s = now_s(channel) - pinned->own.time_s;

	if (!pinned->number || llabs((long long)age_s) > ORDERS_LIFE_S)
		return;
	told_adopt(channel->ledger, &pinned->own);
	for (size_t i = 0; i < pinned->other_count; i++)
		told_adopt(channel->ledger, &pinned->others[i]);
}

static void learn_orders(struct channel *channel)
{
	struct ledger *ledger = channel->ledger;
	const struct orders *pinned = &channel->pinned;

	if (!*ledger->task)
		adopt_orders(channel);
	told_give_back(ledger, &pinned->own);
	for (size_t i = 0; i < pinned->other_count; i++)
		told_give_back(ledger, &pinned->others[i]);
	if ((uint64_t)pinned->number <= ledger->channel)
		return;
	channel_meet(channel, pinned->own.issuer, pinned->own.time_s);
	ledger->channel = (uint64_t)pinned->number;
}

int channel_look(struct channel *channel, struct error *err)
{
	struct ledger *ledger = channel->ledger;

	if (!*ledger->issuer)
		hash_random_hex(ledger->issuer);
	if (read_board(channel, err) < 0)
		return error_wrap(err, "the reaper's task");
	if (!channel->is_found)
		return 0;
	read_pinned(channel);
	learn_orders(channel);
	channel_look_mirror(channel);
	warn_of_rival(channel);
	text_cut(ledger->task, sizeof(ledger->task), channel->board.id);
	return 0;
}

/* ---- making ---- */

/* Another reaper may do so in this moment: after it, both look for the oldest. */
static int make(struct channel *channel, struct error *err)
{
	const char *prefix = channel->settings->prefix;
	char project[NAME_ROOM], name[NAME_ROOM], id[CLEARML_ID_ROOM];
	struct error ignored;

	(void)snprintf(project, sizeof(project), "mayfly/%s", prefix);
	(void)snprintf(name, sizeof(name), ORDERS_TASK "%s", prefix);
	if (clearml_board_make(channel->clearml, project, name, comment, id, err) < 0 ||
	    channel_look(channel, err) < 0)
		return -1;
	if (!channel->is_found)
		return error_set(err, ERROR_UNREACHABLE, "task %s was made, and is not listed", id);
	if (!strcmp(channel->board.id, id)) {
		log_info("channel", "made task %s, \"%s\" in project %s", id, name, project);
		return 0;
	}
	log_info("channel", "task %s of another reaper is older than ours", channel->board.id);
	if (clearml_board_drop(channel->clearml, id, &ignored) < 0)
		log_failure("channel", &ignored);
	return 0;
}

static int keep_alive(struct channel *channel, struct error *err)
{
	const struct clearml_board *board = &channel->board;

	if (board->status != TASK_IN_PROGRESS) {
		if (clearml_board_start(channel->clearml, board->id, err) < 0)
			return -1;
		if (board->status != TASK_CREATED)
			log_info("channel", "task %s was %s: in progress again", board->id,
				 task_status_name(board->status));
		channel->board.status = TASK_IN_PROGRESS;
		return 0;
	}
	if (now_s(channel) * 1000 - board->last_update_ms < PING_AFTER_MS)
		return 0;
	return clearml_board_ping(channel->clearml, board->id, err);
}

int channel_find(struct channel *channel, struct error *err)
{
	if ((!channel->is_found && make(channel, err) < 0) || keep_alive(channel, err) < 0)
		return error_wrap(err, "the reaper's task");
	return 0;
}

/* ---- orders ---- */

static int urgency(const struct planned_order *order)
{
	if (order->order == ORDER_LEAVE)
		return 0;
	return order->doom == DOOM_NONE ? 1 : 2;
}

static int by_urgency(const void *a, const void *b)
{
	const struct planned_order *one = a, *other = b;

	if (urgency(one) != urgency(other))
		return urgency(one) - urgency(other);
	return one->machine < other->machine ? -1 : one->machine > other->machine;
}

static void collect(const struct observation *seen, const struct plan *plan,
		    struct orders_part *out)
{
	struct planned_order *sorted = memory_array(plan->order_count + 1, sizeof(*sorted));
	size_t count = plan->order_count < ORDERS_MAX ? plan->order_count : ORDERS_MAX;

	if (plan->order_count)
		memcpy(sorted, plan->orders, plan->order_count * sizeof(*sorted));
	qsort(sorted, plan->order_count, sizeof(*sorted), by_urgency);
	out->list = memory_array(count + 1, sizeof(*out->list));
	for (size_t i = 0; i < count; i++) {
		struct orders_line *line = &out->list[out->count];

		if (sorted[i].order == ORDER_NONE)
			continue;
		text_cut(line->instance, sizeof(line->instance),
			 seen->machines[sorted[i].machine].instance.id);
		line->order = sorted[i].order;
		out->count++;
	}
	if (count < plan->order_count)
		log_warn("orders", "%zu of %zu are sent, the others when these machines have left",
			 count, plan->order_count);
	free(sorted);
}

static bool must_send(const struct channel *channel, const struct orders *wanted)
{
	if (!channel->pinned.number) /* nothing is there, or what is not ours */
		return wanted->own.count || channel->board.values[CHANNEL_ORDERS];
	return orders_merge_is_due(&channel->pinned, wanted);
}

static int pin(struct channel *channel, struct orders *wanted, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(ORDERS_BYTES);

	if (orders_sign(wanted, &channel->settings->signing_key, &text, err) < 0 ||
	    buf_finish(&text, err) < 0)
		return -1;
	/* Remembered before it is sent: an answer may be lost after the deed. */
	channel->ledger->channel = (uint64_t)wanted->number;
	return clearml_property_set(channel->clearml, channel->board.id, ORDERS_PROPERTY,
				    buf_text(&text), err);
}

int channel_send(struct channel *channel, const struct observation *seen, const struct plan *plan,
		 struct error *err)
{
	SCOPED(orders) struct orders wanted = { .own = { .time_s = now_s(channel) } };

	text_cut(wanted.prefix, sizeof(wanted.prefix), channel->settings->prefix);
	text_cut(wanted.own.issuer, sizeof(wanted.own.issuer), channel->ledger->issuer);
	collect(seen, plan, &wanted.own);
	size_t left_out =
		orders_merge_carry(&channel->pinned, channel->ledger, now_s(channel), &wanted);

	if (left_out)
		log_warn("orders", "%zu of another reaper are not carried: there is no room",
			 left_out);
	if (!must_send(channel, &wanted))
		return 0;
	wanted.number = (int64_t)channel->ledger->channel + 1;
	if (wanted.number < wanted.own.time_s)
		wanted.number = wanted.own.time_s;
	if (pin(channel, &wanted, err) < 0)
		return error_wrap(err, "send %zu orders", wanted.own.count);
	log_info("orders", "number %" PRId64 ": %zu machines are told something", wanted.number,
		 wanted.own.count);
	orders_release(&channel->pinned);
	channel->pinned = wanted;
	wanted = (struct orders){ 0 };
	return 0;
}

/* ---- the console ---- */

int channel_log(struct channel *channel, const struct slice *lines, size_t count, struct error *err)
{
	struct clearml_line sent[CLEARML_BOARD_LINES];
	char *texts[CLEARML_BOARD_LINES] = { NULL };
	char worker[WORKER_ROOM];
	size_t used = count < CLEARML_BOARD_LINES ? count : CLEARML_BOARD_LINES;

	(void)snprintf(worker, sizeof(worker), "%s:%s", channel->settings->prefix, program);
	for (size_t i = 0; i < used; i++) {
		SCOPED(buf) struct buf last = BUF(WORKER_ROOM);

		buf_addf(&last, "... and %zu more: mayfly-reaper journal has them", count - i);
		texts[i] = memory_text(i + 1 == used && used < count ? buf_slice(&last) : lines[i]);
		sent[i] = (struct clearml_line){ .task = channel->board.id,
						 .worker = worker,
						 .level = "info",
						 .text = texts[i],
						 .wall_ms = now_s(channel) * 1000 + (int64_t)i };
	}
	int result = clearml_console_lines(channel->clearml, sent, used, err);

	for (size_t i = 0; i < used; i++)
		free(texts[i]);
	return result < 0 ? error_wrap(err, "the decision log") : 0;
}
