/*
 * client_calls: our ClearML client, driven line by line, for test_client.py.
 * Usage: client_calls API_SERVER ACCESS_KEY SECRET_FILE TIMEOUT_MS
 * Each line of standard input is a call, its words set apart by tabs (an empty
 * list is "-"); each gets one line of JSON: {"ok": true, ...what it gave} or
 * {"ok": false, "class": ..., "message": ..., "subcode": ...}.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clearml_board.h"
#include "common/clearml_past.h"
#include "common/clock.h"
#include "common/file.h"

enum { WORDS_MAX = 64, LINE_MAX_BYTES = 1 << 16 };

struct words {
	const char *list[WORDS_MAX];
	size_t count;
};

/* The word at a place, or NULL: where a parameter may be left out. */
static const char *word(const struct words *words, size_t place)
{
	return place < words->count && strcmp(words->list[place], "-") != 0 ? words->list[place] :
									      NULL;
}

static const char *must(const struct words *words, size_t place)
{
	const char *found = word(words, place);

	if (!found) {
		fprintf(stderr, "%s: parameter %zu is missing\n", words->list[0], place);
		exit(2);
	}
	return found;
}

/* "a,b" from one word; the list borrows from the word, which is cut. */
static size_t split(const char *text, const char **list)
{
	char *rest = (char *)(uintptr_t)text;
	size_t count = 0;

	while (rest && count < WORDS_MAX)
		list[count++] = strsep(&rest, ",");
	return count;
}

/* ---- calls ---- */

static int login(struct clearml *clearml, const struct words *words, struct json *out,
		 struct error *err)
{
	(void)words;
	if (clearml_login_again(clearml, err) < 0)
		return -1;
	json_add_integer(out, "now_ms", clearml_now_ms(clearml));
	json_add_integer(out, "skew_ms", clearml_skew_ms(clearml));
	return 0;
}

static void add_queue(const struct clearml_queue *queue, struct json *out)
{
	struct json *entries = json_add_list(out, "entries");

	json_add_text(out, "id", queue->id);
	json_add_text(out, "name", queue->name);
	json_add_bool(out, "is_forced_off", queue->is_forced_off);
	for (size_t i = 0; i < queue->entry_count; i++) {
		struct json *entry = json_add_object(entries, NULL);

		json_add_text(entry, "task", queue->entries[i].task);
		json_add_integer(entry, "added_ms", queue->entries[i].added_ms);
	}
}

static int queues(struct clearml *clearml, const struct words *words, struct json *out,
		  struct error *err)
{
	SCOPED(clearml_queues) struct clearml_queues found = { 0 };
	const char *names[WORDS_MAX];
	size_t count = split(word(words, 2), names);
	unsigned most = (unsigned)strtoul(must(words, 1), NULL, 10);

	if (clearml_queues(clearml, count ? names : NULL, count, most, &found, err) < 0)
		return -1;
	struct json *list = json_add_list(out, "queues");

	for (size_t i = 0; i < found.count; i++)
		add_queue(&found.list[i], json_add_object(list, NULL));
	return 0;
}

static int peek(struct clearml *clearml, const struct words *words, struct json *out,
		struct error *err)
{
	char task[CLEARML_ID_ROOM];

	if (clearml_peek(clearml, must(words, 1), task, err) < 0)
		return -1;
	json_add_text(out, "task", task);
	return 0;
}

static int pop(struct clearml *clearml, const struct words *words, struct json *out,
	       struct error *err)
{
	char task[CLEARML_ID_ROOM];

	if (clearml_pop(clearml, must(words, 1), word(words, 2), task, err) < 0)
		return -1;
	json_add_text(out, "task", task);
	return 0;
}

static int create_queue(struct clearml *clearml, const struct words *words, struct json *out,
			struct error *err)
{
	char id[CLEARML_ID_ROOM];

	if (clearml_create_queue(clearml, must(words, 1), id, err) < 0)
		return -1;
	json_add_text(out, "id", id);
	return 0;
}

static int front(struct clearml *clearml, const struct words *words, struct json *out,
		 struct error *err)
{
	(void)out;
	return clearml_move_to_front(clearml, must(words, 1), must(words, 2), err);
}

