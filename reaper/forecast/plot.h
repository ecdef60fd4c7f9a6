#ifndef REAPER_FORECAST_PLOT_H
#define REAPER_FORECAST_PLOT_H

#include "common/buf.h"

/* plot: lines over an axis, as SVG inside a page, whose style sheet says the colours: line i is of
 * class "s<i>". Texts are escaped. Pure. */

struct plot_point {
	double x, y;
};

struct plot_line {
	const char *name; /* for the legend */
	struct plot_point *points; /* by x; owned by the caller */
	size_t count;
};

enum { PLOT_LABEL_ROOM = 48 };

struct plot {
	const char *title, *y_name;
	const struct plot_line *lines;
	size_t line_count;
	bool are_steps; /* a value holds until the next point */
	double x_least, x_most; /* x_most > x_least, or nothing is drawn */
	double y_most; /* 0: of the lines */
	void (*x_label)(double x, char out[static PLOT_LABEL_ROOM]);
};

void plot_print(const struct plot *plot, struct buf *out);

/* What stands between tags or in a quoted attribute. What is no UTF-8, or a control code, becomes
 * U+FFFD. */
void plot_escape(const char *text, struct buf *out);

#endif
