/* Error sentences and log lines. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/log.h"

static void test_err_set_returns_the_code(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(err_set(&e, -EINVAL, "line %d is bad", 3), -EINVAL);
	assert_string_equal(e.text, "line 3 is bad");
	assert_int_equal(err_set(NULL, -EPERM, "nobody %s", "reads this"), -EPERM);
}

static void test_err_prefix_puts_the_context_in_front(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, -EINVAL, "100%% wrong");
	assert_int_equal(err_prefix(&e, -ENOENT, "path %s", "ams"), -ENOENT);
	assert_string_equal(e.text, "path ams: 100% wrong");
	assert_int_equal(err_prefix(NULL, -ENOENT, "path"), -ENOENT);
}

static void test_long_texts_are_cut(void **state)
{
	char text[2000];
	struct err e;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&e, -EINVAL, "%s", text);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	err_prefix(&e, -EINVAL, "front");
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_memory_equal(e.text, "front: xxx", 10);
}

struct sink {
	int lines;
	enum log_level level;
	char line[2000];
};

static void keep(void *arg, enum log_level level, const char *line)
{
	struct sink *sink = arg;

	sink->lines++;
	sink->level = level;
	strncpy(sink->line, line, sizeof(sink->line) - 1);
}

static void test_lines_above_the_level_are_dropped(void **state)
{
	struct sink sink = {0};
	struct log log = {LOG_LEVEL_WARN, keep, &sink};

	(void)state;
	log_info(&log, "no");
	log_debug(&log, "no");
	assert_int_equal(sink.lines, 0);
	log_warn(&log, "path %s: late by %dms", "ams", 5);
	assert_int_equal(sink.level, LOG_LEVEL_WARN);
	assert_string_equal(sink.line, "path ams: late by 5ms");
	log_error(&log, "worse");
	assert_int_equal(sink.level, LOG_LEVEL_ERROR);
	log.level = LOG_LEVEL_DEBUG;
	log_debug(&log, "all");
	log_info(&log, "all");
	assert_int_equal(sink.lines, 4);
}

static void test_a_line_is_cut_not_split(void **state)
{
	struct sink sink = {0};
	struct log log = {LOG_LEVEL_INFO, keep, &sink};
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info(&log, "%s", text);
	assert_int_equal(sink.lines, 1);
	assert_true(strlen(sink.line) < 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err_set_returns_the_code),
		cmocka_unit_test(test_err_prefix_puts_the_context_in_front),
		cmocka_unit_test(test_long_texts_are_cut),
		cmocka_unit_test(test_lines_above_the_level_are_dropped),
		cmocka_unit_test(test_a_line_is_cut_not_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
