/* The plot of memory over time: sizes and times as text, and places for labels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "histories.h"
#include "sink/memory_plot.h"

static void assert_text(struct spy_buffer *buffer, const char *wanted)
{
	assert_string_equal(spy_buffer_text(buffer), wanted);
	spy_buffer_clear(buffer);
}

static void test_texts(void **state)
{
	static const struct {
		uint64_t at, step;
		const char *text;
	} times[] = {
		{ 0, 1000000000, "0" },
		{ 250000000, 50000000, "0.25 s" },
		{ 90000000000, 30000000000, "1 min 30 s" },
		{ 7200000000000, 1800000000000, "2 h" },
		{ 6599900000000, 1000000000, "1 h 50 min" },
		{ 130000000000000, 10000000000000, "1 d 12 h 6 min 40 s" },
	};
	struct spy_buffer buffer = { 0 };
	uint64_t span;
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		spy_plot_time(&buffer, times[i].at, times[i].step);
		assert_text(&buffer, times[i].text);
	}
	spy_plot_size(&buffer, 0);
	assert_text(&buffer, "0 KiB");
	spy_plot_size(&buffer, 12897485);
	assert_text(&buffer, "12.3 MiB");
	spy_plot_size(&buffer, 61696 * 1024); /* 60.25, in the script too */
	assert_text(&buffer, "60.2 MiB");
	spy_plot_size(&buffer, 1610612736);
	assert_text(&buffer, "1.50 GiB");
	spy_plot_duration(&buffer, 80000000);
	assert_text(&buffer, "80 ms");
	spy_plot_duration(&buffer, 800000000);
	assert_text(&buffer, "0.8 s");
	spy_plot_duration(&buffer, 7200000000000);
	assert_text(&buffer, "2.0 h");
	for (span = 1; span < UINT64_MAX / 16; span += span / 3 + 1) {
		uint64_t step = spy_plot_time_step(span, 11);

		assert_true(step > 0 && span / step < 11);
		step = spy_plot_size_step(span, 7);
		assert_true(step > 0 && span / step <= 7);
	}
	spy_buffer_free(&buffer);
}

static double between(double at, double from, double to)
{
	return at < from ? from : at > to ? to : at;
}

/* Walks from a label's place to its box: true when that leads over another box. */
static bool leader_hides(const struct spy_plot_label *label, const struct spy_plot_box *box,
			 const struct spy_plot_box *other)
{
	double to_x = between(label->x, box->left, box->left + box->width);
	double to_y = between(label->y, box->top, box->top + box->height);
	int i;

	for (i = 0; i <= 200; i++) {
		double x = label->x + (to_x - label->x) * i / 200;
		double y = label->y + (to_y - label->y) * i / 200;

		if (x > other->left && x < other->left + other->width && y > other->top &&
		    y < other->top + other->height)
			return true;
	}
	return false;
}

/* Labels that have a place hide neither the curve nor each other, and are inside. */
static void test_labels(void **state)
{
	double highest[1001], lowest[1001];
	struct spy_plot_room room = { { 100, 50, 1000, 400 }, highest, lowest, 1001 };
	struct spy_plot_label labels[12] = { 0 };
	uint32_t state_of_lot = 1, round, i, j, placed = 0;

	for (round = 0; round < 300; round++) {
		for (i = 0; i < 1001; i++) {
			highest[i] = 440 - (double)((i / 50 * (round + 3)) % 23) * 12;
			lowest[i] = highest[i] + 4;
		}
		for (i = 0; i < 12; i++) {
			uint32_t column = random_below(&state_of_lot, 1000);

			labels[i] = (struct spy_plot_label){ 100. + column,
							     highest[column],
							     { .width = 60 + i * 20,
							       .height = 32 } };
		}
		spy_plot_place_labels(&room, labels, 12);
		for (i = 0; i < 12; i++) {
			const struct spy_plot_box *a = &labels[i].box;
			size_t at;

			if (!labels[i].placed)
				continue;
			placed++;
			assert_true(a->left >= 100 && a->left + a->width <= 1100);
			assert_true(a->top >= 50 && a->top + a->height <= 450);
			for (at = (size_t)(a->left - 99); at < (size_t)(a->left + a->width - 100);
			     at++)
				assert_true(a->top + a->height <= highest[at] ||
					    a->top >= lowest[at]);
			for (j = 0; j < 12; j++)
				assert_false(j != i && labels[j].placed &&
					     leader_hides(&labels[i], a, &labels[j].box));
			for (j = 0; j < i; j++)
				assert_true(!labels[j].placed ||
					    a->left >= labels[j].box.left + labels[j].box.width ||
					    labels[j].box.left >= a->left + a->width ||
					    a->top >= labels[j].box.top + labels[j].box.height ||
					    labels[j].box.top >= a->top + a->height);
		}
	}
	assert_true(placed > 300 * 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
