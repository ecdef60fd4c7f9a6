#include "reaper/settings/settings_resource.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/machine_record.h"
#include "reaper/providers/provider.h"
#include "reaper/settings/settings_agent.h"
#include "reaper/settings/settings_aws.h"
#include "reaper/settings/settings_bundle.h"
#include "reaper/settings/settings_init.h"
#include "reaper/settings/settings_money.h"
#include "reaper/settings/settings_offerings.h"
#include "reaper/settings/settings_reader.h"
#include "reaper/settings/settings_schedule.h"

enum { MOST_REPORT_S = MACHINE_RECORD_TIMEOUT_S / 2 };

/* ---- plain fields, by table ---- */

#define SPAN(member) offsetof(struct ticket, member)
enum { DAY_S = 86400, MONTH_S = 30 * DAY_S, YEAR_S = 365 * DAY_S, TEN_MINUTES_MS = 600000 };
static const struct settings_span spans[] = {
	{ "idle_timeout", SPAN(limits.idle_timeout_s), false, 1, MONTH_S },
	{ "max_age", SPAN(limits.max_age_s), false, 1, YEAR_S },
	{ "max_life", SPAN(limits.max_life_s), false, 1, YEAR_S },
	{ "dead_man", SPAN(limits.dead_man_s), false, 1, DAY_S },
	{ "boot_deadline", SPAN(limits.boot_deadline_s), false, 1, DAY_S },
	{ "task_timeout", SPAN(limits.task_timeout_s), false, 0, YEAR_S },
	{ "report_every", SPAN(limits.report_every_s), false, 1, MOST_REPORT_S },
	{ "poll.min", SPAN(limits.poll_min_ms), true, 100, TEN_MINUTES_MS },
	{ "poll.max", SPAN(limits.poll_max_ms), true, 100, TEN_MINUTES_MS },
	{ "gates.max_clock_skew", SPAN(gates.max_clock_skew_s), false, 1, DAY_S },
};

static void read_numbers(const struct settings_reader *reader)
{
	struct resource *out = reader->out;
	struct ticket *ticket = &out->ticket;
	char at[SETTINGS_AT_ROOM];
	const struct json *space = settings_find(reader, "gates.free_gigabytes", at);

	out->max_instances = settings_read_count(reader, "max_instances", 0);
	out->min_instances = settings_read_count(reader, "min_instances", 0);
	/* A resource that is retired launches nothing, whatever else stands there. */
	if (!out->max_instances)
		out->min_instances = 0;
	ticket->seats = settings_read_count(reader, "seats", 1);
	ticket->limits.max_attempts =
		settings_read_count(reader, "max_attempts", ticket->limits.max_attempts);
	ticket->gates.free_inode_percent = settings_read_count(reader, "gates.free_inode_percent",
							       ticket->gates.free_inode_percent);
	ticket->one_task = settings_read_flag(reader, "one_task", ticket->one_task);
	if (space)
		ticket->gates.free_bytes = (uint64_t)(json_number_value(space) * 1e9 + 0.5);
}

static int read_names(const struct settings_reader *reader, struct error *err)
{
	struct resource *out = reader->out;
	char at[SETTINGS_AT_ROOM];
	const char *provider = json_text_value(settings_find(reader, "provider", at));
	SCOPED(buf) struct buf names = BUF(1024);

	provider_names(&names);
	if (!provider)
		provider = "local";
	settings_find(reader, "provider", at);
	if (!provider_named(provider) && !(reader->text->is_shape && prices_source(provider)))
		return settings_refuse(reader->text, err, at, "\"%s\" is no provider: known is %s",
				       provider, buf_text(&names));
	if (text_copy(out->name, sizeof(out->name), slice_of(json_text_or(reader->own, "name", "")),
		      err) < 0 ||
	    text_copy(out->provider, sizeof(out->provider), slice_of(provider), err) < 0)
		return error_wrap(err, "%s: resources[%zu]", reader->text->path, reader->place);
	return 0;
}

/* ---- queues ---- */

static int add_queue(const struct settings_reader *reader, const char *name, const char *at,
		     struct error *err)
{
	struct settings *settings = reader->settings;
	struct resource *out = reader->out;
	size_t place = 0;

	while (place < settings->queue_count && strcmp(settings->queues[place], name) != 0)
		place++;
	if (place == settings->queue_count) {
		if (settings->queue_count == SETTINGS_MAX_QUEUES)
			return settings_refuse(reader->text, err, at,
					       "more than %d queues over all resources",
					       SETTINGS_MAX_QUEUES);
		if (text_copy(settings->queues[place], sizeof(settings->queues[place]),
			      slice_of(name), err) < 0)
			return error_wrap(err, "%s: %s", reader->text->path, at);
		settings->queue_count++;
	}
	memcpy(out->ticket.queues[out->queue_count], settings->queues[place],
	       sizeof(settings->queues[place]));
	out->queues[out->queue_count++] = place;
	out->ticket.queue_count = out->queue_count;
	return 0;
}

