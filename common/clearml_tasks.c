#include "common/clearml_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

enum { HIDDEN_MINOR = 14 /* tasks.get_all's search_hidden */ };

static const char get_all[] = "tasks.get_all";
static const char section[] = "properties";

static const struct {
	const char *word;
	enum task_status status;
} statuses[] = {
	{ "created", TASK_CREATED },	     { "queued", TASK_QUEUED },
	{ "in_progress", TASK_IN_PROGRESS }, { "stopped", TASK_STOPPED },
	{ "closed", TASK_CLOSED },	     { "failed", TASK_FAILED },
	{ "completed", TASK_COMPLETED },     { "published", TASK_PUBLISHED },
	{ "publishing", TASK_PUBLISHED },
};

const char *task_status_name(enum task_status status)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].word;
	return "unknown";
}

/* ---- reading ---- */

static int read_status(const struct json *from, enum task_status *out, struct error *err)
{
	const char *word;

	if (json_text(from, "status", &word, err) < 0)
		return -1;
	*out = TASK_UNKNOWN;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (strcmp(statuses[i].word, word) == 0)
			*out = statuses[i].status;
	return 0;
}

/* What is on the way to a value that may be absent must be an object where it is there. */
static int check_branch(const struct json *from, const char *path, struct error *err)
{
	const struct json *value = json_find(from, path);

	if (!value || json_kind(value) == JSON_NULL)
		return 0;
	return json_object(from, path, &value, err);
}

static int read_branches(const struct json *from, struct clearml_task *out, struct error *err)
{
	static const char *const branches[] = { "execution",
						"container",
						"hyperparams",
						"hyperparams.properties",
						"hyperparams.properties.mayfly_owner",
						"hyperparams.properties.mayfly_attempt" };

	for (size_t i = 0; i < ARRAY_LEN(branches); i++)
		if (check_branch(from, branches[i], err) < 0)
			return -1;
	if (clearml_read_id_or_none(from, "execution.queue", out->queue, err) < 0 ||
	    clearml_read_text(from, "hyperparams.properties.mayfly_owner.value", out->owner,
			      sizeof(out->owner), err) < 0 ||
	    clearml_read_text(from, "hyperparams.properties.mayfly_attempt.value", out->attempt,
			      sizeof(out->attempt), err) < 0)
		return -1;
	return clearml_read_text(from, "container.image", out->image, sizeof(out->image), err);
}

static int read_times(const struct json *from, struct clearml_task *out, struct error *err)
{
	if (clearml_read_time(from, "started", &out->started_ms, err) < 0 ||
	    clearml_read_time(from, "completed", &out->completed_ms, err) < 0 ||
	    clearml_read_time(from, "last_update", &out->last_update_ms, err) < 0)
		return -1;
	return clearml_read_time(from, "status_changed", &out->status_changed_ms, err);
}

static int read_task(const struct json *task, struct clearml_task *out, struct error *err)
{
	struct clearml_task read = { 0 };

	if (clearml_read_id(task, "id", read.id, err) < 0 ||
	    read_status(task, &read.status, err) < 0 ||
	    clearml_read_text(task, "name", read.name, sizeof(read.name), err) < 0 ||
	    clearml_read_text(task, "status_reason", read.status_reason, sizeof(read.status_reason),
			      err) < 0 ||
	    clearml_read_text(task, "status_message", read.status_message,
			      sizeof(read.status_message), err) < 0 ||
	    clearml_read_text(task, "last_worker", read.last_worker, sizeof(read.last_worker),
			      err) < 0)
		return -1;
	if (read_branches(task, &read, err) < 0 || read_times(task, &read, err) < 0)
		return -1;
	*out = read;
	return 0;
}

static void quote_word(const char *word, struct buf *out)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789@%_-+=:,./";

	if (*word && !word[strspn(word, plain)]) {
		buf_addf(out, "%s", word);
		return;
	}
	buf_addf(out, "'");
	for (;;) {
		size_t len = strcspn(word, "'");

		buf_add(out, (struct slice){ word, len });
		word += len;
		if (!*word)
			break;
		buf_addf(out, "'\"'\"'"); /* out of the quotes, a quoted quote, in again */
		word++;
	}
	buf_addf(out, "'");
}

