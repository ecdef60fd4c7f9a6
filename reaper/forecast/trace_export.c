#include "reaper/forecast/trace_export.h"

#include <stdio.h>
#include <string.h>

#include "common/clearml_past.h"
#include "common/clock.h"
#include "reaper/forecast/trace.h"
#include "reaper/session.h"

enum { DAY_MS = 86400000, CALL_MS = 300000, OUT_BYTES = 256 << 20 };

struct exporting {
	int64_t from_ms, until_ms; /* until: the first moment that is not in it */
	const char *queue; /* NULL: all */
	bool by_creation;
	struct clearml_queues queues;
	struct trace trace;
	size_t skipped; /* in no queue that is still there */
};

static void exporting_release(struct exporting *exporting)
{
	clearml_queues_release(&exporting->queues);
	trace_release(&exporting->trace);
}

static int parse_day(const char *option, const char *text, int64_t *ms, struct error *err)
{
	char moment[CLOCK_TEXT_LEN];
	struct error why;

	if (strlen(text) == strlen("2026-01-05")) {
		(void)snprintf(moment, sizeof(moment), "%sT00:00:00Z", text);
		if (clock_parse_iso(slice_of(moment), ms, &why) == 0)
			return 0;
	}
	return error_set(err, ERROR_CONFIGURATION, "%s: expected a day such as 2026-01-05", option);
}

static int read_options(const struct command_line *line, int64_t now_ms, struct exporting *out,
			struct error *err)
{
	const char *from = command_value(line, "--from", NULL);
	const char *until = command_value(line, "--until", NULL);
	const char *arrival = command_value(line, "--arrival", "started");

	if (!from)
		return error_set(err, ERROR_CONFIGURATION,
				 "--from: which day does the trace begin?");
	if (parse_day("--from", from, &out->from_ms, err) < 0)
		return -1;
	if (until && parse_day("--until", until, &out->until_ms, err) < 0)
		return -1;
	out->until_ms = until ? out->until_ms + DAY_MS : now_ms;
	if (out->until_ms <= out->from_ms)
		return error_set(err, ERROR_CONFIGURATION, "--until: it is before --from");
	out->queue = command_value(line, "--queue", NULL);
	out->by_creation = strcmp(arrival, "created") == 0;
	if (!out->by_creation && strcmp(arrival, "started") != 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "--arrival: expected created or started");
	return 0;
}

static const char *queue_name(const struct exporting *exporting, const char *id)
{
	for (size_t i = 0; i < exporting->queues.count; i++)
		if (strcmp(exporting->queues.list[i].id, id) == 0)
			return exporting->queues.list[i].name;
	return "";
}

static int add_run(struct exporting *exporting, const struct clearml_run *run, struct error *err)
{
	int64_t at_ms = exporting->by_creation ? run->created_ms : run->started_ms;
	const char *queue = queue_name(exporting, run->queue);

	if (!run->started_ms || at_ms < exporting->from_ms || at_ms >= exporting->until_ms ||
	    run->ended_ms < run->started_ms)
		return 0;
	if (exporting->queue && strcmp(queue, exporting->queue) != 0)
		return 0;
	if (!*queue) {
		exporting->skipped++;
		return 0;
	}
	const struct trace_row row = { at_ms / 1000, (run->ended_ms - run->started_ms + 500) / 1000,
				       queue, run->user };
	if (trace_add(&exporting->trace, &row, err) < 0)
		return error_wrap(err, "task %s", run->id);
	return 0;
}

static int collect(struct clearml *clearml, struct exporting *exporting, struct error *err)
{
	SCOPED(clearml_past) struct clearml_past past = { 0 };

	clearml_set_timeout(clearml, CALL_MS);
	if (clearml_queues(clearml, NULL, 0, 1, &exporting->queues, err) < 0)
		return -1;
	if (exporting->queue && !clearml_queue_named(&exporting->queues, exporting->queue))
		return error_set(err, ERROR_CONFIGURATION,
				 "--queue: ClearML has no queue \"%.80s\"", exporting->queue);
	if (clearml_past(clearml, exporting->from_ms, &past, err) < 0)
		return -1;
	for (size_t i = 0; i < past.count; i++)
		if (add_run(exporting, &past.list[i], err) < 0)
			return -1;
	trace_sort(&exporting->trace);
	return 0;
}

static int print(const struct exporting *exporting, struct error *err)
{
	SCOPED(buf) struct buf out = BUF(OUT_BYTES);

	buf_addf(&out, "# arrival is when a task was %s: ClearML keeps no time of enqueueing\n",
		 exporting->by_creation ? "created" : "started");
	trace_print(&exporting->trace, &out);
	if (buf_finish(&out, err) < 0)
		return -1;
	if (fwrite(out.bytes, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
		return error_errno(err, "write");
	fprintf(stderr, "mayfly-reaper: %zu tasks, %zu more in no queue that is still there\n",
		exporting->trace.count, exporting->skipped);
	return 0;
}

int trace_export(const struct command_line *line)
{
	SCOPED(session) struct session session = { 0 };
	SCOPED(exporting) struct exporting exporting = { 0 };
	struct error err;

	if (read_options(line, clock_wall_ms(), &exporting, &err) < 0)
		return session_complain(&err, EXIT_USAGE);
	int status = session_open(line, &session);

	if (status != EXIT_OK)
		return status;
	if (collect(session.clearml, &exporting, &err) < 0 || print(&exporting, &err) < 0)
		return session_fail(&err);
	return EXIT_OK;
}
