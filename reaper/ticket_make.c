#include "reaper/ticket_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reaper/settings/schedule.h"
#include "reaper/settings/zone.h"

enum {
	WORTH_A_WORD_BYTES = 400, /* of a part, in the message that says what to move */
	DAY_S = 86400,
	VALID_DAYS = 3, /* a ticket: its day and two more */
	MOST_SPANS = 64, /* of hold, by ticket.schema.json */
};

/* The first second of the day after so many days: "2026-11-24". */
static int64_t second_of(const char *day, int64_t days)
{
	char *end;
	long year = strtol(day, &end, 10);
	long month = *end == '-' ? strtol(end + 1, &end, 10) : 0;
	long of_month = *end == '-' ? strtol(end + 1, &end, 10) : 0;

	if (month < 1 || month > 12 || of_month < 1 || of_month > 31)
		return 0;
	return (zone_days(year, (int)month, (int)of_month) + days) * DAY_S;
}

/* For as long as a machine may take tasks that is launched while the ticket is valid. The last
 * ones of many are left out: a machine that they would have held idles out. */
static void fill_hold(const struct ticket_order *order, struct ticket *ticket)
{
	ticket->hold_count = schedule_hold(
		order->resource, order->slot, second_of(order->day, 0),
		second_of(order->day, VALID_DAYS) + ticket->limits.max_age_s, &ticket->hold);
	if (ticket->hold_count > MOST_SPANS)
		ticket->hold_count = MOST_SPANS;
}

/* Its hold is the caller's to free; it borrows the rest. */
static struct ticket ticket_of(const struct ticket_order *order)
{
	const struct offering *offering =
		order->offering ? order->offering : &order->resource->offerings[0];
	struct ticket ticket = order->resource->ticket;

	ticket.slot = order->slot;
	ticket.generation = order->generation;
	memcpy(ticket.type, offering->type, sizeof(ticket.type));
	text_cut(ticket.day, sizeof(ticket.day), order->day);
	fill_hold(order, &ticket);
	return ticket;
}

static int sign(const struct ticket_order *order, struct envelope *envelope, struct error *err)
{
	char comment[ENVELOPE_COMMENT_ROOM];

	envelope_comment(ENVELOPE_TICKET, order->settings->prefix, comment);
	return minisign_sign(buf_slice(&envelope->ticket), &order->settings->signing_key, comment,
			     &envelope->ticket_signature, err);
}

static int fill(const struct ticket_order *order, struct ticket_made *out, struct error *err)
{
	const struct settings_bundle *bundle = &order->settings->bundles[order->resource->bundle];
	struct envelope *envelope = &out->envelope;
	struct ticket ticket = ticket_of(order);

	ticket_print(&ticket, &envelope->ticket);
	free(ticket.hold);
	if (buf_finish(&envelope->ticket, err) < 0 || sign(order, envelope, err) < 0)
		return -1;
	if (!strcmp(ticket.bundle.source, "inline"))
		buf_add(&envelope->bundle, buf_slice(&bundle->sealed));
	buf_add(&envelope->bundle_signature, buf_slice(&bundle->signature));
	if (buf_finish(&envelope->bundle, err) < 0 ||
	    buf_finish(&envelope->bundle_signature, err) < 0)
		return -1;
	return envelope_print(envelope, &out->user_data, err);
}

int ticket_make(const struct ticket_order *order, struct ticket_made *out, struct error *err)
{
	SCOPED(ticket_made)
	struct ticket_made made = { .envelope = envelope_new(),
				    .user_data = BUF(ENVELOPE_FILE_BYTES) };

	if (fill(order, &made, err) < 0) {
		/* Whatever it was: no request was made, and the next one would fail likewise. */
		err->class = ERROR_CONFIGURATION;
		return error_wrap(err, "ticket of resource %s", order->resource->name);
	}
	*out = made;
	made = (struct ticket_made){ 0 };
	return 0;
}

void ticket_made_release(struct ticket_made *made)
{
	envelope_release(&made->envelope);
	buf_release(&made->user_data);
}

/* ---- what takes up the room ---- */

size_t ticket_packed_bytes(const struct ticket_made *made)
{
	const char *end = strstr(buf_text(&made->user_data), "# -----END");
	size_t letters = 0;

	for (const char *at = strchr(buf_text(&made->user_data), '\n'); at && at < end; at++)
		letters += !strchr("# =\n", *at);
	return letters * 3 / 4;
}

