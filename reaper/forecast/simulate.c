#include "reaper/forecast/simulate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "reaper/forecast/forecast.h"
#include "reaper/forecast/ours.h"
#include "reaper/forecast/rival.h"
#include "reaper/session.h"
#include "reaper/settings/duration.h"
#include "reaper/settings/settings_money.h"

enum { OTHERS_MAX = COMMAND_MAX_MORE + 1, BOOT_S = 120, BOOT_MOST_S = 3600, PASS_S = 300 };

struct job {
	const char *config, *trace, *html; /* html NULL: no page */
	const char *others[OTHERS_MAX];
	size_t other_count;
	int64_t boot_s;
	bool is_json;
};

static int read_boot(const char *text, int64_t *boot_s, struct error *err)
{
	int64_t boot_ms;

	if (duration_parse(slice_of(text), &boot_ms, err) < 0)
		return error_wrap(err, "--boot");
	if (boot_ms < 1000 || boot_ms > BOOT_MOST_S * 1000)
		return error_set(err, ERROR_CONFIGURATION, "--boot: expected 1s to 1h");
	*boot_s = boot_ms / 1000;
	return 0;
}

static int read_job(const struct command_line *line, struct job *out, struct error *err)
{
	const char *boot = command_value(line, "--boot", NULL);

	*out = (struct job){ .config = command_value(line, "CONFIG", NULL),
			     .trace = command_value(line, "TRACE", NULL),
			     .html = command_value(line, "--html", NULL),
			     .boot_s = BOOT_S,
			     .is_json = command_has(line, "--json") };
	out->other_count = command_values(line, "--compare", out->others, OTHERS_MAX);
	if (!out->config || !out->trace)
		return error_set(err, ERROR_CONFIGURATION,
				 "simulate needs a configuration and a trace: "
				 "mayfly-reaper simulate CONFIG TRACE");
	if (out->other_count + 2 > FORECAST_MAX)
		return error_set(err, ERROR_CONFIGURATION, "--compare: %d others at most",
				 FORECAST_MAX - 2);
	return boot ? read_boot(boot, &out->boot_s, err) : 0;
}

static int read_trace(const char *path, struct trace *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(TRACE_MAX_BYTES);

	if (file_read(path, &text, err) < 0)
		return -1;
	if (trace_parse(buf_slice(&text), out, err) < 0) {
		err->class = ERROR_CONFIGURATION; /* the operator gave it */
		return error_wrap(err, "%s", path);
	}
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Of two files of the same name in two folders, people must see which is which. */
static bool is_name_shared(const struct job *job, const char *path)
{
	size_t count = !strcmp(base_name(job->config), base_name(path));

	for (size_t i = 0; i < job->other_count; i++)
		count += !strcmp(base_name(job->others[i]), base_name(path));
	return count > 1;
}

/* Where there is no room for a whole path, its end tells more. */
static void name_policy(const struct job *job, const char *path, struct outcome *out)
{
	const char *name = is_name_shared(job, path) ? path : base_name(path);
	size_t len = strlen(name), most = sizeof(out->name) - 1;

	text_cut(out->name, sizeof(out->name), len > most ? name + (len - most) : name);
}

/* ClearML's poll and ours begin together, on a full five minutes before the first task. */
static int64_t start_of(const struct trace *trace)
{
	return trace->arrivals[0].at_s / PASS_S * PASS_S;
}

static int run_ours(const struct job *job, const struct settings *settings, const char *path,
		    struct forecast *forecast, struct error *err)
{
	struct outcome *out = &forecast->outcomes[forecast->count];

	if (ours_run(&forecast->trace, settings, start_of(&forecast->trace), job->boot_s, out,
		     err) < 0)
		return error_wrap(err, "%s", path);
	name_policy(job, path, out);
	forecast->count++;
	return 0;
}

static void run_rival(const struct job *job, const struct settings *settings,
		      struct forecast *forecast)
{
	struct rival_times times = RIVAL_DEFAULTS;
	struct outcome *out = &forecast->outcomes[forecast->count];
	struct error err;

	times.boot = job->boot_s;
	if (rival_run(&forecast->trace, settings, &times, start_of(&forecast->trace), out, &err) <
	    0) {
		text_cut(forecast->rival_problem, sizeof(forecast->rival_problem), err.message);
		return;
	}
	if (settings_has_budgets(settings))
		text_cut(out->remark, sizeof(out->remark), "budgets are not modelled here");
	forecast->count++;
}

static void settings_free(struct settings **settings)
{
	if (*settings)
		settings_release(*settings);
	free(*settings);
}

/* How much a struct settings takes is too much for a stack frame beside others. */
static int run_first(const struct job *job, struct forecast *forecast, struct error *err)
{
	__attribute__((cleanup(settings_free))) struct settings *settings =
		memory_array(1, sizeof(*settings));

	if (settings_load_shape(job->config, (const char *const *)environ, settings, err) < 0 ||
	    run_ours(job, settings, job->config, forecast, err) < 0)
		return -1;
	forecast->boot_s = job->boot_s;
	bound_find(&forecast->trace, settings, job->boot_s, &forecast->bound);
	run_rival(job, settings, forecast);
	return 0;
}

static int run_other(const struct job *job, const char *path, struct forecast *forecast,
		     struct error *err)
{
	__attribute__((cleanup(settings_free))) struct settings *settings =
		memory_array(1, sizeof(*settings));

	if (settings_load_shape(path, (const char *const *)environ, settings, err) < 0)
		return -1;
	return run_ours(job, settings, path, forecast, err);
}

static int run_all(const struct job *job, struct forecast *forecast, struct error *err)
{
	if (read_trace(job->trace, &forecast->trace, err) < 0 || run_first(job, forecast, err) < 0)
		return -1;
	for (size_t i = 0; i < job->other_count; i++)
		if (run_other(job, job->others[i], forecast, err) < 0)
			return -1;
	return 0;
}

static int print(const struct job *job, const struct forecast *forecast, struct error *err)
{
	SCOPED(buf) struct buf out = BUF(FORECAST_PAGE_BYTES);

	if (job->html) {
		forecast_page(forecast, &out);
		if (buf_finish(&out, err) < 0 ||
		    file_write(job->html, buf_slice(&out), 0644, err) < 0)
			return -1;
		buf_clear(&out);
	}
	(job->is_json ? forecast_json : forecast_text)(forecast, &out);
	if (buf_finish(&out, err) < 0)
		return -1;
	printf("%s%s", buf_text(&out), job->is_json ? "\n" : "");
	return fflush(stdout) == 0 ? 0 : error_errno(err, "write");
}

int simulate(const struct command_line *line)
{
	SCOPED(forecast) struct forecast forecast = { 0 };
	struct job job;
	struct error err;

	if (read_job(line, &job, &err) < 0)
		return session_complain(&err, EXIT_USAGE);
	forecast.trace_name = base_name(job.trace);
	if (run_all(&job, &forecast, &err) < 0)
		return session_complain(&err, EXIT_USAGE);
	if (print(&job, &forecast, &err) < 0)
		return session_fail(&err);
	return EXIT_OK;
}
