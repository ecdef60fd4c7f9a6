/* The first byte says which call this is the answer to and with which HTTP status, the rest is
 * the body. What is refused has a class that fits and words; what is taken is a list in which
 * every id is one and every text ends. */
#include "common/clearml_call.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_id(const char id[CLEARML_ID_ROOM], bool may_be_empty)
{
	assert(may_be_empty && !id[0] ? true :
					strspn(id, "0123456789abcdef") == CLEARML_ID_ROOM - 1);
}

static void ends(const char *text, size_t room)
{
	assert(memchr(text, '\0', room));
}

static int read_queues(const struct json *data, struct error *err)
{
	SCOPED(clearml_queues) struct clearml_queues queues = { 0 };

	if (clearml_read_queues(data, &queues, err) < 0)
		return -1;
	for (size_t i = 0; i < queues.count; i++) {
		is_id(queues.list[i].id, false);
		ends(queues.list[i].name, sizeof(queues.list[i].name));
		for (size_t j = 0; j < queues.list[i].entry_count; j++)
			is_id(queues.list[i].entries[j].task, false);
	}
	return 0;
}

/* The next word as a shell takes it, from a text of plain letters, blanks and both quotes. */
static const char *next_word(const char *at, struct buf *word)
{
	char quote = '\0';

	for (; *at && (quote || *at != ' '); at++) {
		if (quote ? *at == quote : *at == '\'' || *at == '"')
			quote = quote ? '\0' : *at;
		else
			buf_add(word, (struct slice){ at, 1 });
	}
	assert(!quote);
	return *at ? at + 1 : at;
}

/* A shell takes a list apart again into what it was. */
static void are_words(const struct json *list, const char *joined)
{
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		SCOPED(buf) struct buf word = BUF(SIZE_MAX);

		joined = next_word(joined, &word);
		assert(strcmp(buf_text(&word), json_text_value(item)) == 0);
	}
	assert(!*joined);
}

static int read_arguments(const struct json *data, struct error *err)
{
	const struct json *list = json_find(data, "tasks");

	for (const struct json *task = list ? json_first(list) : NULL; task;
	     task = json_next(task)) {
		SCOPED(buf) struct buf joined = BUF(SIZE_MAX);
		const struct json *from = json_find(task, "container.arguments");

		if (clearml_read_arguments(task, &joined, err) < 0) {
			assert(!joined.len);
			return -1;
		}
		if (from && json_kind(from) == JSON_LIST)
			are_words(from, buf_text(&joined));
	}
	return 0;
}

static int read_tasks(const struct json *data, struct error *err)
{
	SCOPED(clearml_tasks) struct clearml_tasks tasks = { 0 };

	if (clearml_read_tasks(data, &tasks, err) < 0)
		return -1;
	for (size_t i = 0; i < tasks.count; i++) {
		const struct clearml_task *task = &tasks.list[i];

		is_id(task->id, false);
		is_id(task->queue, true);
		assert(task->status <= TASK_PUBLISHED);
		ends(task->name, sizeof(task->name));
		ends(task->status_reason, sizeof(task->status_reason));
		ends(task->last_worker, sizeof(task->last_worker));
		ends(task->owner, sizeof(task->owner));
		ends(task->attempt, sizeof(task->attempt));
		ends(task->image, sizeof(task->image));
	}
	return read_arguments(data, err);
}

static int read_workers(const struct json *data, struct error *err)
{
	SCOPED(clearml_workers) struct clearml_workers workers = { 0 };

	if (clearml_read_workers(data, "p:", &workers, err) < 0)
		return -1;
	for (size_t i = 0; i < workers.count; i++) {
		const struct clearml_worker *worker = &workers.list[i];

		assert(strncmp(worker->id, "p:", 2) == 0);
		is_id(worker->task, true);
		ends(worker->key, sizeof(worker->key));
		for (size_t j = 0; j < worker->tag_count; j++)
			ends(worker->tags[j], CLEARML_TAG_ROOM);
	}
	return 0;
}

static const struct {
	const char *endpoint;
	int (*read)(const struct json *data, struct error *err);
} calls[] = {
	{ "queues.get_all", read_queues },
	{ "tasks.get_all", read_tasks },
	{ "workers.get_all", read_workers },
};

static const long statuses[] = { 200, 200, 200, 301, 400, 401, 404, 429, 500, 502 };

static void is_refusal(const struct error *err, const struct clearml_answer *answer)
{
	assert(err->message[0]);
	switch (err->class) {
	case ERROR_MALFORMED:
		return;
	case ERROR_DENIED:
		assert(answer->status == 401);
		return;
	case ERROR_NOT_FOUND: /* only ClearML's own word proves that something is gone */
	case ERROR_CONFLICT:
		assert(answer->has_envelope && answer->status == 400);
		return;
	case ERROR_THROTTLED:
		assert(answer->status == 429);
		return;
	case ERROR_UNREACHABLE:
		assert(answer->status >= 500);
		return;
	case ERROR_REFUSED:
		assert(answer->status >= 500 || answer->has_envelope);
		return;
	default:
		abort(); /* a class that no answer has */
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct error err = { 0 };
	size_t call, status;

	if (!size)
		return 0;
	call = data[0] % ARRAY_LEN(calls);
	status = data[0] / ARRAY_LEN(calls) % ARRAY_LEN(statuses);
	struct clearml_answer answer = {
		.endpoint = calls[call].endpoint,
		.status = statuses[status],
		.content_type = data[0] & 0x80 ? "text/html" : "application/json",
		.body = { (const char *)data + 1, size - 1 },
	};

	if (clearml_answer_read(&answer, &document, &err) < 0) {
		assert(!document.root);
		is_refusal(&err, &answer);
		return 0;
	}
	assert(answer.status == 200 && answer.has_envelope);
	if (calls[call].read(json_find(document.root, "data"), &err) < 0)
		assert(err.class == ERROR_MALFORMED && err.message[0]);
	return 0;
}
