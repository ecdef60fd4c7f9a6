#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reaper/ledger/ledger_file.h"
#include "reaper/ledger/ledger_rows.h"

static const struct ledger_field spend_fields[] = {
	LEDGER_TEXT(spend_row, day),	       LEDGER_TEXT(spend_row, resource),
	LEDGER_TEXT(spend_row, instance),      LEDGER_TEXT(spend_row, queue),
	LEDGER_TEXT(spend_row, task),	       LEDGER_TEXT(spend_row, user),
	LEDGER_INTEGER(spend_row, seconds),    LEDGER_INTEGER(spend_row, money),
	LEDGER_INTEGER(spend_row, unpriced_s),
};
static const struct ledger_shape rows_shape = LEDGER_SHAPE("spend", spend_row, spend_fields);

static const struct ledger_shape sums_shape = LEDGER_SHAPE("spend_sums", spend_row, spend_fields);

/* ---- writing ---- */

void ledger_spend_add(struct ledger_file *file, const struct spend_row *rows, size_t count)
{
	if (!count)
		return;
	file->unwritten = memory_grow(file->unwritten, file->unwritten_count + count,
				      sizeof(*file->unwritten));
	memcpy(file->unwritten + file->unwritten_count, rows, count * sizeof(*rows));
	file->unwritten_count += count;
}

static bool add_up(const void *row, void *context)
{
	const struct spend_row *before = row;
	struct spend_row *sum = context;

	sum->seconds += before->seconds;
	sum->money += before->money;
	sum->unpriced_s += before->unpriced_s;
	return false;
}

static int add_row(struct ledger_sql *sql, const struct ledger_shape *shape,
		   const struct spend_row *row, struct error *err)
{
	struct spend_row sum = *row;
	struct ledger_choice same = {
		.condition = "WHERE day = ?1 AND resource = ?2 AND instance = ?3 AND queue = ?4"
			     " AND task = ?5 AND user = ?6",
		.texts = { row->day, row->resource, row->instance, row->queue, row->task,
			   row->user },
		.text_count = 6,
	};

	if (ledger_rows_each(sql, shape, &same, add_up, &sum, err) < 0)
		return -1;
	return ledger_rows_add(sql, shape, &sum, 1, err);
}

int ledger_spend_write(struct ledger_sql *sql, const struct spend_row *rows, size_t count,
		       struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct spend_row sum = rows[i];

		*sum.instance = *sum.task = 0;
		if (add_row(sql, &rows_shape, &rows[i], err) < 0 ||
		    add_row(sql, &sums_shape, &sum, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- reading ---- */

struct spend_reader {
	bool (*visit)(const struct spend_row *row, void *context);
	void *context;
};

static bool visit_row(const void *row, void *context)
{
	const struct spend_reader *reader = context;

	return reader->visit(row, reader->context);
}

static int read_days(struct ledger_file *file, const struct ledger_shape *shape,
		     const char *const days[2], struct spend_reader *reader, struct error *err)
{
	struct ledger_choice chosen = {
		.condition = "WHERE day BETWEEN ?1 AND ?2"
			     " ORDER BY day, resource, instance, queue, task, user",
		.texts = { days[0], days[1] },
		.text_count = 2,
	};

	if (ledger_history_each(file, shape, &chosen, visit_row, reader, err) < 0)
		return error_wrap(err, "read the spend");
	return 0;
}

int ledger_spend_each(struct ledger_file *file, const char *from_day, const char *until_day,
		      bool (*visit)(const struct spend_row *row, void *context), void *context,
		      struct error *err)
{
	return read_days(file, &rows_shape, (const char *const[]){ from_day, until_day },
			 &(struct spend_reader){ visit, context }, err);
}

int ledger_spend_sums(struct ledger_file *file, const char *from_day, const char *until_day,
		      bool (*visit)(const struct spend_row *row, void *context), void *context,
		      struct error *err)
{
	return read_days(file, &sums_shape, (const char *const[]){ from_day, until_day },
			 &(struct spend_reader){ visit, context }, err);
}

struct found {
	struct spend_row *row;
	bool is_found;
};

static bool take_last(const void *row, void *context)
{
	const struct spend_row *last = row;
	struct found *found = context;

	*found->row = (struct spend_row){ 0 };
	memcpy(found->row->queue, last->queue, sizeof(last->queue));
	memcpy(found->row->user, last->user, sizeof(last->user));
	found->is_found = true;
	return false;
}

int ledger_spend_task(struct ledger_file *file, const char *task, const char *instance,
		      struct spend_row *row, bool *is_found, struct error *err)
{
	struct found found = { .row = row };
	struct ledger_choice last = { .condition = "WHERE task = ?1 AND instance = ?2"
						   " ORDER BY day DESC LIMIT 1",
				      .texts = { task, instance },
				      .text_count = 2 };

	if (ledger_history_each(file, &rows_shape, &last, take_last, &found, err) < 0)
		return error_wrap(err, "read the spend");
	*is_found = found.is_found;
	return 0;
}

/* ---- once a day ---- */

static bool pass_over(const void *row, void *context)
{
	(void)row;
	(void)context;
	return true;
}

int ledger_spend_check(struct ledger_sql *sql, struct error *err)
{
	struct ledger_choice all = { 0 };

	if (ledger_rows_each(sql, &rows_shape, &all, pass_over, NULL, err) < 0)
		return -1;
	return ledger_rows_each(sql, &sums_shape, &all, pass_over, NULL, err);
}

static int drop(struct ledger_sql *sql, const struct ledger_shape *shape, const char *before_day,
		int most, struct error *err)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "DELETE FROM %s WHERE (day, resource, instance, queue, task, user) IN"
		 " (SELECT day, resource, instance, queue, task, user FROM %s"
		 " WHERE day < '%s' ORDER BY day LIMIT %d)",
		 shape->table, shape->table, before_day, most);
	return ledger_sql_run(sql, text, err);
}

int ledger_spend_drop(struct ledger_sql *sql, const char *before_day, int most, struct error *err)
{
	if (drop(sql, &rows_shape, before_day, most, err) < 0)
		return -1;
	return drop(sql, &sums_shape, before_day, most, err);
}