static int join_words(const struct json *list, struct buf *out, struct error *err)
{
	SCOPED(buf) struct buf joined = BUF(CLEARML_ARGUMENTS_BYTES);
	size_t place = 0;

	for (const struct json *item = json_first(list); item; item = json_next(item), place++) {
		const char *word = json_text_value(item);

		if (!word)
			return error_set(err, ERROR_MALFORMED,
					 "container.arguments[%zu]: expected a text, got %s", place,
					 json_kind_name(json_kind(item)));
		if (place)
			buf_addf(&joined, " ");
		quote_word(word, &joined);
	}
	if (buf_finish(&joined, err) < 0)
		return error_wrap(err, "container.arguments");
	buf_add(out, buf_slice(&joined));
	return 0;
}

int clearml_read_arguments(const struct json *task, struct buf *out, struct error *err)
{
	if (check_branch(task, "container", err) < 0)
		return -1;
	const struct json *value = json_find(task, "container.arguments");

	if (!value || json_kind(value) == JSON_NULL)
		return 0;
	if (json_kind(value) == JSON_LIST)
		return join_words(value, out, err);
	if (json_kind(value) != JSON_TEXT)
		return error_set(err, ERROR_MALFORMED,
				 "container.arguments: expected a text or a list, got %s",
				 json_kind_name(json_kind(value)));
	buf_add(out, slice_of(json_text_value(value)));
	return 0;
}

int clearml_read_tasks(const struct json *data, struct clearml_tasks *out, struct error *err)
{
	const struct json *list;
	size_t place = 0;

	if (json_list(data, "tasks", &list, err) < 0)
		return -1;
	out->list = memory_grow(out->list, out->count + json_count(list), sizeof(*out->list));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		if (read_task(item, &out->list[out->count], err) < 0)
			return error_wrap(err, "tasks[%zu]", place);
		out->count++;
		place++;
	}
	return 0;
}

void clearml_tasks_release(struct clearml_tasks *tasks)
{
	free(tasks->list);
	*tasks = (struct clearml_tasks){ 0 };
}

static int by_id(const void *a, const void *b)
{
	const struct clearml_task *one = a, *other = b;

	return strcmp(one->id, other->id);
}

/* In order, and each once: what comes or goes between two pages shifts them. */
static void sort_once(struct clearml_tasks *tasks)
{
	size_t kept = 0;

	if (!tasks->count)
		return;
	qsort(tasks->list, tasks->count, sizeof(*tasks->list), by_id);
	for (size_t i = 1; i < tasks->count; i++)
		if (by_id(&tasks->list[kept], &tasks->list[i]) != 0)
			tasks->list[++kept] = tasks->list[i];
	tasks->count = kept + 1;
}

/* ---- asking ---- */

static const char *const fields[] = { "id",
				      "name",
				      "status",
				      "status_reason",
				      "status_message",
				      "status_changed",
				      "last_worker",
				      "last_update",
				      "started",
				      "completed",
				      "execution.queue",
				      "container",
				      "hyperparams.properties" };

static void add_fields(struct json *body)
{
	clearml_add_texts(body, "only_fields", fields, ARRAY_LEN(fields));
	json_add_text(json_add_list(body, "order_by"), NULL, "id");
	json_add_integer(body, "page_size", CLEARML_PAGE);
}

static int ask(struct clearml *clearml, const struct json_document *body, struct clearml_tasks *out,
	       struct error *err)
{
	SCOPED(json_document) struct json_document answer = { 0 };

	if (clearml_call(clearml, get_all, CLEARML_MAY_REPEAT, body, &answer, err) < 0)
		return -1;
	if (clearml_read_tasks(json_find(answer.root, "data"), out, err) < 0)
		return error_wrap(err, "%s: data", get_all);
	return 0;
}

/* A server that answers with a task that nobody asked for is not to be believed. */
static int check_id(const char *endpoint, const struct json *task, const char *id,
		    struct error *err)
{
	char answered[CLEARML_ID_ROOM];

	if (clearml_read_id(task, "id", answered, err) < 0)
		return error_wrap(err, "%s", endpoint);
	if (strcmp(answered, id) != 0)
		return error_set(err, ERROR_MALFORMED, "%s: asked for %s, answered with %s",
				 endpoint, id, answered);
	return 0;
}

struct found {
	struct json_document answer; /* what task lies in */
	const struct json *task; /* NULL: none */
	const char *endpoint; /* that answered */
};

static void found_release(struct found *found)
{
	json_document_release(&found->answer);
	*found = (struct found){ 0 };
}

