/* Writing and reading traces, accidents, and files that are none. */
#include "tests/unit/trace_world.h"

/* --- there and back --------------------------------------------------------------------------- */

static void test_a_run_comes_back_as_it_was(void **state)
{
	struct fixture *f = *state;
	const struct trace_run *run;
	struct stat st;

	open_writer(f);
	ok(f, trace_writer_end(f->writer, (struct mono){1005 * SECOND}, &f->err));
	commit(f);
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	open_reader(f);
	assert_int_equal(trace_reader_run_count(f->reader), 1);
	run = trace_reader_run(f->reader, 0);
	assert_string_equal(run->version, "1.2.3");
	assert_string_equal(run->mode, "nested");
	assert_int_equal(run->wall_us, f->run.wall_us);
	assert_int_equal(run->began.us, f->run.began.us);
	assert_int_equal(run->ended.us, 1005 * SECOND);
	assert_memory_equal(&run->config, &f->run.config, sizeof(run->config));
	assert_string_equal(run->paths[1].name, "fra");
	assert_string_equal(run->paths[1].interface, "wgnet2");
	assert_int_equal(run->paths[1].priority, 7);
	assert_true(run->paths[0].link_up && !run->paths[1].link_up);
	ok(f, trace_reader_check(f->reader, &f->err));
}

/* One record of each table, in an order that is not that of the tables. */
static void put_all_kinds(struct fixture *f)
{
	struct trace_record decision = {.input = at_s(1001, INPUT_DECIDE),
					.to = 1,
					.reason = "random",
					.wake.us = 1009 * SECOND};
	struct trace_record policy = {.input = {.kind = TRACE_POLICY, .at.us = 1000 * SECOND},
				      .policy = "round-robin",
				      .params = "interval=1s"};
	struct input outcome = at_s(1001, INPUT_OUTCOME), in;

	policy.seq = ++f->seq;
	ok(f, trace_writer_put(f->writer, &policy, &f->err));
	in = at_s(1000, INPUT_SENT);
	in.path = 1;
	in.target = PATH_TARGET_EXIT;
	in.number = 4000000000U;
	put(f, in);
	in.kind = INPUT_REPLY;
	in.value = 20000;
	put(f, in);
	put(f, (struct input){.kind = INPUT_COUNTERS,
			      .path = 1,
			      .counters = {UINT64_C(1) << 62, 2, 3, 4}});
	put(f, (struct input){.kind = INPUT_DRAW, .target = 1, .value = INT64_MIN});
	decision.seq = ++f->seq;
	decision.input.value = INT64_MIN;
	ok(f, trace_writer_put(f->writer, &decision, &f->err));
	put(f, (struct input){.kind = INPUT_LINK, .path = 1, .value = 1});
	outcome.path = 1;
	outcome.outcome = (struct input_outcome){1, 2, 3, MIGRATION_SETTLED, "random"};
	put(f, outcome);
	put(f, (struct input){.kind = TRACE_STATE, .path = 1, .value = PATH_UP, .target = 2});
	put(f, (struct input){.kind = TRACE_TICK, .value = 77});
	put(f, (struct input){.kind = TRACE_GAP, .value = 3});
}

