#include <stdlib.h>
#include <string.h>

#include "common/clearml_call.h"

enum { HIDDEN_MINOR = 14 /* tasks.get_all's search_hidden */ };

static const char get_all[] = "tasks.get_all";

static int read_purpose(const struct json *task, struct clearml_purpose *out, struct error *err)
{
	const char *status, *user = json_text_or(task, "user", "");

	*out = (struct clearml_purpose){ 0 };
	if (clearml_read_id(task, "id", out->task, err) < 0 ||
	    json_text(task, "status", &status, err) < 0 ||
	    clearml_read_id_or_none(task, "execution.queue", out->queue, err) < 0 ||
	    clearml_read_time(task, "started", &out->started_ms, err) < 0)
		return -1;
	if (!strcmp(status, task_status_name(TASK_QUEUED)))
		out->status = TASK_QUEUED;
	else if (!strcmp(status, task_status_name(TASK_IN_PROGRESS)))
		out->status = TASK_IN_PROGRESS;
	if (strlen(user) < sizeof(out->user))
		memcpy(out->user, user, strlen(user) + 1);
	return 0;
}

static int read_purposes(const struct json *data, struct clearml_purposes *out, struct error *err)
{
	const struct json *list;
	size_t place = 0;

	if (json_list(data, "tasks", &list, err) < 0)
		return -1;
	out->list = memory_grow(out->list, out->count + json_count(list), sizeof(*out->list));
	for (const struct json *item = json_first(list); item; item = json_next(item), place++) {
		if (read_purpose(item, &out->list[out->count], err) < 0)
			return error_wrap(err, "tasks[%zu]", place);
		out->count++;
	}
	return 0;
}

void clearml_purposes_release(struct clearml_purposes *purposes)
{
	free(purposes->list);
	*purposes = (struct clearml_purposes){ 0 };
}

static int ask(struct clearml *clearml, struct json_document *body, int page,
	       struct clearml_purposes *out, struct error *err)
{
	static const char *const fields[] = { "id", "status", "user", "execution.queue",
					      "started" };
	SCOPED(json_document) struct json_document answer = { 0 };

	clearml_add_texts(body->root, "only_fields", fields, ARRAY_LEN(fields));
	json_add_text(json_add_list(body->root, "order_by"), NULL, "id");
	json_add_integer(body->root, "page", page);
	json_add_integer(body->root, "page_size", CLEARML_PAGE);
	if (clearml_has(clearml, 2, HIDDEN_MINOR))
		json_add_bool(body->root, "search_hidden", true);
	if (clearml_call(clearml, get_all, CLEARML_MAY_REPEAT, body, &answer, err) < 0)
		return -1;
	if (read_purposes(json_find(answer.root, "data"), out, err) < 0)
		return error_wrap(err, "%s: data", get_all);
	return 0;
}

int clearml_purposes_of(struct clearml *clearml, const char *const *tasks, size_t count,
			struct clearml_purposes *out, struct error *err)
{
	SCOPED(clearml_purposes) struct clearml_purposes found = { 0 };

	if (clearml_begin_ready(clearml, err) < 0)
		return -1;
	for (size_t start = 0; start < count; start += CLEARML_PAGE) {
		SCOPED(json_document) struct json_document body = { 0 };
		size_t part = count - start < CLEARML_PAGE ? count - start : CLEARML_PAGE;

		json_new_object(&body);
		clearml_add_texts(body.root, "id", tasks + start, part);
		if (ask(clearml, &body, 0, &found, err) < 0)
			return -1;
	}
	*out = found;
	found = (struct clearml_purposes){ 0 };
	return 0;
}

static bool is_of(const char *const *users, size_t count, const struct clearml_purpose *purpose)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(users[i], purpose->user))
			return purpose->status == TASK_QUEUED;
	return false;
}

/* A server that does not know a filter ignores it: so it is applied here too. */
static void keep_queued(const char *const *users, size_t count, struct clearml_purposes *found)
{
	size_t kept = 0;

	for (size_t i = 0; i < found->count; i++)
		if (is_of(users, count, &found->list[i]))
			found->list[kept++] = found->list[i];
	found->count = kept;
}

int clearml_purposes_queued(struct clearml *clearml, const char *const *users, size_t count,
			    struct clearml_purposes *out, struct error *err)
{
	SCOPED(clearml_purposes) struct clearml_purposes found = { 0 };
	static const char *const queued[] = { "queued" };

	if (clearml_begin_ready(clearml, err) < 0)
		return -1;
	for (int page = 0; count; page++) {
		SCOPED(json_document) struct json_document body = { 0 };
		size_t before = found.count;

		if (page == CLEARML_MAX_PAGES)
			return error_set(err, ERROR_MALFORMED, "%s: no end after %d pages", get_all,
					 CLEARML_MAX_PAGES);
		json_new_object(&body);
		clearml_add_texts(body.root, "status", queued, ARRAY_LEN(queued));
		clearml_add_texts(body.root, "user", users, count);
		if (ask(clearml, &body, page, &found, err) < 0)
			return -1;
		if (found.count - before < CLEARML_PAGE)
			break;
	}
	keep_queued(users, count, &found);
	*out = found;
	found = (struct clearml_purposes){ 0 };
	return 0;
}
