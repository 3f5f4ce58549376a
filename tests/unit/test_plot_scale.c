/* The axis of a plot: round numbers that take in what is shown. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tui/plot_scale.h"

#define KIB 1024.0
#define MIB (1024.0 * KIB)

static void assert_scale(struct tui_scale scale, double base, double top, double step)
{
	assert_true(scale.base == base);
	assert_true(scale.top == top);
	assert_true(scale.step == step);
}

static void test_round(void **state)
{
	assert_scale(tui_scale_bytes(0, 95 * MIB, 12, false), 0, 100 * MIB, 50 * MIB);
	assert_scale(tui_scale_bytes(0, 95 * MIB, 16, false), 0, 96 * MIB, 20 * MIB);
	assert_scale(tui_scale_bytes(0, 3 * KIB, 6, false), 0, 3.2 * KIB, 2 * KIB);
	assert_scale(tui_scale_bytes(0, 10.1 * MIB, 5, false), 0, 12 * MIB, 10 * MIB);
}

/* What changes little is shown from near it on, but not as more than it is. */
static void test_base(void **state)
{
	struct tui_scale scale = tui_scale_bytes(90 * MIB, 100 * MIB, 12, false);

	assert_scale(scale, 90 * MIB, 100 * MIB, 5 * MIB);
	assert_scale(tui_scale_bytes(90 * MIB, 100 * MIB, 12, true), 0, 100 * MIB, 50 * MIB);
	scale = tui_scale_bytes(100 * MIB, 100 * MIB, 12, false);
	assert_true(scale.base >= 90 * MIB && scale.base < 100 * MIB && scale.top >= 100 * MIB);
	assert_true(scale.top - scale.base >= 2 * MIB);
}

/* No two labels are the same. */
static void test_labels(void **state)
{
	static const double sizes[] = { 0, 10, 5000, 7e5, 9.9e8, 1.07e9, 1.2e9, 1.1e10, 1.05e11, 1e12 };
	const size_t count = sizeof(sizes) / sizeof(sizes[0]);
	char label[32], last[32];

	for (size_t i = 0; i < count; i++) {
		for (int rows = 1; rows < 60; rows++) {
			struct tui_scale scale = tui_scale_bytes(sizes[i], sizes[i] * 1.001, rows,
								 rows % 5 == 0);

			last[0] = '\0';
			for (double at = scale.base; at <= scale.top; at += scale.step) {
				tui_scale_label(&scale, at, label, sizeof(label));
				assert_string_not_equal(label, last);
				assert_true(strlen(label) <= 6);
				strcpy(last, label);
			}
		}
	}
}

static void test_holds_for_all(void **state)
{
	static const double sizes[] = { 0, 1, 3, 999, 4096, 7e5, 1e7, 123456789, 5e10, 3e15, 1e17 };
	const size_t count = sizeof(sizes) / sizeof(sizes[0]);

	for (size_t i = 0; i < count; i++) {
		for (size_t j = i; j < count; j++) {
			for (int rows = 1; rows < 60; rows++) {
				struct tui_scale scale = tui_scale_bytes(sizes[i], sizes[j], rows,
									 rows % 2);
				double labels = (scale.top - scale.base) / scale.step;

				assert_true(scale.step >= 1 && scale.base >= 0);
				assert_true(scale.base <= sizes[i] && scale.top >= sizes[j]);
				assert_true(labels >= 1 && labels <= (rows > 6 ? rows / 3 : 2));
			}
		}
	}
}

static void test_no_numbers(void **state)
{
	struct tui_scale scale = tui_scale_bytes(INFINITY, 0, 10, false);

	assert_true(scale.base == 0 && scale.top >= 1 && isfinite(scale.top));
	scale = tui_scale_bytes(NAN, NAN, 10, false);
	assert_true(scale.base == 0 && isfinite(scale.top));
	scale = tui_scale_bytes(-5, INFINITY, 0, false);
	assert_true(isfinite(scale.top) && scale.top > scale.base);
}

static void test_rows(void **state)
{
	struct tui_scale scale = { 0, 100, 50 };

	assert_int_equal(tui_scale_row(&scale, 0, 10), 9);
	assert_int_equal(tui_scale_row(&scale, 100, 10), 0);
	assert_int_equal(tui_scale_row(&scale, 51, 10), 4);
	assert_int_equal(tui_scale_row(&scale, -7, 10), 9);
	assert_int_equal(tui_scale_row(&scale, 1e9, 10), 0);
	assert_int_equal(tui_scale_row(&scale, 50, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),	      cmocka_unit_test(test_base),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_holds_for_all), cmocka_unit_test(test_no_numbers),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