/* By the list, whose fields can be chosen. */
static int ask_in_list(struct clearml *clearml, const char *id, struct found *out,
		       struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };
	const struct json *list;

	json_new_object(&body);
	add_fields(body.root);
	clearml_add_texts(body.root, "id", &id, 1);
	json_add_integer(body.root, "page", 0);
	out->endpoint = get_all;
	if (clearml_call(clearml, get_all, CLEARML_MAY_REPEAT, &body, &out->answer, err) < 0)
		return -1;
	if (json_list(out->answer.root, "data.tasks", &list, err) < 0)
		return error_wrap(err, "%s", get_all);
	for (const struct json *item = json_first(list); item; item = json_next(item))
		if (check_id(get_all, item, id, err) < 0)
			return -1;
	out->task = json_first(list);
	return 0;
}

/* The whole document, which may be large: asked only when the list did not have it. */
static int ask_document(struct clearml *clearml, const char *id, struct found *out,
			struct error *err)
{
	static const char endpoint[] = "tasks.get_by_id";
	SCOPED(json_document) struct json_document body = { 0 };

	json_new_object(&body);
	json_add_text(body.root, "task", id);
	out->endpoint = endpoint;
	if (clearml_call(clearml, endpoint, CLEARML_MAY_REPEAT, &body, &out->answer, err) < 0)
		return -1;
	if (json_object(out->answer.root, "data.task", &out->task, err) < 0)
		return error_wrap(err, "%s", endpoint);
	return check_id(endpoint, out->task, id, err);
}

/* Release *out also after a failure. */
static int ask_one(struct clearml *clearml, const char *id, struct found *out, struct error *err)
{
	clearml_begin(clearml);
	if (ask_in_list(clearml, id, out, err) < 0)
		return -1;
	if (out->task)
		return 0;
	found_release(out);
	return ask_document(clearml, id, out, err);
}

int clearml_task(struct clearml *clearml, const char *id, struct clearml_task *out,
		 struct error *err)
{
	SCOPED(found) struct found found = { 0 };

	if (ask_one(clearml, id, &found, err) < 0)
		return -1;
	if (read_task(found.task, out, err) < 0)
		return error_wrap(err, "%s", found.endpoint);
	return 0;
}

int clearml_task_arguments(struct clearml *clearml, const char *id, struct buf *out,
			   struct error *err)
{
	SCOPED(found) struct found found = { 0 };

	if (ask_one(clearml, id, &found, err) < 0)
		return -1;
	if (clearml_read_arguments(found.task, out, err) < 0)
		return error_wrap(err, "%s", found.endpoint);
	return 0;
}

static bool is_wanted_status(const struct clearml_filter *wanted, enum task_status status)
{
	for (size_t i = 0; i < wanted->status_count; i++)
		if (wanted->statuses[i] == status)
			return status != TASK_UNKNOWN;
	return false;
}

static bool is_wanted(const struct clearml_filter *wanted, const struct clearml_task *task)
{
	if (!is_wanted_status(wanted, task->status) ||
	    task->status_changed_ms < wanted->changed_since_ms ||
	    (wanted->status_reason && strcmp(wanted->status_reason, task->status_reason) != 0))
		return false;
	for (size_t i = 0; i < wanted->queue_count; i++)
		if (strcmp(wanted->queues[i], task->queue) == 0)
			return true;
	return false;
}

/* The server compares by regular expression alone. */
static void add_reason(struct json *body, const char *reason)
{
	static const char special[] = "\\^$.|?*+()[]{}";
	SCOPED(buf) struct buf pattern = BUF(2 * CLEARML_REASON_ROOM + 2);
	struct json *rule = json_add_object(body, "_all_");
	const char *const field = "status_reason";

	buf_addf(&pattern, "^");
	for (const char *at = reason; *at; at++)
		buf_addf(&pattern, "%s%c", strchr(special, *at) ? "\\" : "", *at);
	buf_addf(&pattern, "$");
	clearml_add_texts(rule, "fields", &field, 1);
	json_add_text(rule, "pattern", buf_text(&pattern));
}

static void add_since(struct json *body, int64_t since_ms)
{
	char moment[CLOCK_TEXT_LEN], since[CLOCK_TEXT_LEN + 2];
	const char *const condition = since;

	clock_format(since_ms, false, moment);
	(void)snprintf(since, sizeof(since), ">=%s", moment);
	clearml_add_texts(body, "status_changed", &condition, 1);
}

static void add_filter(const struct clearml *clearml, const struct clearml_filter *wanted,
		       struct json *body)
{
	struct json *list = json_add_list(body, "status");

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (is_wanted_status(wanted, statuses[i].status))
			json_add_text(list, NULL, statuses[i].word);
	clearml_add_texts(body, "execution.queue", wanted->queues, wanted->queue_count);
	if (wanted->status_reason)
		add_reason(body, wanted->status_reason);
	if (wanted->changed_since_ms)
		add_since(body, wanted->changed_since_ms);
	if (clearml_has(clearml, 2, HIDDEN_MINOR))
		json_add_bool(body, "search_hidden", true);
}

