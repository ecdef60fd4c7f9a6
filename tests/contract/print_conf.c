/*
 * print_conf: bootstrap's clearml.conf, line by line, for test_clearml_conf.py.
 * Each line of standard input is a JSON object {bundle, docker}, docker being optional; each
 * gets one line of JSON: {"conf": the file's text}, or {"refused": ...} where the bundle is
 * not taken, or {"error": ...} where it cannot be written. docker is {image, is_fixed, allow,
 * arguments}: then the file is the one of docker mode.
 */

#include <stdio.h>
#include <stdlib.h>

#include "bootstrap/clearml_conf.h"
#include "common/json.h"

enum { CONF_MAX_BYTES = 4 << 20 };

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
	SCOPED(buf) struct buf bundle = BUF(CONF_MAX_BYTES);
	struct ticket *ticket = &machine->ticket;

	text_cut(machine->folder, sizeof(machine->folder), "/m/local-1");
	text_cut(ticket->api_server, sizeof(ticket->api_server), "http://127.0.0.1:8008");
	fill_docker(&ticket->agent, json_find(input, "docker"));
	json_print(json_find(input, "bundle"), true, &bundle);
	return bundle_parse(buf_slice(&bundle), "bundle.json", &machine->bundle, err);
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
	if (fill_machine(&machine, input.root, &refusal) < 0)
		print_answer("refused", refusal.message);
	else if (clearml_conf_print(&machine, 0, &text, &refusal) < 0)
		print_answer("error", refusal.message);
	else
		print_answer("conf", buf_text(&text));
	bundle_release(&machine.bundle);
	ticket_release(&machine.ticket);
	return 0;
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
