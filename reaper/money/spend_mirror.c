#include "reaper/money/spend_mirror.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/signed_line.h"

enum { DAY_MS = 86400000, COLUMNS = 7, PURPOSE_ROOM = 96 };

/* Sums of so much never overflow. */
static const int64_t most = (int64_t)1 << 47;

/* What is left out of a row, more and more. */
enum detail { WITH_USERS, WITH_QUEUES, RESOURCES_ALONE };

void spend_mirror_release(struct spend_mirror *mirror)
{
	spend_list_release(&mirror->rows);
	*mirror = (struct spend_mirror){ 0 };
}

static int by_key(const void *left, const void *right)
{
	const struct spend_row *a = left, *b = right;
	int order = strcmp(a->day, b->day);

	order = order ? order : strcmp(a->resource, b->resource);
	order = order ? order : strcmp(a->queue, b->queue);
	return order ? order : strcmp(a->user, b->user);
}

static void day_of(int64_t wall_ms, char out[static 11])
{
	char text[CLOCK_TEXT_LEN];

	clock_format(wall_ms, false, text);
	memcpy(out, text, 10);
	out[10] = 0;
}

/* Sorted, each key once. */
static void add_up(struct spend_list *list)
{
	size_t kept = 0;

	if (!list->count)
		return;
	qsort(list->rows, list->count, sizeof(*list->rows), by_key);
	for (size_t i = 1; i < list->count; i++) {
		struct spend_row *sum = &list->rows[kept], *row = &list->rows[i];

		if (by_key(sum, row) != 0) {
			list->rows[++kept] = *row;
			continue;
		}
		sum->seconds += row->seconds;
		sum->money += row->money;
		sum->unpriced_s += row->unpriced_s;
	}
	list->count = kept + 1;
}

static void copy_rows(const struct spend_row *rows, size_t count, int64_t until_s,
		      struct spend_list *out)
{
	char today[11], before[11];

	day_of(until_s * 1000, today);
	day_of(until_s * 1000 - DAY_MS, before);
	*out = (struct spend_list){ memory_array(count + 1, sizeof(*rows)), count };
	for (size_t i = 0; i < count; i++) {
		out->rows[i] = rows[i];
		*out->rows[i].instance = *out->rows[i].task = 0;
		if (strcmp(rows[i].day, today) < 0)
			memcpy(out->rows[i].day, before, sizeof(before));
	}
	add_up(out);
}

static void leave_out(enum detail detail, struct spend_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		*list->rows[i].user = 0;
		if (detail == RESOURCES_ALONE)
			*list->rows[i].queue = 0;
	}
	add_up(list);
}

void spend_mirror_print(const struct spend_mirror *mirror, struct buf *out)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(spend_list) struct spend_list list = { 0 };

	copy_rows(mirror->rows.rows, mirror->rows.count, mirror->until_s, &list);
	for (enum detail detail = WITH_QUEUES;
	     detail <= RESOURCES_ALONE && list.count > SPEND_MIRROR_ROWS; detail++)
		leave_out(detail, &list);
	json_new_object(&document);
	json_add_text(document.root, "issuer", mirror->issuer);
	json_add_integer(document.root, "number", mirror->number);
	json_add_integer(document.root, "until", mirror->until_s);
	struct json *json_rows = json_add_list(document.root, "rows");
	for (size_t i = 0; i < list.count; i++) {
		const struct spend_row *row = &list.rows[i];
		struct json *columns = json_add_list(json_rows, NULL);

		json_add_text(columns, NULL, row->day);
		json_add_text(columns, NULL, row->resource);
		json_add_text(columns, NULL, row->queue);
		json_add_text(columns, NULL, row->user);
		json_add_integer(columns, NULL, row->seconds);
		json_add_integer(columns, NULL, row->money);
		json_add_integer(columns, NULL, row->unpriced_s);
	}
	json_print(document.root, false, out);
	buf_addf(out, "\n");
}

/* ---- reading ---- */

static int read_text(const struct json *row, const char *path, char *field, size_t room,
		     struct error *err)
{
	const char *text;

	if (json_text(row, path, &text, err) < 0)
		return -1;
	return text_copy(field, room, slice_of(text), err) < 0 ? error_wrap(err, "%s", path) : 0;
}

static int read_number(const struct json *row, const char *path, int64_t *out, struct error *err)
{
	int64_t number;

	if (json_integer(row, path, &number, err) < 0)
		return -1;
	if (number < 0)
		return error_set(err, ERROR_MALFORMED, "%s: less than nothing", path);
	if (number > most)
		return error_set(err, ERROR_MALFORMED, "%s: more than there can be", path);
	*out = number;
	return 0;
}

