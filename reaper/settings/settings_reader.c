#include "reaper/settings/settings_reader.h"

#include <stdio.h>
#include <string.h>

const struct json *settings_find(const struct settings_reader *reader, const char *name,
				 char at[static SETTINGS_AT_ROOM])
{
	const struct json *value = json_find(reader->own, name);

	if (!value && reader->defaults) {
		value = json_find(reader->defaults, name);
		if (value) {
			snprintf(at, SETTINGS_AT_ROOM, "defaults.%s", name);
			return value;
		}
	}
	snprintf(at, SETTINGS_AT_ROOM, "resources[%zu].%s", reader->place, name);
	return value;
}

int settings_refuse_missing(const struct settings_reader *reader, const char *name,
			    const char *what, struct error *err)
{
	char at[SETTINGS_AT_ROOM];

	snprintf(at, sizeof(at), "resources[%zu]", reader->place);
	return settings_refuse(reader->text, err, at, "%s is missing: %s", name, what);
}

int settings_read_span(const struct settings_reader *reader, const struct settings_span *span,
		       struct error *err)
{
	char at[SETTINGS_AT_ROOM];
	const struct json *value = settings_find(reader, span->name, at);
	const char *unit = span->is_ms ? "ms" : "s";
	int64_t length;

	if (!value)
		return 0;
	if ((span->is_ms ? settings_duration(reader->text, at, value, &length, err) :
			   settings_seconds(reader->text, at, value, &length, err)) < 0)
		return -1;
	if (length < span->least)
		return settings_refuse(reader->text, err, at,
				       "expected at least %lld%s, got %lld%s",
				       (long long)span->least, unit, (long long)length, unit);
	if (length > span->most)
		return settings_refuse(reader->text, err, at, "expected at most %lld%s, got %lld%s",
				       (long long)span->most, unit, (long long)length, unit);
	memcpy((char *)&reader->out->ticket + span->offset, &length, sizeof(length));
	return 0;
}

int settings_read_text(const struct settings_reader *reader, const char *name, char *field,
		       size_t room, struct error *err)
{
	char at[SETTINGS_AT_ROOM];
	const char *text = json_text_value(settings_find(reader, name, at));
	struct error why;

	if (text && text_copy(field, room, slice_of(text), &why) < 0)
		return settings_refuse(reader->text, err, at, "%s", why.message);
	return 0;
}

unsigned settings_read_count(const struct settings_reader *reader, const char *name,
			     unsigned fallback)
{
	char at[SETTINGS_AT_ROOM];
	const struct json *value = settings_find(reader, name, at);

	return value ? (unsigned)json_number_value(value) : fallback;
}

bool settings_read_flag(const struct settings_reader *reader, const char *name, bool fallback)
{
	char at[SETTINGS_AT_ROOM];
	const struct json *value = settings_find(reader, name, at);

	return value ? json_bool_value(value) : fallback;
}
