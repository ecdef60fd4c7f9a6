#include "reaper/channel.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"

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
	    0)
		log_warn("orders", "what stands in task %s is not ours: %s", channel->board.id,
			 err.message);
}

static bool has_order(const struct ledger *ledger, const char *instance)
{
	for (size_t i = 0; i < ledger->order_count; i++)
		if (!strcmp(ledger->orders[i].instance, instance))
			return true;
	return false;
}

/* To a new ledger. Which of them the plan gave and not a person is not told apart any more; those
 * only drain, and who was told to drain drains already. */
static void adopt_orders(const struct channel *channel)
{
	struct ledger *ledger = channel->ledger;
	const struct orders *pinned = &channel->pinned;

	if (!pinned->number || llabs((long long)(now_s(channel) - pinned->time_s)) > ORDERS_LIFE_S)
		return;
	ledger->orders = memory_grow(ledger->orders, ledger->order_count + pinned->count + 1,
				     sizeof(*ledger->orders));
	for (size_t i = 0; i < pinned->count; i++) {
		struct ordered order = { .order = pinned->list[i].order,
					 .since_s = pinned->time_s };

		if (has_order(ledger, pinned->list[i].instance))
			continue;
		text_cut(order.instance, sizeof(order.instance), pinned->list[i].instance);
		ledger->orders[ledger->order_count++] = order;
	}
}

int channel_look(struct channel *channel, struct error *err)
{
	struct ledger *ledger = channel->ledger;

	if (read_board(channel, err) < 0)
		return error_wrap(err, "the reaper's task");
	if (!channel->is_found)
		return 0;
	read_pinned(channel);
	if ((uint64_t)channel->pinned.number > ledger->channel)
		ledger->channel = (uint64_t)channel->pinned.number;
	if (!ledger->task[0])
		adopt_orders(channel);
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

static void collect(const struct observation *seen, const struct plan *plan, struct orders *out)
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

static bool are_same(const struct orders *one, const struct orders *other)
{
	if (one->count != other->count)
		return false;
	for (size_t i = 0; i < one->count; i++)
		if (orders_for(other, one->list[i].instance) != one->list[i].order)
			return false;
	return true;
}

static bool must_send(const struct channel *channel, const struct orders *wanted)
{
	const struct orders *pinned = &channel->pinned;
	int64_t age_s = wanted->time_s - pinned->time_s;

	if (!pinned->number) /* nothing is there, or what is not ours */
		return wanted->count || channel->board.values[CHANNEL_ORDERS];
	return !are_same(wanted, pinned) ||
	       (wanted->count && llabs((long long)age_s) > ORDERS_LIFE_S / 2);
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
	SCOPED(orders) struct orders wanted = { .time_s = now_s(channel) };

	text_cut(wanted.prefix, sizeof(wanted.prefix), channel->settings->prefix);
	collect(seen, plan, &wanted);
	if (!must_send(channel, &wanted))
		return 0;
	wanted.number = (int64_t)channel->ledger->channel + 1;
	if (wanted.number < wanted.time_s)
		wanted.number = wanted.time_s;
	if (pin(channel, &wanted, err) < 0)
		return error_wrap(err, "send %zu orders", wanted.count);
	log_info("orders", "number %" PRId64 ": %zu machines are told something", wanted.number,
		 wanted.count);
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