static int read_queues(const struct settings_reader *reader, struct error *err)
{
	char at[SETTINGS_AT_ROOM];
	const struct json *list = settings_find(reader, "queues", at);

	if (!list)
		return settings_refuse_missing(reader, "queues", "a list of ClearML queue names",
					       err);
	for (const struct json *name = json_first(list); name; name = json_next(name))
		if (add_queue(reader, json_text_value(name), at, err) < 0)
			return -1;
	return 0;
}

/* ---- provider local ---- */

/* Where make install and make put it: in the folder of this very program. */
static bool find_beside_us(char out[static TICKET_PATH_ROOM])
{
	static const char name[] = "mayfly-bootstrap";
	ssize_t len = readlink("/proc/self/exe", out, TICKET_PATH_ROOM - sizeof(name));

	while (len > 0 && out[len - 1] != '/')
		len--;
	if (len <= 0)
		return false;
	memcpy(out + len, name, sizeof(name));
	return access(out, X_OK) == 0;
}

static int read_path(const struct settings_reader *reader, const char *name, const char *fallback,
		     char out[static TICKET_PATH_ROOM], struct error *err)
{
	char at[SETTINGS_AT_ROOM];
	const char *path = json_text_value(settings_find(reader, name, at));

	return settings_path(reader->text, at, path ? path : fallback, out, err);
}

static int read_local(const struct settings_reader *reader, struct error *err)
{
	struct local_settings *local = &reader->out->local;
	char at[SETTINGS_AT_ROOM];

	if (strcmp(reader->out->provider, "local") != 0)
		return 0;
	if (read_path(reader, "local.machines", "/var/lib/mayfly-reaper/machines", local->machines,
		      err) < 0 ||
	    read_path(reader, "local.image_key", "/etc/mayfly/image.key", local->image_key, err) <
		    0 ||
	    read_path(reader, "local.trusted_keys", "/etc/mayfly/trusted.pub", local->trusted_keys,
		      err) < 0)
		return -1;

	const struct json *program = settings_find(reader, "local.bootstrap", at);
	if (program)
		return settings_program(reader->text, at, json_text_value(program),
					local->bootstrap, err);
	if (find_beside_us(local->bootstrap))
		return 0;
	return settings_program(reader->text, at, "mayfly-bootstrap", local->bootstrap, err);
}

/* ---- what may be asked for, and what it costs ---- */

static int read_spot_spans(const struct settings_reader *reader, struct error *err)
{
	static const struct {
		const char *name;
		size_t offset; /* of an int64_t of seconds in struct resource */
		int64_t fallback_s;
	} fields[] = {
		{ "spot_rollback", offsetof(struct resource, spot_rollback_s), 600 },
		{ "spot_blackout", offsetof(struct resource, spot_blackout_s), 1800 },
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		char at[SETTINGS_AT_ROOM];
		const struct json *value = settings_find(reader, fields[i].name, at);
		int64_t seconds = fields[i].fallback_s;

		if (value && settings_seconds(reader->text, at, value, &seconds, err) < 0)
			return -1;
		memcpy((char *)reader->out + fields[i].offset, &seconds, sizeof(seconds));
	}
	return 0;
}

static int read_spare(const struct settings_reader *reader, struct error *err)
{
	char at[SETTINGS_AT_ROOM];
	const struct json *value = settings_find(reader, "spare_idle_timeout", at);
	int64_t seconds = 0;

	if (!value)
		return 0;
	if (settings_seconds(reader->text, at, value, &seconds, err) < 0)
		return -1;
	if (!seconds)
		return settings_refuse(reader->text, err, at,
				       "0 is no time to be idle for: 1s or more, or as long as "
				       "idle_timeout to keep all that are idle");
	reader->out->spare_idle_s = seconds;
	return 0;
}

static int read_market(const struct settings_reader *reader, struct error *err)
{
	/* Where an offering is, which its price depends on, is said by "aws" too. */
	if (settings_prices(reader, err) < 0 || settings_aws_place(reader, err) < 0 ||
	    settings_offerings(reader, err) < 0 || settings_budget(reader, err) < 0)
		return -1;
	if (read_spare(reader, err) < 0)
		return -1;
	return read_spot_spans(reader, err);
}

/* ---- what fits together ---- */

static int refuse_order(const struct settings_reader *reader, const char *more, const char *less,
			struct error *err)
{
	char at[SETTINGS_AT_ROOM];

	if (!settings_find(reader, more, at))
		settings_find(reader, less, at);
	return settings_refuse(reader->text, err, at, "%s is larger than %s in resource %s", more,
			       less, reader->out->name);
}

