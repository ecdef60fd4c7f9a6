#include "reaper/settings_resource.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/machine_record.h"
#include "reaper/providers/provider.h"

enum { AT_ROOM = 160, MOST_REPORT_S = MACHINE_RECORD_TIMEOUT_S / 2 };

/* One entry, and where its members are looked for. */
struct reader {
	const struct settings_text *text;
	const struct json *own, *defaults;
	size_t place;
	struct settings *settings;
	struct resource *out;
};

/* The member, the resource's own or else the inherited one; at is its path in the file. */
static const struct json *find(const struct reader *reader, const char *name, char at[AT_ROOM])
{
	const struct json *value = json_find(reader->own, name);

	if (!value && reader->defaults) {
		value = json_find(reader->defaults, name);
		if (value) {
			snprintf(at, AT_ROOM, "defaults.%s", name);
			return value;
		}
	}
	snprintf(at, AT_ROOM, "resources[%zu].%s", reader->place, name);
	return value;
}

/* What neither the resource nor the defaults say has no line of its own: the resource's is told. */
static int refuse_missing(const struct reader *reader, const char *name, const char *what,
			  struct error *err)
{
	char at[AT_ROOM];

	snprintf(at, sizeof(at), "resources[%zu]", reader->place);
	return settings_refuse(reader->text, err, at, "%s is missing: %s", name, what);
}

/* ---- plain fields, by table ---- */

