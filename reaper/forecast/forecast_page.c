#include "reaper/forecast/forecast.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "reaper/forecast/plot.h"
#include "reaper/money/money.h"

/* The page loads nothing, and says so to the browser. Colours: Okabe and Ito's, which people who
 * see colours differently can tell apart; lighter ones on a dark ground. */
static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	"style-src 'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<title>mayfly forecast</title>\n<style>\n"
	":root{--ground:#fff;--ink:#1b1f24;--faint:#667;--rule:#d8dce2;--c0:#0072b2;--c1:#d55e00;"
	"--c2:#009e73;--c3:#a4528a;--c4:#b07c00;--c5:#2a8fc4;--c6:#7a4a3a;--c7:#555;--c8:#6a3fb5;"
	"--c9:#4d7c0f}\n"
	"@media(prefers-color-scheme:dark){:root{--ground:#14171a;--ink:#e6e9ec;--faint:#9aa3ad;"
	"--rule:#343a41;--c0:#58b4f0;--c1:#ff9350;--c2:#3fd3a6;--c3:#e59fcb;--c4:#f0c14b;"
	"--c5:#9bd7ff;--c6:#d3a08c;--c7:#bbb;--c8:#b69cff;--c9:#a3d65c}}\n"
	"body{background:var(--ground);color:var(--ink);font:15px/1.45 system-ui,sans-serif;"
	"max-width:60rem;margin:2rem auto;padding:0 1rem}\n"
	"h1{font-size:1.4rem}h2{font-size:1.1rem;margin:2rem 0 .3rem}\n"
	"div.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}\n"
	"th,td{padding:.3rem .6rem;border-bottom:1px solid var(--rule);text-align:right;"
	"white-space:nowrap}th:first-child,td:first-child{text-align:left}\n"
	"th{color:var(--faint);font-weight:600}\n"
	"svg{width:100%;height:auto;display:block}svg text{fill:var(--faint);font-size:11px}\n"
	"text.y,text.last{text-anchor:end}text.x{text-anchor:middle}\n"
	".grid{stroke:var(--rule)}path{fill:none;stroke-width:1.6}\n"
	".legend,.axis,.note{color:var(--faint);margin:.2rem 0}\n"
	".bar{stroke:none}svg text.name{fill:var(--ink);font-size:12px}\n";

enum { QUANTILES = 200, BAR_HEIGHT = 26, BAR_LEFT = 250, BAR_WIDTH = 460 };

static void print_colours(struct buf *out)
{
	for (size_t i = 0; i < FORECAST_MAX; i++)
		buf_addf(out,
			 "path.s%zu{stroke:var(--c%zu)}span.s%zu{color:var(--c%zu)}"
			 "rect.s%zu{fill:var(--c%zu)}\n",
			 i, i, i, i, i, i);
	buf_addf(out, "rect.bound{fill:var(--faint)}\n</style>\n</head>\n<body>\n");
}

/* ---- tables ---- */

static void print_wait(const struct outcome_sum *sum, int64_t wait_s, struct buf *out)
{
	char text[FORECAST_CELL_ROOM];

	forecast_wait(sum, wait_s, text);
	buf_addf(out, "<td>%s</td>", text);
}

static void print_cost(const struct outcome_sum *sum, struct buf *out)
{
	char money[MONEY_TEXT_ROOM], hours[FORECAST_CELL_ROOM], idle[FORECAST_CELL_ROOM];

	money_text(sum->money, money);
	forecast_hours(sum->instance_s, hours);
	forecast_share(sum->seat_s - sum->busy_s, sum->seat_s, idle);
	buf_addf(out, "<td>%s</td><td>%s</td><td>%zu</td><td>%s</td>", money, hours, sum->launches,
		 idle);
}

static void print_policies(const struct forecast *forecast, struct buf *out)
{
	buf_addf(out, "<div class=\"wide\"><table>\n<tr><th>policy</th><th>money ($)</th>"
		      "<th>instance-hours</th><th>launches</th><th>idle</th><th>wait p50</th>"
		      "<th>p95</th><th>max</th><th>not started</th>"
		      "<th>failed</th></tr>\n");
	for (size_t i = 0; i < forecast->count; i++) {
		struct outcome_sum sum;

		outcome_sum(&forecast->outcomes[i], OUTCOME_ALL, &sum);
		buf_addf(out, "<tr><td>");
		plot_escape(forecast->outcomes[i].name, out);
		buf_addf(out, "</td>");
		print_cost(&sum, out);
		print_wait(&sum, sum.wait_p50_s, out);
		print_wait(&sum, sum.wait_p95_s, out);
		print_wait(&sum, sum.wait_max_s, out);
		buf_addf(out, "<td>%zu</td><td>%zu</td></tr>\n", sum.unstarted, sum.failed);
	}
	buf_addf(out, "</table></div>\n");
}

