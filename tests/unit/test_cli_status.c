/* The status as people see it, against golden texts: tests/golden/cli/NAME.json is the input,
 * NAME.WIDTHxHEIGHT.txt what it looks like there. COMPS_GOLDEN_UPDATE=1 writes the texts anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/status_view.h"

#define GOLDEN "tests/golden/cli/"

static json_t *load(const char *name)
{
	char file[256];
	json_error_t error;
	json_t *status;

	snprintf(file, sizeof(file), GOLDEN "%s.json", name);
	status = json_load_file(file, 0, &error);
	if (!status)
		fail_msg("%s:%d: %s", file, error.line, error.text);
	return status;
}

static char *render(const json_t *status, int width, int height, bool color)
{
	char *text = NULL;
	size_t bytes;
	struct view view = {.width = width, .height = height, .color = color};

	view.out = open_memstream(&text, &bytes);
	assert_non_null(view.out);
	status_view(&view, status);
	fclose(view.out);
	return text;
}

static char *read_file(const char *file)
{
	FILE *in = fopen(file, "r");
	char *text = calloc(1, 65536);

	if (!in)
		fail_msg("cannot open %s", file);
	assert_non_null(text);
	assert_true(fread(text, 1, 65535, in) < 65535);
	fclose(in);
	return text;
}

static void write_file(const char *file, const char *text)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void expect_golden(const char *name, int width, int height, bool color)
{
	json_t *status = load(name);
	char file[256], *text = render(status, width, height, color), *golden;

	snprintf(file, sizeof(file), GOLDEN "%s.%dx%d%s.txt", name, width, height,
		 color ? ".color" : "");
	if (getenv("COMPS_GOLDEN_UPDATE"))
		write_file(file, text);
	golden = read_file(file);
	assert_string_equal(text, golden);
	free(golden);
	free(text);
	json_decref(status);
}

static void test_without_limits_everything_is_shown(void **state)
{
	(void)state;
	expect_golden("nested", 0, 0, false);
	expect_golden("outage", 0, 0, false);
}

static void test_columns_give_way_to_a_narrow_terminal(void **state)
{
	(void)state;
	expect_golden("nested", 120, 0, false);
	expect_golden("nested", 80, 24, false);
	expect_golden("nested", 40, 9, false);
}

static void test_color(void **state)
{
	(void)state;
	expect_golden("nested", 100, 0, true);
	expect_golden("outage", 80, 0, true);
}

static void test_text_from_outside_cannot_steer_the_terminal(void **state)
{
	(void)state;
	expect_golden("hostile", 80, 0, false);
}

static void test_an_empty_status_is_no_crash(void **state)
{
	(void)state;
	expect_golden("empty", 0, 0, false);
}

static json_t *many_paths(size_t count)
{
	json_t *status = load("nested"), *paths = json_object_get(status, "paths");

	while (json_array_size(paths) < count)
		json_array_append_new(paths, json_deep_copy(json_array_get(paths, 2)));
	return status;
}

static void test_no_screen_is_ever_overflown(void **state)
{
	json_t *status = many_paths(60);

	(void)state;
	for (int height = 1; height < 80; height++) {
		for (int width = 1; width < 140; width += 7) {
			char *text = render(status, width, height, false), *line = text, *end;
			int lines = 0;

			for (; (end = strchr(line, '\n')); line = end + 1, lines++)
				assert_true(end - line <= width);
			assert_true(lines <= height);
			free(text);
		}
	}
	json_decref(status);
}

static void test_paths_that_do_not_fit_are_counted(void **state)
{
	json_t *status = many_paths(60);
	char *text = render(status, 80, 24, false);

	(void)state;
	assert_non_null(strstr(text, "and 44 more paths\n"));
	free(text);
	json_decref(status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_limits_everything_is_shown),
		cmocka_unit_test(test_columns_give_way_to_a_narrow_terminal),
		cmocka_unit_test(test_color),
		cmocka_unit_test(test_text_from_outside_cannot_steer_the_terminal),
		cmocka_unit_test(test_an_empty_status_is_no_crash),
		cmocka_unit_test(test_no_screen_is_ever_overflown),
		cmocka_unit_test(test_paths_that_do_not_fit_are_counted),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
