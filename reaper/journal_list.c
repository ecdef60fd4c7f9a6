#include "reaper/journal_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "reaper/ledger/ledger.h"
#include "reaper/session.h"
#include "reaper/settings/duration.h"
#include "reaper/table.h"

enum { DEFAULT_LIMIT = 50, MOST_LIMIT = 100000, OUT_BYTES = 256 << 20 };

struct wanted {
	size_t limit;
	int64_t since_s;
	bool is_json;
};

struct found {
	const struct wanted *wanted;
	struct journal_entry *entries; /* owned; the newest first */
	size_t count;
};

static void found_release(struct found *found)
{
	free(found->entries);
}

/* ---- what is asked for ---- */

static int read_limit(const struct command_line *line, size_t *out, struct error *err)
{
	const char *text = command_value(line, "--limit", NULL);
	char *end;

	*out = DEFAULT_LIMIT;
	if (!text)
		return 0;
	long limit = strtol(text, &end, 10);
	if (*end || limit < 1 || limit > MOST_LIMIT)
		return error_set(err, ERROR_CONFIGURATION,
				 "--limit: expected a number from 1 to %d", MOST_LIMIT);
	*out = (size_t)limit;
	return 0;
}

/* A time, or how long ago. */
static int read_since(const struct command_line *line, int64_t now_ms, int64_t *out,
		      struct error *err)
{
	const char *text = command_value(line, "--since", NULL);
	int64_t ms;

	*out = INT64_MIN;
	if (!text)
		return 0;
	if (clock_parse_iso(slice_of(text), &ms, err) == 0) {
		*out = ms / 1000;
		return 0;
	}
	if (duration_parse(slice_of(text), &ms, err) < 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "--since: expected a duration as 2h, or a time as "
				 "2026-11-24T03:00:00Z");
	*out = (now_ms - ms) / 1000;
	return 0;
}

/* ---- reading ---- */

static bool take(const struct journal_entry *entry, void *context)
{
	struct found *found = context;

	/* Entries are in the order of writing: after a clock's jump older ones may follow. */
	if (entry->time_s < found->wanted->since_s)
		return true;
	if (found->count % 64 == 0)
		found->entries =
			memory_grow(found->entries, found->count + 64, sizeof(*found->entries));
	found->entries[found->count++] = *entry;
	return found->count < found->wanted->limit;
}

/* Before the first pass there is no ledger: no failure, but it must not look like a quiet night. */
static int read_journal(const char *folder, int64_t now_ms, struct found *out, struct error *err)
{
	struct ledger_file *file;

	if (ledger_open_history(folder, now_ms / 1000, &file, err) < 0)
		return err->class == ERROR_NOT_FOUND ? session_complain(err, 0) : -1;
	int status = ledger_journal_each(file, SIZE_MAX, take, out, err);
	ledger_close(file);
	if (status == 0 && !out->count)
		fprintf(stderr, "mayfly-reaper: no entries\n");
	return status;
}

/* ---- printing ---- */

static void print_text(const struct found *found, struct buf *out)
{
	for (size_t i = found->count; i-- > 0;) {
		const struct journal_entry *entry = &found->entries[i];
		char time[CLOCK_TEXT_LEN], event[sizeof(entry->event)];
		char subject[sizeof(entry->subject)], text[sizeof(entry->text)];

		clock_format(entry->time_s * 1000, false, time);
		table_plain(entry->event, event, sizeof(event));
		table_plain(entry->subject, subject, sizeof(subject));
		table_plain(entry->text, text, sizeof(text));
		buf_addf(out, "%s  %-18s  %-32s  %s\n", time, event, subject, text);
	}
}

static void print_json(const struct found *found, struct buf *out)
{
	SCOPED(json_document) struct json_document document = { 0 };

	json_new_object(&document);
	struct json *list = json_add_list(document.root, "journal");
	for (size_t i = found->count; i-- > 0;) {
		const struct journal_entry *entry = &found->entries[i];
		struct json *item = json_add_object(list, NULL);
		char time[CLOCK_TEXT_LEN];

		clock_format(entry->time_s * 1000, false, time);
		json_add_text(item, "time", time);
		json_add_text(item, "event", entry->event);
		json_add_text(item, "subject", entry->subject);
		json_add_text(item, "text", entry->text);
	}
	json_print(document.root, true, out);
	buf_addf(out, "\n");
}

static int list(const struct settings *settings, const struct wanted *wanted, int64_t now_ms,
		struct error *err)
{
	SCOPED(found) struct found found = { .wanted = wanted };
	SCOPED(buf) struct buf out = BUF(OUT_BYTES);

	if (read_journal(settings->state_folder, now_ms, &found, err) < 0)
		return -1;
	(wanted->is_json ? print_json : print_text)(&found, &out);
	if (buf_finish(&out, err) < 0)
		return -1;
	if (fputs(buf_text(&out), stdout) == EOF || fflush(stdout) != 0)
		return error_errno(err, "standard output");
	return 0;
}

int journal_list_run(const struct command_line *line)
{
	SCOPED(settings) struct settings settings = { 0 };
	struct wanted wanted = { .is_json = command_has(line, "--json") };
	int64_t now_ms = clock_wall_ms();
	struct error err;

	if (read_limit(line, &wanted.limit, &err) < 0 ||
	    read_since(line, now_ms, &wanted.since_s, &err) < 0)
		return session_complain(&err, EXIT_USAGE);
	log_open("mayfly-reaper", NULL, LOG_WARN);
	int status = session_prepare();
	if (status != EXIT_OK)
		return status;
	if (settings_load_shape(session_config(line), (const char *const *)environ, &settings,
				&err) < 0)
		return session_complain(&err, EXIT_USAGE);
	if (list(&settings, &wanted, now_ms, &err) < 0)
		return session_complain(&err, EXIT_FAILED);
	return EXIT_OK;
}
