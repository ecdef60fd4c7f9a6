#include "reaper/forecast/plot.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	WIDTH = 880,
	HEIGHT = 250,
	LEFT = 52,
	RIGHT = 16,
	TOP = 10,
	BOTTOM = 26,
	Y_STEPS = 4,
	X_STEPS = 5,
	COLUMNS = 800 /* more points than that are not seen */
};

void plot_escape(const char *text, struct buf *out)
{
	struct slice rest = slice_of(text);

	while (rest.len) {
		uint32_t code = 0;
		size_t len = text_character(rest, &code);

		if (!len || code < 0x20 || (code >= 0x7f && code < 0xa0))
			buf_addf(out, "\xef\xbf\xbd");
		else if (code == '<' || code == '>' || code == '&' || code == '"' || code == '\'')
			buf_addf(out, "&#%u;", (unsigned)code);
		else
			buf_add(out, (struct slice){ rest.ptr, len });
		rest.ptr += len ? len : 1;
		rest.len -= len ? len : 1;
	}
}

/* 1, 2, 5, 10, 20, ...: the least of them that value does not exceed. */
static double nice(double value)
{
	double unit = 1;

	while (unit * 10 <= value)
		unit *= 10;
	if (value <= unit)
		return unit;
	if (value <= 2 * unit)
		return 2 * unit;
	return value <= 5 * unit ? 5 * unit : 10 * unit;
}

static double greatest(const struct plot *plot)
{
	double most = 0;

	for (size_t i = 0; i < plot->line_count; i++)
		for (size_t p = 0; p < plot->lines[i].count; p++)
			if (plot->lines[i].points[p].y > most)
				most = plot->lines[i].points[p].y;
	return most;
}

static double across(const struct plot *plot, double x)
{
	double share = (x - plot->x_least) / (plot->x_most - plot->x_least);

	share = share < 0 ? 0 : share > 1 ? 1 : share;
	return LEFT + share * (WIDTH - LEFT - RIGHT);
}

static double up(double y, double y_most)
{
	double share = y / y_most;

	return HEIGHT - BOTTOM - (share > 1 ? 1 : share) * (HEIGHT - TOP - BOTTOM);
}

static void print_axes(const struct plot *plot, double y_most, struct buf *out)
{
	char label[PLOT_LABEL_ROOM];

	for (int i = 0; i <= Y_STEPS; i++) {
		double y = y_most * i / Y_STEPS;

		buf_addf(out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>",
			 LEFT, WIDTH - RIGHT, up(y, y_most), up(y, y_most));
		buf_addf(out, "<text class=\"y\" x=\"%d\" y=\"%.1f\">%g</text>\n", LEFT - 6,
			 up(y, y_most) + 4, y);
	}
	for (int i = 0; i <= X_STEPS; i++) {
		double x = plot->x_least + (plot->x_most - plot->x_least) * i / X_STEPS;

		plot->x_label(x, label);
		buf_addf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%d\">",
			 i == 0	      ? "first" :
			 i == X_STEPS ? "last" :
					"x",
			 across(plot, x), HEIGHT - 6);
		plot_escape(label, out);
		buf_addf(out, "</text>\n");
	}
}

/* Of the points in one column of the picture the greatest and the last are drawn. */
static void print_path(const struct plot *plot, const struct plot_line *line, double y_most,
		       struct buf *out)
{
	double column = (plot->x_most - plot->x_least) / COLUMNS;
	size_t i = 0;

	while (i < line->count) {
		double x = line->points[i].x, most = line->points[i].y, last = most;
		double end = plot->are_steps ? x + column : x;
		bool is_first = i == 0;

		for (i++; i < line->count && line->points[i].x < end; i++) {
			last = line->points[i].y;
			most = last > most ? last : most;
		}
		if (is_first)
			buf_addf(out, "M%.1f %.1f", across(plot, x), up(most, y_most));
		else if (plot->are_steps)
			buf_addf(out, "H%.1fV%.1f", across(plot, x), up(most, y_most));
		else
			buf_addf(out, "L%.1f %.1f", across(plot, x), up(most, y_most));
		if (last < most)
			buf_addf(out, "V%.1f", up(last, y_most));
	}
	if (plot->are_steps && line->count)
		buf_addf(out, "H%d", WIDTH - RIGHT);
}

static void print_legend(const struct plot *plot, struct buf *out)
{
	buf_addf(out, "<p class=\"legend\">");
	for (size_t i = 0; i < plot->line_count; i++) {
		buf_addf(out, "<span class=\"s%zu\">&#9632;</span> ", i);
		plot_escape(plot->lines[i].name, out);
		buf_addf(out, " ");
	}
	buf_addf(out, "</p>\n");
}

void plot_print(const struct plot *plot, struct buf *out)
{
	double y_most = nice(plot->y_most > 0 ? plot->y_most : greatest(plot));

	buf_addf(out, "<h2>");
	plot_escape(plot->title, out);
	buf_addf(out, "</h2>\n");
	print_legend(plot, out);
	if (!(plot->x_most > plot->x_least))
		return;
	buf_addf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
	plot_escape(plot->title, out);
	buf_addf(out, "\">\n");
	print_axes(plot, y_most, out);
	for (size_t i = plot->line_count; i-- > 0;) { /* the first one on top */
		buf_addf(out, "<path class=\"s%zu\" d=\"", i);
		print_path(plot, &plot->lines[i], y_most, out);
		buf_addf(out, "\"/>\n");
	}
	buf_addf(out, "</svg>\n<p class=\"axis\">");
	plot_escape(plot->y_name, out);
	buf_addf(out, "</p>\n");
}
