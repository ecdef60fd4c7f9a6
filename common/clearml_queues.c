#include "common/clearml_call.h"

#include <stdlib.h>
#include <string.h>

enum {
	PATTERN_MAX = 16000, /* the server's regular expressions end at 32 KB */
	PATTERN_ROOM = 2 * CLEARML_NAME_ROOM + 3, /* of one name, escaped, with a bar or brackets */
	PEEK_MINOR = 15, /* queues.peek_task */
	ENTRIES_MINOR = 20, /* max_task_entries */
	HIDDEN_MINOR = 21, /* search_hidden; before it no queue was hidden */
	EXPECT_MINOR = 21, /* get_next_task's task */
};

static const char forced_off[] = "force_workers:off";

/* ---- reading ---- */

static int read_entry(const struct json *from, struct clearml_entry *out, struct error *err)
{
	if (clearml_read_id(from, "task", out->task, err) < 0)
		return -1;
	return clearml_read_time(from, "added", &out->added_ms, err);
}

static int read_entries(const struct json *from, struct clearml_queue *out, struct error *err)
{
	const struct json *list;

	if (json_list(from, "entries", &list, err) < 0)
		return -1;
	out->entries = memory_array(json_count(list), sizeof(*out->entries));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		if (read_entry(item, &out->entries[out->entry_count], err) < 0)
			return error_wrap(err, "entries[%zu]", out->entry_count);
		out->entry_count++;
	}
	return 0;
}

/* Old documents may lack tags: then nobody has switched anything off. */
static int read_tags(const struct json *from, struct clearml_queue *out, struct error *err)
{
	const struct json *list = json_find(from, "tags");

	out->is_forced_off = false;
	if (!list || json_kind(list) == JSON_NULL)
		return 0;
	if (json_list(from, "tags", &list, err) < 0)
		return -1;
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		const char *tag = json_text_value(item);

		if (tag && strcmp(tag, forced_off) == 0)
			out->is_forced_off = true;
	}
	return 0;
}

static int read_queue(const struct json *from, struct clearml_queue *out, struct error *err)
{
	const char *name;

	if (clearml_read_id(from, "id", out->id, err) < 0 ||
	    json_text(from, "name", &name, err) < 0 || read_tags(from, out, err) < 0)
		return -1;
	if (strlen(name) < sizeof(out->name))
		text_cut(out->name, sizeof(out->name), name);
	return read_entries(from, out, err);
}

int clearml_read_queues(const struct json *data, struct clearml_queues *out, struct error *err)
{
	const struct json *list;
	size_t place = 0;

	if (json_list(data, "queues", &list, err) < 0)
		return -1;
	out->list = memory_grow(out->list, out->count + json_count(list), sizeof(*out->list));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		struct clearml_queue *queue = &out->list[out->count++];

		*queue = (struct clearml_queue){ 0 };
		if (read_queue(item, queue, err) < 0)
			return error_wrap(err, "queues[%zu]", place);
		place++;
	}
	return 0;
}

void clearml_queues_release(struct clearml_queues *queues)
{
	for (size_t i = 0; i < queues->count; i++)
		free(queues->list[i].entries);
	free(queues->list);
	*queues = (struct clearml_queues){ 0 };
}

const struct clearml_queue *clearml_queue_named(const struct clearml_queues *queues,
						const char *name)
{
	for (size_t i = 0; i < queues->count; i++)
		if (strcmp(queues->list[i].name, name) == 0)
			return &queues->list[i];
	return NULL;
}

static int by_id(const void *a, const void *b)
{
	const struct clearml_queue *one = a, *other = b;

	return strcmp(one->id, other->id);
}

/* In order, and each once: what comes or goes between two pages shifts them. */
static void sort_once(struct clearml_queues *queues)
{
	size_t kept = 0;

	if (!queues->count)
		return;
	qsort(queues->list, queues->count, sizeof(*queues->list), by_id);
	for (size_t i = 1; i < queues->count; i++) {
		if (by_id(&queues->list[kept], &queues->list[i]) == 0)
			free(queues->list[i].entries);
		else
			queues->list[++kept] = queues->list[i];
	}
	queues->count = kept + 1;
}

/* ---- asking ---- */

struct wanted {
	const char *const *names; /* NULL: all */
	size_t count;
	unsigned max_entries;
};

void clearml_add_escaped(struct buf *pattern, const char *name)
{
	for (const char *at = name; *at; at++) {
		if (strchr("\\^$.|?*+()[]{}", *at))
			buf_addf(pattern, "\\");
		buf_add(pattern, (struct slice){ at, 1 });
	}
}