static void omit_bundle(struct ticket *ticket)
{
	(void)ticket; /* it is beside the ticket */
}

static void omit_script(struct ticket *ticket)
{
	ticket->init.script = NULL;
}

static void omit_environment(struct ticket *ticket)
{
	ticket->agent.environment = NULL;
}

static void omit_docker_words(struct ticket *ticket)
{
	ticket->agent.docker.arguments = NULL;
	ticket->agent.docker.allow = NULL;
}

static void omit_queues(struct ticket *ticket)
{
	ticket->queue_count = 1;
}

static const struct {
	const char *name, *advice;
	void (*omit)(struct ticket *ticket);
} movable[TICKET_PARTS - 1] = {
	{ "bundle", "publish it and give bundle.source", omit_bundle },
	{ "init.script", "put it into the image, or let a short one fetch it", omit_script },
	{ "agent.environment", "put it into the image", omit_environment },
	{ "agent.docker.arguments", "shorten them", omit_docker_words },
	{ "queues", "serve fewer", omit_queues },
};

static size_t less(size_t whole, size_t rest)
{
	return whole > rest ? whole - rest : 0;
}

/* Signatures have one length whatever was signed: these need not be made again. */
static void measure(const struct ticket_order *order, const struct ticket_made *made, size_t place,
		    struct ticket_part *out)
{
	SCOPED(buf) struct buf text = BUF(TICKET_FILE_BYTES);
	SCOPED(buf) struct buf user_data = BUF(ENVELOPE_FILE_BYTES);
	struct envelope without = made->envelope; /* borrows */
	struct ticket ticket = ticket_of(order);
	bool is_bundle = movable[place].omit == omit_bundle;
	struct error ignored;

	movable[place].omit(&ticket);
	ticket_print(&ticket, &text);
	free(ticket.hold);
	without.ticket = text;
	if (is_bundle)
		without.bundle = BUF(ENVELOPE_BUNDLE_BYTES);
	*out = (struct ticket_part){ .name = movable[place].name, .advice = movable[place].advice };
	if (envelope_print(&without, &user_data, &ignored) < 0)
		return;
	out->bytes = less(made->user_data.len, user_data.len);
	out->plain_bytes =
		is_bundle ? made->envelope.bundle.len : less(made->envelope.ticket.len, text.len);
}

static int compare_parts(const void *left, const void *right)
{
	const struct ticket_part *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return strcmp(a->name, b->name);
}

void ticket_parts(const struct ticket_order *order, const struct ticket_made *made,
		  struct ticket_part out[static TICKET_PARTS])
{
	const struct envelope *envelope = &made->envelope;
	struct ticket_part *rest = &out[TICKET_PARTS - 1];

	*rest = (struct ticket_part){ .name = "the rest",
				      .bytes = made->user_data.len,
				      .plain_bytes = envelope->ticket.len +
						     envelope->ticket_signature.len +
						     envelope->bundle.len +
						     envelope->bundle_signature.len };
	for (size_t i = 0; i < TICKET_PARTS - 1; i++) {
		measure(order, made, i, &out[i]);
		rest->bytes = less(rest->bytes, out[i].bytes);
		rest->plain_bytes = less(rest->plain_bytes, out[i].plain_bytes);
	}
	qsort(out, TICKET_PARTS, sizeof(*out), compare_parts);
}

int ticket_fits(const struct ticket_order *order, const struct ticket_made *made, struct error *err)
{
	struct ticket_part parts[TICKET_PARTS];
	SCOPED(buf) struct buf list = BUF(sizeof(err->message));

	if (made->user_data.len <= ENVELOPE_USER_DATA_BYTES)
		return 0;
	ticket_parts(order, made, parts);
	for (size_t i = 0; i < TICKET_PARTS; i++) {
		const struct ticket_part *part = &parts[i];

		if (part->advice && part->bytes >= WORTH_A_WORD_BYTES)
			buf_addf(&list, "%s%s %zu (%s)", list.len ? "; " : "", part->name,
				 part->bytes, part->advice);
	}
	return error_set(err, ERROR_CONFIGURATION,
			 "resource %s: its user data have %zu bytes, of %d that clouds take; move "
			 "out what is large: %s",
			 order->resource->name, made->user_data.len, ENVELOPE_USER_DATA_BYTES,
			 buf_text(&list));
}
