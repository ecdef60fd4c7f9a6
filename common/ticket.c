#include "common/ticket.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/schema.h"
#include "common/schemas.h"
#include "common/ticket_docker.h"

enum { FORM_VERSION = 1 };

/* The document that a message is about. */
struct origin {
	struct slice text;
	const char *source;
};

#define FIELD(member) offsetof(struct ticket, member)
#define ROOM(member) sizeof(((struct ticket *)0)->member)

static const struct {
	const char *path;
	size_t offset, room;
} texts[] = {
	{ "prefix", FIELD(prefix), ROOM(prefix) },
	{ "resource", FIELD(resource), ROOM(resource) },
	{ "provider", FIELD(provider), ROOM(provider) },
	{ "type", FIELD(type), ROOM(type) },
	{ "day", FIELD(day), ROOM(day) },
	{ "clearml.api_server", FIELD(api_server), ROOM(api_server) },
	{ "clearml.web_server", FIELD(web_server), ROOM(web_server) },
	{ "clearml.files_server", FIELD(files_server), ROOM(files_server) },
	{ "bundle.source", FIELD(bundle.source), ROOM(bundle.source) },
	{ "bundle.digest", FIELD(bundle.digest), ROOM(bundle.digest) },
	{ "agent.user", FIELD(agent.user), ROOM(agent.user) },
	{ "agent.docker.socket", FIELD(agent.docker.socket), ROOM(agent.docker.socket) },
	{ "agent.docker.agent_image", FIELD(agent.docker.agent_image),
	  ROOM(agent.docker.agent_image) },
	{ "agent.docker.image", FIELD(agent.docker.image), ROOM(agent.docker.image) },
	{ "agent.docker.network", FIELD(agent.docker.network), ROOM(agent.docker.network) },
};

enum width { WIDTH_UNSIGNED, WIDTH_64 };

static const struct {
	const char *path;
	size_t offset;
	enum width width;
} numbers[] = {
	{ "slot", FIELD(slot), WIDTH_UNSIGNED },
	{ "generation", FIELD(generation), WIDTH_UNSIGNED },
	{ "seats", FIELD(seats), WIDTH_UNSIGNED },
	{ "limits.idle_timeout_s", FIELD(limits.idle_timeout_s), WIDTH_64 },
	{ "limits.max_age_s", FIELD(limits.max_age_s), WIDTH_64 },
	{ "limits.max_life_s", FIELD(limits.max_life_s), WIDTH_64 },
	{ "limits.dead_man_s", FIELD(limits.dead_man_s), WIDTH_64 },
	{ "limits.boot_deadline_s", FIELD(limits.boot_deadline_s), WIDTH_64 },
	{ "limits.task_timeout_s", FIELD(limits.task_timeout_s), WIDTH_64 },
	{ "limits.report_every_s", FIELD(limits.report_every_s), WIDTH_64 },
	{ "limits.poll_min_ms", FIELD(limits.poll_min_ms), WIDTH_64 },
	{ "limits.poll_max_ms", FIELD(limits.poll_max_ms), WIDTH_64 },
	{ "limits.max_attempts", FIELD(limits.max_attempts), WIDTH_UNSIGNED },
	{ "gates.free_bytes", FIELD(gates.free_bytes), WIDTH_64 },
	{ "gates.free_inode_percent", FIELD(gates.free_inode_percent), WIDTH_UNSIGNED },
	{ "gates.max_clock_skew_s", FIELD(gates.max_clock_skew_s), WIDTH_64 },
	{ "agent.docker.gpus", FIELD(agent.docker.gpus), WIDTH_UNSIGNED },
	{ "agent.docker.pull_timeout_s", FIELD(agent.docker.pull_timeout_s), WIDTH_64 },
	{ "agent.docker.wait_s", FIELD(agent.docker.wait_s), WIDTH_64 },
	{ "init.timeout_s", FIELD(init.timeout_s), WIDTH_64 },
};

void ticket_defaults(struct ticket *out)
{
	*out = (struct ticket){
		.seats = 1,
		.limits = { .idle_timeout_s = 900,
			    .max_age_s = 86400,
			    .max_life_s = 604800,
			    .dead_man_s = 600,
			    .boot_deadline_s = 600,
			    .report_every_s = 25,
			    .poll_min_ms = 5000,
			    .poll_max_ms = 15000,
			    .max_attempts = 3 },
		.gates = { .free_bytes = 10000000000,
			   .free_inode_percent = 5,
			   .max_clock_skew_s = 120 },
		.agent = { .mode = AGENT_HOST,
			   .docker = { .socket = "/var/run/docker.sock",
				       .pull = PULL_MISSING,
				       .network = "bridge",
				       .pull_timeout_s = 1800,
				       .wait_s = 120 } },
		.init = { .timeout_s = 600 },
	};
}

