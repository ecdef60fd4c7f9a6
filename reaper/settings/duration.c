#include "reaper/settings/duration.h"

#include <string.h>

#define MOST_MS (3653 * INT64_C(86400000))

struct unit {
	const char *name;
	int64_t ms;
};
/* From the longest to the shortest: a unit may follow only a longer one. */
static const struct unit units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};
enum { SECONDS = 3 };

/* Thousandths of what the digits say, -1 when there are none or far too many. */
static int64_t take_number(struct slice *text)
{
	int64_t thousandths = 0, weight = 1000;
	size_t digits = 0;
	bool has_point = false;

	for (; text->len; text->ptr++, text->len--) {
		char c = *text->ptr;

		if (c == '.' && !has_point && digits) {
			has_point = true;
			continue;
		}
		if (c < '0' || c > '9')
			break;
		if (++digits > 12)
			return -1;
		if (has_point)
			thousandths += (c - '0') * (weight /= 10);
		else
			thousandths = thousandths * 10 + (c - '0') * 1000;
	}
	if (has_point && (weight == 1000 || weight == 0))
		return -1;
	return digits ? thousandths : -1;
}

static size_t letters(struct slice text)
{
	size_t len = 0;

	while (len < text.len && text.ptr[len] >= 'a' && text.ptr[len] <= 'z')
		len++;
	return len;
}

static void skip_blanks(struct slice *text)
{
	while (text->len && *text->ptr == ' ') {
		text->ptr++;
		text->len--;
	}
}

/* The unit at the start of text, from place least on; NULL when it is another. */
static const struct unit *take_unit(struct slice *text, size_t least, bool is_alone)
{
	size_t len = letters(*text);

	if (!len && is_alone && !text->len)
		return &units[SECONDS];
	for (size_t i = least; i < ARRAY_LEN(units); i++) {
		if (!slice_equals((struct slice){ text->ptr, len }, units[i].name))
			continue;
		text->ptr += len;
		text->len -= len;
		return &units[i];
	}
	return NULL;
}

static int take_all(struct slice rest, int64_t *ms)
{
	int64_t sum = 0;
	size_t least = 0;

	for (bool is_first = true; is_first || rest.len; is_first = false) {
		int64_t thousandths = take_number(&rest);
		const struct unit *unit = take_unit(&rest, least, is_first);

		if (thousandths < 0 || !unit || thousandths / 1000 > MOST_MS / unit->ms)
			return -1;
		sum += thousandths * unit->ms / 1000;
		if (sum > MOST_MS)
			return -1;
		least = (size_t)(unit - units) + 1;
		skip_blanks(&rest);
	}
	*ms = sum;
	return 0;
}

int duration_parse(struct slice text, int64_t *ms, struct error *err)
{
	if (take_all(text, ms) < 0)
		return error_set(err, ERROR_MALFORMED,
				 "expected " DURATION_EXPECTED " (at most 3653d), got \"%.*s\"",
				 text.len > 60 ? 60 : (int)text.len, text.len ? text.ptr : "");
	return 0;
}
