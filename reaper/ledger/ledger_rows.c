#include "reaper/ledger/ledger_rows.h"

#include <limits.h>
#include <string.h>

enum { TEXT_BYTES = 2048 };

/* ---- the checksum: FNV-1a, in which any change of a single byte shows ---- */

#define FNV_BASIS UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

static void count_bytes(uint64_t *sum, const void *bytes, size_t len)
{
	const unsigned char *next = bytes;

	while (len--)
		*sum = (*sum ^ *next++) * FNV_PRIME;
}

static void count_number(uint64_t *sum, size_t field, uint64_t number)
{
	unsigned char bytes[9] = { (unsigned char)field };

	for (size_t i = 0; i < 8; i++)
		bytes[i + 1] = (unsigned char)(number >> (8 * i));
	count_bytes(sum, bytes, sizeof(bytes));
}

static void count_text(uint64_t *sum, size_t field, struct slice text)
{
	count_number(sum, field, text.len);
	count_bytes(sum, text.ptr, text.len);
}

static int64_t as_stored(uint64_t sum)
{
	int64_t stored;

	memcpy(&stored, &sum, sizeof(stored));
	return stored;
}

/* ---- writing ---- */

static int64_t number_of(const struct ledger_field *field, const void *at)
{
	int64_t integer;
	unsigned number;
	bool flag;

	switch (field->kind) {
	case LEDGER_FIELD_BOOL:
		memcpy(&flag, at, sizeof(flag));
		return flag;
	case LEDGER_FIELD_UNSIGNED:
		memcpy(&number, at, sizeof(number));
		return number;
	default:
		memcpy(&integer, at, sizeof(integer));
		return integer;
	}
}

static int bind_row(struct ledger_statement *statement, const struct ledger_shape *shape,
		    const char *row, struct error *err)
{
	uint64_t sum = FNV_BASIS;

	for (size_t f = 0; f < shape->field_count; f++) {
		const struct ledger_field *field = &shape->fields[f];
		const char *at = row + field->offset;

		if (field->kind == LEDGER_FIELD_TEXT) {
			count_text(&sum, f, slice_of(at));
			if (ledger_statement_bind_text(statement, (int)f + 1, at, err) < 0)
				return -1;
			continue;
		}
		count_number(&sum, f, (uint64_t)number_of(field, at));
		if (ledger_statement_bind_integer(statement, (int)f + 1, number_of(field, at),
						  err) < 0)
			return -1;
	}
	return ledger_statement_bind_integer(statement, (int)shape->field_count + 1, as_stored(sum),
					     err);
}

static void add_names(const struct ledger_shape *shape, struct buf *out)
{
	for (size_t f = 0; f < shape->field_count; f++)
		buf_addf(out, "%s, ", shape->fields[f].name);
	buf_addf(out, "checksum");
}

static int open_insert(struct ledger_sql *sql, const struct ledger_shape *shape,
		       struct ledger_statement *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(TEXT_BYTES);

	buf_addf(&text, "INSERT OR REPLACE INTO %s (", shape->table);
	add_names(shape, &text);
	buf_addf(&text, ") VALUES (");
	for (size_t f = 0; f < shape->field_count; f++)
		buf_addf(&text, "?, ");
	buf_addf(&text, "?)");
	if (buf_finish(&text, err) < 0)
		return -1;
	return ledger_statement_open(sql, buf_text(&text), out, err);
}