static void add_task(const struct clearml_task *task, struct json *out)
{
	json_add_text(out, "id", task->id);
	json_add_text(out, "name", task->name);
	json_add_text(out, "status", task_status_name(task->status));
	json_add_text(out, "status_reason", task->status_reason);
	json_add_text(out, "status_message", task->status_message);
	json_add_text(out, "last_worker", task->last_worker);
	json_add_text(out, "queue", task->queue);
	json_add_text(out, "owner", task->owner);
	json_add_text(out, "attempt", task->attempt);
	json_add_text(out, "image", task->image);
	json_add_integer(out, "started_ms", task->started_ms);
	json_add_integer(out, "last_update_ms", task->last_update_ms);
	json_add_integer(out, "status_changed_ms", task->status_changed_ms);
}

static int task(struct clearml *clearml, const struct words *words, struct json *out,
		struct error *err)
{
	struct clearml_task found;

	if (clearml_task(clearml, must(words, 1), &found, err) < 0)
		return -1;
	add_task(&found, out);
	return 0;
}

static int arguments(struct clearml *clearml, const struct words *words, struct json *out,
		     struct error *err)
{
	SCOPED(buf) struct buf found = BUF(1 << 20);

	if (clearml_task_arguments(clearml, must(words, 1), &found, err) < 0 ||
	    buf_finish(&found, err) < 0)
		return -1;
	json_add_text(out, "arguments", buf_text(&found));
	return 0;
}

static void add_tasks(const struct clearml_tasks *found, struct json *out)
{
	struct json *list = json_add_list(out, "tasks");

	for (size_t i = 0; i < found->count; i++)
		add_task(&found->list[i], json_add_object(list, NULL));
}

static enum task_status status_named(const char *name)
{
	for (int status = TASK_UNKNOWN + 1; status <= TASK_PUBLISHED; status++)
		if (strcmp(task_status_name((enum task_status)status), name) == 0)
			return (enum task_status)status;
	fprintf(stderr, "%s: no status\n", name);
	exit(2);
}

static int past(struct clearml *clearml, const struct words *words, struct json *out,
		struct error *err)
{
	SCOPED(clearml_past) struct clearml_past found = { 0 };

	if (clearml_past(clearml, strtoll(must(words, 1), NULL, 10), &found, err) < 0)
		return -1;
	struct json *list = json_add_list(out, "runs");

	for (size_t i = 0; i < found.count; i++) {
		struct json *run = json_add_object(list, NULL);

		json_add_text(run, "id", found.list[i].id);
		json_add_text(run, "queue", found.list[i].queue);
		json_add_text(run, "user", found.list[i].user);
		json_add_integer(run, "created_ms", found.list[i].created_ms);
		json_add_integer(run, "started_ms", found.list[i].started_ms);
		json_add_integer(run, "ended_ms", found.list[i].ended_ms);
	}
	return 0;
}

static int tasks_in(struct clearml *clearml, const struct words *words, struct json *out,
		    struct error *err)
{
	SCOPED(clearml_tasks) struct clearml_tasks found = { 0 };
	const char *names[WORDS_MAX], *in[WORDS_MAX];
	enum task_status statuses[WORDS_MAX];
	size_t count = split(must(words, 1), names), queue_count = split(word(words, 2), in);

	for (size_t i = 0; i < count; i++)
		statuses[i] = status_named(names[i]);
	struct clearml_filter filter = { .statuses = statuses,
					 .status_count = count,
					 .queues = in,
					 .queue_count = queue_count };
	if (clearml_tasks_in(clearml, &filter, &found, err) < 0)
		return -1;
	add_tasks(&found, out);
	return 0;
}

static int set_property(struct clearml *clearml, const struct words *words, struct json *out,
			struct error *err)
{
	(void)out;
	return clearml_property_set(clearml, must(words, 1), must(words, 2), must(words, 3), err);
}

static int delete_property(struct clearml *clearml, const struct words *words, struct json *out,
			   struct error *err)
{
	(void)out;
	return clearml_property_delete(clearml, must(words, 1), must(words, 2), err);
}

static int enqueue(struct clearml *clearml, const struct words *words, struct json *out,
		   struct error *err)
{
	(void)out;
	return clearml_enqueue(clearml, must(words, 1), must(words, 2), must(words, 3), err);
}

static int fail(struct clearml *clearml, const struct words *words, struct json *out,
		struct error *err)
{
	(void)out;
	return clearml_fail(clearml, must(words, 1), must(words, 2), word(words, 3), err);
}

static int console(struct clearml *clearml, const struct words *words, struct json *out,
		   struct error *err)
{
	(void)out;
	struct clearml_line line = { .task = must(words, 1),
				     .worker = must(words, 2),
				     .level = must(words, 3),
				     .text = must(words, 4),
				     .wall_ms = clock_wall_ms() };

