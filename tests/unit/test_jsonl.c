/* The line codec: any fragmentation gives the same lines, and a hostile peer costs a bounded
 * buffer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/jsonl.h"
#include "lib/rng.h"

#define LINE_MAX_BYTES 64

static void feed(struct jsonl *j, const char *text)
{
	assert_int_equal(jsonl_feed(j, text, strlen(text)), 0);
}

static void expect_line(struct jsonl *j, const char *expected)
{
	const char *line = NULL;
	size_t length = 0;

	assert_int_equal(jsonl_take(j, &line, &length), 1);
	assert_string_equal(line, expected);
	assert_int_equal(length, strlen(expected));
}

static void expect_take(struct jsonl *j, int result)
{
	const char *line = NULL;
	size_t length = 0;

	assert_int_equal(jsonl_take(j, &line, &length), result);
	assert_null(line);
}

static void test_an_empty_reader_has_no_line(void **state)
{
	struct jsonl j;

	(void)state;
	jsonl_init(&j, LINE_MAX_BYTES);
	expect_take(&j, 0);
	assert_int_equal(jsonl_feed(&j, NULL, 0), 0);
	expect_take(&j, 0);
	jsonl_fini(&j);
}

static void test_one_byte_at_a_time(void **state)
{
	const char *text = "{\"cmd\":\"status\"}\n";
	struct jsonl j;

	(void)state;
	jsonl_init(&j, LINE_MAX_BYTES);
	for (const char *c = text; *c; c++) {
		expect_take(&j, 0);
		assert_int_equal(jsonl_feed(&j, c, 1), 0);
	}
	expect_line(&j, "{\"cmd\":\"status\"}");
	expect_take(&j, 0);
	jsonl_fini(&j);
}

static void test_many_lines_in_one_piece(void **state)
{
	struct jsonl j;

	(void)state;
	jsonl_init(&j, LINE_MAX_BYTES);
	feed(&j, "one\n\ntwo\nthr");
	expect_line(&j, "one");
	expect_line(&j, "");
	expect_line(&j, "two");
	expect_take(&j, 0);
	feed(&j, "ee\n");
	expect_line(&j, "three");
	expect_take(&j, 0);
	jsonl_fini(&j);
}

static void test_random_pieces_give_the_same_lines(void **state)
{
	uint64_t seed = 20240611;
	char text[20000];
	size_t length = 0, fed = 0;
	int lines = 0, taken = 0;
	struct rng rng;
	struct jsonl j;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	assert_int_equal(rng_init_seed(&rng, seed), 0);
	while (length + LINE_MAX_BYTES + 1 < sizeof(text))
		length += (size_t)snprintf(text + length, LINE_MAX_BYTES + 1, "%d %.*s\n", lines++,
					   (int)rng_below(&rng, 0, 50),
					   "..................................................");
	jsonl_init(&j, LINE_MAX_BYTES);
	while (fed < length) {
		size_t piece = rng_below(&rng, 1, 300);
		const char *line;
		size_t line_length;

		piece = piece > length - fed ? length - fed : piece;
		assert_int_equal(jsonl_feed(&j, text + fed, piece), 0);
		fed += piece;
		while (jsonl_take(&j, &line, &line_length) == 1)
			assert_int_equal(atoi(line), taken++);
	}
	assert_int_equal(taken, lines);
	assert_true(j.size <= 8192);
	jsonl_fini(&j);
}

static void test_the_limit_is_exact(void **state)
{
	char line[LINE_MAX_BYTES + 3];
	struct jsonl j;

	(void)state;
	memset(line, 'x', sizeof(line));
	line[LINE_MAX_BYTES] = '\n';
	line[LINE_MAX_BYTES + 1] = '\0';
	jsonl_init(&j, LINE_MAX_BYTES);
	feed(&j, line);
	line[LINE_MAX_BYTES] = '\0';
	expect_line(&j, line);

	line[LINE_MAX_BYTES] = 'x';
	line[LINE_MAX_BYTES + 1] = '\n';
	line[LINE_MAX_BYTES + 2] = '\0';
	feed(&j, line);
	expect_take(&j, -EMSGSIZE);
	expect_take(&j, -EMSGSIZE);
	jsonl_fini(&j);
}

static void test_an_endless_line_is_refused_before_its_end(void **state)
{
	struct jsonl j;

	(void)state;
	jsonl_init(&j, LINE_MAX_BYTES);
	for (int i = 0; i < LINE_MAX_BYTES; i++) {
		feed(&j, "x");
		expect_take(&j, 0);
	}
	feed(&j, "x");
	expect_take(&j, -EMSGSIZE);
	feed(&j, "\nok\n");
	expect_take(&j, -EMSGSIZE);
	jsonl_fini(&j);
}

static void test_lines_before_a_bad_one_are_given(void **state)
{
	struct jsonl j;

	(void)state;
	jsonl_init(&j, LINE_MAX_BYTES);
	assert_int_equal(jsonl_feed(&j, "good\nb\0d\nlost\n", 14), 0);
	expect_line(&j, "good");
	expect_take(&j, -EBADMSG);
	expect_take(&j, -EBADMSG);
	jsonl_fini(&j);
}

static void expect_waiting(const struct jsonl *j, const char *expected)
{
	const char *bytes;
	size_t count = jsonl_peek(j, &bytes);

	assert_int_equal(count, strlen(expected));
	if (count)
		assert_memory_equal(bytes, expected, count);
}

static void test_the_writer_keeps_what_was_not_sent(void **state)
{
	struct jsonl j;

	(void)state;
	jsonl_init(&j, LINE_MAX_BYTES);
	expect_waiting(&j, "");
	assert_int_equal(jsonl_put(&j, "{\"ok\":true}"), 0);
	assert_int_equal(jsonl_put(&j, "two"), 0);
	expect_waiting(&j, "{\"ok\":true}\ntwo\n");
	jsonl_drop(&j, 13);
	expect_waiting(&j, "wo\n");
	assert_int_equal(jsonl_put(&j, ""), 0);
	expect_waiting(&j, "wo\n\n");
	jsonl_drop(&j, 4);
	expect_waiting(&j, "");
	jsonl_fini(&j);
}

static void test_the_writer_refuses_what_a_reader_would(void **state)
{
	char line[LINE_MAX_BYTES + 2];
	struct jsonl j;

	(void)state;
	memset(line, 'x', sizeof(line));
	line[LINE_MAX_BYTES + 1] = '\0';
	jsonl_init(&j, LINE_MAX_BYTES);
	assert_int_equal(jsonl_put(&j, line), -EMSGSIZE);
	line[LINE_MAX_BYTES] = '\0';
	assert_int_equal(jsonl_put(&j, line), 0);
	jsonl_drop(&j, LINE_MAX_BYTES + 1);
	assert_int_equal(jsonl_put(&j, "two\nlines"), -EINVAL);
	expect_waiting(&j, "");
	jsonl_fini(&j);
}

static void test_a_slow_reader_does_not_grow_the_writer_for_ever(void **state)
{
	struct jsonl j;

	(void)state;
	jsonl_init(&j, LINE_MAX_BYTES);
	for (int i = 0; i < 100000; i++) {
		assert_int_equal(jsonl_put(&j, "some event or other"), 0);
		if (i >= 10)
			jsonl_drop(&j, 20);
	}
	assert_true(j.size <= 4096);
	jsonl_fini(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_empty_reader_has_no_line),
		cmocka_unit_test(test_one_byte_at_a_time),
		cmocka_unit_test(test_many_lines_in_one_piece),
		cmocka_unit_test(test_random_pieces_give_the_same_lines),
		cmocka_unit_test(test_the_limit_is_exact),
		cmocka_unit_test(test_an_endless_line_is_refused_before_its_end),
		cmocka_unit_test(test_lines_before_a_bad_one_are_given),
		cmocka_unit_test(test_the_writer_keeps_what_was_not_sent),
		cmocka_unit_test(test_the_writer_refuses_what_a_reader_would),
		cmocka_unit_test(test_a_slow_reader_does_not_grow_the_writer_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
