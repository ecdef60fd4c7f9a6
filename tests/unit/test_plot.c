/* plot: lines as SVG. */
#include "reaper/forecast/plot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void label(double x, char out[static PLOT_LABEL_ROOM])
{
	snprintf(out, PLOT_LABEL_ROOM, "<%g>", x);
}

static void test_escape(void **state)
{
	static const struct {
		const char *when, *text, *want;
	} cases[] = {
		{ "when it is plain", "a b.json", "a b.json" },
		{ "when it has marks", "<a href=\"x\">&'",
		  "&#60;a href=&#34;x&#34;&#62;&#38;&#39;" },
		{ "when it is not English", "Größe \xe2\x82\xac", "Größe \xe2\x82\xac" },
		{ "when it has control codes", "a\x1b\nb\xc2\x85",
		  "a\xef\xbf\xbd\xef\xbf\xbd"
		  "b\xef\xbf\xbd" },
		{ "when it is no UTF-8", "a\xff", "a\xef\xbf\xbd" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf out = BUF(1024);

		plot_escape(cases[i].text, &out);
		if (strcmp(buf_text(&out), cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].when, buf_text(&out));
	}
}

static void draw(const struct plot *plot, struct buf *out)
{
	struct error err;

	plot_print(plot, out);
	assert_int_equal(buf_finish(out, &err), 0);
}

static void test_steps_and_lines(void **state)
{
	/* The picture is 812 wide from 52 on, and 214 high from 10 on. */
	struct plot_point points[] = { { 0, 0 }, { 50, 4 }, { 100, 2 } };
	struct plot_line line = { "it & that", points, ARRAY_LEN(points) };
	struct plot plot = { .title = "A \"title\"",
			     .y_name = "machines",
			     .lines = &line,
			     .line_count = 1,
			     .are_steps = true,
			     .x_most = 100,
			     .x_label = label };
	SCOPED(buf) struct buf steps = BUF(1 << 16);
	SCOPED(buf) struct buf lines = BUF(1 << 16);

	(void)state;
	draw(&plot, &steps);
	assert_non_null(strstr(buf_text(&steps), "d=\"M52.0 224.0H458.0V52.8H864.0V138.4H864\""));
	assert_non_null(strstr(buf_text(&steps), "it &#38; that"));
	assert_non_null(strstr(buf_text(&steps), "aria-label=\"A &#34;title&#34;\""));
	assert_non_null(strstr(buf_text(&steps), "&#60;100&#62;"));
	plot.are_steps = false;
	draw(&plot, &lines);
	assert_non_null(strstr(buf_text(&lines), "d=\"M52.0 224.0L458.0 52.8L864.0 138.4\""));
}

static void test_a_peak_between_many_points_is_seen(void **state)
{
	enum { COUNT = 20000 };
	static struct plot_point points[COUNT];
	struct plot_line line = { "it", points, COUNT };
	struct plot plot = { .title = "t",
			     .y_name = "y",
			     .lines = &line,
			     .line_count = 1,
			     .are_steps = true,
			     .x_most = COUNT,
			     .y_most = 10,
			     .x_label = label };
	SCOPED(buf) struct buf out = BUF(1 << 16);

	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		points[i] = (struct plot_point){ (double)i, i == 9990 ? 10 : 1 };
	draw(&plot, &out);
	assert_non_null(strstr(buf_text(&out), "V10.0V202.6")); /* to the top, and down again */
	assert_true(out.len < 32768);
}

static void test_nothing_to_draw(void **state)
{
	struct plot plot = { .title = "t", .y_name = "y", .x_label = label };
	SCOPED(buf) struct buf out = BUF(1 << 16);

	(void)state;
	draw(&plot, &out);
	assert_null(strstr(buf_text(&out), "<svg"));
	assert_non_null(strstr(buf_text(&out), "<h2>t</h2>"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_steps_and_lines),
		cmocka_unit_test(test_a_peak_between_many_points_is_seen),
		cmocka_unit_test(test_nothing_to_draw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
