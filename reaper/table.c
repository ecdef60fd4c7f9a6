#include "reaper/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2 };

void table_open(struct table *table, const char *const *heading)
{
	*table = (struct table){ 0 };
	while (heading[table->columns] && table->columns < TABLE_COLUMNS)
		table->columns++;
	for (size_t i = 0; i < table->columns; i++)
		table_cell(table, "%s", heading[i]);
}

/* Control codes, and the marks that turn or hide what stands beside them. */
static bool is_plain(uint32_t code_point)
{
	return code_point >= 0x20 && (code_point < 0x7f || code_point >= 0xa0) &&
	       code_point != 0x61c && code_point != 0xfeff &&
	       (code_point < 0x200b || code_point > 0x200f) &&
	       (code_point < 0x2028 || code_point > 0x202e) &&
	       (code_point < 0x2066 || code_point > 0x2069);
}

void table_plain(const char *text, char *out, size_t room)
{
	struct slice rest = slice_of(text);
	size_t used = 0;

	while (rest.len) {
		uint32_t code_point = 0;
		size_t len = text_character(rest, &code_point);
		bool is_shown = len && is_plain(code_point);
		size_t needed = is_shown ? len : 1;

		if (used + needed >= room)
			break;
		memcpy(out + used, is_shown ? rest.ptr : "?", needed);
		used += needed;
		rest.ptr += len ? len : 1;
		rest.len -= len ? len : 1;
	}
	out[used] = '\0';
}

void table_cell(struct table *table, const char *fmt, ...)
{
	char text[2 * TABLE_CELL_ROOM];
	va_list arguments;

	va_start(arguments, fmt);
	vsnprintf(text, sizeof(text), fmt, arguments);
	va_end(arguments);
	table->cells = memory_grow(table->cells, table->count + 1, sizeof(*table->cells));
	table_plain(text, table->cells[table->count++], TABLE_CELL_ROOM);
}

bool table_is_empty(const struct table *table)
{
	return table->count <= table->columns;
}

/* In characters: what follows the first byte of one takes no room. */
static size_t width(const char *cell)
{
	size_t count = 0;

	for (; *cell; cell++)
		count += ((unsigned char)*cell & 0xc0) != 0x80;
	return count;
}

static void print_row(const struct table *table, size_t first, const size_t *widths,
		      struct buf *out)
{
	size_t last = table->columns;

	/* No blanks at the end of a line. */
	while (last > 1 && !*table->cells[first + last - 1])
		last--;
	for (size_t i = 0; i < last; i++) {
		const char *cell = table->cells[first + i];
		int gap = (int)(widths[i] - width(cell)) + GAP;

		buf_addf(out, "%s%*s", cell, i + 1 < last ? gap : 0, "");
	}
	buf_addf(out, "\n");
}

void table_print(const struct table *table, struct buf *out)
{
	size_t widths[TABLE_COLUMNS] = { 0 };

	for (size_t i = 0; i < table->count; i++)
		if (width(table->cells[i]) > widths[i % table->columns])
			widths[i % table->columns] = width(table->cells[i]);
	for (size_t i = 0; i + table->columns <= table->count; i += table->columns)
		print_row(table, i, widths, out);
}

void table_release(struct table *table)
{
	free(table->cells);
	*table = (struct table){ 0 };
}