static void print_resources(const struct forecast *forecast, struct buf *out)
{
	buf_addf(out, "<h2>By resource</h2>\n<div class=\"wide\"><table>\n<tr><th>resource</th>"
		      "<th>policy</th><th>money ($)</th><th>instance-hours</th><th>launches</th>"
		      "<th>idle</th></tr>\n");
	for (size_t i = 0; i < forecast->count; i++) {
		const struct outcome *outcome = &forecast->outcomes[i];

		for (size_t r = 0; r < outcome->resource_count; r++) {
			struct outcome_sum sum;

			outcome_sum(outcome, r, &sum);
			buf_addf(out, "<tr><td>");
			plot_escape(outcome->resources[r], out);
			buf_addf(out, "</td><td>");
			plot_escape(outcome->name, out);
			buf_addf(out, "</td>");
			print_cost(&sum, out);
			buf_addf(out, "</tr>\n");
		}
	}
	buf_addf(out, "</table></div>\n");
}

/* ---- plots ---- */

static void label_moment(double x, char out[static PLOT_LABEL_ROOM])
{
	char text[FORECAST_CELL_ROOM];

	forecast_moment((int64_t)x, text);
	(void)snprintf(out, PLOT_LABEL_ROOM, "%s", text + 5); /* without the year */
}

static void label_span(double x, char out[static PLOT_LABEL_ROOM])
{
	char text[CLOCK_TEXT_LEN];

	clock_format_span((int64_t)x * 1000, text);
	(void)snprintf(out, PLOT_LABEL_ROOM, "%s", text);
}

typedef size_t steps_of(const struct outcome *outcome, struct outcome_step **out);

static void print_steps(const struct forecast *forecast, steps_of *read, const char *title,
			const char *y_name, struct buf *out)
{
	struct plot_line lines[FORECAST_MAX] = { 0 };
	int64_t from_s = forecast->trace.arrivals[0].at_s, until_s = from_s;

	for (size_t i = 0; i < forecast->count; i++) {
		struct outcome_step *steps;
		size_t count = read(&forecast->outcomes[i], &steps);

		lines[i].name = forecast->outcomes[i].name;
		lines[i].points = memory_array(count, sizeof(*lines[i].points));
		lines[i].count = count;
		for (size_t s = 0; s < count; s++)
			lines[i].points[s] =
				(struct plot_point){ (double)steps[s].at_s, steps[s].value };
		if (count && steps[count - 1].at_s > until_s)
			until_s = steps[count - 1].at_s;
		if (count && steps[0].at_s < from_s)
			from_s = steps[0].at_s;
		free(steps);
	}
	plot_print(&(struct plot){ .title = title,
				   .y_name = y_name,
				   .lines = lines,
				   .line_count = forecast->count,
				   .are_steps = true,
				   .x_least = (double)from_s,
				   .x_most = (double)until_s,
				   .x_label = label_moment },
		   out);
	for (size_t i = 0; i < forecast->count; i++)
		free(lines[i].points);
}

/* The share of the tasks that waited at most so long. */
static struct plot_line waits_line(const struct outcome *outcome)
{
	struct plot_line line = { .name = outcome->name };
	int64_t *waits;
	size_t count = outcome_waits(outcome, &waits);

	line.points = memory_array(QUANTILES + 1, sizeof(*line.points));
	for (size_t q = 0; count && q <= QUANTILES; q++) {
		size_t rank = q * (count - 1) / QUANTILES;

		line.points[line.count++] =
			(struct plot_point){ (double)waits[rank],
					     100.0 * (double)(rank + 1) / (double)count };
	}
	free(waits);
	return line;
}

static void print_waits(const struct forecast *forecast, struct buf *out)
{
	struct plot_line lines[FORECAST_MAX] = { 0 };
	double most = 0;

	for (size_t i = 0; i < forecast->count; i++) {
		lines[i] = waits_line(&forecast->outcomes[i]);
		if (lines[i].count && lines[i].points[lines[i].count - 1].x > most)
			most = lines[i].points[lines[i].count - 1].x;
	}
	plot_print(&(struct plot){ .title = "How long tasks waited",
				   .y_name = "% of the tasks that waited at most so long",
				   .lines = lines,
				   .line_count = forecast->count,
				   .x_most = most,
				   .y_most = 100,
				   .x_label = label_span },
		   out);
	for (size_t i = 0; i < forecast->count; i++)
		free(lines[i].points);
}

/* ---- bars ---- */

