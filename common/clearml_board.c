#include "common/clearml_board.h"

#include <stdlib.h>
#include <string.h>

#include "common/clearml_call.h"

enum {
	PATTERN_BYTES = 1024,
	FEW = 20, /* of one name: more than reapers that began at once */
	LINES_BYTES = 1 << 20, /* the agent's own limits, of a batch and of an event */
	LINE_BYTES = 65536
};

static const char get_all[] = "tasks.get_all";
static const char kind[] = "monitor";

void clearml_board_release(struct clearml_board *board)
{
	for (size_t i = 0; i < CLEARML_BOARD_VALUES; i++)
		free(board->values[i]);
	*board = (struct clearml_board){ 0 };
}

/* ---- reading ---- */

/* What a person made of a property there must not keep everything else from being read. */
static void read_values(const struct json *task, const struct clearml_board_wish *wish,
			struct clearml_board *out)
{
	const struct json *section = json_find(task, "hyperparams.properties");

	for (size_t i = 0; i < wish->property_count; i++) {
		const struct json *property = json_find(section, wish->properties[i]);

		if (property && json_kind(property) != JSON_NULL)
			out->values[i] = memory_text(slice_of(json_text_or(property, "value", "")));
	}
}

static bool is_board(const struct json *task, const struct clearml_board_wish *wish)
{
	const char *status = json_text_or(task, "status", "");

	return !strcmp(json_text_or(task, "name", ""), wish->name) &&
	       !strcmp(json_text_or(task, "type", ""), kind) && strcmp(status, "published") != 0 &&
	       strcmp(status, "publishing") != 0;
}

static enum task_status status_of(const char *word)
{
	for (int status = TASK_CREATED; status <= TASK_PUBLISHED; status++)
		if (!strcmp(task_status_name((enum task_status)status), word))
			return (enum task_status)status;
	return TASK_UNKNOWN;
}

static int read_head(const struct json *task, struct clearml_board *out, struct error *err)
{
	const char *status;

	if (clearml_read_id(task, "id", out->id, err) < 0 ||
	    json_text(task, "status", &status, err) < 0 ||
	    clearml_read_time(task, "created", &out->created_ms, err) < 0)
		return -1;
	out->status = status_of(status);
	return clearml_read_time(task, "last_update", &out->last_update_ms, err);
}

static bool is_older(const struct clearml_board *one, const struct clearml_board *other)
{
	if (!other->id[0] || one->created_ms != other->created_ms)
		return !other->id[0] || one->created_ms < other->created_ms;
	return strcmp(one->id, other->id) < 0;
}

int clearml_read_board(const struct json *data, const struct clearml_board_wish *wish,
		       struct clearml_board *out, struct error *err)
{
	const struct json *list, *oldest = NULL;
	struct clearml_board board = { 0 };

	if (json_list(data, "tasks", &list, err) < 0)
		return -1;
	for (const struct json *task = json_first(list); task; task = json_next(task)) {
		struct clearml_board seen = { 0 };

		if (!is_board(task, wish))
			continue;
		if (read_head(task, &seen, err) < 0)
			return error_wrap(err, "tasks");
		if (is_older(&seen, &board)) {
			board = seen;
			oldest = task;
		}
	}
	if (!oldest)
		return error_set(err, ERROR_NOT_FOUND, "there is no task \"%s\"", wish->name);
	read_values(oldest, wish, &board);
	*out = board;
	return 0;
}

static int ask(struct clearml *clearml, const struct json_document *body,
	       const struct clearml_board_wish *wish, struct clearml_board *out, struct error *err)
{
	static const char *const fields[] = {
		"id", "name", "type", "status", "created", "last_update", "hyperparams.properties"
	};
	SCOPED(json_document) struct json_document answer = { 0 };

	clearml_add_texts(body->root, "only_fields", fields, ARRAY_LEN(fields));
	json_add_text(json_add_list(body->root, "order_by"), NULL, "created");
	json_add_integer(body->root, "page", 0);
	json_add_integer(body->root, "page_size", FEW);
	if (clearml_call(clearml, get_all, CLEARML_MAY_REPEAT, body, &answer, err) < 0)
		return -1;
	if (clearml_read_board(json_find(answer.root, "data"), wish, out, err) < 0)
		return error_wrap(err, "%s", get_all);
	return 0;
}

