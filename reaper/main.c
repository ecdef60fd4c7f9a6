#include <stdio.h>

#include "reaper/forecast/simulate.h"
#include "reaper/forecast/trace_export.h"
#include "reaper/iam.h"
#include "reaper/import/import.h"
#include "reaper/journal_list.h"
#include "reaper/keygen.h"
#include "reaper/money/report.h"
#include "reaper/money/spend_report.h"
#include "reaper/pass.h"
#include "reaper/seal.h"
#include "reaper/session.h"
#include "reaper/settings/check.h"
#include "reaper/settings/duration.h"
#include "reaper/sweep.h"
#include "reaper/tell.h"
#include "reaper/ticket.h"
#include "reaper/unseal.h"
#include "reaper/watch.h"

enum { REPORT_BYTES = 16 << 20, LEAST_EVERY_MS = 100 };

static int run(const struct command_line *line)
{
	SCOPED(session) struct session session = { 0 };
	int status = session_open(line, &session);
	struct pass_result result;

	if (status != EXIT_OK)
		return status;
	pass_run(&(struct pass){ .settings = &session.settings, .clearml = session.clearml },
		 &result);
	return result.exit_status;
}

typedef void report_writer(const struct report *report, struct buf *out);

static int show(const struct command_line *line, report_writer *text, report_writer *json)
{
	SCOPED(session) struct session session = { 0 };
	SCOPED(pass_view) struct pass_view view = { 0 };
	SCOPED(buf) struct buf out = BUF(REPORT_BYTES);
	int status = session_open(line, &session);
	struct error err;

	if (status != EXIT_OK)
		return status;
	struct pass pass = { .settings = &session.settings,
			     .clearml = session.clearml,
			     .are_leftovers_wanted = true };
	if (pass_look(&pass, &view, &err) < 0)
		return session_complain(&err, EXIT_FAILED);
	struct report report = { &session.settings, &view.seen, &view.plan };
	(command_has(line, "--json") ? json : text)(&report, &out);
	if (buf_finish(&out, &err) < 0)
		return session_complain(&err, EXIT_FAILED);
	printf("%s%s", buf_text(&out), command_has(line, "--json") ? "\n" : "");
	if (fflush(stdout) != 0)
		return EXIT_FAILED;
	if (!view.seen.queues_known || !view.seen.workers_known)
		return EXIT_FAILED;
	return *view.seen.problem ? EXIT_PARTLY : EXIT_OK;
}

static int show_plan(const struct command_line *line)
{
	return show(line, report_plan, report_plan_json);
}

static int show_status(const struct command_line *line)
{
	return show(line, report_status, report_status_json);
}

/* A loop without a pause would be an attack on ClearML's server. */
static int refuse_haste(int64_t every_ms, struct error *err)
{
	if (every_ms >= LEAST_EVERY_MS)
		return 0;
	return error_set(err, ERROR_CONFIGURATION, "expected at least %dms", LEAST_EVERY_MS);
}

static int run_watch(const struct command_line *line)
{
	SCOPED(session) struct session session = { 0 };
	const char *every = command_value(line, "--every", NULL);
	int64_t every_ms = 0;
	struct error err;

	if (every && (duration_parse(slice_of(every), &every_ms, &err) < 0 ||
		      refuse_haste(every_ms, &err) < 0)) {
		(void)error_wrap(&err, "--every");
		return session_complain(&err, EXIT_USAGE);
	}
	int status = session_open(line, &session);
	if (status != EXIT_OK)
		return status;
	if (!every)
		every_ms = session.settings.watch_every_s * 1000;
	return watch(&session.settings, session.clearml, every_ms,
		     command_has(line, "--until-empty"));
}

static int run_check(const struct command_line *line)
{
	SCOPED(session) struct session session = { 0 };
	int status = session_open(line, &session);

	return status == EXIT_OK ? check(&session.settings, session.clearml) : status;
}

