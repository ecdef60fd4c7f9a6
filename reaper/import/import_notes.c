#include "reaper/import/import_notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reaper/table.h"

enum { TEXT_ROOM = 600 };

/* A value is looked at wherever it matters, and said once. */
static bool is_said(const struct import_notes *notes, const char *at, const char *text)
{
	for (size_t i = 0; i < notes->count; i++)
		if (!strcmp(notes->notes[i].at, at) && !strcmp(notes->notes[i].text, text))
			return true;
	return false;
}

void import_note(struct import_notes *notes, enum import_weight weight, const char *at,
		 const char *fmt, ...)
{
	char text[TEXT_ROOM], plain[TEXT_ROOM];
	va_list arguments;

	va_start(arguments, fmt);
	vsnprintf(text, sizeof(text), fmt, arguments);
	va_end(arguments);
	table_plain(text, plain, sizeof(plain));
	if (is_said(notes, at, plain))
		return;
	notes->notes = memory_grow(notes->notes, notes->count + 1, sizeof(*notes->notes));
	notes->notes[notes->count++] = (struct import_note){ weight, memory_text(slice_of(at)),
							     memory_text(slice_of(plain)) };
}

void import_notes_release(struct import_notes *notes)
{
	for (size_t i = 0; i < notes->count; i++) {
		free(notes->notes[i].at);
		free(notes->notes[i].text);
	}
	free(notes->notes);
	*notes = (struct import_notes){ 0 };
}