int clearml_board_find(struct clearml *clearml, const struct clearml_board_wish *wish,
		       struct clearml_board *out, struct error *err)
{
	static const char *const kinds[] = { kind };
	SCOPED(json_document) struct json_document body = { 0 };
	SCOPED(buf) struct buf pattern = BUF(PATTERN_BYTES);

	clearml_begin(clearml);
	buf_addf(&pattern, "^");
	clearml_add_escaped(&pattern, wish->name);
	buf_addf(&pattern, "$");
	if (buf_finish(&pattern, err) < 0)
		return -1;
	json_new_object(&body);
	json_add_text(body.root, "name", buf_text(&pattern));
	clearml_add_texts(body.root, "type", kinds, ARRAY_LEN(kinds));
	return ask(clearml, &body, wish, out, err);
}

int clearml_board_read(struct clearml *clearml, const char *id,
		       const struct clearml_board_wish *wish, struct clearml_board *out,
		       struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };
	SCOPED(clearml_board) struct clearml_board board = { 0 };

	clearml_begin(clearml);
	json_new_object(&body);
	clearml_add_texts(body.root, "id", &id, 1);
	if (ask(clearml, &body, wish, &board, err) < 0)
		return -1;
	if (strcmp(board.id, id) != 0)
		return error_set(err, ERROR_MALFORMED, "%s: asked for %s, answered with %s",
				 get_all, id, board.id);
	*out = board;
	board = (struct clearml_board){ 0 };
	return 0;
}

/* ---- making ---- */

static int find_project(struct clearml *clearml, const char *project,
			char id[static CLEARML_ID_ROOM], struct error *err)
{
	static const char endpoint[] = "projects.get_all";
	static const char *const fields[] = { "id", "name" };
	SCOPED(json_document) struct json_document body = { 0 }, answer = { 0 };
	SCOPED(buf) struct buf pattern = BUF(PATTERN_BYTES);
	const struct json *list;

	buf_addf(&pattern, "^");
	clearml_add_escaped(&pattern, project);
	buf_addf(&pattern, "$");
	json_new_object(&body);
	json_add_text(body.root, "name", buf_text(&pattern));
	clearml_add_texts(body.root, "only_fields", fields, ARRAY_LEN(fields));
	if (clearml_call(clearml, endpoint, CLEARML_MAY_REPEAT, &body, &answer, err) < 0)
		return -1;
	if (json_list(answer.root, "data.projects", &list, err) < 0)
		return error_wrap(err, "%s", endpoint);
	for (const struct json *item = json_first(list); item; item = json_next(item))
		if (!strcmp(json_text_or(item, "name", ""), project))
			return clearml_read_id(item, "id", id, err);
	return error_set(err, ERROR_NOT_FOUND, "there is no project \"%s\"", project);
}

/* The call's answer is the id of what it made. */
static int make(struct clearml *clearml, const char *endpoint, const struct json_document *body,
		char id[static CLEARML_ID_ROOM], struct error *err)
{
	SCOPED(json_document) struct json_document answer = { 0 };

	if (clearml_call(clearml, endpoint, CLEARML_ONCE, body, &answer, err) < 0)
		return -1;
	if (clearml_read_id(answer.root, "data.id", id, err) < 0)
		return error_wrap(err, "%s", endpoint);
	return 0;
}

