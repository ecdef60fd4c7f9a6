/* A time zone's file is refused, or tells for every time an offset of a day at most and a later
 * time until which it holds; within that time it is the same. */
#include "reaper/settings/zone.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_offset(const struct zone *zone, int64_t at_s)
{
	int64_t until_s = 0, again_s = 0;
	int64_t offset = zone_offset(zone, at_s, &until_s);

	assert(offset >= -26 * 3600 && offset <= 26 * 3600);
	assert(until_s > at_s);
	if (until_s > at_s + 1 && until_s < INT64_C(1) << 40) {
		assert(zone_offset(zone, until_s - 1, &again_s) == offset);
		assert(again_s == until_s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t times[] = { -(INT64_C(1) << 40), -1,	  0,
					 1774746000,	      1774746001, 1798761599,
					 2147483648,	      4102444800, INT64_C(1) << 39 };
	SCOPED(zone) struct zone zone = { 0 };
	struct slice file = { (const char *)data, size };
	struct error err = { 0 };

	if (zone_parse(file, &zone, &err) < 0) {
		assert(err.message[0] && !zone.bytes.bytes);
		return 0;
	}
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		check_offset(&zone, times[i]);
	return 0;
}
