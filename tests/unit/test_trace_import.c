/* Traces that others measured, and what is deleted. */
#include "tests/unit/trace_world.h"

/* --- retention -------------------------------------------------------------------------------- */

static void put_minutes(struct fixture *f, int minutes)
{
	int i, j;

	for (i = 0; i < minutes; i++) {
		struct input tick = {.kind = TRACE_TICK,
				     .at.us = (1000 + 60 * i) * SECOND,
				     .value = f->run.wall_us + 60 * i * SECOND};

		put(f, tick);
		for (j = 0; j < 60; j++)
			put(f, at_s(1000 + 60 * i + j, INPUT_SENT));
	}
	commit(f);
}

static void test_old_records_are_deleted(void **state)
{
	struct fixture *f = *state;
	int i;

	open_writer(f);
	put(f, (struct input){.kind = INPUT_TARGET, .target = 1, .value = 1});
	put_minutes(f, 60);
	for (i = 0; i < 10; i++)
		ok(f, trace_writer_prune(f->writer, f->run.wall_us + 1800 * SECOND, 0, &f->err));
	open_reader(f);
	assert_true(trace_reader_run(f->reader, 0)->pruned);
	/* 29 minutes went with their ticks, the 30th without; what paths are like stays. */
	assert_int_equal(count_records(f, 0), 1 + 30 * 61 + 60);
}

static void test_a_large_file_loses_its_oldest_part(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	int i;

	open_writer(f);
	put_minutes(f, 2000);
	for (i = 0; i < 300; i++)
		ok(f, trace_writer_prune(f->writer, 0, 1 << 20, &f->err));
	trace_writer_free(f->writer);
	f->writer = NULL;
	assert_int_equal(stat(f->file, &st), 0);
	assert_in_range(st.st_size, 500000, (1 << 20) + 4096);
	open_reader(f);
	ok(f, trace_reader_check(f->reader, &f->err));
}

/* --- import ----------------------------------------------------------------------------------- */

static int import_text(struct fixture *f, const char *text, struct import_result *result)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	int ret;

	assert_non_null(in);
	ret = import_csv(in, "data.csv", f->file, &f->run.config, result, &f->err);
	fclose(in);
	return ret;
}

static void test_import(void **state)
{
	static const int kinds[] = {TRACE_POLICY, TRACE_TICK,  INPUT_TARGET,
				    INPUT_TARGET, INPUT_SENT,  INPUT_SENT,
				    INPUT_SENT,	  INPUT_REPLY, INPUT_REPLY};
	struct import_result result;
	struct fixture *f = *state;
	struct trace_record record;
	int i;

	ok(f, import_text(f, "time,path,rtt\r\n10,a,0.050\n10.02,b,\n10.04,a,0.005\n", &result));
	assert_int_equal(result.rows, 3);
	assert_int_equal(result.paths, 2);
	open_reader(f);
	ok(f, trace_reader_begin(f->reader, 0, &f->err));
	for (i = 0; i < 9; i++) {
		assert_int_equal(trace_reader_next(f->reader, &record, &f->err), 1);
		assert_int_equal(record.input.kind, kinds[i]);
	}
	/* The last answer is the first probe's, which took longer. */
	assert_int_equal(record.input.number, 0);
	assert_int_equal(record.input.at.us, 10050000);
	assert_int_equal(record.input.value, 50000);
}

static void test_import_names_the_bad_row(void **state)
{
	static const char *const bad[][2] = {
		{"time,rtt\n", "data.csv:1: the header must be"},
		{"time,path,rtt\n", "there are no rows"},
		{"time,path,rtt\n1,a,0.1\n2,a\n", "data.csv:3: three fields"},
		{"time,path,rtt\n1,a,0.1,9\n", "data.csv:2: three fields"},
		{"time,path,rtt\nx,a,0.1\n", "data.csv:2: time \"x\""},
		{"time,path,rtt\nnan,a,0.1\n", "data.csv:2: time \"nan\""},
		{"time,path,rtt\n1,,0.1\n", "data.csv:2: a path's name"},
		{"time,path,rtt\n1,a,nan\n", "data.csv:2: rtt \"nan\""},
		{"time,path,rtt\n1,a,-0.1\n", "data.csv:2: rtt \"-0.1\""},
		{"time,path,rtt\n1,a,inf\n", "data.csv:2: rtt \"inf\""},
		{"time,path,rtt\n2,a,0.1\n1,a,0.1\n", "data.csv:3: time goes back"},
	};
	struct import_result result;
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(import_text(f, bad[i][0], &result), -EINVAL);
		if (!strstr(f->err.text, bad[i][1]))
			fail_msg("\"%s\" does not say \"%s\"", f->err.text, bad[i][1]);
		assert_int_equal(access(f->file, F_OK), -1); /* nothing is left */
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, trace_world_setup, trace_world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_old_records_are_deleted),
		TEST(test_a_large_file_loses_its_oldest_part),
		TEST(test_import),
		TEST(test_import_names_the_bad_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
