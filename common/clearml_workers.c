#include "common/clearml_call.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static int read_tags(const struct json *from, struct clearml_worker *out, struct error *err)
{
	const struct json *list = json_find(from, "tags");

	if (!list || json_kind(list) == JSON_NULL)
		return 0;
	if (json_list(from, "tags", &list, err) < 0)
		return -1;
	out->tags = memory_array(json_count(list), sizeof(*out->tags));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		const char *tag = json_text_value(item);

		if (!tag)
			return error_set(err, ERROR_MALFORMED, "tags: %s is no tag",
					 json_kind_name(json_kind(item)));
		if (strlen(tag) < CLEARML_TAG_ROOM)
			text_cut(out->tags[out->tag_count++], CLEARML_TAG_ROOM, tag);
	}
	return 0;
}

/* Busy or idle hangs on it, so a task without an id is no idle worker. */
static int read_work(const struct json *from, struct clearml_worker *out, struct error *err)
{
	const struct json *task = json_find(from, "task");

	if (!task || json_kind(task) == JSON_NULL)
		return 0;
	return clearml_read_id(from, "task.id", out->task, err);
}

/* Servers that name no key have one user's workers under one id. */
static int read_key(const struct json *from, struct clearml_worker *out, struct error *err)
{
	const char *key = json_text_or(from, "key", out->id);

	if (text_copy(out->key, sizeof(out->key), slice_of(key), err) < 0)
		return error_wrap(err, "key");
	return 0;
}

static int read_worker(const struct json *from, struct clearml_worker *out, struct error *err)
{
	if (read_key(from, out, err) < 0 || read_work(from, out, err) < 0 ||
	    clearml_read_time(from, "register_time", &out->registered_ms, err) < 0 ||
	    clearml_read_time(from, "last_activity_time", &out->last_activity_ms, err) < 0 ||
	    clearml_read_time(from, "last_report_time", &out->last_report_ms, err) < 0)
		return -1;
	return read_tags(from, out, err);
}

static bool is_wanted(const char *id, const char *prefix)
{
	return strlen(id) < CLEARML_WORKER_ROOM &&
	       (!prefix || strncmp(id, prefix, strlen(prefix)) == 0);
}

int clearml_read_workers(const struct json *data, const char *prefix, struct clearml_workers *out,
			 struct error *err)
{
	const struct json *list;
	size_t place = 0;

	if (json_list(data, "workers", &list, err) < 0)
		return -1;
	out->list = memory_grow(out->list, out->count + json_count(list), sizeof(*out->list));
	for (const struct json *item = json_first(list); item; item = json_next(item), place++) {
		const char *id;

		if (json_text(item, "id", &id, err) < 0)
			return error_wrap(err, "workers[%zu]", place);
		if (!is_wanted(id, prefix))
			continue;
		struct clearml_worker *worker = &out->list[out->count++];

		*worker = (struct clearml_worker){ 0 };
		text_cut(worker->id, sizeof(worker->id), id);
		if (read_worker(item, worker, err) < 0)
			return error_wrap(err, "workers[%zu]", place);
	}
	return 0;
}

void clearml_workers_release(struct clearml_workers *workers)
{
	for (size_t i = 0; i < workers->count; i++)
		free(workers->list[i].tags);
	free(workers->list);
	*workers = (struct clearml_workers){ 0 };
}

/* ---- calls ---- */

int clearml_workers(struct clearml *clearml, const char *prefix, struct clearml_workers *out,
		    struct error *err)
{
	static const char endpoint[] = "workers.get_all";
	SCOPED(json_document) struct json_document body = { 0 }, answer = { 0 };
	SCOPED(clearml_workers) struct clearml_workers found = { 0 };

	clearml_begin(clearml);
	json_new_object(&body);
	json_add_integer(body.root, "last_seen", 0);
	if (clearml_call(clearml, endpoint, CLEARML_MAY_REPEAT, &body, &answer, err) < 0)
		return -1;
	if (clearml_read_workers(json_find(answer.root, "data"), prefix, &found, err) < 0)
		return error_wrap(err, "%s: data", endpoint);
	*out = found;
	found = (struct clearml_workers){ 0 };
	return 0;
}

static void new_report(const struct clearml_report *report, struct json_document *body)
{
	json_new_object(body);
	json_add_text(body->root, "worker", report->worker);
	clearml_add_texts(body->root, "tags", report->tags, report->tag_count);
	/* An empty list in a report leaves the queues as they are: so it means the same absent. */
	if (report->queue_count)
		clearml_add_texts(body->root, "queues", report->queues, report->queue_count);
}

int clearml_register(struct clearml *clearml, const struct clearml_report *report,
		     struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };

	clearml_begin(clearml);
	new_report(report, &body);
	if (report->timeout_s)
		json_add_integer(body.root, "timeout", report->timeout_s);
	return clearml_tell(clearml, "workers.register", CLEARML_MAY_REPEAT, &body, err);
}

int clearml_report(struct clearml *clearml, const struct clearml_report *report, struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };

	clearml_begin(clearml);
	new_report(report, &body);
	json_add_integer(body.root, "timestamp", report->wall_ms);
	if (report->task)
		json_add_text(body.root, "task", report->task);
	return clearml_tell(clearml, "workers.status_report", CLEARML_MAY_REPEAT, &body, err);
}

int clearml_unregister(struct clearml *clearml, const char *worker, struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };

	clearml_begin(clearml);
	json_new_object(&body);
	json_add_text(body.root, "worker", worker);
	if (clearml_tell(clearml, "workers.unregister", CLEARML_MAY_REPEAT, &body, err) == 0 ||
	    err->class == ERROR_NOT_FOUND)
		return 0;
	return -1;
}