static void release_texts(char **list)
{
	for (char **text = list; text && *text; text++)
		free(*text);
	free(list);
}

void ticket_release(struct ticket *ticket)
{
	release_texts(ticket->agent.command);
	release_texts(ticket->agent.environment);
	release_texts(ticket->agent.docker.arguments);
	release_texts(ticket->agent.docker.allow);
	free(ticket->init.script);
	free(ticket->hold);
	*ticket = (struct ticket){ 0 };
}

/* ---- reading ---- */

static int refuse(const struct origin *origin, const char *path, const char *why, struct error *err)
{
	return error_set(err, ERROR_CONFIGURATION, "%s:%u: %s: %s", origin->source,
			 json_line_of(origin->text, path, false), path, why);
}

struct field {
	char *text;
	size_t room;
};

/* The schema counts characters, a field bytes. */
static int copy_text(const struct json *value, const struct origin *origin, const char *path,
		     struct field field, struct error *err)
{
	struct error why;

	if (text_copy(field.text, field.room, slice_of(json_text_value(value)), &why) < 0)
		return refuse(origin, path, why.message, err);
	return 0;
}

static int read_texts(const struct json *root, const struct origin *origin, struct ticket *out,
		      struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct json *value = json_find(root, texts[i].path);
		struct field field = { (char *)out + texts[i].offset, texts[i].room };

		if (value && copy_text(value, origin, texts[i].path, field, err) < 0)
			return -1;
	}
	return 0;
}

static void read_numbers(const struct json *root, struct ticket *out)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const struct json *value = json_find(root, numbers[i].path);
		char *field = (char *)out + numbers[i].offset;

		if (!value)
			continue;
		int64_t number = (int64_t)json_number_value(value);
		unsigned narrow = (unsigned)number;

		if (numbers[i].width == WIDTH_64)
			memcpy(field, &number, sizeof(number));
		else
			memcpy(field, &narrow, sizeof(narrow));
	}
}

static int read_queues(const struct json *root, const struct origin *origin, struct ticket *out,
		       struct error *err)
{
	const struct json *list = json_find(root, "queues");

	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		char *name = out->queues[out->queue_count];

		if (copy_text(item, origin, "queues",
			      (struct field){ name, sizeof(out->queues[0]) }, err) < 0)
			return -1;
		out->queue_count++;
	}
	return 0;
}

static char **read_list(const struct json *list)
{
	char **texts_read = memory_array(json_count(list) + 1, sizeof(*texts_read));
	size_t count = 0;

	if (!list)
		return texts_read;
	for (const struct json *item = json_first(list); item; item = json_next(item))
		texts_read[count++] = memory_text(slice_of(json_text_value(item)));
	return texts_read;
}

static void read_hold(const struct json *list, struct ticket *out)
{
	if (!list)
		return;
	out->hold = memory_array(json_count(list), sizeof(*out->hold));
	for (const struct json *item = json_first(list); item; item = json_next(item))
		out->hold[out->hold_count++] =
			(struct ticket_span){ json_integer_or(item, "from_s", 0),
					      json_integer_or(item, "until_s", 0) };
}

static bool is_day(const char *day)
{
	SCOPED(buf) struct buf text = BUF(CLOCK_TEXT_LEN);
	struct error ignored;
	int64_t wall_ms;

	buf_addf(&text, "%sT00:00:00Z", day);
	return clock_parse_iso(buf_slice(&text), &wall_ms, &ignored) == 0;
}

static void read_agent(const struct json *root, struct ticket *out)
{
	struct ticket_agent *agent = &out->agent;
	struct ticket_docker *docker = &agent->docker;

	if (strcmp(json_text_or(root, "agent.mode", "host"), "docker") == 0)
		agent->mode = AGENT_DOCKER;
	agent->command = read_list(json_find(root, "agent.command"));
	agent->environment = read_list(json_find(root, "agent.environment"));
	docker->arguments = read_list(json_find(root, "agent.docker.arguments"));
	docker->allow = read_list(json_find(root, "agent.docker.allow"));
	docker->is_image_fixed = json_bool_or(root, "agent.docker.image_fixed", false);
	docker->pull = ticket_docker_pull_named(json_text_or(root, "agent.docker.pull", ""));
}

static void read_init(const struct json *root, struct ticket *out)
{
	const char *script = json_text_or(root, "init.script", NULL);

	if (script)
		out->init.script = memory_text(slice_of(script));
	out->init.is_login = json_bool_or(root, "init.login", false);
	out->init.is_optional = json_bool_or(root, "init.optional", false);
}

