/*
 * bench-policy: what mayfly, ClearML's published autoscaler and somebody who
 * knows the future need for the shipped traces, side by side. Prints whatever
 * comes out, and how it stands to the target: waits at p95 no worse than
 * ClearML's with its defaults, at 0.9 of its instance-hours or less.
 * Usage: policy CONFIG TRACE...
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "reaper/forecast/forecast.h"
#include "reaper/forecast/ours.h"
#include "reaper/forecast/rival.h"

enum { BOOT_S = 120, START_S = 300, OUT_BYTES = 1 << 20, MINUTE = 60 };

static const int64_t idle_timeouts_s[] = { 15 * MINUTE, 10 * MINUTE, 5 * MINUTE };

static void end(const struct error *err)
{
	fprintf(stderr, "bench-policy: %s\n", err->message);
	exit(2);
}

static void read_trace(const char *path, struct trace *out)
{
	SCOPED(buf) struct buf text = BUF(TRACE_MAX_BYTES);
	struct error err;

	if (file_read(path, &text, &err) < 0 || trace_parse(buf_slice(&text), out, &err) < 0)
		end(&err);
}

static int64_t start_of(const struct trace *trace)
{
	return trace->arrivals[0].at_s / START_S * START_S;
}

static void run_rival(struct forecast *forecast, const struct settings *settings,
		      const struct rival_times *times)
{
	struct outcome *out = &forecast->outcomes[forecast->count++];
	struct error err;

	if (rival_run(&forecast->trace, settings, times, start_of(&forecast->trace), out, &err) < 0)
		end(&err);
	(void)snprintf(out->name, sizeof(out->name), "ClearML, polls %lldm, idle %lldm",
		       (long long)(times->polling / MINUTE), (long long)(times->max_idle / MINUTE));
}

static void run_ours(struct forecast *forecast, struct settings *settings, int64_t idle_s)
{
	struct outcome *out = &forecast->outcomes[forecast->count++];
	struct error err;

	for (size_t r = 0; r < settings->resource_count; r++)
		settings->resources[r].ticket.limits.idle_timeout_s = idle_s;
	if (ours_run(&forecast->trace, settings, start_of(&forecast->trace), BOOT_S, out, &err) < 0)
		end(&err);
	(void)snprintf(out->name, sizeof(out->name), "mayfly, idle %lldm",
		       (long long)(idle_s / MINUTE));
}

static void judge(const struct forecast *forecast, size_t place)
{
	struct outcome_sum rival, ours;

	outcome_sum(&forecast->outcomes[0], OUTCOME_ALL, &rival);
	outcome_sum(&forecast->outcomes[place], OUTCOME_ALL, &ours);
	double ratio = (double)ours.instance_s / (double)rival.instance_s;
	bool is_prompt = ours.wait_p95_s <= rival.wait_p95_s && !ours.unstarted;

	printf("%s: %.3f of ClearML's hours, p95 %llds against %llds: %s\n",
	       forecast->outcomes[place].name, ratio, (long long)ours.wait_p95_s,
	       (long long)rival.wait_p95_s,
	       is_prompt && ratio <= 0.9 ? "target met" :
	       is_prompt		 ? "hours missed" :
	       ratio <= 0.9		 ? "wait missed" :
					   "both missed");
}

static void bench(const char *path, struct settings *settings)
{
	SCOPED(forecast) struct forecast forecast = { .trace_name = path, .boot_s = BOOT_S };
	SCOPED(buf) struct buf out = BUF(OUT_BYTES);
	struct rival_times times = RIVAL_DEFAULTS;

	times.boot = BOOT_S;
	read_trace(path, &forecast.trace);
	run_rival(&forecast, settings, &times);
	times.polling = MINUTE; /* what an operator could make of it */
	times.max_idle = 5 * MINUTE;
	run_rival(&forecast, settings, &times);
	for (size_t i = 0; i < ARRAY_LEN(idle_timeouts_s); i++)
		run_ours(&forecast, settings, idle_timeouts_s[i]);
	bound_find(&forecast.trace, settings, BOOT_S, &forecast.bound);
	forecast_text(&forecast, &out);
	printf("%s\n", buf_text(&out));
	for (size_t i = 2; i < forecast.count; i++)
		judge(&forecast, i);
	printf("\n");
}

int main(int argc, char **argv)
{
	static struct settings settings;
	struct error err;

	if (argc < 3) {
		fprintf(stderr, "usage: policy CONFIG TRACE...\n");
		return 2;
	}
	if (settings_load_shape(argv[1], (const char *const *)environ, &settings, &err) < 0)
		end(&err);
	for (int i = 2; i < argc; i++)
		bench(argv[i], &settings);
	settings_release(&settings);
	return 0;
}
