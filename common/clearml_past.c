#include "common/clearml_past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clearml_call.h"
#include "common/clock.h"

enum { HIDDEN_MINOR = 14 /* tasks.get_all's search_hidden */, ISO_SECONDS_LEN = 19 };

static const char get_all[] = "tasks.get_all";

static const char *const ended[] = { "completed", "stopped", "failed", "closed", "published" };

static const char *const fields[] = { "id",	   "status",	     "created", "started",
				      "completed", "status_changed", "user",	"execution.queue" };

static void add_filter(const struct clearml *clearml, int64_t from_ms, int page, struct json *body)
{
	char since[CLOCK_TEXT_LEN], condition[CLOCK_TEXT_LEN + 2];

	/* Without an offset, as ClearML's own clients send it: the server takes it as UTC. */
	clock_format(from_ms, false, since);
	since[ISO_SECONDS_LEN] = '\0';
	(void)snprintf(condition, sizeof(condition), ">=%s", since);
	clearml_add_texts(body, "status", ended, ARRAY_LEN(ended));
	json_add_text(json_add_list(body, "status_changed"), NULL, condition);
	clearml_add_texts(body, "only_fields", fields, ARRAY_LEN(fields));
	json_add_text(json_add_list(body, "order_by"), NULL, "id");
	json_add_integer(body, "page_size", CLEARML_PAGE);
	json_add_integer(body, "page", page);
	if (clearml_has(clearml, 2, HIDDEN_MINOR))
		json_add_bool(body, "search_hidden", true);
}

/* A failed task has no time of completion; a published one changed its status long after it. */
static int64_t end_of(int64_t started_ms, int64_t completed_ms, int64_t changed_ms)
{
	return completed_ms && completed_ms >= started_ms ? completed_ms : changed_ms;
}

static int read_run(const struct json *task, struct clearml_run *out, int64_t *changed_ms,
		    struct error *err)
{
	const struct json *execution = json_find(task, "execution");
	int64_t completed_ms;

	memset(out, 0, sizeof(*out));
	if (execution && json_kind(execution) != JSON_NULL &&
	    json_object(task, "execution", &execution, err) < 0)
		return -1;
	if (clearml_read_id(task, "id", out->id, err) < 0 ||
	    clearml_read_id_or_none(task, "execution.queue", out->queue, err) < 0 ||
	    clearml_read_text(task, "user", out->user, sizeof(out->user), err) < 0 ||
	    clearml_read_time(task, "created", &out->created_ms, err) < 0 ||
	    clearml_read_time(task, "started", &out->started_ms, err) < 0 ||
	    clearml_read_time(task, "completed", &completed_ms, err) < 0 ||
	    clearml_read_time(task, "status_changed", changed_ms, err) < 0)
		return -1;
	out->ended_ms = end_of(out->started_ms, completed_ms, *changed_ms);
	return 0;
}

/* A server that does not know the filter ignores it: so it is applied here too. */
static int read_page(const struct json *data, int64_t from_ms, struct clearml_past *out,
		     size_t *read, struct error *err)
{
	const struct json *list;
	size_t place = 0;

	if (json_list(data, "tasks", &list, err) < 0)
		return -1;
	out->list = memory_grow(out->list, out->count + json_count(list), sizeof(*out->list));
	for (const struct json *item = json_first(list); item; item = json_next(item), place++) {
		int64_t changed_ms = 0;

		if (read_run(item, &out->list[out->count], &changed_ms, err) < 0)
			return error_wrap(err, "tasks[%zu]", place);
		if (changed_ms >= from_ms)
			out->count++;
	}
	*read = place;
	return 0;
}

static int ask(struct clearml *clearml, int64_t from_ms, int page, struct clearml_past *out,
	       size_t *read, struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };
	SCOPED(json_document) struct json_document answer = { 0 };

	json_new_object(&body);
	add_filter(clearml, from_ms, page, body.root);
	if (clearml_call(clearml, get_all, CLEARML_MAY_REPEAT, &body, &answer, err) < 0)
		return -1;
	if (read_page(json_find(answer.root, "data"), from_ms, out, read, err) < 0)
		return error_wrap(err, "%s: data", get_all);
	return 0;
}

static int by_id(const void *left, const void *right)
{
	const struct clearml_run *a = left, *b = right;

	return strcmp(a->id, b->id);
}

/* A task that ends while pages are read may be in two of them. */
static void sort_once(struct clearml_past *past)
{
	size_t kept = 0;

	if (!past->count)
		return;
	qsort(past->list, past->count, sizeof(*past->list), by_id);
	for (size_t i = 1; i < past->count; i++)
		if (by_id(&past->list[kept], &past->list[i]) != 0)
			past->list[++kept] = past->list[i];
	past->count = kept + 1;
}

int clearml_past(struct clearml *clearml, int64_t from_ms, struct clearml_past *out,
		 struct error *err)
{
	SCOPED(clearml_past) struct clearml_past found = { 0 };

	if (clearml_begin_ready(clearml, err) < 0)
		return -1;
	for (int page = 0;; page++) {
		size_t read = 0;

		if (page == CLEARML_MAX_PAGES)
			return error_set(err, ERROR_REFUSED,
					 "%s: more than %d tasks have ended since: begin later",
					 get_all, CLEARML_MAX_PAGES * CLEARML_PAGE);
		if (ask(clearml, from_ms, page, &found, &read, err) < 0)
			return -1;
		if (read < CLEARML_PAGE)
			break;
	}
	sort_once(&found);
	*out = found;
	found = (struct clearml_past){ 0 };
	return 0;
}

void clearml_past_release(struct clearml_past *past)
{
	free(past->list);
	memset(past, 0, sizeof(*past));
}