/* ---- what a schema cannot say ---- */

static int check_host(const struct json *root, const struct ticket *ticket,
		      const struct origin *origin, struct error *err)
{
	if (json_find(root, "agent.docker"))
		return refuse(origin, "agent.docker", "is for agent.mode docker, and this is host",
			      err);
	if (!json_find(root, "agent.command"))
		return refuse(origin, "agent",
			      "command is missing: agent.mode host needs the absolute path of "
			      "clearml-agent",
			      err);
	if (ticket->agent.command[0][0] != '/')
		return refuse(origin, "agent.command[0]", "expected an absolute path", err);
	return 0;
}

static int check_list(const struct origin *origin, const char *name, size_t place,
		      const char *fault, struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "agent.docker.%s[%zu]", name, place);
	return fault ? refuse(origin, path, fault, err) : 0;
}

static int check_texts(const struct ticket_docker *docker, const struct origin *origin,
		       struct error *err)
{
	const char *fault = ticket_docker_image_fault(docker->agent_image);
	size_t place = 0;

	if (fault)
		return refuse(origin, "agent.docker.agent_image", fault, err);
	fault = ticket_docker_image_fault(docker->image);
	if (fault)
		return refuse(origin, "agent.docker.image", fault, err);
	fault = ticket_docker_arguments_fault(docker->arguments, &place);
	if (check_list(origin, "arguments", place, fault, err) < 0)
		return -1;
	fault = ticket_docker_allow_fault(docker->allow, &place);
	return check_list(origin, "allow", place, fault, err);
}

static int check_docker(const struct json *root, const struct ticket *ticket,
			const struct origin *origin, struct error *err)
{
	const struct ticket_docker *docker = &ticket->agent.docker;
	char why[80];

	if (!json_find(root, "agent.docker"))
		return refuse(origin, "agent",
			      "docker is missing: agent.mode docker needs an agent_image and an "
			      "image",
			      err);
	if (json_find(root, "agent.command"))
		return refuse(origin, "agent.command",
			      "is for agent.mode host: in docker mode clearml-agent is in "
			      "agent.docker.agent_image",
			      err);
	if (ticket->agent.user[0])
		return refuse(origin, "agent.user",
			      "is for agent.mode host: in docker mode the images say who runs",
			      err);
	if (docker->gpus % ticket->seats) {
		snprintf(why, sizeof(why), "expected 0 or a multiple of seats (%u), got %u",
			 ticket->seats, docker->gpus);
		return refuse(origin, "agent.docker.gpus", why, err);
	}
	return check_texts(docker, origin, err);
}

static int check_times(const struct ticket *ticket, const struct origin *origin, struct error *err)
{
	const struct ticket_limits *limits = &ticket->limits;

	if (!is_day(ticket->day))
		return refuse(origin, "day", "no such day", err);
	if (limits->poll_min_ms > limits->poll_max_ms)
		return refuse(origin, "limits", "poll_min_ms is above poll_max_ms", err);
	if (limits->max_age_s > limits->max_life_s)
		return refuse(origin, "limits", "max_age_s is above max_life_s", err);
	for (size_t i = 0; i < ticket->hold_count; i++)
		if (ticket->hold[i].from_s >= ticket->hold[i].until_s)
			return refuse(origin, "hold", "from_s is not before until_s", err);
	return 0;
}

static int check(const struct json *root, const struct ticket *ticket, const struct origin *origin,
		 struct error *err)
{
	if (check_times(ticket, origin, err) < 0)
		return -1;
	if (ticket->init.script && strlen(ticket->init.script) > TICKET_SCRIPT_BYTES)
		return refuse(origin, "init.script", "is longer than 65536 bytes", err);
	if (ticket->agent.mode == AGENT_DOCKER)
		return check_docker(root, ticket, origin, err);
	return check_host(root, ticket, origin, err);
}

static int read_ticket(const struct json *root, const struct origin *origin, struct ticket *out,
		       struct error *err)
{
	ticket_defaults(out);
	out->one_task = json_bool_or(root, "one_task", false);
	read_agent(root, out);
	read_init(root, out);
	read_hold(json_find(root, "hold"), out);
	read_numbers(root, out);
	if (read_texts(root, origin, out, err) < 0 || read_queues(root, origin, out, err) < 0)
		return -1;
	return check(root, out, origin, err);
}

