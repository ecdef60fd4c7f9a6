#include "reaper/settings/settings_docker.h"

#include <stdio.h>
#include <string.h>

#include "common/ticket_docker.h"

#define SPAN(member) offsetof(struct ticket, member)
enum { DAY_S = 86400 };
static const struct settings_span spans[] = {
	{ "agent.docker.pull_timeout", SPAN(agent.docker.pull_timeout_s), false, 1, DAY_S },
	{ "agent.docker.wait", SPAN(agent.docker.wait_s), false, 0, DAY_S },
};

static int read_image(const struct settings_reader *reader, const char *name, char *field,
		      struct error *err)
{
	char at[SETTINGS_AT_ROOM];
	const char *fault;

	if (settings_read_text(reader, name, field, TICKET_PATH_ROOM, err) < 0)
		return -1;
	settings_find(reader, name, at);
	fault = ticket_docker_image_fault(field);
	return fault ? settings_refuse(reader->text, err, at, "%s", fault) : 0;
}

static int read_images(const struct settings_reader *reader, struct error *err)
{
	struct ticket_docker *docker = &reader->out->ticket.agent.docker;
	char at[SETTINGS_AT_ROOM];

	text_cut(docker->agent_image, sizeof(docker->agent_image), SETTINGS_AGENT_IMAGE);
	if (read_image(reader, "agent.docker.agent_image", docker->agent_image, err) < 0)
		return -1;
	if (!settings_find(reader, "agent.docker.image", at))
		return settings_refuse_missing(reader, "agent.docker.image",
					       "the container image of tasks that name none, such "
					       "as \"python:3.11-slim\"",
					       err);
	return read_image(reader, "agent.docker.image", docker->image, err);
}

/* A list is inherited whole or replaced whole: added to, nobody could leave a word out. */
static char **read_list(const struct settings_reader *reader, const char *name,
			char at[static SETTINGS_AT_ROOM])
{
	const struct json *list = settings_find(reader, name, at);
	char **texts = memory_array(json_count(list) + 1, sizeof(*texts));
	size_t count = 0;

	for (const struct json *item = list ? json_first(list) : NULL; item; item = json_next(item))
		texts[count++] = memory_text(slice_of(json_text_value(item)));
	return texts;
}

static int refuse_item(const struct settings_reader *reader, const char *list, size_t place,
		       const char *fault, struct error *err)
{
	char at[SETTINGS_AT_ROOM + 24];

	snprintf(at, sizeof(at), "%s[%zu]", list, place);
	return settings_refuse(reader->text, err, at, "%s", fault);
}

static int read_lists(const struct settings_reader *reader, struct error *err)
{
	struct ticket_docker *docker = &reader->out->ticket.agent.docker;
	char arguments_at[SETTINGS_AT_ROOM], allow_at[SETTINGS_AT_ROOM];
	size_t place = 0;

	docker->arguments = read_list(reader, "agent.docker.arguments", arguments_at);
	docker->allow = read_list(reader, "agent.docker.allow", allow_at);
	const char *fault = ticket_docker_arguments_fault(docker->arguments, &place);

	if (fault)
		return refuse_item(reader, arguments_at, place, fault, err);
	fault = ticket_docker_allow_fault(docker->allow, &place);
	return fault ? refuse_item(reader, allow_at, place, fault, err) : 0;
}

static int read_gpus(const struct settings_reader *reader, struct error *err)
{
	const struct ticket *ticket = &reader->out->ticket;
	unsigned gpus = settings_read_count(reader, "gpus", 0);
	char at[SETTINGS_AT_ROOM];

	settings_find(reader, "gpus", at);
	if (gpus % ticket->seats)
		return settings_refuse(reader->text, err, at,
				       "expected 0 or a multiple of seats (%u in resource %s), so "
				       "that each seat gets as many, got %u",
				       ticket->seats, reader->out->name, gpus);
	reader->out->ticket.agent.docker.gpus = gpus;
	return 0;
}

int settings_docker(const struct settings_reader *reader, struct error *err)
{
	struct ticket_docker *docker = &reader->out->ticket.agent.docker;
	char at[SETTINGS_AT_ROOM];
	const char *pull = json_text_value(settings_find(reader, "agent.docker.pull", at));

	docker->is_image_fixed = settings_read_flag(reader, "agent.docker.image_fixed", false);
	if (pull)
		docker->pull = ticket_docker_pull_named(pull);
	if (settings_read_text(reader, "agent.docker.socket", docker->socket,
			       sizeof(docker->socket), err) < 0 ||
	    settings_read_text(reader, "agent.docker.network", docker->network,
			       sizeof(docker->network), err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(spans); i++)
		if (settings_read_span(reader, &spans[i], err) < 0)
			return -1;
	if (read_images(reader, err) < 0 || read_lists(reader, err) < 0)
		return -1;
	return read_gpus(reader, err);
}