static bool is_named_before(const struct wanted *wanted, size_t place)
{
	for (size_t i = 0; i < place; i++)
		if (strcmp(wanted->names[i], wanted->names[place]) == 0)
			return true;
	return false;
}

/* "^(one|two)$" of the names from *next on, as many as fit in one call; returns how many. */
static size_t make_pattern(const struct wanted *wanted, size_t *next, struct buf *pattern)
{
	size_t names = 0;

	buf_addf(pattern, "^(");
	for (; *next < wanted->count && names < CLEARML_PAGE; (*next)++) {
		const char *name = wanted->names[*next];

		/* What cannot be read cannot be asked for: see struct clearml_queue. */
		if (strlen(name) >= CLEARML_NAME_ROOM || is_named_before(wanted, *next))
			continue;
		if (pattern->len + PATTERN_ROOM > PATTERN_MAX)
			break;
		if (names++)
			buf_addf(pattern, "|");
		clearml_add_escaped(pattern, name);
	}
	buf_addf(pattern, ")$");
	return names;
}

static void fill_request(const struct clearml *clearml, const char *pattern, unsigned max_entries,
			 struct json *body)
{
	static const char *const fields[] = { "id", "name", "tags", "entries" };

	clearml_add_texts(body, "only_fields", fields, ARRAY_LEN(fields));
	json_add_text(json_add_list(body, "order_by"), NULL, "id");
	if (pattern)
		json_add_text(body, "name", pattern);
	if (!pattern && clearml_has(clearml, 2, HIDDEN_MINOR))
		json_add_bool(body, "search_hidden", true);
	if (max_entries && clearml_has(clearml, 2, ENTRIES_MINOR))
		json_add_integer(body, "max_task_entries", max_entries);
	json_add_integer(body, "page_size", CLEARML_PAGE);
}

static int ask_page(struct clearml *clearml, const char *pattern, unsigned max_entries, int page,
		    struct clearml_queues *out, struct error *err)
{
	static const char endpoint[] = "queues.get_all";
	SCOPED(json_document) struct json_document body = { 0 }, answer = { 0 };

	json_new_object(&body);
	fill_request(clearml, pattern, max_entries, body.root);
	json_add_integer(body.root, "page", page);
	if (clearml_call(clearml, endpoint, CLEARML_MAY_REPEAT, &body, &answer, err) < 0)
		return -1;
	if (clearml_read_queues(json_find(answer.root, "data"), out, err) < 0)
		return error_wrap(err, "%s: data", endpoint);
	return 0;
}

static int ask_pages(struct clearml *clearml, const char *pattern, unsigned max_entries,
		     struct clearml_queues *out, struct error *err)
{
	for (int page = 0; page < CLEARML_MAX_PAGES; page++) {
		size_t before = out->count;

		if (ask_page(clearml, pattern, max_entries, page, out, err) < 0)
			return -1;
		if (out->count - before < CLEARML_PAGE)
			return 0;
	}
	return error_set(err, ERROR_MALFORMED, "queues.get_all: no end after %d pages",
			 CLEARML_MAX_PAGES);
}

static int ask_named(struct clearml *clearml, const struct wanted *wanted,
		     struct clearml_queues *out, struct error *err)
{
	size_t next = 0;

	while (next < wanted->count) {
		SCOPED(buf) struct buf pattern = BUF(PATTERN_MAX);

		if (!make_pattern(wanted, &next, &pattern))
			return 0;
		if (buf_finish(&pattern, err) < 0)
			return error_wrap(err, "queues.get_all: the names");
		if (ask_pages(clearml, buf_text(&pattern), wanted->max_entries, out, err) < 0)
			return -1;
	}
	return 0;
}

/* The server's expressions match a name and a line feed at its end too; names decide. */
static void keep_wanted(const struct wanted *wanted, struct clearml_queues *queues)
{
	size_t kept = 0;

	for (size_t i = 0; i < queues->count; i++) {
		bool is_wanted = false;

		for (size_t j = 0; j < wanted->count && !is_wanted; j++)
			is_wanted = strcmp(queues->list[i].name, wanted->names[j]) == 0;
		if (is_wanted)
			queues->list[kept++] = queues->list[i];
		else
			free(queues->list[i].entries);
	}
	queues->count = kept;
}

int clearml_queues(struct clearml *clearml, const char *const *names, size_t count,
		   unsigned max_entries, struct clearml_queues *out, struct error *err)
{
	SCOPED(clearml_queues) struct clearml_queues found = { 0 };
	struct wanted wanted = { names, count, max_entries };

	if (clearml_begin_ready(clearml, err) < 0)
		return -1;
	if (names ? ask_named(clearml, &wanted, &found, err) < 0 :
		    ask_pages(clearml, NULL, max_entries, &found, err) < 0)
		return -1;
	sort_once(&found);
	if (names)
		keep_wanted(&wanted, &found);
	*out = found;
	found = (struct clearml_queues){ 0 };
	return 0;
}

