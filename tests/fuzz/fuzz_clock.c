#include "common/clock.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): the property counts in a release build too. */
static void require(bool is_so)
{
	if (!is_so)
		abort();
}

/* The time of day as it was written, unless it is a leap second. */
static void require_time_of_day(struct slice text, const char *formatted)
{
	const char *colon = memchr(text.ptr, ':', text.len);

	require(colon && colon - text.ptr >= 2 && text.ptr + text.len - colon >= 6);
	require(!memcmp(colon + 4, "60", 2) || !memcmp(colon - 2, formatted + 11, 8));
}

/* An accepted time, written in our form, is read as the same time again. */
static void require_round_trip(int64_t ms, char formatted[static CLOCK_TEXT_LEN])
{
	struct error err = { 0 };
	int64_t again = -1;

	require(ms >= 0);
	clock_format(ms, true, formatted);
	require(strlen(formatted) == strlen("2026-11-24T03:00:00.123Z"));
	require(clock_parse_iso(slice_of(formatted), &again, &err) == 0 && again == ms);
}

static void check_iso(struct slice text)
{
	char formatted[CLOCK_TEXT_LEN];
	struct error err = { 0 };
	int64_t ms = -7;

	if (clock_parse_iso(text, &ms, &err) < 0) {
		require(err.class == ERROR_MALFORMED && err.message[0] && ms == -7);
		return;
	}
	require_round_trip(ms, formatted);
	if (text.ptr[text.len - 1] == 'Z')
		require_time_of_day(text, formatted);
}

static void check_http(struct slice text)
{
	char formatted[CLOCK_TEXT_LEN];
	struct error err = { 0 };
	int64_t ms = -7;

	if (clock_parse_http(text, &ms, &err) < 0) {
		require(err.class == ERROR_MALFORMED && err.message[0] && ms == -7);
		return;
	}
	require_round_trip(ms, formatted);
	require_time_of_day(text, formatted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice text = { (const char *)data, size };

	check_iso(text);
	check_http(text);
	return 0;
}
