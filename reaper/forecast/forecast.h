#ifndef REAPER_FORECAST_FORECAST_H
#define REAPER_FORECAST_FORECAST_H

#include "reaper/forecast/bound.h"
#include "reaper/forecast/outcome.h"

/*
 * forecast: several policies on one trace, side by side, as a table, as JSON
 * and as a page. Money where a price is not known is said to be unknown.
 */

enum { FORECAST_MAX = 10, FORECAST_PAGE_BYTES = 64 << 20 };

struct forecast {
	const char *trace_name; /* borrowed */
	struct trace trace; /* owned */
	struct outcome outcomes[FORECAST_MAX]; /* owned; the first is what the others are held to */
	size_t count;
	char rival_problem[256]; /* why ClearML's autoscaler is not among them; "" when it is */
	struct bound bound; /* of the first's resources */
	int64_t boot_s; /* from launch to fit for work, of every policy */
};

void forecast_release(struct forecast *forecast);

/* buf_finish() is the caller's. */
void forecast_text(const struct forecast *forecast, struct buf *out);
void forecast_json(const struct forecast *forecast, struct buf *out);
/* One HTML file that needs nothing else: tables, and plots in SVG. */
void forecast_page(const struct forecast *forecast, struct buf *out);

/* ---- what the three share ---- */

enum { FORECAST_CELL_ROOM = 48 };

/* "12.3" hours; "1.5 %" of a whole ("-": there is none); "2026-01-05 08:00". */
void forecast_hours(int64_t seconds, char out[static FORECAST_CELL_ROOM]);
void forecast_share(int64_t part, int64_t whole, char out[static FORECAST_CELL_ROOM]);
void forecast_moment(int64_t at_s, char out[static FORECAST_CELL_ROOM]);
/* How long people waited at this percentile's value; "-" when no task started: nobody's wait is 0.
 */
void forecast_wait(const struct outcome_sum *sum, int64_t wait_s,
		   char out[static FORECAST_CELL_ROOM]);
/* "1200 tasks of 2 queues, from ... to ...; a machine boots in 2m 00s" */
void forecast_about(const struct forecast *forecast, struct buf *out);

#endif
