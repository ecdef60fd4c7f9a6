#include "reaper/money/spend_report.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "reaper/money/spend_table.h"
#include "reaper/session.h"

enum { REPORT_BYTES = 256 << 20, DAY_ROOM = 11 };

typedef void table_printer(struct spend_table *table, const struct spend_span *span,
			   struct buf *out);

static const struct {
	const char *name;
	table_printer *print;
} formats[] = {
	{ "text", spend_table_text },
	{ "csv", spend_table_csv },
	{ "json", spend_table_json },
};

struct wish {
	enum spend_by by;
	table_printer *print;
	char from_day[DAY_ROOM], until_day[DAY_ROOM];
};

static int read_by(const char *word, enum spend_by *out, struct error *err)
{
	for (enum spend_by by = 0; by < SPEND_BY_COUNT; by++)
		if (!strcmp(spend_by_name(by), word)) {
			*out = by;
			return 0;
		}
	return error_set(err, ERROR_CONFIGURATION,
			 "--by: expected task, queue, day, resource or user, got \"%s\"", word);
}

static int read_format(const char *word, table_printer **out, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (!strcmp(formats[i].name, word)) {
			*out = formats[i].print;
			return 0;
		}
	return error_set(err, ERROR_CONFIGURATION,
			 "--format: expected text, csv or json, got \"%s\"", word);
}

static int read_day(const char *option, const char *day, char out[static DAY_ROOM],
		    struct error *err)
{
	char text[CLOCK_TEXT_LEN], again[CLOCK_TEXT_LEN];
	int64_t wall_ms;

	snprintf(text, sizeof(text), "%.20sT00:00:00Z", day);
	if (clock_parse_iso(slice_of(text), &wall_ms, err) == 0) {
		clock_format(wall_ms, false, again);
		if (strlen(day) == DAY_ROOM - 1 && !strncmp(again, day, DAY_ROOM - 1)) {
			memcpy(out, day, DAY_ROOM);
			return 0;
		}
	}
	return error_set(err, ERROR_CONFIGURATION,
			 "%s: expected a UTC day such as 2026-11-24, got \"%s\"", option, day);
}

/* This month until today, where nothing else is said. */
static int read_wish(const struct command_line *line, struct wish *out, struct error *err)
{
	char today[CLOCK_TEXT_LEN], first[CLOCK_TEXT_LEN];

	clock_format(clock_wall_ms(), false, today);
	today[DAY_ROOM - 1] = 0;
	memcpy(first, today, sizeof(first));
	memcpy(first + 8, "01", 2);
	if (read_by(command_value(line, "--by", "resource"), &out->by, err) < 0 ||
	    read_format(command_value(line, "--format", "text"), &out->print, err) < 0 ||
	    read_day("--from", command_value(line, "--from", first), out->from_day, err) < 0 ||
	    read_day("--until", command_value(line, "--until", today), out->until_day, err) < 0)
		return -1;
	if (strcmp(out->from_day, out->until_day) > 0)
		return error_set(err, ERROR_CONFIGURATION, "--from: %s is after --until: %s",
				 out->from_day, out->until_day);
	return 0;
}

static bool add_row(const struct spend_row *row, void *context)
{
	spend_table_add(context, row);
	return true;
}

static int gather(const struct settings *settings, const struct wish *wish, struct ledger *ledger,
		  struct spend_table *table, struct error *err)
{
	struct ledger_file *file = NULL;

	if (ledger_open_history(settings->state_folder, clock_wall_ms() / 1000, &file, err) < 0)
		return -1;
	/* The sums know no tasks, but are a thousandth of the rows. */
	int result = (wish->by == SPEND_BY_TASK ? ledger_spend_each : ledger_spend_sums)(
		file, wish->from_day, wish->until_day, add_row, table, err);

	if (result == 0)
		result = ledger_read(file, ledger, err);
	table->users = (struct clearml_users){ ledger->users, ledger->user_count };
	ledger_close(file);
	return result;
}

int spend_report(const struct command_line *line)
{
	SCOPED(session) struct session session = { 0 };
	SCOPED(ledger) struct ledger ledger = { 0 };
	SCOPED(spend_table) struct spend_table table = { 0 };
	SCOPED(buf) struct buf out = BUF(REPORT_BYTES);
	struct wish wish;
	struct error err;

	if (read_wish(line, &wish, &err) < 0)
		return session_complain(&err, EXIT_USAGE);
	int status = session_open(line, &session);

	if (status != EXIT_OK)
		return status;
	table.by = wish.by;
	if (gather(&session.settings, &wish, &ledger, &table, &err) < 0)
		return session_fail(&err);
	wish.print(&table,
		   &(struct spend_span){ session.settings.prefix, wish.from_day, wish.until_day },
		   &out);
	if (buf_finish(&out, &err) < 0)
		return session_fail(&err);
	fputs(buf_text(&out), stdout);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}