/* ---- one queue ---- */

int clearml_create_queue(struct clearml *clearml, const char *name, char id[static CLEARML_ID_ROOM],
			 struct error *err)
{
	static const char endpoint[] = "queues.create";
	SCOPED(json_document) struct json_document body = { 0 }, answer = { 0 };

	clearml_begin(clearml);
	json_new_object(&body);
	json_add_text(body.root, "name", name);
	if (clearml_call(clearml, endpoint, CLEARML_ONCE, &body, &answer, err) < 0)
		return -1;
	if (clearml_read_id(answer.root, "data.id", id, err) < 0)
		return error_wrap(err, "%s", endpoint);
	return 0;
}

static int peek_by_document(struct clearml *clearml, const struct json_document *body,
			    char task[static CLEARML_ID_ROOM], struct error *err)
{
	static const char endpoint[] = "queues.get_by_id";
	SCOPED(json_document) struct json_document answer = { 0 };
	const struct json *entries;

	if (clearml_call(clearml, endpoint, CLEARML_MAY_REPEAT, body, &answer, err) < 0)
		return -1;
	if (json_list(answer.root, "data.queue.entries", &entries, err) < 0)
		return error_wrap(err, "%s", endpoint);
	task[0] = '\0';
	if (json_first(entries) && clearml_read_id(json_first(entries), "task", task, err) < 0)
		return error_wrap(err, "%s: data.queue.entries[0]", endpoint);
	return 0;
}

int clearml_peek(struct clearml *clearml, const char *queue, char task[static CLEARML_ID_ROOM],
		 struct error *err)
{
	static const char endpoint[] = "queues.peek_task";
	SCOPED(json_document) struct json_document body = { 0 }, answer = { 0 };

	if (clearml_begin_ready(clearml, err) < 0)
		return -1;
	json_new_object(&body);
	json_add_text(body.root, "queue", queue);
	if (!clearml_has(clearml, 2, PEEK_MINOR))
		return peek_by_document(clearml, &body, task, err);
	if (clearml_call(clearml, endpoint, CLEARML_MAY_REPEAT, &body, &answer, err) < 0)
		return -1;
	if (clearml_read_id_or_none(answer.root, "data.task", task, err) < 0)
		return error_wrap(err, "%s", endpoint);
	return 0;
}

/* After these the server has surely popped nothing; a 500 may come after the pop. */
static bool is_surely_undone(const struct error *err, long status)
{
	switch (err->class) {
	case ERROR_CONFIGURATION:
	case ERROR_DENIED:
	case ERROR_NOT_FOUND:
	case ERROR_CONFLICT:
	case ERROR_THROTTLED:
		return true;
	case ERROR_REFUSED:
		return status < 500;
	default:
		return false;
	}
}

static int pop(struct clearml *clearml, const struct json_document *body,
	       char popped[static CLEARML_ID_ROOM], struct error *err)
{
	static const char endpoint[] = "queues.get_next_task";
	SCOPED(json_document) struct json_document answer = { 0 };
	const struct json *entry;

	if (clearml_call(clearml, endpoint, CLEARML_ONCE, body, &answer, err) < 0)
		return -1;
	entry = json_find(answer.root, "data.entry");
	if (!entry || json_kind(entry) == JSON_NULL) {
		popped[0] = '\0';
		return 0;
	}
	if (clearml_read_id(entry, "task", popped, err) < 0)
		return error_wrap(err, "%s: data.entry", endpoint);
	return 0;
}

int clearml_pop(struct clearml *clearml, const char *queue, const char *expected,
		char popped[static CLEARML_ID_ROOM], struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };

	if (clearml_begin_ready(clearml, err) < 0)
		return -1;
	json_new_object(&body);
	json_add_text(body.root, "queue", queue);
	if (expected && clearml_has(clearml, 2, EXPECT_MINOR))
		json_add_text(body.root, "task", expected);
	if (pop(clearml, &body, popped, err) == 0)
		return 0;
	if (!is_surely_undone(err, clearml_status(clearml)))
		err->class = ERROR_UNREACHABLE;
	return -1;
}

int clearml_move_to_front(struct clearml *clearml, const char *queue, const char *task,
			  struct error *err)
{
	SCOPED(json_document) struct json_document body = { 0 };

	clearml_begin(clearml);
	json_new_object(&body);
	json_add_text(body.root, "queue", queue);
	json_add_text(body.root, "task", task);
	return clearml_tell(clearml, "queues.move_task_to_front", CLEARML_MAY_REPEAT, &body, err);
}
