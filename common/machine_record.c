#include "common/machine_record.h"

#include <stdio.h>
#include <string.h>

static const char role[] = "bootstrap";

static const struct {
	enum claim claim;
	const char *word;
} claims[] = { { CLAIM_INTENT, "intent" }, { CLAIM_SERVES, "serves" } };

/* ---- writing ---- */

static void add(struct machine_tags *tags, const char *name, const char *value)
{
	char *text = tags->text[tags->count];

	snprintf(text, CLEARML_TAG_ROOM, "%s:%s", name, value);
	tags->list[tags->count++] = text;
}

static void add_number(struct machine_tags *tags, const char *name, int64_t number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lld", (long long)number);
	add(tags, name, digits);
}

static void add_where_told(const struct machine_record *record, struct machine_tags *tags)
{
	for (size_t i = 0; i < ARRAY_LEN(claims); i++)
		if (record->claim == claims[i].claim)
			add(tags, "claim", claims[i].word);
	if (*record->kept_by)
		add(tags, "kept", record->kept_by);
	if (record->is_held)
		add(tags, "hold", "1");
	if (record->is_draining)
		add(tags, "drain", "1");
	if (*record->reason)
		add(tags, "reason", record->reason);
}

void machine_record_tags(const struct machine_record *record, struct machine_tags *out)
{
	out->count = 0;
	add(out, "role", role);
	add(out, "phase", record->phase);
	add_number(out, "seats", record->seats);
	add_number(out, "free", record->free_seats);
	add_number(out, "slot", record->slot);
	add_number(out, "generation", record->generation);
	add_number(out, "launched", record->launched_s);
	add_number(out, "idle", record->idle_s);
	add_where_told(record, out);
	for (size_t i = 0; i < record->task_count && i < MACHINE_MAX_SEATS; i++)
		add(out, "task", record->tasks[i]);
}

/* ---- reading ---- */

/* A tag read so far by its place in this table: twice would be two truths. */
enum field {
	FIELD_ROLE,
	FIELD_PHASE,
	FIELD_SEATS,
	FIELD_FREE,
	FIELD_SLOT,
	FIELD_GENERATION,
	FIELD_LAUNCHED,
	FIELD_IDLE,
	FIELD_REQUIRED, /* those before this one */
	FIELD_CLAIM = FIELD_REQUIRED,
	FIELD_KEPT,
	FIELD_HOLD,
	FIELD_DRAIN,
	FIELD_REASON,
	FIELD_TASK, /* may come more than once */
	FIELD_COUNT
};

static const char *const field_names[FIELD_COUNT] = {
	[FIELD_ROLE] = "role",	       [FIELD_PHASE] = "phase", [FIELD_SEATS] = "seats",
	[FIELD_FREE] = "free",	       [FIELD_SLOT] = "slot",	[FIELD_GENERATION] = "generation",
	[FIELD_LAUNCHED] = "launched", [FIELD_IDLE] = "idle",	[FIELD_CLAIM] = "claim",
	[FIELD_KEPT] = "kept",	       [FIELD_HOLD] = "hold",	[FIELD_DRAIN] = "drain",
	[FIELD_REASON] = "reason",     [FIELD_TASK] = "task",
};

static int refuse(enum field field, const char *value, struct error *err)
{
	return error_set(err, ERROR_MALFORMED, "tag %s: \"%.60s\" makes no sense",
			 field_names[field], value);
}

static int read_number(enum field field, const char *value, int64_t most, int64_t *out,
		       struct error *err)
{
	size_t digits = strspn(value, "0123456789");
	int64_t number = 0;

	if (!digits || digits > 15 || value[digits])
		return refuse(field, value, err);
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (value[i] - '0');
	if (number > most)
		return refuse(field, value, err);
	*out = number;
	return 0;
}

static int read_unsigned(enum field field, const char *value, unsigned most, unsigned *out,
			 struct error *err)
{
	int64_t number;

	if (read_number(field, value, most, &number, err) < 0)
		return -1;
	*out = (unsigned)number;
	return 0;
}

static int read_word(enum field field, const char *value, char *out, size_t room, struct error *err)
{
	if (!*value || text_copy(out, room, slice_of(value), err) < 0)
		return refuse(field, value, err);
	return 0;
}

static int read_flag(enum field field, const char *value, bool *out, struct error *err)
{
	if (strcmp(value, "1") != 0)
		return refuse(field, value, err);
	*out = true;
	return 0;
}

static int read_claim(const char *value, enum claim *out, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(claims); i++)
		if (strcmp(value, claims[i].word) == 0) {
			*out = claims[i].claim;
			return 0;
		}
	return refuse(FIELD_CLAIM, value, err);
}