	return clearml_console(clearml, &line, err);
}

static void add_worker(const struct clearml_worker *worker, struct json *out)
{
	struct json *tags = json_add_list(out, "tags");

	json_add_text(out, "id", worker->id);
	json_add_text(out, "key", worker->key);
	json_add_text(out, "task", worker->task);
	json_add_integer(out, "registered_ms", worker->registered_ms);
	json_add_integer(out, "last_report_ms", worker->last_report_ms);
	for (size_t i = 0; i < worker->tag_count; i++)
		json_add_text(tags, NULL, worker->tags[i]);
}

static int workers(struct clearml *clearml, const struct words *words, struct json *out,
		   struct error *err)
{
	SCOPED(clearml_workers) struct clearml_workers found = { 0 };

	if (clearml_workers(clearml, word(words, 1), &found, err) < 0)
		return -1;
	struct json *list = json_add_list(out, "workers");

	for (size_t i = 0; i < found.count; i++)
		add_worker(&found.list[i], json_add_object(list, NULL));
	return 0;
}

/* WORKER TIMEOUT_S TASK QUEUES TAGS */
static int send_report(struct clearml *clearml, const struct words *words, bool is_register,
		       struct error *err)
{
	const char *in[WORDS_MAX], *tags[WORDS_MAX];
	struct clearml_report report = { .worker = must(words, 1),
					 .timeout_s = (unsigned)strtoul(must(words, 2), NULL, 10),
					 .task = word(words, 3),
					 .queues = in,
					 .queue_count = split(word(words, 4), in),
					 .tags = tags,
					 .tag_count = split(word(words, 5), tags),
					 .wall_ms = clock_wall_ms() };

	return is_register ? clearml_register(clearml, &report, err) :
			     clearml_report(clearml, &report, err);
}

static int report(struct clearml *clearml, const struct words *words, struct json *out,
		  struct error *err)
{
	(void)out;
	return send_report(clearml, words, false, err);
}

static int register_worker(struct clearml *clearml, const struct words *words, struct json *out,
			   struct error *err)
{
	(void)out;
	return send_report(clearml, words, true, err);
}

static int unregister(struct clearml *clearml, const struct words *words, struct json *out,
		      struct error *err)
{
	(void)out;
	return clearml_unregister(clearml, must(words, 1), err);
}

/* ---- boards ---- */

static const char *const pinned[] = { "mayfly_orders", "mayfly_spend" };

static void show_board(struct clearml_board *board, struct json *out)
{
	json_add_text(out, "id", board->id);
	json_add_text(out, "status", task_status_name(board->status));
	json_add_integer(out, "created_ms", board->created_ms);
	json_add_integer(out, "last_update_ms", board->last_update_ms);
	for (size_t i = 0; i < ARRAY_LEN(pinned); i++)
		json_add_text(out, pinned[i], board->values[i]);
	clearml_board_release(board);
}

static int board_find(struct clearml *clearml, const struct words *words, struct json *out,
		      struct error *err)
{
	const struct clearml_board_wish wish = { must(words, 1), pinned, ARRAY_LEN(pinned) };
	struct clearml_board board = { 0 };

	if (clearml_board_find(clearml, &wish, &board, err) < 0)
		return -1;
	show_board(&board, out);
	return 0;
}

static int board_read(struct clearml *clearml, const struct words *words, struct json *out,
		      struct error *err)
{
	const struct clearml_board_wish wish = { must(words, 2), pinned, ARRAY_LEN(pinned) };
	struct clearml_board board = { 0 };

	if (clearml_board_read(clearml, must(words, 1), &wish, &board, err) < 0)
		return -1;
	show_board(&board, out);
	return 0;
}

static int board_make(struct clearml *clearml, const struct words *words, struct json *out,
		      struct error *err)
{
	char id[CLEARML_ID_ROOM];

	if (clearml_board_make(clearml, must(words, 1), must(words, 2), "why", id, err) < 0)
		return -1;
	json_add_text(out, "id", id);
	return 0;
}

static int board_drop(struct clearml *clearml, const struct words *words, struct json *out,
		      struct error *err)
{
	(void)out;
	return clearml_board_drop(clearml, must(words, 1), err);
}

static int board_start(struct clearml *clearml, const struct words *words, struct json *out,
		       struct error *err)
{
	(void)out;
	return clearml_board_start(clearml, must(words, 1), err);
}

static int board_ping(struct clearml *clearml, const struct words *words, struct json *out,
		      struct error *err)
{
	(void)out;
	return clearml_board_ping(clearml, must(words, 1), err);
}