/* Its other seats would look free, and take nothing. */
static int check_seats(const struct settings_reader *reader, struct error *err)
{
	const struct ticket *ticket = &reader->out->ticket;
	char at[SETTINGS_AT_ROOM];

	if (!ticket->one_task || ticket->seats == 1)
		return 0;
	settings_find(reader, "one_task", at);
	return settings_refuse(reader->text, err, at,
			       "a machine that leaves after its first task has one seat, and "
			       "resource %s has %u",
			       reader->out->name, ticket->seats);
}

static int check(const struct settings_reader *reader, struct error *err)
{
	const struct resource *out = reader->out;
	const struct ticket_limits *limits = &out->ticket.limits;

	if (out->min_instances > out->max_instances)
		return refuse_order(reader, "min_instances", "max_instances", err);
	if (limits->max_age_s > limits->max_life_s)
		return refuse_order(reader, "max_age", "max_life", err);
	if (limits->boot_deadline_s > limits->max_life_s)
		return refuse_order(reader, "boot_deadline", "max_life", err);
	if (limits->poll_min_ms > limits->poll_max_ms)
		return refuse_order(reader, "poll.min", "poll.max", err);
	return check_seats(reader, err);
}

static int fill_ticket(const struct settings_reader *reader, struct error *err)
{
	const struct settings *settings = reader->settings;
	struct resource *out = reader->out;
	struct ticket *ticket = &out->ticket;

	memcpy(ticket->prefix, settings->prefix, sizeof(ticket->prefix));
	memcpy(ticket->resource, out->name, sizeof(ticket->resource));
	memcpy(ticket->provider, out->provider, sizeof(ticket->provider));
	memcpy(ticket->type, out->type, sizeof(ticket->type));
	memcpy(ticket->api_server, settings->api_server, sizeof(ticket->api_server));
	memcpy(ticket->web_server, settings->web_server, sizeof(ticket->web_server));
	memcpy(ticket->files_server, settings->files_server, sizeof(ticket->files_server));
	read_numbers(reader);
	for (size_t i = 0; i < ARRAY_LEN(spans); i++)
		if (settings_read_span(reader, &spans[i], err) < 0)
			return -1;
	return 0;
}

/* What only its provider knows to be wrong. */
static int ask_provider(const struct settings_reader *reader, struct error *err)
{
	const struct resource *out = reader->out;
	const struct provider *provider = provider_named(out->provider);
	struct error why;
	char at[SETTINGS_AT_ROOM];

	if (!provider || !provider->check || provider->check(out, &why) == 0)
		return 0;
	settings_find(reader, out->provider, at);
	return settings_refuse(reader->text, err, at, "%s", why.message);
}

/* A ticket that no machine would take must not come to light on the machine. */
static int prove_ticket(const struct settings_reader *reader, struct error *err)
{
	SCOPED(ticket) struct ticket again = { 0 };
	SCOPED(buf) struct buf text = BUF(TICKET_FILE_BYTES);
	char source[TICKET_PATH_ROOM];

	memcpy(reader->out->ticket.day, "2026-01-01", sizeof(reader->out->ticket.day));
	ticket_print(&reader->out->ticket, &text);
	snprintf(source, sizeof(source), "%.300s: ticket of %s", reader->text->path,
		 reader->out->name);
	if (buf_finish(&text, err) < 0)
		return error_wrap(err, "%s", source);
	return ticket_parse(buf_slice(&text), source, &again, err);
}

int settings_resource(const struct settings_text *text, const struct json *root, size_t place,
		      struct settings *settings, struct resource *out, struct error *err)
{
	struct settings_reader reader = {
		.text = text,
		.own = json_first(json_find(root, "resources")),
		.defaults = json_find(root, "defaults"),
		.place = place,
		.settings = settings,
		.out = out,
	};

	char at[SETTINGS_AT_ROOM];

	for (size_t i = 0; i < place; i++)
		reader.own = json_next(reader.own);
	*out = (struct resource){ 0 };
	ticket_defaults(&out->ticket);
	if (read_names(&reader, err) < 0 || read_market(&reader, err) < 0 ||
	    fill_ticket(&reader, err) < 0 || check(&reader, err) < 0 ||
	    read_queues(&reader, err) < 0)
		return -1;
	if (!settings_find(&reader, "max_instances", at))
		return settings_refuse_missing(&reader, "max_instances",
					       "how many machines may exist at once", err);
	if (settings_schedule(&reader, err) < 0)
		return -1;
	if (text->is_shape) {
		settings_aws_keep(&reader);
		return settings_read_text(&reader, "bundle.source", out->ticket.bundle.source,
					  sizeof(out->ticket.bundle.source), err);
	}
	if (settings_bundle(&reader, err) < 0 || settings_agent(&reader, err) < 0 ||
	    settings_init(&reader, err) < 0 || read_local(&reader, err) < 0 ||
	    settings_aws(&reader, err) < 0 || ask_provider(&reader, err) < 0)
		return -1;
	return prove_ticket(&reader, err);
}