struct bar {
	const char *name, *class;
	int64_t seconds, money;
	bool has_money;
};

static void print_bar(const struct bar *bar, size_t row, int64_t most_s, struct buf *out)
{
	char hours[FORECAST_CELL_ROOM], money[MONEY_TEXT_ROOM];
	double width = most_s ? (double)BAR_WIDTH * (double)bar->seconds / (double)most_s : 0;

	forecast_hours(bar->seconds, hours);
	money_text(bar->money, money);
	buf_addf(out, "<text class=\"name\" x=\"0\" y=\"%zu\">", row * BAR_HEIGHT + 17);
	plot_escape(bar->name, out);
	buf_addf(out,
		 "</text><rect class=\"bar %s\" x=\"%d\" y=\"%zu\" width=\"%.1f\" "
		 "height=\"%d\"/>",
		 bar->class, BAR_LEFT, row * BAR_HEIGHT + 5, width, BAR_HEIGHT - 9);
	buf_addf(out, "<text x=\"%.1f\" y=\"%zu\">%s h%s%s</text>\n", BAR_LEFT + width + 6,
		 row * BAR_HEIGHT + 17, hours, bar->has_money ? ", $ " : "",
		 bar->has_money ? money : "");
}

static void print_bars(const struct forecast *forecast, struct buf *out)
{
	struct bar bars[FORECAST_MAX + 2];
	char classes[FORECAST_MAX][24]; /* "s", and a number */
	size_t count = 0;
	int64_t most_s = 0;

	for (; count < forecast->count; count++) {
		struct outcome_sum sum;

		outcome_sum(&forecast->outcomes[count], OUTCOME_ALL, &sum);
		(void)snprintf(classes[count], sizeof(classes[count]), "s%zu", count);
		bars[count] = (struct bar){ forecast->outcomes[count].name, classes[count],
					    sum.instance_s, sum.money, true };
	}
	bars[count++] = (struct bar){ .name = "bound: no task waits",
				      .class = "bound",
				      .seconds = forecast->bound.prompt_s };
	bars[count++] = (struct bar){ .name = "bound: however long they wait",
				      .class = "bound",
				      .seconds = forecast->bound.work_s };
	for (size_t i = 0; i < count; i++)
		if (bars[i].seconds > most_s)
			most_s = bars[i].seconds;
	buf_addf(out,
		 "<h2>Cost</h2>\n<svg viewBox=\"0 0 880 %zu\" role=\"img\" "
		 "aria-label=\"Instance-hours and money\">\n",
		 count * BAR_HEIGHT + 4);
	for (size_t i = 0; i < count; i++)
		print_bar(&bars[i], i, most_s, out);
	buf_addf(out, "</svg>\n");
}

static void print_remarks(const struct forecast *forecast, struct buf *out)
{
	for (size_t i = 0; i < forecast->count; i++) {
		if (!*forecast->outcomes[i].remark)
			continue;
		buf_addf(out, "<p class=\"note\">");
		plot_escape(forecast->outcomes[i].name, out);
		buf_addf(out, ": ");
		plot_escape(forecast->outcomes[i].remark, out);
		buf_addf(out, "</p>\n");
	}
}

static void print_notes(const struct forecast *forecast, struct buf *out)
{
	print_remarks(forecast, out);
	if (*forecast->rival_problem) {
		buf_addf(out, "<p class=\"note\">Without ClearML's autoscaler: ");
		plot_escape(forecast->rival_problem, out);
		buf_addf(out, "</p>\n");
	}
	if (forecast->bound.unserved)
		buf_addf(out,
			 "<p class=\"note\">Tasks of queues that no resource serves: %zu</p>\n",
			 forecast->bound.unserved);
	buf_addf(out, "<p class=\"note\">Machines cost from their launch to their end. Nothing "
		      "fails in a forecast: no cloud is out of capacity, no machine dies.</p>\n"
		      "</body>\n</html>\n");
}

void forecast_page(const struct forecast *forecast, struct buf *out)
{
	buf_addf(out, "%s", head);
	print_colours(out);
	buf_addf(out, "<h1>Forecast: ");
	plot_escape(forecast->trace_name, out);
	buf_addf(out, "</h1>\n<p class=\"note\">");
	forecast_about(forecast, out);
	buf_addf(out, "</p>\n");
	print_policies(forecast, out);
	print_bars(forecast, out);
	print_steps(forecast, outcome_machines_over_time, "Machines", "machines up", out);
	print_steps(forecast, outcome_waiting_over_time, "Waiting tasks", "tasks that wait", out);
	print_waits(forecast, out);
	print_resources(forecast, out);
	print_notes(forecast, out);
}
