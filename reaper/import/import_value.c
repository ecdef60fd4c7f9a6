#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reaper/import/import_source.h"

/* What a value is read with: import_text() and its like. */
struct look {
	const struct import_source *source;
	const struct import_values *values;
	enum import_key key;
	struct import_notes *notes;
};

void import_name(const struct import_source *source, const struct import_values *values,
		 enum import_key key, char out[static IMPORT_PLACE_ROOM])
{
	const struct import_words *words = &import_words[key];
	const char *own = source->is_app && words->labels[0] ? words->labels[0] : words->script;

	snprintf(out, IMPORT_PLACE_ROOM, "%.90s%s%.60s", values->place, *values->place ? "." : "",
		 own ? own : words->labels[0]);
}

static void note_kind(const struct look *look, const char *expected)
{
	const struct json *value = look->values->by_key[look->key];
	char name[IMPORT_PLACE_ROOM];

	import_name(look->source, look->values, look->key, name);
	import_note(look->notes, IMPORT_WARNING, "", "%s: expected %s, got %s: left out", name,
		    expected, json_kind_name(json_kind(value)));
}

static const char *read_text(const struct look *look)
{
	const struct json *value = look->values->by_key[look->key];

	if (!value)
		return NULL;
	if (json_kind(value) != JSON_TEXT)
		note_kind(look, "a text");
	return json_text_value(value);
}

static bool read_number(const struct look *look, double *out)
{
	const struct json *value = look->values->by_key[look->key];
	const char *text = value ? json_text_value(value) : NULL;
	char *end = NULL;

	if (!value)
		return false;
	double number = text ? strtod(text, &end) : json_number_value(value);
	if ((text && *end) || (!text && json_kind(value) != JSON_NUMBER) || !(number >= 0) ||
	    number > 1e9) {
		note_kind(look, "a number from 0 on");
		return false;
	}
	*out = number;
	return true;
}

static bool read_flag(const struct look *look)
{
	const struct json *value = look->values->by_key[look->key];
	const char *text = value ? json_text_value(value) : NULL;

	if (!value)
		return false;
	if (json_kind(value) == JSON_BOOL)
		return json_bool_value(value);
	if (text && (!strcasecmp(text, "true") || !strcasecmp(text, "false")))
		return !strcasecmp(text, "true");
	note_kind(look, "true or false");
	return false;
}

const char *import_text(const struct import_source *source, const struct import_values *values,
			enum import_key key, struct import_notes *notes)
{
	return read_text(&(struct look){ source, values, key, notes });
}

bool import_number(const struct import_source *source, const struct import_values *values,
		   enum import_key key, struct import_notes *notes, double *out)
{
	return read_number(&(struct look){ source, values, key, notes }, out);
}

bool import_flag(const struct import_source *source, const struct import_values *values,
		 enum import_key key, struct import_notes *notes)
{
	return read_flag(&(struct look){ source, values, key, notes });
}