int ticket_parse(struct slice text, const char *source, struct ticket *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(ticket) struct ticket read = { 0 };
	struct findings findings;

	if (json_parse(text, &document, err) < 0) {
		err->class = ERROR_CONFIGURATION;
		return error_wrap(err, "%s", source);
	}
	if (schema_check((struct slice){ schema_ticket, schema_ticket_len }, document.root, source,
			 text, &findings, err) < 0)
		return -1;
	if (read_ticket(document.root, &(struct origin){ text, source }, &read, err) < 0)
		return -1;
	*out = read;
	read = (struct ticket){ 0 };
	return 0;
}

/* ---- writing ---- */

static void add_list(struct json *to, const char *name, char *const *list)
{
	struct json *added = json_add_list(to, name);

	for (char *const *text = list; text && *text; text++)
		json_add_text(added, NULL, *text);
}

/* The member's name when the path lies in the group (NULL: at the top), else NULL. */
static const char *name_in(const char *path, const char *group)
{
	const char *dot = strrchr(path, '.');

	if (!dot || !group)
		return !dot && !group ? path : NULL;
	size_t len = (size_t)(dot - path);

	return strlen(group) == len && memcmp(path, group, len) == 0 ? dot + 1 : NULL;
}

static int64_t number_at(const struct ticket *ticket, size_t offset, enum width width)
{
	int64_t number;
	unsigned narrow;

	if (width == WIDTH_64) {
		memcpy(&number, (const char *)ticket + offset, sizeof(number));
		return number;
	}
	memcpy(&narrow, (const char *)ticket + offset, sizeof(narrow));
	return narrow;
}

static void add_group(struct json *to, const char *group, const struct ticket *ticket)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *name = name_in(texts[i].path, group);
		const char *text = (const char *)ticket + texts[i].offset;

		if (name && *text)
			json_add_text(to, name, text);
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const char *name = name_in(numbers[i].path, group);

		if (name)
			json_add_integer(to, name,
					 number_at(ticket, numbers[i].offset, numbers[i].width));
	}
}

static void add_queues(struct json *to, const struct ticket *ticket)
{
	struct json *list = json_add_list(to, "queues");

	for (size_t i = 0; i < ticket->queue_count; i++)
		json_add_text(list, NULL, ticket->queues[i]);
}

static void add_docker(struct json *to, const struct ticket *ticket)
{
	const struct ticket_docker *docker = &ticket->agent.docker;

	add_group(to, "agent.docker", ticket);
	json_add_bool(to, "image_fixed", docker->is_image_fixed);
	json_add_text(to, "pull", ticket_docker_pull_name(docker->pull));
	add_list(to, "arguments", docker->arguments);
	add_list(to, "allow", docker->allow);
}

static void add_agent(struct json *to, const struct ticket *ticket)
{
	struct json *agent = json_add_object(to, "agent");
	bool is_docker = ticket->agent.mode == AGENT_DOCKER;

	json_add_text(agent, "mode", is_docker ? "docker" : "host");
	if (!is_docker)
		add_list(agent, "command", ticket->agent.command);
	add_list(agent, "environment", ticket->agent.environment);
	add_group(agent, "agent", ticket);
	if (is_docker)
		add_docker(json_add_object(agent, "docker"), ticket);
}

/* A machine without a script gets the ticket that it always got. */
static void add_init(struct json *to, const struct ticket *ticket)
{
	if (!ticket->init.script)
		return;
	struct json *init = json_add_object(to, "init");

	json_add_text(init, "script", ticket->init.script);
	json_add_bool(init, "login", ticket->init.is_login);
	json_add_bool(init, "optional", ticket->init.is_optional);
	add_group(init, "init", ticket);
}

static void add_hold(struct json *to, const struct ticket *ticket)
{
	struct json *list = json_add_list(to, "hold");

	for (size_t i = 0; i < ticket->hold_count; i++) {
		struct json *span = json_add_object(list, NULL);

		json_add_integer(span, "from_s", ticket->hold[i].from_s);
		json_add_integer(span, "until_s", ticket->hold[i].until_s);
	}
}

void ticket_print(const struct ticket *ticket, struct buf *out)
{
	static const char *const groups[] = { "clearml", "bundle", "limits", "gates" };
	SCOPED(json_document) struct json_document document = { 0 };

	json_new_object(&document);
	json_add_integer(document.root, "version", FORM_VERSION);
	add_group(document.root, NULL, ticket);
	add_queues(document.root, ticket);
	json_add_bool(document.root, "one_task", ticket->one_task);
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		add_group(json_add_object(document.root, groups[i]), groups[i], ticket);
	add_agent(document.root, ticket);
	add_init(document.root, ticket);
	add_hold(document.root, ticket);
	json_print(document.root, true, out);
}
