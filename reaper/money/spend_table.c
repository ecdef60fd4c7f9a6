#include "reaper/money/spend_table.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "reaper/money/money.h"
#include "reaper/money/user_names.h"
#include "reaper/table.h"

enum { FIRST_ROOM = 256, HOUR_S = 3600, MICROS = 1000000 };

static const char *const names[SPEND_BY_COUNT] = {
	[SPEND_BY_TASK] = "task",	  [SPEND_BY_QUEUE] = "queue", [SPEND_BY_DAY] = "day",
	[SPEND_BY_RESOURCE] = "resource", [SPEND_BY_USER] = "user",
};

const char *spend_by_name(enum spend_by by)
{
	return names[by];
}

void spend_table_release(struct spend_table *table)
{
	free(table->lines);
	*table = (struct spend_table){ 0 };
}

/* ---- adding up ---- */

static const char *key_of(enum spend_by by, const struct spend_row *row)
{
	switch (by) {
	case SPEND_BY_TASK:
		return row->task;
	case SPEND_BY_QUEUE:
		return row->queue;
	case SPEND_BY_DAY:
		return row->day;
	case SPEND_BY_RESOURCE:
		return row->resource;
	case SPEND_BY_USER:
		return row->user;
	case SPEND_BY_COUNT:
		break;
	}
	return "";
}

static int by_key(const void *left, const void *right)
{
	const struct spend_line *a = left, *b = right;

	return strcmp(a->key, b->key);
}

static int by_money(const void *left, const void *right)
{
	const struct spend_line *a = left, *b = right;

	if (a->money != b->money)
		return a->money < b->money ? 1 : -1;
	if (a->seconds != b->seconds)
		return a->seconds < b->seconds ? 1 : -1;
	return strcmp(a->key, b->key);
}

static void add_line(struct spend_line *sum, const struct spend_line *line)
{
	sum->seconds += line->seconds;
	sum->money += line->money;
	sum->unpriced_s += line->unpriced_s;
	/* A task may have been looked at before it was known whose it is. */
	if (*line->queue)
		memcpy(sum->queue, line->queue, sizeof(sum->queue));
	if (*line->user)
		memcpy(sum->user, line->user, sizeof(sum->user));
}

/* In order of the key, each once. */
static void join_lines(struct spend_table *table)
{
	size_t kept = 0;

	if (!table->count)
		return;
	qsort(table->lines, table->count, sizeof(*table->lines), by_key);
	for (size_t i = 1; i < table->count; i++) {
		if (!strcmp(table->lines[kept].key, table->lines[i].key))
			add_line(&table->lines[kept], &table->lines[i]);
		else
			table->lines[++kept] = table->lines[i];
	}
	table->count = kept + 1;
}

void spend_table_add(struct spend_table *table, const struct spend_row *row)
{
	if (table->count == table->room) {
		join_lines(table);
		if (table->count >= table->room / 2) {
			table->room = table->room ? 2 * table->room : FIRST_ROOM;
			table->lines =
				memory_grow(table->lines, table->room, sizeof(*table->lines));
		}
	}
	struct spend_line *line = &table->lines[table->count++];

	*line = (struct spend_line){ .seconds = row->seconds,
				     .money = row->money,
				     .unpriced_s = row->unpriced_s };
	text_cut(line->key, sizeof(line->key), key_of(table->by, row));
	if (table->by == SPEND_BY_TASK && *row->task) {
		memcpy(line->queue, row->queue, sizeof(line->queue));
		memcpy(line->user, row->user, sizeof(line->user));
	}
}

static void put_in_order(struct spend_table *table)
{
	join_lines(table);
	if (table->count && table->by != SPEND_BY_DAY)
		qsort(table->lines, table->count, sizeof(*table->lines), by_money);
}

static struct spend_line total_of(const struct spend_table *table)
{
	struct spend_line total = { 0 };

	for (size_t i = 0; i < table->count; i++)
		add_line(&total, &table->lines[i]);
	return total;
}

static bool has_users(const struct spend_table *table)
{
	return table->by == SPEND_BY_TASK || table->by == SPEND_BY_USER;
}

/* ---- text ---- */

static const char *const headings[SPEND_BY_COUNT] = {
	[SPEND_BY_TASK] = "TASK",	  [SPEND_BY_QUEUE] = "QUEUE", [SPEND_BY_DAY] = "DAY",
	[SPEND_BY_RESOURCE] = "RESOURCE", [SPEND_BY_USER] = "USER",
};

static double hours(int64_t seconds)
{
	return (double)seconds / HOUR_S;
}

/* "" where it is not known. */
static const char *name_of(const struct spend_table *table, const struct spend_line *line)
{
	const char *id = table->by == SPEND_BY_USER ? line->key : line->user;
	const char *name = user_names_of(&table->users, id);

	return name && *id ? name : "";
}

static void add_user_cell(const struct spend_table *table, const struct spend_line *line,
			  const char *id, struct table *out)
{
	const char *name = name_of(table, line);

	if (*name && strcmp(name, id) != 0)
		table_cell(out, "%s (%s)", name, id);
	else
		table_cell(out, "%s", id);
}