static int check_day(const char *day, struct error *err)
{
	char text[CLOCK_TEXT_LEN], again[11];
	int64_t wall_ms;
	SCOPED(buf) struct buf noon = BUF(sizeof(text));

	buf_addf(&noon, "%sT12:00:00Z", day);
	if (buf_finish(&noon, err) < 0 || clock_parse_iso(buf_slice(&noon), &wall_ms, err) < 0)
		return -1;
	day_of(wall_ms, again);
	if (strcmp(day, again) != 0)
		return error_set(err, ERROR_MALFORMED, "no day");
	return 0;
}

static int read_row(const struct json *row, struct spend_row *out, struct error *err)
{
	*out = (struct spend_row){ 0 };
	if (json_count(row) != COLUMNS || json_kind(row) != JSON_LIST)
		return error_set(err, ERROR_MALFORMED, "expected %d columns", COLUMNS);
	if (read_text(row, "[0]", out->day, sizeof(out->day), err) < 0 ||
	    read_text(row, "[1]", out->resource, sizeof(out->resource), err) < 0 ||
	    read_text(row, "[2]", out->queue, sizeof(out->queue), err) < 0 ||
	    read_text(row, "[3]", out->user, sizeof(out->user), err) < 0)
		return -1;
	if (read_number(row, "[4]", &out->seconds, err) < 0 ||
	    read_number(row, "[5]", &out->money, err) < 0 ||
	    read_number(row, "[6]", &out->unpriced_s, err) < 0)
		return -1;
	return check_day(out->day, err) < 0 ? error_wrap(err, "[0]") : 0;
}

static int read_head(const struct json *root, struct spend_mirror *out, struct error *err)
{
	if (read_text(root, "issuer", out->issuer, sizeof(out->issuer), err) < 0 ||
	    read_number(root, "number", &out->number, err) < 0 ||
	    read_number(root, "until", &out->until_s, err) < 0)
		return -1;
	if (!*out->issuer || !out->number)
		return error_set(err, ERROR_MALFORMED, "expected an issuer, and a number above 0");
	return 0;
}

int spend_mirror_parse(struct slice line, struct spend_mirror *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(spend_mirror) struct spend_mirror mirror = { 0 };
	struct spend_list *list = &mirror.rows;
	const struct json *json_rows;
	size_t place = 0;

	if (json_parse(line, &document, err) < 0 || read_head(document.root, &mirror, err) < 0 ||
	    json_list(document.root, "rows", &json_rows, err) < 0)
		return -1;
	list->rows = memory_array(json_count(json_rows) + 1, sizeof(*list->rows));
	for (const struct json *row = json_first(json_rows); row; row = json_next(row), place++) {
		if (read_row(row, &list->rows[list->count], err) < 0)
			return error_wrap(err, "rows[%zu]", place);
		list->count++;
	}
	*out = mirror;
	mirror = (struct spend_mirror){ 0 }; /* not ours any more */
	return 0;
}

/* ---- signed ---- */

static void purpose_for(const char *prefix, struct buf *out)
{
	buf_addf(out, "mayfly spend for %s", prefix);
}

int spend_mirror_sign(const struct spend_mirror *mirror, const char *prefix,
		      const struct minisign_key *key, struct buf *out, struct error *err)
{
	SCOPED(buf) struct buf line = BUF(SPEND_MIRROR_BYTES), purpose = BUF(PURPOSE_ROOM);

	spend_mirror_print(mirror, &line);
	purpose_for(prefix, &purpose);
	if (buf_finish(&line, err) < 0 || buf_finish(&purpose, err) < 0)
		return -1;
	return signed_line_make(buf_slice(&line), key, buf_text(&purpose), out, err);
}

int spend_mirror_open(struct slice text, const struct minisign_trusted *trusted, const char *prefix,
		      struct spend_mirror *out, struct error *err)
{
	SCOPED(buf) struct buf purpose = BUF(PURPOSE_ROOM);
	struct slice line;

	purpose_for(prefix, &purpose);
	/* Nothing is parsed before it is known who signed it. */
	if (buf_finish(&purpose, err) < 0 ||
	    signed_line_open(text, trusted, buf_text(&purpose), &line, err) < 0)
		return -1;
	return spend_mirror_parse(line, out, err);
}
