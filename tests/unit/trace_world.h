/* A trace in a folder of its own, for the tests of trace/.
 */
#ifndef COMPS_TESTS_UNIT_TRACE_WORLD_H
#define COMPS_TESTS_UNIT_TRACE_WORLD_H

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

static inline int trace_world_setup(void **state)
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

static inline int trace_world_teardown(void **state)
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

static inline void ok(struct fixture *f, int ret)
{
	if (ret < 0)
		fail_msg("%s", f->err.text);
}

static inline void open_writer(struct fixture *f)
{
	ok(f, trace_writer_open(f->file, &f->writer, &f->err));
	f->seq = trace_writer_last_seq(f->writer);
	ok(f, trace_writer_begin(f->writer, &f->run, &f->err));
}

static inline void commit(struct fixture *f)
{
	ok(f, trace_writer_commit(f->writer, &f->err));
}

static inline void put(struct fixture *f, struct input in)
{
	struct trace_record record = {
		.seq = ++f->seq, .input = in, .to = POLICY_KEEP, .wake = MONO_NEVER};

	ok(f, trace_writer_put(f->writer, &record, &f->err));
}

static inline struct input at_s(int64_t s, enum input_kind kind)
{
	return (struct input){.kind = (uint8_t)kind, .at.us = s * SECOND};
}

static inline void open_reader(struct fixture *f)
{
	trace_reader_free(f->reader);
	f->reader = NULL;
	ok(f, trace_reader_open(f->file, &f->reader, &f->err));
}

static inline size_t count_records(struct fixture *f, size_t run)
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

#endif
