#include "reaper/import/import_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t\r\n";

bool import_clean_name(const char *text, char out[static IMPORT_NAME_ROOM])
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_.-";
	size_t len = 0;

	for (const char *at = text; *at && len + 1 < IMPORT_NAME_ROOM; at++)
		out[len++] = strchr(plain, *at) ? *at : '_';
	if (!len)
		out[len++] = '_';
	out[len] = '\0';
	return strcmp(text, out) != 0;
}

void import_minutes(double minutes, char out[static IMPORT_DURATION_ROOM])
{
	int64_t seconds = llround(minutes * 60);

	if (!seconds && minutes > 0)
		seconds = 1;
	if (seconds % 60)
		snprintf(out, IMPORT_DURATION_ROOM, "%" PRId64 "s", seconds);
	else
		snprintf(out, IMPORT_DURATION_ROOM, "%" PRId64 "m", seconds / 60);
}

/* The part without the blanks around it. */
static struct slice trim(struct slice part)
{
	while (part.len && strchr(blanks, part.ptr[0])) {
		part.ptr++;
		part.len--;
	}
	while (part.len && strchr(blanks, part.ptr[part.len - 1]))
		part.len--;
	return part;
}

void import_add_parts(const char *text, const char *separators, struct json *list)
{
	while (*text) {
		size_t len = strcspn(text, separators);
		struct slice part = trim((struct slice){ text, len });
		char *copy = memory_text(part);

		if (part.len)
			json_add_text(list, NULL, copy);
		free(copy);
		text += len + (text[len] != '\0');
	}
}

static bool has_member(const struct json *object, const char *name)
{
	for (const struct json *one = json_first(object); one; one = json_next(one))
		if (!strcmp(json_name(one), name))
			return true;
	return false;
}

static bool add_tag(struct slice part, struct json *object)
{
	const char *equals = memchr(part.ptr, '=', part.len);

	if (!equals)
		return false;
	size_t name_len = (size_t)(equals - part.ptr);
	struct slice name = trim((struct slice){ part.ptr, name_len });
	struct slice value = trim((struct slice){ equals + 1, part.len - name_len - 1 });
	char *owned_name = memory_text(name), *owned_value = memory_text(value);
	bool is_good = name.len && value.len && !has_member(object, owned_name);

	if (is_good)
		json_add_text(object, owned_name, owned_value);
	free(owned_name);
	free(owned_value);
	return is_good;
}

bool import_add_tags(const char *text, struct json *object)
{
	bool are_good = true;

	while (*text) {
		size_t len = strcspn(text, ",");
		struct slice part = trim((struct slice){ text, len });

		if (part.len)
			are_good &= add_tag(part, object);
		text += len + (text[len] == ',');
	}
	return are_good;
}
