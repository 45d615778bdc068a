/* Writing, reading, deleting and importing traces, and files that are none. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/machine.h"
#include "trace/import.h"
#include "trace/reader.h"
#include "trace/writer.h"

#define SECOND INT64_C(1000000)

struct fixture {
	char dir[64], file[96];
	struct trace_writer *writer;
	struct trace_reader *reader;
	struct trace_run run;
	uint64_t seq;
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->dir, "/tmp/comps-trace-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->file, sizeof(f->file), "%s/trace.db", f->dir);
	assert_int_equal(trace_run_init(&f->run, 2), 0);
	conf_machine_defaults(2, &f->run.config);
	f->run.version = strdup("1.2.3");
	f->run.mode = strdup("nested");
	f->run.paths[0] = (struct trace_path){strdup("ams"), strdup("wgnet1"), 1, true};
	f->run.paths[1] = (struct trace_path){strdup("fra"), strdup("wgnet2"), 7, false};
	f->run.wall_us = 1700000000 * SECOND;
	f->run.began.us = 1000 * SECOND;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	trace_writer_free(f->writer);
	trace_reader_free(f->reader);
	trace_run_fini(&f->run);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void ok(struct fixture *f, int ret)
{
	if (ret < 0)
		fail_msg("%s", f->err.text);
}

static void open_writer(struct fixture *f)
{
	ok(f, trace_writer_open(f->file, &f->writer, &f->err));
	f->seq = trace_writer_last_seq(f->writer);
	ok(f, trace_writer_begin(f->writer, &f->run, &f->err));
}

static void commit(struct fixture *f)
{
	ok(f, trace_writer_commit(f->writer, &f->err));
}

static void put(struct fixture *f, struct input in)
{
	struct trace_record record = {
		.seq = ++f->seq, .input = in, .to = POLICY_KEEP, .wake = MONO_NEVER};

	ok(f, trace_writer_put(f->writer, &record, &f->err));
}

static struct input at_s(int64_t s, enum input_kind kind)
{
	return (struct input){.kind = (uint8_t)kind, .at.us = s * SECOND};
}

static void open_reader(struct fixture *f)
{
	trace_reader_free(f->reader);
	f->reader = NULL;
	ok(f, trace_reader_open(f->file, &f->reader, &f->err));
}

static size_t count_records(struct fixture *f, size_t run)
{
	struct trace_record record;
	size_t n = 0;
	int ret;

	ok(f, trace_reader_begin(f->reader, run, &f->err));
	while ((ret = trace_reader_next(f->reader, &record, &f->err)) > 0)
		n++;
	ok(f, ret);
	return n;
}

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
	run_sql(f, "PRAGMA user_version=2");
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
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
		TEST(test_old_records_are_deleted),
		TEST(test_a_large_file_loses_its_oldest_part),
		TEST(test_import),
		TEST(test_import_names_the_bad_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
