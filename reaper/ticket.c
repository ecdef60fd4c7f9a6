#include "reaper/ticket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "reaper/session.h"
#include "reaper/table.h"
#include "reaper/ticket_make.h"

enum {
	DAY_LEN = 10,
	DIGITS_MOST = 10,
	MOST_SLOT = 99999, /* as ticket.schema.json has it, and the next one too */
	MOST_GENERATION = 2000000000,
};

/* ---- which ---- */

static int read_number(const struct command_line *line, const char *option, unsigned most,
		       unsigned *out, struct error *err)
{
	const char *text = command_value(line, option, "0");
	unsigned long number = 0;

	if (text[strspn(text, "0123456789")] || strlen(text) > DIGITS_MOST)
		number = (unsigned long)most + 1;
	else
		number = strtoul(text, NULL, 10);
	if (number > most)
		return error_set(err, ERROR_CONFIGURATION,
				 "%s: expected a whole number from 0 to %u", option, most);
	*out = (unsigned)number;
	return 0;
}

static int read_day(const struct command_line *line, char out[static DAY_LEN + 1],
		    struct error *err)
{
	const char *day = command_value(line, "--day", NULL);
	char moment[CLOCK_TEXT_LEN], same[CLOCK_TEXT_LEN];
	int64_t ms = clock_wall_ms();
	struct error ignored;

	if (day) {
		snprintf(moment, sizeof(moment), "%.*sT00:00:00Z", DAY_LEN, day);
		if (strlen(day) != DAY_LEN || strncmp(day, "20", 2) != 0 ||
		    clock_parse_iso(slice_of(moment), &ms, &ignored) < 0)
			return error_set(err, ERROR_CONFIGURATION,
					 "--day: expected a date such as 2026-11-24");
	}
	clock_format(ms, false, same);
	snprintf(out, DAY_LEN + 1, "%.*s", DAY_LEN, same);
	return 0;
}

static int find_resource(const struct command_line *line, const struct settings *settings,
			 const struct resource **out, struct error *err)
{
	const char *name = command_value(line, "--resource", NULL);
	const char *names[SETTINGS_MAX_RESOURCES];

	for (size_t r = 0; r < settings->resource_count; r++) {
		names[r] = settings->resources[r].name;
		if (name && !strcmp(names[r], name)) {
			*out = &settings->resources[r];
			return 0;
		}
	}
	if (!name)
		return error_set(err, ERROR_CONFIGURATION,
				 "--resource is missing: of which resource? The first one is %s",
				 settings->resources[0].name);
	const char *nearest = text_nearest(name, names, settings->resource_count);

	return error_set(err, ERROR_CONFIGURATION, "--resource: %s has none of this name%s%s%s",
			 settings->path, nearest ? ", did you mean " : "", nearest ? nearest : "",
			 nearest ? "?" : "");
}

static int read_order(const struct command_line *line, const struct settings *settings,
		      char day[static DAY_LEN + 1], struct ticket_order *out, struct error *err)
{
	*out = (struct ticket_order){ .settings = settings, .day = day };
	if (find_resource(line, settings, &out->resource, err) < 0 ||
	    read_number(line, "--slot", MOST_SLOT, &out->slot, err) < 0 ||
	    read_number(line, "--generation", MOST_GENERATION, &out->generation, err) < 0)
		return -1;
	return read_day(line, day, err);
}

/* ---- how large ---- */

static void tell_parts(const struct ticket_order *order, const struct ticket_made *made,
		       struct buf *out)
{
	static const char *const heading[] = { "PART", "BYTES", "IN THE USER DATA", NULL };
	struct ticket_part parts[TICKET_PARTS];
	SCOPED(table) struct table table;

	ticket_parts(order, made, parts);
	table_open(&table, heading);
	for (size_t i = 0; i < TICKET_PARTS; i++) {
		if (!parts[i].bytes)
			continue;
		table_cell(&table, "%s", parts[i].name);
		table_cell(&table, "%zu", parts[i].plain_bytes);
		table_cell(&table, "%zu", parts[i].bytes);
	}
	table_print(&table, out);
}

static void tell_files(const struct ticket_order *order, const struct ticket_made *made,
		       struct buf *out)
{
	const struct envelope *envelope = &made->envelope;
	const struct {
		const char *name;
		size_t len;
	} files[] = {
		{ "ticket.json", envelope->ticket.len },
		{ "ticket.json.minisig", envelope->ticket_signature.len },
		{ "bundle.age", envelope->bundle.len },
		{ "bundle.age.minisig", envelope->bundle_signature.len },
		{ "these as tar.gz", ticket_packed_bytes(made) },
		{ "that as user data", made->user_data.len },
	};
	static const char *const heading[] = { "FILE", "BYTES", "", NULL };
	SCOPED(table) struct table table;

	table_open(&table, heading);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		table_cell(&table, "%s", files[i].name);
		table_cell(&table, "%zu", files[i].len);
		table_cell(&table, "%s", files[i].len ? "" : order->resource->ticket.bundle.source);
	}
	table_print(&table, out);
}

static void tell(const struct ticket_order *order, const struct ticket_made *made, struct buf *out)
{
	buf_add(out, buf_slice(&made->envelope.ticket));
	buf_addf(out, "\n");
	tell_files(order, made, out);
	buf_addf(out, "\n");
	tell_parts(order, made, out);
	buf_addf(out, "\n%zu of %d bytes that clouds take: %zu%%\n", made->user_data.len,
		 ENVELOPE_USER_DATA_BYTES, made->user_data.len * 100 / ENVELOPE_USER_DATA_BYTES);
}

static int print(const struct buf *text, struct error *err)
{
	if (buf_finish(text, err) < 0)
		return -1;
	if (fwrite(buf_text(text), 1, text->len, stdout) != text->len || fflush(stdout) != 0)
		return error_errno(err, "write to standard output");
	return 0;
}

static int run(const struct command_line *line, struct error *err)
{
	SCOPED(settings) struct settings settings = { 0 };
	SCOPED(ticket_made) struct ticket_made made = { 0 };
	SCOPED(buf) struct buf report = BUF(2 * TICKET_FILE_BYTES);
	struct ticket_order order;
	char day[DAY_LEN + 1];
	bool is_dry = command_has(line, "--dry-run");

	if (settings_load(session_config(line), (const char *const *)environ, &settings, err) < 0) {
		err->class = ERROR_CONFIGURATION;
		return -1;
	}
	if (read_order(line, &settings, day, &order, err) < 0 ||
	    ticket_make(&order, &made, err) < 0)
		return -1;
	tell(&order, &made, &report);
	if (is_dry && print(&report, err) < 0)
		return -1;
	if (ticket_fits(&order, &made, err) < 0)
		return -1;
	return is_dry ? 0 : print(&made.user_data, err);
}

int ticket_run(const struct command_line *line)
{
	struct error err;
	int status = session_prepare();

	if (status != EXIT_OK)
		return status;
	return run(line, &err) < 0 ? session_fail(&err) : EXIT_OK;
}