static int console_lines(struct clearml *clearml, const struct words *words, struct json *out,
			 struct error *err)
{
	struct clearml_line lines[WORDS_MAX];
	size_t count = 0;

	(void)out;
	for (; count + 2 < words->count; count++)
		lines[count] = (struct clearml_line){ must(words, 1), "w:1", "info",
						      must(words, count + 2),
						      clock_wall_ms() + (int64_t)count };
	return clearml_console_lines(clearml, lines, count, err);
}

static int users(struct clearml *clearml, const struct words *words, struct json *out,
		 struct error *err)
{
	SCOPED(clearml_users) struct clearml_users found = { 0 };

	(void)words;
	if (clearml_users(clearml, &found, err) < 0)
		return -1;
	struct json *list = json_add_list(out, "users");

	for (size_t i = 0; i < found.count; i++) {
		struct json *user = json_add_object(list, NULL);

		json_add_text(user, "id", found.list[i].id);
		json_add_text(user, "name", found.list[i].name);
	}
	return 0;
}

static const struct {
	const char *name;
	int (*make)(struct clearml *clearml, const struct words *words, struct json *out,
		    struct error *err);
} calls[] = {
	{ "login", login },
	{ "queues", queues },
	{ "peek", peek },
	{ "pop", pop },
	{ "create_queue", create_queue },
	{ "front", front },
	{ "task", task },
	{ "arguments", arguments },
	{ "tasks_in", tasks_in },
	{ "past", past },
	{ "users", users },
	{ "set", set_property },
	{ "delete", delete_property },
	{ "enqueue", enqueue },
	{ "fail", fail },
	{ "console", console },
	{ "workers", workers },
	{ "register", register_worker },
	{ "report", report },
	{ "unregister", unregister },
	{ "board_find", board_find },
	{ "board_read", board_read },
	{ "board_make", board_make },
	{ "board_drop", board_drop },
	{ "board_start", board_start },
	{ "board_ping", board_ping },
	{ "lines", console_lines },
};

/* ---- the loop ---- */

static int make_call(struct clearml *clearml, const struct words *words, struct json *out,
		     struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (words->count && strcmp(calls[i].name, words->list[0]) == 0)
			return calls[i].make(clearml, words, out, err);
	fprintf(stderr, "%s: no such call\n", words->count ? words->list[0] : "");
	exit(2);
}

static void answer(struct clearml *clearml, const struct words *words)
{
	SCOPED(json_document) struct json_document out = { 0 };
	SCOPED(buf) struct buf text = BUF(SIZE_MAX);
	struct error err = { 0 };

	json_new_object(&out);
	bool is_ok = make_call(clearml, words, out.root, &err) == 0;

	json_add_bool(out.root, "ok", is_ok);
	if (!is_ok) {
		json_add_text(out.root, "class", error_class_name(err.class));
		json_add_text(out.root, "message", err.message);
		json_add_integer(out.root, "subcode", clearml_subcode(clearml));
	}
	json_print(out.root, false, &text);
	puts(buf_text(&text));
	fflush(stdout);
}

static void serve(struct clearml *clearml)
{
	static char line[LINE_MAX_BYTES];

	while (fgets(line, sizeof(line), stdin)) {
		struct words words = { .count = 0 };
		char *rest = line;

		line[strcspn(line, "\n")] = '\0';
		while (rest && words.count < WORDS_MAX)
			words.list[words.count++] = strsep(&rest, "\t");
		answer(clearml, &words);
	}
}

static int open_client(char **argv, struct clearml **out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(4096);
	SCOPED(secret) struct secret key = { 0 };
	struct clearml_settings settings = { .api_server = argv[1],
					     .client_name = "mayfly-test/1",
					     .timeout_ms = strtoll(argv[4], NULL, 10) };

	if (file_read_private(argv[3], &text, err) < 0)
		return -1;
	struct slice plain = { buf_text(&text), strcspn(buf_text(&text), "\n") };

	if (secret_copy(&key, plain, err) < 0)
		return -1;
	return clearml_open(&settings, argv[2], &key, out, err);
}

int main(int argc, char **argv)
{
	struct clearml *clearml = NULL;
	struct error err = { 0 };

	if (argc != 5) {
		fprintf(stderr, "usage: client_calls API_SERVER ACCESS_KEY SECRET_FILE "
				"TIMEOUT_MS\n");
		return 2;
	}
	if (open_client(argv, &clearml, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	serve(clearml);
	clearml_close(clearml);
	return 0;
}