static int ask_pages(struct clearml *clearml, const struct clearml_filter *wanted,
		     struct clearml_tasks *out, struct error *err)
{
	for (int page = 0; page < CLEARML_MAX_PAGES; page++) {
		SCOPED(json_document) struct json_document body = { 0 };
		size_t before = out->count;

		json_new_object(&body);
		add_fields(body.root);
		add_filter(clearml, wanted, body.root);
		json_add_integer(body.root, "page", page);
		if (ask(clearml, &body, out, err) < 0)
			return -1;
		if (out->count - before < CLEARML_PAGE)
			return 0;
	}
	return error_set(err, ERROR_MALFORMED, "%s: no end after %d pages", get_all,
			 CLEARML_MAX_PAGES);
}

/* A server that does not know a filter ignores it: so the filters are applied here too. */
static void keep_wanted(const struct clearml_filter *wanted, struct clearml_tasks *tasks)
{
	size_t kept = 0;

	for (size_t i = 0; i < tasks->count; i++)
		if (is_wanted(wanted, &tasks->list[i]))
			tasks->list[kept++] = tasks->list[i];
	tasks->count = kept;
}

int clearml_tasks_in(struct clearml *clearml, const struct clearml_filter *filter,
		     struct clearml_tasks *out, struct error *err)
{
	SCOPED(clearml_tasks) struct clearml_tasks found = { 0 };

	if (clearml_begin_ready(clearml, err) < 0)
		return -1;
	size_t count = filter->status_count ? filter->queue_count : 0;

	for (size_t start = 0; start < count; start += CLEARML_PAGE) {
		struct clearml_filter part = *filter;

		part.queues += start;
		part.queue_count = count - start < CLEARML_PAGE ? count - start : CLEARML_PAGE;
		if (ask_pages(clearml, &part, &found, err) < 0)
			return -1;
	}
	sort_once(&found);
	keep_wanted(filter, &found);
	*out = found;
	found = (struct clearml_tasks){ 0 };
	return 0;
}

/* ---- changing ---- */

static struct json *new_property(const char *task, const char *name, struct json_document *body)
{
	json_new_object(body);
	json_add_text(body->root, "task", task);
	struct json *property = json_add_object(json_add_list(body->root, "hyperparams"), NULL);

	json_add_text(property, "section", section);
	json_add_text(property, "name", name);
	return property;
}

int clearml_property_set(struct clearml *clearml, const char *task, const char *name,
			 const char *value, struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };

	clearml_begin(clearml);
	json_add_text(new_property(task, name, &body), "value", value);
	return clearml_tell(clearml, "tasks.edit_hyper_params", CLEARML_MAY_REPEAT, &body, err);
}

int clearml_property_delete(struct clearml *clearml, const char *task, const char *name,
			    struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };

	clearml_begin(clearml);
	new_property(task, name, &body);
	return clearml_tell(clearml, "tasks.delete_hyper_params", CLEARML_MAY_REPEAT, &body, err);
}

static void new_change(const char *task, const char *reason, struct json_document *body)
{
	json_new_object(body);
	json_add_text(body->root, "task", task);
	json_add_text(body->root, "status_reason", reason);
	json_add_bool(body->root, "force", true);
}

static int change(struct clearml *clearml, const char *endpoint, const struct json_document *body,
		  struct error *err)
{
	SCOPED(json_document) struct json_document answer = { 0 };

	if (clearml_call(clearml, endpoint, CLEARML_ONCE, body, &answer, err) < 0)
		return -1;
	if (json_integer_or(answer.root, "data.updated", 1) == 0)
		return error_set(err, ERROR_CONFLICT, "%s: the server changed nothing", endpoint);
	return 0;
}

int clearml_enqueue(struct clearml *clearml, const char *task, const char *queue,
		    const char *reason, struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };

	clearml_begin(clearml);
	new_change(task, reason, &body);
	json_add_text(body.root, "queue", queue);
	return change(clearml, "tasks.enqueue", &body, err);
}

int clearml_fail(struct clearml *clearml, const char *task, const char *reason, const char *message,
		 struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };

	clearml_begin(clearml);
	new_change(task, reason, &body);
	if (message)
		json_add_text(body.root, "status_message", message);
	return change(clearml, "tasks.failed", &body, err);
}