int ledger_rows_add(struct ledger_sql *sql, const struct ledger_shape *shape, const void *rows,
		    size_t count, struct error *err)
{
	SCOPED(ledger_statement) struct ledger_statement statement = { 0 };
	const char *row = rows;
	bool has_row;

	if (!count)
		return 0;
	if (open_insert(sql, shape, &statement, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++, row += shape->row_len)
		if (bind_row(&statement, shape, row, err) < 0 ||
		    ledger_statement_step(&statement, &has_row, err) < 0)
			return -1;
	return 0;
}

/* ---- reading ---- */

static int refuse(const struct ledger_shape *shape, const char *field, const char *why,
		  struct error *err)
{
	return error_set(err, ERROR_MALFORMED, "the ledger's table %s: %s%s%s", shape->table, field,
			 *field ? ": " : "", why);
}

static int take_text(const struct ledger_field *field, struct slice text, char *at,
		     struct error *err)
{
	if (memchr(text.ptr, 0, text.len))
		return error_set(err, ERROR_MALFORMED, "a NUL in a text");
	return text_copy(at, (size_t)field->most, text, err);
}

static bool take_number(const struct ledger_field *field, int64_t number, void *at)
{
	bool flag = number != 0;
	unsigned narrow = (unsigned)number;

	switch (field->kind) {
	case LEDGER_FIELD_BOOL:
		memcpy(at, &flag, sizeof(flag));
		return number == 0 || number == 1;
	case LEDGER_FIELD_UNSIGNED:
		memcpy(at, &narrow, sizeof(narrow));
		return number >= 0 && number <= field->most && number <= UINT_MAX;
	default:
		memcpy(at, &number, sizeof(number));
		return true;
	}
}

static int take_field(struct ledger_statement *statement, const struct ledger_shape *shape,
		      size_t f, char *row, uint64_t *sum, struct error *err)
{
	const struct ledger_field *field = &shape->fields[f];
	bool is_text = field->kind == LEDGER_FIELD_TEXT;
	enum ledger_column kind;
	struct slice text = { 0 };
	int64_t number = 0;

	if (ledger_statement_column(statement, (int)f, &kind, &number, &text, err) < 0)
		return -1;
	if (kind == LEDGER_COLUMN_NULL)
		return 0; /* the record is zero already */
	if (is_text != (kind == LEDGER_COLUMN_TEXT))
		return refuse(shape, field->name, "of another type", err);
	if (is_text) {
		count_text(sum, f, text);
		return take_text(field, text, row + field->offset, err) < 0 ?
			       refuse(shape, field->name, "does not fit", err) :
			       0;
	}
	count_number(sum, f, (uint64_t)number);
	return take_number(field, number, row + field->offset) ?
		       0 :
		       refuse(shape, field->name, "out of range", err);
}

static int take_row(struct ledger_statement *statement, const struct ledger_shape *shape, char *row,
		    struct error *err)
{
	uint64_t sum = FNV_BASIS;
	enum ledger_column kind;
	struct slice text;
	int64_t stored = 0;

	memset(row, 0, shape->row_len);
	for (size_t f = 0; f < shape->field_count; f++)
		if (take_field(statement, shape, f, row, &sum, err) < 0)
			return -1;
	if (ledger_statement_column(statement, (int)shape->field_count, &kind, &stored, &text,
				    err) < 0)
		return -1;
	if (kind != LEDGER_COLUMN_INTEGER || stored != as_stored(sum))
		return refuse(shape, "", "a row's checksum is wrong", err);
	return 0;
}

static int open_select(struct ledger_sql *sql, const struct ledger_shape *shape,
		       const struct ledger_choice *choice, struct ledger_statement *out,
		       struct error *err)
{
	SCOPED(buf) struct buf text = BUF(TEXT_BYTES);

	buf_addf(&text, "SELECT ");
	add_names(shape, &text);
	buf_addf(&text, " FROM %s %s", shape->table, choice->condition ? choice->condition : "");
	if (buf_finish(&text, err) < 0 || ledger_statement_open(sql, buf_text(&text), out, err) < 0)
		return -1;
	for (size_t i = 0; i < choice->text_count; i++)
		if (ledger_statement_bind_text(out, (int)i + 1, choice->texts[i], err) < 0)
			return -1;
	return choice->has_number ? ledger_statement_bind_integer(out, (int)choice->text_count + 1,
								  choice->number, err) :
				    0;
}

int ledger_rows_each(struct ledger_sql *sql, const struct ledger_shape *shape,
		     const struct ledger_choice *choice, ledger_visit *visit, void *context,
		     struct error *err)
{
	SCOPED(ledger_statement) struct ledger_statement statement = { 0 };
	_Alignas(max_align_t) char row[LEDGER_ROW_BYTES];
	bool has_row;

	if (open_select(sql, shape, choice, &statement, err) < 0)
		return -1;
	for (;;) {
		if (ledger_statement_step(&statement, &has_row, err) < 0)
			return -1;
		if (!has_row)
			return 0;
		if (take_row(&statement, shape, row, err) < 0)
			return -1;
		if (!visit(row, context))
			return 0;
	}
}
