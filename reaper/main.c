#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clearml.h"
#include "common/command.h"
#include "common/log.h"
#include "reaper/check.h"
#include "reaper/duration.h"
#include "reaper/pass.h"
#include "reaper/report.h"
#include "reaper/table.h"
#include "reaper/watch.h"

enum { REPORT_BYTES = 16 << 20, LEAST_EVERY_MS = 100 };

static const char default_config[] = "/etc/mayfly/mayfly-reaper.json";

/* What every command but version needs. */
struct session {
	struct settings settings;
	struct clearml *clearml;
};

static void session_release(struct session *session)
{
	clearml_close(session->clearml);
	settings_release(&session->settings);
}

/* One line, whatever a configuration or a peer put into the message. */
static int complain(const struct error *err, int exit_status)
{
	char plain[sizeof(err->message)];

	table_plain(err->message, plain, sizeof(plain));
	fprintf(stderr, "mayfly-reaper: %s\n", plain);
	return exit_status;
}

static int open_log(const struct command_line *line, struct error *err)
{
	enum log_level level;

	if (log_level_parse(command_value(line, "--log-level", "info"), &level, err) < 0)
		return error_wrap(err, "--log-level");
	log_open("mayfly-reaper", NULL, level);
	return 0;
}

static int open_clearml(struct session *session, struct error *err)
{
	struct settings *settings = &session->settings;
	struct clearml_settings how = { .api_server = settings->api_server,
					.client_name = "mayfly-reaper/" MAYFLY_VERSION };

	return clearml_open(&how, settings->access_key, &settings->secret_key, &session->clearml,
			    err);
}

/* EXIT_OK, or the status to end with after a line on standard error. */
static int open_session(const struct command_line *line, struct session *out)
{
	const char *path = command_value(line, "--config", default_config);
	bool is_locked = true;
	struct error err;

	if (open_log(line, &err) < 0)
		return complain(&err, EXIT_USAGE);
	if (secret_prepare_process(&is_locked, &err) < 0)
		return complain(&err, EXIT_FAILED);
	if (settings_load(path, (const char *const *)environ, &out->settings, &err) < 0)
		return complain(&err, EXIT_USAGE);
	if (open_clearml(out, &err) < 0)
		return complain(&err, err.class == ERROR_CONFIGURATION ? EXIT_USAGE : EXIT_FAILED);
	if (!is_locked)
		log_warn("memory", "secrets cannot be locked in memory: raise ulimit -l");
	return EXIT_OK;
}

static int run(const struct command_line *line)
{
	SCOPED(session) struct session session = { 0 };
	int status = open_session(line, &session);
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
	int status = open_session(line, &session);
	struct error err;

	if (status != EXIT_OK)
		return status;
	struct pass pass = { .settings = &session.settings, .clearml = session.clearml };
	if (pass_look(&pass, &view, &err) < 0)
		return complain(&err, EXIT_FAILED);
	struct report report = { &session.settings, &view.seen, &view.plan };
	(command_has(line, "--json") ? json : text)(&report, &out);
	if (buf_finish(&out, &err) < 0)
		return complain(&err, EXIT_FAILED);
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
		return complain(&err, EXIT_USAGE);
	}
	int status = open_session(line, &session);
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
	int status = open_session(line, &session);

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

static const struct command commands[] = {
	{ "run", run, "observe, plan, act, report once: what cron calls", run_options,
	  ARRAY_LEN(run_options) },
	{ "plan", show_plan, "observe, plan and print; change nothing", show_options,
	  ARRAY_LEN(show_options) },
	{ "watch", run_watch, "the same as run, in a loop", watch_options,
	  ARRAY_LEN(watch_options) },
	{ "status", show_status, "print the machines, and what they do", show_options,
	  ARRAY_LEN(show_options) },
	{ "check", run_check, "prove the configuration, ClearML and the queues; change nothing",
	  run_options, ARRAY_LEN(run_options) },
	{ "version", show_version, "print the version", NULL, 0 },
};

int main(int argc, char **argv)
{
	return command_dispatch(commands, ARRAY_LEN(commands), argc, argv);
}