static void add_cells(const struct spend_table *table, const struct spend_line *line,
		      const char *key, struct table *out)
{
	char money[MONEY_TEXT_ROOM];

	money_text(line->money, money);
	if (table->by == SPEND_BY_USER)
		add_user_cell(table, line, key, out);
	else
		table_cell(out, "%s", key);
	if (table->by == SPEND_BY_TASK) {
		table_cell(out, "%s", line->queue);
		add_user_cell(table, line, line->user, out);
	}
	table_cell(out, "%.2f", hours(line->seconds));
	table_cell(out, "%s", money);
	table_cell(out, "%.2f", hours(line->unpriced_s));
}

static void add_table(const struct spend_table *table, struct buf *out)
{
	const char *const heading[] = { headings[table->by], "HOURS", "$", "UNPRICED HOURS", NULL };
	static const char *const of_tasks[] = { "TASK", "QUEUE",	  "USER", "HOURS",
						"$",	"UNPRICED HOURS", NULL };
	SCOPED(table) struct table cells;
	struct spend_line total = total_of(table);

	*total.queue = *total.user = 0;
	table_open(&cells, table->by == SPEND_BY_TASK ? of_tasks : heading);
	for (size_t i = 0; i < table->count; i++)
		add_cells(table, &table->lines[i],
			  *table->lines[i].key ? table->lines[i].key : "(nobody)", &cells);
	add_cells(table, &total, "total", &cells);
	table_print(&cells, out);
	if (total.unpriced_s)
		buf_addf(out, "\n%.2f hours ran at an unknown price and are not in the money.\n",
			 hours(total.unpriced_s));
}

void spend_table_text(struct spend_table *table, const struct spend_span *span, struct buf *out)
{
	put_in_order(table);
	buf_addf(out, "Spend of %s by %s, %s to %s (UTC)\n\n", span->prefix, names[table->by],
		 span->from_day, span->until_day);
	if (!table->count)
		buf_addf(out, "Nothing was spent.\n");
	else
		add_table(table, out);
}

/* ---- CSV ---- */

static void add_field(const char *text, struct buf *out)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		buf_addf(out, "%s", text);
		return;
	}
	buf_addf(out, "\"");
	for (; *text; text++)
		buf_addf(out, *text == '"' ? "\"\"" : "%c", *text);
	buf_addf(out, "\"");
}

void spend_table_csv(struct spend_table *table, const struct spend_span *span, struct buf *out)
{
	(void)span;
	put_in_order(table);
	buf_addf(out, "%s%s,hours,usd,unpriced_hours%s\r\n", names[table->by],
		 table->by == SPEND_BY_TASK ? ",queue,user" : "",
		 has_users(table) ? ",user_name" : "");
	for (size_t i = 0; i < table->count; i++) {
		const struct spend_line *line = &table->lines[i];

		add_field(line->key, out);
		if (table->by == SPEND_BY_TASK) {
			buf_addf(out, ",");
			add_field(line->queue, out);
			buf_addf(out, ",");
			add_field(line->user, out);
		}
		buf_addf(out, ",%.4f,%lld.%06lld,%.4f", hours(line->seconds),
			 (long long)(line->money / MICROS), (long long)(line->money % MICROS),
			 hours(line->unpriced_s));
		if (has_users(table)) {
			buf_addf(out, ",");
			add_field(name_of(table, line), out);
		}
		buf_addf(out, "\r\n");
	}
}

/* ---- JSON ---- */

static void add_numbers(const struct spend_line *line, struct json *to)
{
	json_add_integer(to, "seconds", line->seconds);
	json_add_integer(to, "micro_usd", line->money);
	json_add_integer(to, "unpriced_seconds", line->unpriced_s);
}

static void add_name(const char *name, const char *text, struct json *to)
{
	json_add_text(to, name, *text ? text : NULL);
}

void spend_table_json(struct spend_table *table, const struct spend_span *span, struct buf *out)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct spend_line total;

	put_in_order(table);
	total = total_of(table);
	json_new_object(&document);
	json_add_text(document.root, "prefix", span->prefix);
	json_add_text(document.root, "by", names[table->by]);
	json_add_text(document.root, "from", span->from_day);
	json_add_text(document.root, "until", span->until_day);
	struct json *rows = json_add_list(document.root, "rows");
	for (size_t i = 0; i < table->count; i++) {
		const struct spend_line *line = &table->lines[i];
		struct json *row = json_add_object(rows, NULL);

		add_name(names[table->by], line->key, row);
		if (table->by == SPEND_BY_TASK) {
			add_name("queue", line->queue, row);
			add_name("user", line->user, row);
		}
		if (has_users(table))
			add_name("user_name", name_of(table, line), row);
		add_numbers(line, row);
	}
	add_numbers(&total, json_add_object(document.root, "total"));
	json_print(document.root, true, out);
	buf_addf(out, "\n");
}