static void test_records_come_back_in_order(void **state)
{
	static const int kinds[] = {TRACE_POLICY, INPUT_SENT,	INPUT_REPLY, INPUT_COUNTERS,
				    INPUT_DRAW,	  INPUT_DECIDE, INPUT_LINK,  INPUT_OUTCOME,
				    TRACE_STATE,  TRACE_TICK,	TRACE_GAP};
	struct trace_record got[11], more;
	struct fixture *f = *state;
	int i;

	open_writer(f);
	put_all_kinds(f);
	commit(f);
	open_reader(f);
	ok(f, trace_reader_begin(f->reader, 0, &f->err));
	for (i = 0; i < 11; i++) {
		assert_int_equal(trace_reader_next(f->reader, &got[i], &f->err), 1);
		assert_int_equal(got[i].input.kind, kinds[i]);
		assert_int_equal(got[i].seq, i + 1);
	}
	assert_int_equal(trace_reader_next(f->reader, &more, &f->err), 0);
	assert_string_equal(got[0].policy, "round-robin");
	assert_string_equal(got[0].params, "interval=1s");
	assert_int_equal(got[1].input.number, 4000000000U);
	assert_int_equal(got[2].input.value, 20000);
	assert_true(got[3].input.counters.tx_bytes == UINT64_C(1) << 62);
	assert_true(got[4].input.value == INT64_MIN);
	assert_int_equal(got[5].to, 1);
	assert_string_equal(got[5].reason, "random");
	assert_int_equal(got[5].wake.us, 1009 * SECOND);
	assert_true(got[5].input.value == INT64_MIN);
	assert_string_equal(got[7].input.outcome.reason, "random");
	assert_int_equal(got[7].input.outcome.swap_us, 3);
	assert_int_equal(got[10].input.value, 3);
}

static void test_what_will_be_done_is_not_on_disk(void **state)
{
	struct fixture *f = *state;

	open_writer(f);
	put(f, (struct input){.kind = INPUT_DRAW, .value = 1});
	commit(f);
	open_reader(f);
	assert_int_equal(count_records(f, 0), 0);
	put(f, (struct input){.kind = INPUT_OUTCOME, .outcome.reason = "timer"});
	commit(f);
	open_reader(f);
	assert_int_equal(count_records(f, 0), 2);
}

static void test_a_second_run_goes_on_counting(void **state)
{
	struct fixture *f = *state;

	open_writer(f);
	put(f, at_s(1001, INPUT_SENT));
	commit(f);
	trace_writer_free(f->writer);
	f->writer = NULL;
	open_writer(f);
	assert_int_equal(f->seq, 1);
	put(f, at_s(1002, INPUT_SENT));
	put(f, at_s(1003, INPUT_SENT));
	commit(f);
	open_reader(f);
	assert_int_equal(trace_reader_run_count(f->reader), 2);
	assert_int_equal(count_records(f, 0), 1);
	assert_int_equal(count_records(f, 1), 2);
}

/* --- accidents -------------------------------------------------------------------------------- */

/* A writer that is killed between two commits, at any moment. */
static void test_a_kill_costs_what_was_not_committed(void **state)
{
	struct fixture *f = *state;
	int pipe_fds[2], round, status;
	int64_t committed = 0, got;
	pid_t child;

	assert_int_equal(pipe(pipe_fds), 0);
	for (round = 0; round < 10; round++) {
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			open_writer(f);
			for (;;) {
				for (int i = 0; i < 50; i++)
					put(f, at_s(1001, INPUT_SENT));
				commit(f);
				got = 50;
				if (write(pipe_fds[1], &got, sizeof(got)) != sizeof(got))
					_exit(1);
			}
		}
		for (int i = 0; i < 3 + round; i++) {
			assert_int_equal(read(pipe_fds[0], &got, sizeof(got)), sizeof(got));
			committed += got;
		}
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
		while (read(pipe_fds[0], &got, sizeof(got)) == sizeof(got))
			committed += got;
		fcntl(pipe_fds[0], F_SETFL, 0);
	}
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	open_reader(f);
	ok(f, trace_reader_check(f->reader, &f->err));
	for (got = 0, round = 0; round < (int)trace_reader_run_count(f->reader); round++)
		got += (int64_t)count_records(f, (size_t)round);
	/* A commit may have been done and not told. */
	assert_in_range(got, committed, committed + 10 * 50);
}