static int show_version(const struct command_line *line)
{
	(void)line;
	printf("mayfly-reaper %s\n", MAYFLY_VERSION);
	return EXIT_OK;
}

#define CONFIG                                                                           \
	{                                                                                \
		"--config", "FILE", "the configuration (/etc/mayfly/mayfly-reaper.json)" \
	}
#define LEVEL                                                                      \
	{                                                                          \
		"--log-level", "LEVEL", "debug, info (the default), warn or error" \
	}

static const struct command_option run_options[] = { CONFIG, LEVEL };
static const struct command_option show_options[] = {
	CONFIG,
	LEVEL,
	{ "--json", NULL, "print JSON instead of tables" },
};
static const struct command_option watch_options[] = {
	CONFIG,
	LEVEL,
	{ "--every", "DURATION", "from one pass to the next, as 30s (watch_every, 60 s)" },
	{ "--until-empty", NULL, "end once nothing waits and no machine is alive" },
};

static const struct command_option journal_options[] = {
	CONFIG,
	{ "--limit", "N", "at most so many, the newest (50)" },
	{ "--since", "TIME", "none older: 2026-11-24T03:00:00Z, or a duration ago as 2h" },
	{ "--json", NULL, "print JSON instead of lines" },
};

static const struct command_option keygen_options[] = {
	{ "--folder", "DIR", "where they lie: image.key, signing.key, trusted.pub" },
	{ "--image", NULL, "only the pair that opens bundles, for the machines' image" },
	{ "--signing", NULL, "only the pair that signs tickets and bundles" },
	{ "--name", "NAME", "another name for that one key's file, as image-2.key" },
};
static const struct command_option seal_options[] = {
	CONFIG,
	{ "--in", "FILE", "the bundle as JSON, mode 0600; - for standard input" },
	{ "--out", "FILE", "where it goes (bundle.age beside the configuration)" },
	{ "--recipient", "KEYS", "age1...,age1...: instead of the configuration's recipients" },
	{ "--armor", NULL, "write text instead of bytes" },
};
static const struct command_option unseal_options[] = {
	CONFIG,
	{ "--check", "FILE", "the sealed bundle; its signature lies beside it" },
	{ "--identity", "FILE", "the key of the machines' image, image.key" },
};
static const struct command_option ticket_options[] = {
	CONFIG,
	{ "--resource", "NAME", "for a machine of this resource" },
	{ "--slot", "N", "in this slot (0)" },
	{ "--generation", "N", "of this generation (0)" },
	{ "--day", "DATE", "launched on this UTC day, as 2026-11-24 (today)" },
	{ "--dry-run", NULL, "print the ticket and what takes up how much room instead" },
};

static const struct command_option iam_options[] = {
	CONFIG,
	{ "--for", "WHOM", "reaper (the default) or machines" },
	{ "--machine-role", "ROLE", "in the machines' instance profile (the profile's name)" },
	{ "CLOUD", NULL, "aws" },
};

static const struct command_option simulate_options[] = {
	{ "CONFIG", NULL, "a configuration; its keys and bundles need not be there" },
	{ "TRACE", NULL, "what came when, and how long it ran: a CSV file" },
	{ "--compare", "FILE...", "another configuration on the same trace" },
	{ "--html", "FILE", "write a page with plots" },
	{ "--boot", "DURATION", "from a machine's launch until it is fit for work (2m)" },
	{ "--json", NULL, "print JSON instead of tables" },
};
static const struct command_option tell_options[] = {
	CONFIG,
	LEVEL,
	{ "--resource", "NAME", "to all machines that this resource has now" },
	{ "--list", NULL, "print who is told what" },
	{ "INSTANCE", "...", "the machines, as mayfly-reaper status names them" },
};

static const struct command_option sweep_options[] = {
	CONFIG,
	LEVEL,
	{ "--all", NULL, "remove all that the list shows, volumes too" },
	{ "ID", "...", "remove these of the list (without: only print it)" },
};

