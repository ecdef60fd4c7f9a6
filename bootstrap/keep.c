#include "bootstrap/keep.h"

#include <stdio.h>
#include <string.h>

#include "bootstrap/machine.h"
#include "common/clock.h"
#include "common/file.h"

enum { KEEP_FILE_MAX = 256, MAX_DIGITS = 12 };

/* A moment this early is a span that was meant: say so instead of leaving at once. */
static const int64_t first_moment_s = 1000000000;

static struct slice trimmed(struct slice text)
{
	while (text.len && strchr(" \t\r\n", text.ptr[text.len - 1]))
		text.len--;
	while (text.len && strchr(" \t\r\n", text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	return text;
}

/* Digits only, at least one; how many there were. 0: not a number, or one too long. */
static size_t read_digits(struct slice text, int64_t *out)
{
	int64_t number = 0;
	size_t len = 0;

	for (; len < text.len && text.ptr[len] >= '0' && text.ptr[len] <= '9'; len++) {
		if (len == MAX_DIGITS)
			return 0;
		number = number * 10 + (text.ptr[len] - '0');
	}
	*out = number;
	return len;
}

static int64_t seconds_in(struct slice unit)
{
	static const struct {
		const char *word;
		int64_t seconds;
	} units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 24 * 3600 } };

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (slice_equals(unit, units[i].word))
			return units[i].seconds;
	return 0;
}

int keep_parse_span(struct slice text, int64_t *seconds, struct error *err)
{
	int64_t number = 0, unit_s = 0;
	struct slice word = trimmed(text);
	size_t digits = read_digits(word, &number);

	if (digits)
		unit_s = seconds_in((struct slice){ word.ptr + digits, word.len - digits });
	if (!unit_s || !number)
		return error_set(err, ERROR_MALFORMED,
				 "expected a span such as 90s, 15m, 2h or 1d, got \"%.*s\"",
				 (int)(word.len < 40 ? word.len : 40), word.ptr ? word.ptr : "");
	if (number > KEEP_MAX_S / unit_s)
		return error_set(err, ERROR_MALFORMED, "a span is at most 366d");
	*seconds = number * unit_s;
	return 0;
}

int keep_parse_until(struct slice text, int64_t *wall_s, struct error *err)
{
	int64_t number = 0, wall_ms = 0;
	struct slice word = trimmed(text);

	if (word.len && read_digits(word, &number) == word.len && number >= first_moment_s) {
		*wall_s = number;
		return 0;
	}
	if (clock_parse_iso(word, &wall_ms, err) < 0 || wall_ms < first_moment_s * 1000)
		return error_set(err, ERROR_MALFORMED,
				 "expected a moment such as 2026-11-24T18:00:00Z or seconds since "
				 "1970, got \"%.*s\"",
				 (int)(word.len < 40 ? word.len : 40), word.ptr ? word.ptr : "");
	*wall_s = wall_ms / 1000;
	return 0;
}

int keep_read_file(const char *folder, int64_t *wall_s, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(KEEP_FILE_MAX);
	char path[MACHINE_PATH_ROOM + 16];

	(void)snprintf(path, sizeof(path), "%s/keep-until", folder);
	if (file_read(path, &text, err) < 0) {
		if (err->class != ERROR_NOT_FOUND)
			return -1;
		*wall_s = 0;
		return 0;
	}
	if (keep_parse_until(buf_slice(&text), wall_s, err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}
