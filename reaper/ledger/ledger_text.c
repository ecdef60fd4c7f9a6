#include "reaper/ledger/ledger_text.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"

/* Years to 9999, and 2^53 at most: what a JSON number keeps exactly. */
#define MOST_S INT64_C(253402300799)
#define MOST_MS (MOST_S * 1000)
enum { VERSION = 1, MOST_SLOT = 99999, MOST_GENERATION = 2000000000 };

static int read_number(const struct json *from, const char *name, int64_t most, int64_t *out,
		       struct error *err)
{
	if (json_integer(from, name, out, err) < 0)
		return -1;
	if (*out < 0 || *out > most)
		return error_set(err, ERROR_MALFORMED, "%s: %lld is out of range", name,
				 (long long)*out);
	return 0;
}

static int read_unsigned(const struct json *from, const char *name, int64_t most, unsigned *out,
			 struct error *err)
{
	int64_t number;

	if (read_number(from, name, most, &number, err) < 0)
		return -1;
	*out = (unsigned)number;
	return 0;
}

static int read_text(const struct json *from, const char *name, char *out, size_t room,
		     struct error *err)
{
	const char *text;

	if (json_text(from, name, &text, err) < 0)
		return -1;
	if (!*text)
		return error_set(err, ERROR_MALFORMED, "%s: empty", name);
	if (text_copy(out, room, slice_of(text), err) < 0)
		return error_wrap(err, "%s", name);
	return 0;
}

static int read_attempt(const struct json *from, struct ledger *out, struct error *err)
{
	struct open_attempt attempt = { 0 };

	if (read_text(from, "resource", attempt.resource, sizeof(attempt.resource), err) < 0 ||
	    read_unsigned(from, "slot", MOST_SLOT, &attempt.slot, err) < 0 ||
	    read_unsigned(from, "generation", MOST_GENERATION, &attempt.generation, err) < 0 ||
	    read_text(from, "day", attempt.day, sizeof(attempt.day), err) < 0 ||
	    read_number(from, "asked_s", MOST_S, &attempt.asked_s, err) < 0)
		return -1;
	out->attempts = memory_grow(out->attempts, out->attempt_count + 1, sizeof(attempt));
	out->attempts[out->attempt_count++] = attempt;
	return 0;
}

static int read_mark(const struct json *from, struct ledger *out, struct error *err)
{
	struct mark mark = { 0 };

	if (read_text(from, "what", mark.what, sizeof(mark.what), err) < 0 ||
	    read_number(from, "first_s", MOST_S, &mark.first_s, err) < 0)
		return -1;
	out->marks = memory_grow(out->marks, out->mark_count + 1, sizeof(mark));
	out->marks[out->mark_count++] = mark;
	return 0;
}

static int read_machine(const struct json *from, struct ledger *out, struct error *err)
{
	struct remembered machine = { 0 };

	if (read_text(from, "instance", machine.instance, sizeof(machine.instance), err) < 0 ||
	    read_number(from, "last_report_ms", MOST_MS, &machine.last_report_ms, err) < 0)
		return -1;
	machine.was_busy = json_bool_or(from, "was_busy", false);
	out->machines = memory_grow(out->machines, out->machine_count + 1, sizeof(machine));
	out->machines[out->machine_count++] = machine;
	return 0;
}

static int read_list(const struct json *root, const char *name,
		     int (*read)(const struct json *, struct ledger *, struct error *),
		     struct ledger *out, struct error *err)
{
	const struct json *list;
	size_t place = 0;

	if (json_list(root, name, &list, err) < 0)
		return -1;
	for (const struct json *item = json_first(list); item; item = json_next(item), place++)
		if (read(item, out, err) < 0)
			return error_wrap(err, "%s[%zu]", name, place);
	return 0;
}

int ledger_parse(struct slice text, struct ledger *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(ledger) struct ledger ledger = { 0 };
	int64_t version, passes;

	if (json_parse(text, &document, err) < 0 ||
	    read_number(document.root, "version", VERSION, &version, err) < 0 ||
	    read_number(document.root, "since_s", MOST_S, &ledger.since_s, err) < 0 ||
	    read_number(document.root, "passes", MOST_MS, &passes, err) < 0 ||
	    read_list(document.root, "attempts", read_attempt, &ledger, err) < 0 ||
	    read_list(document.root, "marks", read_mark, &ledger, err) < 0 ||
	    read_list(document.root, "machines", read_machine, &ledger, err) < 0)
		return -1;
	ledger.passes = (uint64_t)passes;
	*out = ledger;
	ledger = (struct ledger){ 0 };
	return 0;
}