static int read_task(const char *value, struct machine_record *out, struct error *err)
{
	if (strlen(value) != CLEARML_ID_ROOM - 1 ||
	    strspn(value, "0123456789abcdef") != CLEARML_ID_ROOM - 1 ||
	    out->task_count == MACHINE_MAX_SEATS)
		return refuse(FIELD_TASK, value, err);
	memcpy(out->tasks[out->task_count++], value, CLEARML_ID_ROOM);
	return 0;
}

enum { SLOTS_MAX = 1000000, SECONDS_MAX = INT32_MAX };

static int read_value(enum field field, const char *value, struct machine_record *out,
		      struct error *err)
{
	switch (field) {
	case FIELD_ROLE:
		return strcmp(value, role) == 0 ? 0 : refuse(field, value, err);
	case FIELD_PHASE:
		return read_word(field, value, out->phase, sizeof(out->phase), err);
	case FIELD_SEATS:
		return read_unsigned(field, value, MACHINE_MAX_SEATS, &out->seats, err);
	case FIELD_FREE:
		return read_unsigned(field, value, MACHINE_MAX_SEATS, &out->free_seats, err);
	case FIELD_SLOT:
		return read_unsigned(field, value, SLOTS_MAX, &out->slot, err);
	case FIELD_GENERATION:
		return read_unsigned(field, value, INT32_MAX, &out->generation, err);
	case FIELD_LAUNCHED:
		return read_number(field, value, (int64_t)1 << 40, &out->launched_s, err);
	case FIELD_IDLE:
		return read_number(field, value, SECONDS_MAX, &out->idle_s, err);
	case FIELD_CLAIM:
		return read_claim(value, &out->claim, err);
	case FIELD_KEPT:
		return read_word(field, value, out->kept_by, sizeof(out->kept_by), err);
	case FIELD_HOLD:
		return read_flag(field, value, &out->is_held, err);
	case FIELD_DRAIN:
		return read_flag(field, value, &out->is_draining, err);
	case FIELD_REASON:
		return read_word(field, value, out->reason, sizeof(out->reason), err);
	case FIELD_TASK:
		return read_task(value, out, err);
	default:
		return 0;
	}
}

static enum field field_of(struct slice name)
{
	for (int i = 0; i < FIELD_COUNT; i++)
		if (slice_equals(name, field_names[i]))
			return (enum field)i;
	return FIELD_COUNT; /* a person's tag, or a newer machine's: none of our business */
}

static int read_tag(const char *tag, bool *is_read, struct machine_record *out, struct error *err)
{
	const char *colon = strchr(tag, ':');
	enum field field =
		colon ? field_of((struct slice){ tag, (size_t)(colon - tag) }) : FIELD_COUNT;

	if (field == FIELD_COUNT)
		return 0;
	if (is_read[field] && field != FIELD_TASK)
		return error_set(err, ERROR_MALFORMED, "tag %s: given twice", field_names[field]);
	is_read[field] = true;
	return read_value(field, colon + 1, out, err);
}

static int read_tags(const struct clearml_worker *worker, struct machine_record *out,
		     struct error *err)
{
	bool is_read[FIELD_COUNT] = { false };

	for (size_t i = 0; i < worker->tag_count; i++)
		if (read_tag(worker->tags[i], is_read, out, err) < 0)
			return -1;
	for (int i = 0; i < FIELD_REQUIRED; i++)
		if (!is_read[i])
			return error_set(err, ERROR_MALFORMED, "tag %s is missing", field_names[i]);
	if (!out->seats || out->free_seats > out->seats || out->task_count > out->seats)
		return error_set(err, ERROR_MALFORMED, "tags: %u seats, %u free, %zu tasks",
				 out->seats, out->free_seats, out->task_count);
	return 0;
}

static int read_identity(const struct clearml_worker *worker, const char *prefix,
			 struct machine_record *out, struct error *err)
{
	struct worker_id id;

	if (worker_id_parse(slice_of(worker->id), &id, err) < 0 ||
	    !slice_equals(id.prefix, prefix) || !slice_equals(id.suffix, role))
		return error_set(err, ERROR_NOT_FOUND, "%s: no machine record of %s", worker->id,
				 prefix);
	/* A field of a worker id fits by its own rule. */
	if (text_copy(out->resource, sizeof(out->resource), id.resource, err) < 0 ||
	    text_copy(out->type, sizeof(out->type), id.type, err) < 0 ||
	    text_copy(out->instance, sizeof(out->instance), id.instance, err) < 0)
		return -1;
	return 0;
}

int machine_record_read(const struct clearml_worker *worker, const char *prefix,
			struct machine_record *out, struct error *err)
{
	struct machine_record read = { 0 };

	if (read_identity(worker, prefix, &read, err) < 0)
		return -1;
	read.registered_ms = worker->registered_ms;
	read.last_report_ms = worker->last_report_ms;
	struct machine_record identity = read;

	if (read_tags(worker, &read, err) < 0) {
		*out = identity;
		return error_wrap(err, "%s", worker->id);
	}
	*out = read;
	return 0;
}
