/*
 * print_conf: bootstrap's clearml.conf, line by line, for test_clearml_conf.py.
 * Each line of standard input is a JSON object {git_user, git_pass,
 * environment, extra, docker}, all of them optional; each gets one line of
 * JSON: {"conf": the file's text} or {"error": ...}. docker is {image,
 * is_fixed, allow, arguments}: then it is the one of docker mode.
 */

#include <stdio.h>
#include <stdlib.h>

#include "bootstrap/clearml_conf.h"
#include "common/json.h"

enum { CONF_MAX_BYTES = 1 << 20 };

static int fill_secret(struct secret *secret, const char *text, struct error *err)
{
	return text && text[0] ? secret_copy(secret, slice_of(text), err) : 0;
}

static int fill_environment(struct bundle *bundle, const struct json *variables, struct error *err)
{
	bundle->environment = memory_array(json_count(variables), sizeof(bundle->environment[0]));
	for (const struct json *item = json_first(variables); item; item = json_next(item)) {
		struct bundle_variable *variable =
			&bundle->environment[bundle->environment_count++];

		text_cut(variable->name, sizeof(variable->name), json_name(item));
		if (fill_secret(&variable->value, json_text_value(item), err) < 0)
			return -1;
	}
	return 0;
}

/* The texts of a list, NULL-terminated; ticket_release() frees them. */
static char **texts_of(const struct json *list)
{
	char **texts = memory_array(json_count(list) + 1, sizeof(texts[0]));
	size_t count = 0;

	for (const struct json *item = json_first(list); item; item = json_next(item))
		texts[count++] = memory_text(slice_of(json_text_value(item)));
	return texts;
}

static void fill_docker(struct ticket_agent *agent, const struct json *input)
{
	if (!input)
		return;
	agent->mode = AGENT_DOCKER;
	text_cut(agent->docker.image, sizeof(agent->docker.image),
		 json_text_or(input, "image", ""));
	agent->docker.is_image_fixed = json_bool_or(input, "is_fixed", false);
	agent->docker.allow = texts_of(json_find(input, "allow"));
	agent->docker.arguments = texts_of(json_find(input, "arguments"));
}

static int fill_machine(struct machine *machine, const struct json *input, struct error *err)
{
	struct ticket *ticket = &machine->ticket;
	struct bundle *bundle = &machine->bundle;

	text_cut(machine->folder, sizeof(machine->folder), "/m/local-1");
	text_cut(ticket->api_server, sizeof(ticket->api_server), "http://127.0.0.1:8008");
	fill_docker(&ticket->agent, json_find(input, "docker"));
	text_cut(bundle->access_key, sizeof(bundle->access_key), "ACCESS");
	text_cut(bundle->git_user, sizeof(bundle->git_user), json_text_or(input, "git_user", ""));
	if (fill_secret(&bundle->secret_key, "SECRET", err) < 0 ||
	    fill_secret(&bundle->git_token, json_text_or(input, "git_pass", NULL), err) < 0 ||
	    fill_secret(&bundle->extra_conf, json_text_or(input, "extra", NULL), err) < 0)
		return -1;
	return fill_environment(bundle, json_find(input, "environment"), err);
}

static void print_answer(const char *name, const char *text)
{
	SCOPED(json_document) struct json_document answer = { 0 };
	SCOPED(buf) struct buf line = BUF(2 * CONF_MAX_BYTES);

	json_new_object(&answer);
	json_add_text(answer.root, name, text);
	json_print(answer.root, false, &line);
	puts(buf_text(&line));
}

static int answer_line(const char *line, struct error *err)
{
	SCOPED(json_document) struct json_document input = { 0 };
	SCOPED(buf) struct buf text = BUF(CONF_MAX_BYTES);
	struct machine machine = { 0 };
	struct error refusal = { 0 };

	if (json_parse(slice_of(line), &input, err) < 0)
		return -1;
	int result = fill_machine(&machine, input.root, err);
	if (!result && clearml_conf_print(&machine, 0, &text, &refusal) == 0)
		print_answer("conf", buf_text(&text));
	else if (!result)
		print_answer("error", refusal.message);
	bundle_release(&machine.bundle);
	ticket_release(&machine.ticket);
	return result;
}

int main(void)
{
	struct error err = { 0 };
	bool is_locked = false;
	char *line = NULL;
	size_t room = 0;
	int result = secret_prepare_process(&is_locked, &err);

	while (!result && getline(&line, &room, stdin) > 0)
		result = answer_line(line, &err);
	free(line);
	if (!result)
		return 0;
	fprintf(stderr, "print_conf: %s\n", err.message);
	return 1;
}