/* The limits are those of ticket.schema.json, which each ticket is checked against in the end. */
struct span_field {
	const char *name;
	size_t offset; /* of an int64_t in struct ticket */
	bool is_ms; /* else seconds */
	int64_t least, most; /* in its unit */
};
#define SPAN(member) offsetof(struct ticket, member)
enum { DAY_S = 86400, MONTH_S = 30 * DAY_S, YEAR_S = 365 * DAY_S, TEN_MINUTES_MS = 600000 };
static const struct span_field span_fields[] = {
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

static int read_span(const struct reader *reader, const struct span_field *field, struct error *err)
{
	char at[AT_ROOM];
	const struct json *value = find(reader, field->name, at);
	const char *unit = field->is_ms ? "ms" : "s";
	int64_t span;

	if (!value)
		return 0;
	if ((field->is_ms ? settings_duration(reader->text, at, value, &span, err) :
			    settings_seconds(reader->text, at, value, &span, err)) < 0)
		return -1;
	if (span < field->least)
		return settings_refuse(reader->text, err, at,
				       "expected at least %lld%s, got %lld%s",
				       (long long)field->least, unit, (long long)span, unit);
	if (span > field->most)
		return settings_refuse(reader->text, err, at, "expected at most %lld%s, got %lld%s",
				       (long long)field->most, unit, (long long)span, unit);
	memcpy((char *)&reader->out->ticket + field->offset, &span, sizeof(span));
	return 0;
}

static unsigned read_count(const struct reader *reader, const char *name, unsigned fallback)
{
	char at[AT_ROOM];
	const struct json *value = find(reader, name, at);

	/* The schema has seen to it that it is a whole number in its range. */
	return value ? (unsigned)json_number_value(value) : fallback;
}

static void read_numbers(const struct reader *reader)
{
	struct resource *out = reader->out;
	struct ticket *ticket = &out->ticket;
	char at[AT_ROOM];
	const struct json *one_task = find(reader, "one_task", at);
	const struct json *space = find(reader, "gates.free_gigabytes", at);

	out->max_instances = read_count(reader, "max_instances", 0);
	out->min_instances = read_count(reader, "min_instances", 0);
	ticket->seats = read_count(reader, "seats", 1);
	ticket->limits.max_attempts =
		read_count(reader, "max_attempts", ticket->limits.max_attempts);
	ticket->gates.free_inode_percent =
		read_count(reader, "gates.free_inode_percent", ticket->gates.free_inode_percent);
	if (one_task)
		ticket->one_task = json_bool_value(one_task);
	if (space)
		ticket->gates.free_bytes = (uint64_t)(json_number_value(space) * 1e9 + 0.5);
}

static int read_names(const struct reader *reader, struct error *err)
{
	struct resource *out = reader->out;
	char at[AT_ROOM];
	const char *provider = json_text_value(find(reader, "provider", at));
	const char *type = json_text_value(find(reader, "instance_type", at));
	SCOPED(buf) struct buf names = BUF(1024);

	provider_names(&names);
	if (!provider)
		provider = "local";
	find(reader, "provider", at);
	if (!provider_named(provider))
		return settings_refuse(reader->text, err, at, "\"%s\" is no provider: known is %s",
				       provider, buf_text(&names));
	if (text_copy(out->name, sizeof(out->name), slice_of(json_text_or(reader->own, "name", "")),
		      err) < 0 ||
	    text_copy(out->provider, sizeof(out->provider), slice_of(provider), err) < 0 ||
	    text_copy(out->type, sizeof(out->type), slice_of(type ? type : "local"), err) < 0)
		return error_wrap(err, "%s: resources[%zu]", reader->text->path, reader->place);
	return 0;
}

/* ---- queues ---- */

static int add_queue(const struct reader *reader, const char *name, const char *at,
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

static int read_queues(const struct reader *reader, struct error *err)
{
	char at[AT_ROOM];
	const struct json *list = find(reader, "queues", at);

	if (!list)
		return refuse_missing(reader, "queues", "a list of ClearML queue names", err);
	for (const struct json *name = json_first(list); name; name = json_next(name))
		if (add_queue(reader, json_text_value(name), at, err) < 0)
			return -1;
	return 0;
}

/* ---- what a machine runs with ---- */

static int read_command(const struct reader *reader, struct error *err)
{
	struct ticket_agent *agent = &reader->out->ticket.agent;
	char at[AT_ROOM], program[TICKET_PATH_ROOM];
	const struct json *list = find(reader, "agent.command", at);
	const struct json *first = json_first(list);
	size_t count = list ? json_count(list) : 1, used = 0;

	if (settings_program(reader->text, at, list ? json_text_value(first) : "clearml-agent",
			     program, err) < 0)
		return -1;
	for (size_t i = 0; agent->command && agent->command[i]; i++)
		free(agent->command[i]);
	free(agent->command);
	agent->command = memory_array(count + 1, sizeof(*agent->command));
	agent->command[used++] = memory_text(slice_of(program));
	for (const struct json *word = list ? json_next(first) : NULL; word; word = json_next(word))
		agent->command[used++] = memory_text(slice_of(json_text_value(word)));
	return 0;
}

static bool is_variable_name(const char *name)
{
	if (!*name || (*name >= '0' && *name <= '9'))
		return false;
	return name[strspn(name,
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")] ==
	       '\0';
}

static int add_variables(const struct reader *reader, const struct json *from,
			 const struct json *hidden_by, struct error *err)
{
	struct ticket_agent *agent = &reader->out->ticket.agent;
	size_t count = 0;

	while (agent->environment && agent->environment[count])
		count++;
	for (const struct json *one = from ? json_first(from) : NULL; one; one = json_next(one)) {
		const char *name = json_name(one);
		SCOPED(buf) struct buf line = BUF(8192);

		if (!is_variable_name(name))
			return settings_refuse(reader->text, err, "",
					       "resources[%zu].agent.environment: \"%.80s\" is no "
					       "name of a variable",
					       reader->place, name);
		if (hidden_by && json_find(hidden_by, name))
			continue;
		buf_addf(&line, "%s=%s", name, json_text_value(one));
		if (buf_finish(&line, err) < 0)
			return error_wrap(err, "%s: agent.environment: %s", reader->text->path,
					  name);
		agent->environment =
			memory_grow(agent->environment, count + 2, sizeof(*agent->environment));
		agent->environment[count++] = memory_text(buf_slice(&line));
		agent->environment[count] = NULL;
	}
	return 0;
}

static int read_agent(const struct reader *reader, struct error *err)
{
	struct ticket_agent *agent = &reader->out->ticket.agent;
	char at[AT_ROOM];
	const struct json *own = json_find(reader->own, "agent.environment");
	const struct json *user = find(reader, "agent.user", at);

	agent->mode = AGENT_HOST;
	if (user &&
	    text_copy(agent->user, sizeof(agent->user), slice_of(json_text_value(user)), err) < 0)
		return error_wrap(err, "%s: %s", reader->text->path, at);
	if (reader->defaults &&
	    add_variables(reader, json_find(reader->defaults, "agent.environment"), own, err) < 0)
		return -1;
	if (add_variables(reader, own, NULL, err) < 0)
		return -1;
	return read_command(reader, err);
}

static int read_bundle(const struct reader *reader, struct error *err)
{
	struct ticket *ticket = &reader->out->ticket;
	char at[AT_ROOM];
	const struct json *file = find(reader, "bundle.file", at);

	if (!file)
		return refuse_missing(reader, "bundle.file",
				      "the file of credentials for its machines "
				      "(bundle.schema.json)",
				      err);
	if (settings_path(reader->text, at, json_text_value(file), ticket->bundle_file, err) < 0)
		return -1;
	if (access(ticket->bundle_file, R_OK) < 0)
		return settings_refuse(reader->text, err, at, "%s: %s", ticket->bundle_file,
				       strerrordesc_np(errno));
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

static int read_local(const struct reader *reader, struct error *err)
{
	struct local_settings *local = &reader->out->local;
	char at[AT_ROOM];
	const char *machines = json_text_value(find(reader, "local.machines", at));

	if (settings_path(reader->text, at, machines ? machines : "/var/lib/mayfly-reaper/machines",
			  local->machines, err) < 0)
		return -1;

	const struct json *program = find(reader, "local.bootstrap", at);
	if (program)
		return settings_program(reader->text, at, json_text_value(program),
					local->bootstrap, err);
	if (find_beside_us(local->bootstrap))
		return 0;
	return settings_program(reader->text, at, "mayfly-bootstrap", local->bootstrap, err);
}

/* ---- what fits together ---- */

static int refuse_order(const struct reader *reader, const char *more, const char *less,
			struct error *err)
{
	char at[AT_ROOM];

	if (!find(reader, more, at))
		find(reader, less, at);
	return settings_refuse(reader->text, err, at, "%s is larger than %s in resource %s", more,
			       less, reader->out->name);
}

static int check(const struct reader *reader, struct error *err)
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
	return 0;
}

static int fill_ticket(const struct reader *reader, struct error *err)
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
	for (size_t i = 0; i < ARRAY_LEN(span_fields); i++)
		if (read_span(reader, &span_fields[i], err) < 0)
			return -1;
	return 0;
}

/* A ticket that no machine would take must not come to light on the machine. */
static int prove_ticket(const struct reader *reader, struct error *err)
{
	SCOPED(ticket) struct ticket again = { 0 };
	SCOPED(buf) struct buf text = BUF(1 << 20);
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
	struct reader reader = {
		.text = text,
		.own = json_first(json_find(root, "resources")),
		.defaults = json_find(root, "defaults"),
		.place = place,
		.settings = settings,
		.out = out,
	};

	char at[AT_ROOM];

	for (size_t i = 0; i < place; i++)
		reader.own = json_next(reader.own);
	*out = (struct resource){ 0 };
	ticket_defaults(&out->ticket);
	if (read_names(&reader, err) < 0 || fill_ticket(&reader, err) < 0 ||
	    check(&reader, err) < 0 || read_queues(&reader, err) < 0)
		return -1;
	if (!find(&reader, "max_instances", at))
		return refuse_missing(&reader, "max_instances",
				      "how many machines may exist at once", err);
	if (read_bundle(&reader, err) < 0 || read_agent(&reader, err) < 0 ||
	    read_local(&reader, err) < 0)
		return -1;
	return prove_ticket(&reader, err);
}