static const struct command_option report_options[] = {
	CONFIG,
	LEVEL,
	{ "--by", "WHAT", "task, queue, day, resource (the default) or user" },
	{ "--from", "DAY", "the first UTC day, as 2026-11-01 (the first of this month)" },
	{ "--until", "DAY", "the last UTC day (today)" },
	{ "--format", "FORMAT", "text (the default), csv or json" },
};

static const struct command_option trace_options[] = {
	CONFIG,
	LEVEL,
	{ "--from", "DAY", "the first UTC day, as 2026-11-24" },
	{ "--until", "DAY", "the last UTC day (until now)" },
	{ "--queue", "NAME", "of this queue alone" },
	{ "--arrival", "TIME", "a task arrives when it was started (the default) or created" },
};

static const struct command_option import_options[] = {
	{ "FILE", NULL, "aws_autoscaler.yaml, or what the app exported (unverified)" },
	{ "--bundle", "FILE", "write git's login and the extra clearml.conf there, mode 0600" },
	{ "--prefix", "NAME", "another prefix than theirs, for both at once" },
};

static const struct command commands[] = {
	{ "run", run, "observe, plan, act, report once: what cron calls", run_options,
	  ARRAY_LEN(run_options) },
	{ "plan", show_plan, "observe, plan and print; change nothing", show_options,
	  ARRAY_LEN(show_options) },
	{ "watch", run_watch, "the same as run, in a loop", watch_options,
	  ARRAY_LEN(watch_options) },
	{ "status", show_status, "print the machines, and what they do", show_options,
	  ARRAY_LEN(show_options) },
	{ "journal", journal_list_run, "print what was decided and done, and why; the newest last",
	  journal_options, ARRAY_LEN(journal_options) },
	{ "check", run_check, "prove the configuration, ClearML and the queues; change nothing",
	  run_options, ARRAY_LEN(run_options) },
	{ "drain", tell_run, "tell machines to take no more tasks, and to leave", tell_options,
	  ARRAY_LEN(tell_options) },
	{ "keep", tell_run, "tell machines to stay, idle or not", tell_options,
	  ARRAY_LEN(tell_options) },
	{ "leave", tell_run, "tell machines to end now; their tasks go back to their queues",
	  tell_options, ARRAY_LEN(tell_options) },
	{ "forget", tell_run, "take back what machines are told", tell_options,
	  ARRAY_LEN(tell_options) },
	{ "sweep", sweep_run, "print what machines left behind in the cloud, or remove it",
	  sweep_options, ARRAY_LEN(sweep_options) },
	{ "keygen", keygen_run, "make the keys that credentials are sealed and signed with",
	  keygen_options, ARRAY_LEN(keygen_options) },
	{ "seal", seal_run, "check, seal and sign the credentials of the machines", seal_options,
	  ARRAY_LEN(seal_options) },
	{ "unseal", unseal_run, "prove a sealed bundle and list what is in it, without secrets",
	  unseal_options, ARRAY_LEN(unseal_options) },
	{ "ticket", ticket_run, "print the user data of a machine, and how large it is",
	  ticket_options, ARRAY_LEN(ticket_options) },
	{ "iam", iam_run, "print the least that the cloud must allow, as its own tools take it",
	  iam_options, ARRAY_LEN(iam_options) },
	{ "simulate", simulate, "try a configuration on a trace: money, waits, idle time",
	  simulate_options, ARRAY_LEN(simulate_options) },
	{ "report", spend_report, "print what was spent, by task, queue, day, resource or user",
	  report_options, ARRAY_LEN(report_options) },
	{ "trace", trace_export, "print what has run at ClearML as a trace for simulate",
	  trace_options, ARRAY_LEN(trace_options) },
	{ "import", import_run, "print what ClearML's AWS autoscaler was told as a configuration",
	  import_options, ARRAY_LEN(import_options) },
	{ "version", show_version, "print the version", NULL, 0 },
};

int main(int argc, char **argv)
{
	return command_dispatch(commands, ARRAY_LEN(commands), argc, argv);
}