static int need_project(struct clearml *clearml, const char *project,
			char id[static CLEARML_ID_ROOM], struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };

	if (find_project(clearml, project, id, err) == 0)
		return 0;
	if (err->class != ERROR_NOT_FOUND)
		return -1;
	json_new_object(&body);
	json_add_text(body.root, "name", project);
	json_add_text(body.root, "description", "mayfly: launches and removes machines");
	if (make(clearml, "projects.create", &body, id, err) == 0)
		return 0;
	/* Somebody else may have made it a moment ago. */
	return err->class == ERROR_CONFLICT ? find_project(clearml, project, id, err) : -1;
}

int clearml_board_make(struct clearml *clearml, const char *project, const char *name,
		       const char *comment, char id[static CLEARML_ID_ROOM], struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };
	char project_id[CLEARML_ID_ROOM];

	clearml_begin(clearml);
	if (need_project(clearml, project, project_id, err) < 0)
		return -1;
	json_new_object(&body);
	json_add_text(body.root, "name", name);
	json_add_text(body.root, "type", kind);
	json_add_text(body.root, "project", project_id);
	json_add_text(body.root, "comment", comment);
	return make(clearml, "tasks.create", &body, id, err);
}

/* ---- keeping ---- */

static void new_task_body(const char *id, struct json_document *body)
{
	json_new_object(body);
	json_add_text(body->root, "task", id);
}

int clearml_board_drop(struct clearml *clearml, const char *id, struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };

	clearml_begin(clearml);
	new_task_body(id, &body);
	return clearml_tell(clearml, "tasks.delete", CLEARML_ONCE, &body, err);
}

int clearml_board_start(struct clearml *clearml, const char *id, struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };

	clearml_begin(clearml);
	new_task_body(id, &body);
	json_add_text(body.root, "status_reason", "mayfly-reaper's own");
	json_add_bool(body.root, "force", true);
	return clearml_tell(clearml, "tasks.started", CLEARML_MAY_REPEAT, &body, err);
}

int clearml_board_ping(struct clearml *clearml, const char *id, struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };

	clearml_begin(clearml);
	new_task_body(id, &body);
	return clearml_tell(clearml, "tasks.ping", CLEARML_MAY_REPEAT, &body, err);
}

/* ---- consoles ---- */

static int add_event(const struct clearml_line *line, struct buf *out, struct error *err)
{
	SCOPED(json_document) struct json_document event = { 0 };
	SCOPED(buf) struct buf text = BUF(LINE_BYTES);

	json_new_object(&event);
	json_add_text(event.root, "type", "log");
	json_add_text(event.root, "task", line->task);
	json_add_text(event.root, "level", line->level);
	json_add_text(event.root, "worker", line->worker);
	json_add_integer(event.root, "timestamp", line->wall_ms);
	json_add_text(event.root, "msg", line->text);
	json_print(event.root, false, &text);
	buf_addf(&text, "\n");
	if (buf_finish(&text, err) < 0)
		return -1;
	buf_add(out, buf_slice(&text));
	return buf_finish(out, err);
}

int clearml_console_lines(struct clearml *clearml, const struct clearml_line *lines, size_t count,
			  struct error *err)
{
	static const char endpoint[] = "events.add_batch";
	SCOPED(json_document) struct json_document answer = { 0 };
	SCOPED(buf) struct buf text = BUF(LINES_BYTES);

	if (!count)
		return 0;
	clearml_begin(clearml);
	for (size_t i = 0; i < count; i++)
		if (add_event(&lines[i], &text, err) < 0)
			return error_wrap(err, "%s: the lines", endpoint);
	if (clearml_call_lines(clearml, endpoint, CLEARML_MAY_REPEAT, buf_slice(&text), &answer,
			       err) < 0)
		return -1;
	if (json_integer_or(answer.root, "data.added", 0) < (int64_t)count)
		return error_set(err, ERROR_REFUSED, "%s: the server kept %lld of %zu lines",
				 endpoint, (long long)json_integer_or(answer.root, "data.added", 0),
				 count);
	return 0;
}

int clearml_console(struct clearml *clearml, const struct clearml_line *line, struct error *err)
{
	return clearml_console_lines(clearml, line, 1, err);
}