static void test_a_full_disk_loses_the_batch_and_no_more(void **state)
{
	struct rlimit before;
	struct fixture *f = *state;
	int i, ret = 0;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	open_writer(f);
	put(f, at_s(1001, INPUT_SENT));
	commit(f);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){200000, before.rlim_max}), 0);
	for (i = 0; i < 100000 && !ret; i++) {
		struct trace_record record = {.seq = ++f->seq, .input = at_s(1002, INPUT_SENT)};

		ret = trace_writer_put(f->writer, &record, &f->err);
		if (!ret && i % 1000 == 999)
			ret = trace_writer_commit(f->writer, &f->err);
	}
	assert_true(ret < 0);
	assert_non_null(strstr(f->err.text, f->file));
	trace_writer_rollback(f->writer);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	put(f, at_s(1003, INPUT_SENT));
	commit(f);
	open_reader(f);
	ok(f, trace_reader_check(f->reader, &f->err));
	assert_true(count_records(f, 0) >= 2);
}

static void expect_refused(struct fixture *f, const char *words)
{
	struct trace_reader *reader;

	assert_int_equal(trace_reader_open(f->file, &reader, &f->err), -EBADMSG);
	assert_non_null(strstr(f->err.text, f->file));
	if (!strstr(f->err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", f->err.text, words);
	assert_int_equal(trace_writer_open(f->file, &f->writer, &f->err), -EBADMSG);
}

static void run_sql(struct fixture *f, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void test_a_file_that_is_no_database(void **state)
{
	struct fixture *f = *state;
	FILE *file = fopen(f->file, "w");

	fputs("time,path,rtt and so on, longer than the header of a database is, "
	      "which has a hundred bytes",
	      file);
	fclose(file);
	expect_refused(f, "not an SQLite database");
}

static void test_a_foreign_database(void **state)
{
	run_sql(*state, "CREATE TABLE t(x)");
	expect_refused(*state, "no trace of CoMPS");
}

static void test_a_newer_schema(void **state)
{
	struct fixture *f = *state;

	open_writer(f);
	commit(f);
	trace_writer_free(f->writer);
	f->writer = NULL;
	run_sql(f, "PRAGMA user_version=3");
	expect_refused(f, "newer CoMPS");
}

static void test_a_truncated_file(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	int i, ret;

	open_writer(f);
	for (i = 0; i < 20000; i++)
		put(f, at_s(1001, INPUT_SENT));
	commit(f);
	trace_writer_free(f->writer);
	f->writer = NULL;
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(truncate(f->file, st.st_size / 2), 0);
	ret = trace_reader_open(f->file, &f->reader, &f->err);
	if (!ret)
		ret = trace_reader_check(f->reader, &f->err);
	assert_int_equal(ret, -EBADMSG);
	assert_non_null(strstr(f->err.text, f->file));
}

static void test_records_that_make_no_sense(void **state)
{
	static const char *const damage[] = {
		"UPDATE sent SET path = 2", "UPDATE sent SET path = -1",
		"UPDATE sent SET target = 9", "INSERT INTO reply VALUES(99, 1, 1, 0, 0, 0, -5)"};
	struct fixture *f = *state;
	struct trace_record record;
	size_t i;
	int ret;

	for (i = 0; i < 4; i++) {
		unlink(f->file);
		open_writer(f);
		put(f, at_s(1001, INPUT_SENT));
		commit(f);
		trace_writer_free(f->writer);
		f->writer = NULL;
		run_sql(f, damage[i]);
		open_reader(f);
		ok(f, trace_reader_begin(f->reader, 0, &f->err));
		while ((ret = trace_reader_next(f->reader, &record, &f->err)) > 0)
			;
		assert_int_equal(ret, -EBADMSG);
		assert_non_null(strstr(f->err.text, "record"));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, trace_world_setup, trace_world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_run_comes_back_as_it_was),
		TEST(test_records_come_back_in_order),
		TEST(test_what_will_be_done_is_not_on_disk),
		TEST(test_a_second_run_goes_on_counting),
		TEST(test_a_kill_costs_what_was_not_committed),
		TEST(test_a_full_disk_loses_the_batch_and_no_more),
		TEST(test_a_file_that_is_no_database),
		TEST(test_a_foreign_database),
		TEST(test_a_newer_schema),
		TEST(test_a_truncated_file),
		TEST(test_records_that_make_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
