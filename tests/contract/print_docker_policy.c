/*
 * print_docker_policy: what bootstrap makes of docker arguments, line by line, for
 * test_docker_policy.py. Each line of standard input is a JSON object {text or words, allow,
 * arguments}, the last two optional; each gets one line of JSON: {"words", "kept", "refused",
 * "patterns"} or {"error"}.
 */

#include <stdio.h>
#include <stdlib.h>

#include "bootstrap/docker_policy.h"

enum { LINE_MAX_BYTES = 1 << 20 };

static void read_words(const struct json *list, struct docker_words *out)
{
	for (const struct json *item = json_first(list); item; item = json_next(item))
		docker_words_add(out, json_text_value(item));
}

/* NULL-terminated, as in the ticket. */
static char *const *end_list(struct docker_words *words)
{
	words->list = memory_grow(words->list, words->count + 1, sizeof(words->list[0]));
	words->list[words->count] = NULL;
	return words->list;
}

static void add_words(struct json *answer, const char *name, const struct docker_words *words)
{
	struct json *list = json_add_list(answer, name);

	for (size_t i = 0; i < words->count; i++)
		json_add_text(list, NULL, words->list[i]);
}

static int read_input(const struct json *input, struct docker_words *words, struct error *err)
{
	const char *text = json_text_or(input, "text", NULL);

	if (text)
		return docker_words_split(slice_of(text), words, err);
	read_words(json_find(input, "words"), words);
	return 0;
}

static int answer(const struct json *input, struct json *out, struct error *err)
{
	struct docker_words words = { 0 }, kept = { 0 }, patterns = { 0 };
	struct docker_words allow = { 0 }, arguments = { 0 };
	SCOPED(buf) struct buf refused = BUF(1024);

	read_words(json_find(input, "allow"), &allow);
	read_words(json_find(input, "arguments"), &arguments);
	const struct docker_policy policy = { end_list(&allow), end_list(&arguments) };
	int result = read_input(input, &words, err);
	if (!result)
		result = docker_policy_filter(&policy, &words, &kept, &refused, err);
	docker_policy_patterns(&policy, &patterns);
	add_words(out, "words", &words);
	add_words(out, "patterns", &patterns);
	if (!result) {
		add_words(out, "kept", &kept);
		json_add_text(out, "refused", buf_text(&refused));
	}
	docker_words_release(&words);
	docker_words_release(&kept);
	docker_words_release(&patterns);
	docker_words_release(&allow);
	docker_words_release(&arguments);
	return result;
}

static int answer_line(const char *line, struct error *err)
{
	SCOPED(json_document) struct json_document input = { 0 }, output = { 0 };
	SCOPED(buf) struct buf text = BUF(LINE_MAX_BYTES);
	struct error refusal = { 0 };

	if (json_parse(slice_of(line), &input, err) < 0)
		return -1;
	json_new_object(&output);
	if (answer(input.root, output.root, &refusal) < 0)
		json_add_text(output.root, "error", refusal.message);
	json_print(output.root, false, &text);
	puts(buf_text(&text));
	return buf_finish(&text, err);
}

int main(void)
{
	struct error err = { 0 };
	char *line = NULL;
	size_t room = 0;
	int result = 0;

	while (!result && getline(&line, &room, stdin) > 0)
		result = answer_line(line, &err);
	free(line);
	if (!result)
		return 0;
	fprintf(stderr, "print_docker_policy: %s\n", err.message);
	return 1;
}
