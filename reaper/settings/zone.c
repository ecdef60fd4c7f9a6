#include "reaper/settings/zone.h"

#include <stdio.h>
#include <string.h>

#include "common/file.h"
#include "reaper/settings/zone_rule.h"

#define FOLDER "/usr/share/zoneinfo"

enum {
	HEADER_BYTES = 44,
	COUNTS = 6,
	COUNTS_AT = 20,
	KIND_BYTES = 6,
	MOST_LISTED = 20000, /* of each list: hundreds in the files that there are */
	PATH_BYTES = 256,
};

/* The header's counts, in its order. */
enum { UT_FLAGS, STANDARD_FLAGS, LEAPS, TIMES, KINDS, LETTERS };

void zone_release(struct zone *zone)
{
	buf_release(&zone->bytes);
}

/* ---- bytes ---- */

static uint64_t read_number(const char *from, size_t len)
{
	uint64_t number = 0;

	for (size_t i = 0; i < len; i++)
		number = number << 8 | (unsigned char)from[i];
	return number;
}

static int64_t read_time(const struct zone *zone, size_t place)
{
	return (int64_t)read_number(zone->bytes.bytes + zone->times + place * 8, 8);
}

static int64_t read_offset(const struct zone *zone, size_t kind)
{
	const char *at = zone->bytes.bytes + zone->kinds + kind * KIND_BYTES;

	return (int32_t)(uint32_t)read_number(at, 4);
}

static size_t read_kind(const struct zone *zone, size_t place)
{
	return (unsigned char)zone->bytes.bytes[zone->kinds_of + place];
}

/* ---- the file ---- */

static int refuse(struct error *err, const char *why)
{
	return error_set(err, ERROR_MALFORMED, "no file of a time zone: %s", why);
}

static int read_header(struct slice file, size_t at, uint64_t counts[static COUNTS],
		       struct error *err)
{
	if (file.len < at + HEADER_BYTES || memcmp(file.ptr + at, "TZif", 4) != 0)
		return refuse(err, "it does not begin with TZif");
	for (size_t i = 0; i < COUNTS; i++) {
		counts[i] = read_number(file.ptr + at + COUNTS_AT + i * 4, 4);
		if (counts[i] > MOST_LISTED)
			return refuse(err, "its lists are too long");
	}
	return 0;
}

static size_t block_bytes(const uint64_t counts[static COUNTS], size_t time_bytes)
{
	return counts[TIMES] * (time_bytes + 1) + counts[KINDS] * KIND_BYTES + counts[LETTERS] +
	       counts[LEAPS] * (time_bytes + 4) + counts[STANDARD_FLAGS] + counts[UT_FLAGS];
}

static int check_lists(const struct zone *zone, struct error *err)
{
	for (size_t i = 0; i < zone->time_count; i++) {
		if (read_kind(zone, i) >= zone->kind_count)
			return refuse(err, "a change is to no kind of time");
		if (i && read_time(zone, i) <= read_time(zone, i - 1))
			return refuse(err, "its changes are not in order");
	}
	for (size_t i = 0; i < zone->kind_count; i++)
		if (read_offset(zone, i) < -ZONE_MOST_OFFSET_S ||
		    read_offset(zone, i) > ZONE_MOST_OFFSET_S)
			return refuse(err, "an offset is more than a day");
	return 0;
}

/* Line end, rule, line end; the rule may be missing. */
static int read_footer(struct zone *zone, size_t at, struct error *err)
{
	struct slice rest = { zone->bytes.bytes + at, zone->bytes.len - at };
	const char *end = rest.len ? memchr(rest.ptr + 1, '\n', rest.len - 1) : NULL;

	if (!end || *rest.ptr != '\n')
		return refuse(err, "it ends too early");
	rest = (struct slice){ rest.ptr + 1, (size_t)(end - rest.ptr) - 1 };
	zone->has_rule = rest.len > 0;
	return zone->has_rule ? zone_rule_parse(rest, &zone->rule, err) : 0;
}

/* The first block has times of 32 bits, for old readers: it is passed over. */
static int read_blocks(struct zone *zone, struct error *err)
{
	struct slice file = buf_slice(&zone->bytes);
	uint64_t counts[COUNTS] = { 0 };
	size_t at = 0;

	if (read_header(file, at, counts, err) < 0)
		return -1;
	if (file.ptr[4] < '2')
		return refuse(err, "its version is too old");
	at += HEADER_BYTES + block_bytes(counts, 4);
	if (read_header(file, at, counts, err) < 0)
		return -1;
	at += HEADER_BYTES;
	if (file.len < at + block_bytes(counts, 8))
		return refuse(err, "it ends too early");
	if (counts[LEAPS] || !counts[KINDS])
		return refuse(err, counts[LEAPS] ? "it counts leap seconds" : "it has no time");
	zone->time_count = counts[TIMES];
	zone->kind_count = counts[KINDS];
	zone->times = at;
	zone->kinds_of = at + counts[TIMES] * 8;
	zone->kinds = zone->kinds_of + counts[TIMES];
	if (check_lists(zone, err) < 0)
		return -1;
	return read_footer(zone, at + block_bytes(counts, 8), err);
}

int zone_parse(struct slice file, struct zone *out, struct error *err)
{
	SCOPED(zone) struct zone zone = { .bytes = BUF(ZONE_FILE_BYTES) };

	buf_add(&zone.bytes, file);
	if (buf_finish(&zone.bytes, err) < 0 || read_blocks(&zone, err) < 0)
		return -1;
	*out = zone;
	zone = (struct zone){ 0 };
	return 0;
}

/* ---- by name ---- */

/* A path below the folder, and no way out of it. */
static bool is_name(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_+-/";

	return *name && *name != '/' && strlen(name) < PATH_BYTES / 2 &&
	       name[strspn(name, letters)] == '\0';
}

static void set_utc(struct zone *out)
{
	*out = (struct zone){ .has_rule = true };
}

int zone_read(const char *name, struct zone *out, struct error *err)
{
	SCOPED(buf) struct buf file = BUF(ZONE_FILE_BYTES);
	char path[PATH_BYTES];
	struct error why;

	if (!strcmp(name, "UTC")) {
		set_utc(out);
		return 0;
	}
	if (!is_name(name))
		return error_set(err, ERROR_CONFIGURATION,
				 "is no name of a time zone: expected one such as "
				 "\"Europe/Berlin\"");
	snprintf(path, sizeof(path), FOLDER "/%s", name);
	if (!file_exists(FOLDER))
		return error_set(err, ERROR_CONFIGURATION,
				 "there is no zone database in " FOLDER ": install tzdata, or use "
				 "\"UTC\"");
	if (file_read(path, &file, &why) < 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "there is no zone \"%s\" in " FOLDER ": expected a name such as "
				 "\"Europe/Berlin\"",
				 name);
	return zone_parse(buf_slice(&file), out, err) < 0 ? error_wrap(err, "%s", path) : 0;
}

/* ---- the offset ---- */

/* How many changes are not after at_s. */
static size_t count_changes(const struct zone *zone, int64_t at_s)
{
	size_t low = 0, high = zone->time_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (read_time(zone, middle) <= at_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int64_t zone_offset(const struct zone *zone, int64_t at_s, int64_t *until_s)
{
	size_t changes = count_changes(zone, at_s);

	if (changes == zone->time_count && zone->has_rule)
		return zone_rule_offset(&zone->rule, at_s, until_s);
	*until_s = changes < zone->time_count ? read_time(zone, changes) : INT64_MAX;
	return read_offset(zone, changes ? read_kind(zone, changes - 1) : 0);
}
