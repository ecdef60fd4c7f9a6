#ifndef REAPER_SETTINGS_SETTINGS_READER_H
#define REAPER_SETTINGS_SETTINGS_READER_H

#include "reaper/settings/settings_text.h"

/*
 * settings_reader: one entry of "resources" while it is read, and where its
 * members are looked for: in itself, else in "defaults". Private to settings_*.c.
 */

struct settings_reader {
	const struct settings_text *text;
	const struct json *own, *defaults; /* the entry; NULL where there are no defaults */
	size_t place; /* of the entry */
	struct settings *settings;
	struct resource *out;
};

/* The member, the resource's own or else the inherited one, or NULL; at is its path in the file. */
const struct json *settings_find(const struct settings_reader *reader, const char *name,
				 char at[static SETTINGS_AT_ROOM]);

/* What neither the resource nor the defaults say has no line of its own: the resource's is told. */
int settings_refuse_missing(const struct settings_reader *reader, const char *name,
			    const char *what, struct error *err);

/* One duration of a resource. The limits are those of ticket.schema.json, which each ticket is
 * checked against in the end. */
struct settings_span {
	const char *name;
	size_t offset; /* of an int64_t in struct ticket */
	bool is_ms; /* else seconds */
	int64_t least, most; /* in its unit */
};
CHECKED int settings_read_span(const struct settings_reader *reader,
			       const struct settings_span *span, struct error *err);

/* A text for a fixed field; what is absent leaves it as it is. */
CHECKED int settings_read_text(const struct settings_reader *reader, const char *name, char *field,
			       size_t room, struct error *err);

/* The schema has seen to it that it is a whole number in its range. */
unsigned settings_read_count(const struct settings_reader *reader, const char *name,
			     unsigned fallback);
bool settings_read_flag(const struct settings_reader *reader, const char *name, bool fallback);

#endif
