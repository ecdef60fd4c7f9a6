#include "common/worker_id.h"

#include <stdio.h>
#include <string.h>

enum { FIELD_MAX = 64, FIELDS_MAX = 5, SUFFIX = 4 };

static const char *const field_names[FIELDS_MAX] = { "prefix", "resource", "type", "instance",
						     "suffix" };

bool worker_id_is_field(struct slice text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_.-";

	if (!text.len || text.len > FIELD_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!memchr(allowed, text.ptr[i], sizeof(allowed) - 1))
			return false;
	return true;
}

static int refuse_field(size_t index, struct slice text, struct error *err)
{
	return error_set(err, ERROR_MALFORMED,
			 "worker id: field %zu (%s) is \"%.*s\", expected 1 to %d of A-Z a-z 0-9 "
			 "_ . -",
			 index + 1, field_names[index],
			 (int)(text.len < FIELD_MAX ? text.len : FIELD_MAX),
			 text.len ? text.ptr : "", FIELD_MAX);
}

/* Cut off what stands before the next colon; *has_more tells whether there was one. */
static struct slice next_field(struct slice *rest, bool *has_more)
{
	const char *colon = rest->len ? memchr(rest->ptr, ':', rest->len) : NULL;
	struct slice field = { rest->ptr, colon ? (size_t)(colon - rest->ptr) : rest->len };
	size_t taken = field.len + (colon != NULL);

	*has_more = colon != NULL;
	if (taken)
		*rest = (struct slice){ rest->ptr + taken, rest->len - taken };
	return field;
}

int worker_id_parse(struct slice text, struct worker_id *out, struct error *err)
{
	struct slice fields[FIELDS_MAX] = { 0 };
	bool has_more = true;
	size_t count = 0;

	while (has_more && count < FIELDS_MAX) {
		fields[count] = next_field(&text, &has_more);
		if (!worker_id_is_field(fields[count]))
			return refuse_field(count, fields[count], err);
		count++;
	}
	if (has_more || count < SUFFIX)
		return error_set(err, ERROR_MALFORMED,
				 "worker id: %s fields, expected prefix:resource:type:instance or "
				 "one more",
				 has_more ? "more than 5" : "fewer than 4");
	*out = (struct worker_id){ fields[0], fields[1], fields[2], fields[3], fields[4] };
	return 0;
}

int worker_id_format(const struct worker_id *id, char out[static WORKER_ID_ROOM], struct error *err)
{
	const struct slice fields[FIELDS_MAX] = { id->prefix, id->resource, id->type, id->instance,
						  id->suffix };
	const size_t count = id->suffix.len ? FIELDS_MAX : SUFFIX;
	size_t len = 0;

	_Static_assert(WORKER_ID_ROOM >= FIELDS_MAX * (FIELD_MAX + 1), "the longest id fits");
	for (size_t i = 0; i < count; i++)
		if (!worker_id_is_field(fields[i]))
			return refuse_field(i, fields[i], err);
	for (size_t i = 0; i < count; i++) {
		memcpy(out + len, fields[i].ptr, fields[i].len);
		len += fields[i].len;
		out[len++] = i + 1 < count ? ':' : '\0';
	}
	return 0;
}
