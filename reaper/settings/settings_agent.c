#include "reaper/settings/settings_agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reaper/settings/settings_docker.h"

/* ---- environment ---- */

static bool is_variable_name(const char *name)
{
	if (!*name || (*name >= '0' && *name <= '9'))
		return false;
	return name[strspn(name,
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")] ==
	       '\0';
}

static int add_variables(const struct settings_reader *reader, const struct json *from,
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

static int read_environment(const struct settings_reader *reader, struct error *err)
{
	const struct json *own = json_find(reader->own, "agent.environment");

	if (reader->defaults &&
	    add_variables(reader, json_find(reader->defaults, "agent.environment"), own, err) < 0)
		return -1;
	return add_variables(reader, own, NULL, err);
}

/* ---- which mode ---- */

static bool says_mode(const struct json *level, enum agent_mode *mode)
{
	const char *word = json_text_value(json_find(level, "agent.mode"));

	if (word)
		*mode = strcmp(word, "docker") == 0 ? AGENT_DOCKER : AGENT_HOST;
	else if (json_find(level, "agent.docker"))
		*mode = AGENT_DOCKER;
	else if (json_find(level, "agent.command"))
		*mode = AGENT_HOST;
	else
		return false;
	return true;
}

static enum agent_mode find_mode(const struct settings_reader *reader)
{
	enum agent_mode mode = AGENT_HOST;

	if (!says_mode(reader->own, &mode) && reader->defaults)
		(void)says_mode(reader->defaults, &mode);
	return mode;
}

/* A field of the resource's own that its mode has no use for. */
static int refuse_own(const struct settings_reader *reader, const char *name, const char *why,
		      struct error *err)
{
	char at[SETTINGS_AT_ROOM];

	if (!json_find(reader->own, name))
		return 0;
	snprintf(at, sizeof(at), "resources[%zu].%s", reader->place, name);
	return settings_refuse(reader->text, err, at, "%s", why);
}

/* ---- mode host ---- */

static int read_command(const struct settings_reader *reader, struct error *err)
{
	struct ticket_agent *agent = &reader->out->ticket.agent;
	char at[SETTINGS_AT_ROOM], program[TICKET_PATH_ROOM];
	const struct json *list = settings_find(reader, "agent.command", at);
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

static int read_host(const struct settings_reader *reader, struct error *err)
{
	struct ticket_agent *agent = &reader->out->ticket.agent;
	char at[SETTINGS_AT_ROOM];

	if (refuse_own(reader, "agent.docker", "is for agent.mode docker, and this is host", err) <
	    0)
		return -1;
	if (settings_read_count(reader, "gpus", 0)) {
		settings_find(reader, "gpus", at);
		return settings_refuse(reader->text, err, at,
				       "is for agent.mode docker, and resource %s has host, where "
				       "every task sees every GPU",
				       reader->out->name);
	}
	if (settings_read_text(reader, "agent.user", agent->user, sizeof(agent->user), err) < 0)
		return -1;
	return read_command(reader, err);
}

/* ---- mode docker ---- */

static int read_docker(const struct settings_reader *reader, struct error *err)
{
	char at[SETTINGS_AT_ROOM];
	const char *user = json_text_value(settings_find(reader, "agent.user", at));

	if (user && *user)
		return settings_refuse(reader->text, err, at,
				       "is for agent.mode host, and resource %s has docker, where "
				       "the images say who runs: leave it out, or \"\"",
				       reader->out->name);
	if (refuse_own(reader, "agent.command",
		       "is for agent.mode host: in docker mode clearml-agent is in "
		       "agent.docker.agent_image",
		       err) < 0)
		return -1;
	return settings_docker(reader, err);
}

int settings_agent(const struct settings_reader *reader, struct error *err)
{
	struct ticket_agent *agent = &reader->out->ticket.agent;

	agent->mode = find_mode(reader);
	if (read_environment(reader, err) < 0)
		return -1;
	return agent->mode == AGENT_DOCKER ? read_docker(reader, err) : read_host(reader, err);
}
