#include "trace/import.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/writer.h"

#define HEADER	   "time,path,rtt"
#define NAME_BYTES 64
#define TIME_MAX_S 1e12 /* in microseconds it fits an int64_t */
#define RTT_MAX_S  3600.0
#define PATHS_MAX  1000

struct row {
	int64_t at_us, rtt_us; /* -1: lost */
	size_t path;
};

struct table {
	const char *name; /* of the file */
	struct row *rows;
	size_t count, room;
	char (*paths)[NAME_BYTES];
	size_t path_count;
};

/* What happens when: a probe leaves, or its answer comes. */
struct happening {
	int64_t at_us;
	size_t row;
	bool reply;
};

/* --- reading ---------------------------------------------------------------------------------- */

static int number(const char *text, double max, double *out)
{
	char *end;

	errno = 0;
	*out = strtod(text, &end);
	if (end == text || *end || !isfinite(*out) || *out < 0 || *out > max)
		return -EINVAL;
	return 0;
}

static int find_path(struct table *table, const char *name, size_t *out)
{
	char(*paths)[NAME_BYTES];

	for (*out = 0; *out < table->path_count; ++*out)
		if (!strcmp(table->paths[*out], name))
			return 0;
	paths = realloc(table->paths, (table->path_count + 1) * sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	table->paths = paths;
	strcpy(paths[table->path_count++], name);
	return 0;
}

static int add_row(struct table *table, const struct row *row)
{
	size_t room = table->room ? 2 * table->room : 1024;
	struct row *rows;

	if (!table->rows || table->count == table->room) {
		rows = realloc(table->rows, room * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		table->rows = rows;
		table->room = room;
	}
	table->rows[table->count++] = *row;
	return 0;
}

#define BAD_ROW(...) err_set(err, -EINVAL, __VA_ARGS__)

static int parse_row(struct table *table, char *line, size_t n, struct err *err)
{
	char *path = strchr(line, ','), *rtt = path ? strchr(path + 1, ',') : NULL;
	double at_s, rtt_s = -1e-6;
	struct row row;

	if (!rtt || strchr(rtt + 1, ','))
		return BAD_ROW("%s:%zu: three fields are wanted: " HEADER, table->name, n);
	*path++ = *rtt++ = '\0';
	if (number(line, TIME_MAX_S, &at_s))
		return BAD_ROW("%s:%zu: time \"%.40s\" is not a number of seconds from 0 on",
			       table->name, n, line);
	if (!*path || strlen(path) >= NAME_BYTES)
		return BAD_ROW("%s:%zu: a path's name has 1 to %d characters", table->name, n,
			       NAME_BYTES - 1);
	if (*rtt && number(rtt, RTT_MAX_S, &rtt_s))
		return BAD_ROW("%s:%zu: rtt \"%.40s\" is not a number of seconds from 0 to %g, nor "
			       "empty for a loss",
			       table->name, n, rtt, RTT_MAX_S);
	row.at_us = llround(at_s * 1e6);
	row.rtt_us = llround(rtt_s * 1e6);
	if (table->count && row.at_us < table->rows[table->count - 1].at_us)
		return BAD_ROW("%s:%zu: time goes back, from %.6f to %.6f; sort the rows by time",
			       table->name, n, (double)table->rows[table->count - 1].at_us / 1e6,
			       at_s);
	if (find_path(table, path, &row.path) || add_row(table, &row))
		return err_set(err, -ENOMEM, "out of memory");
	if (table->path_count > PATHS_MAX)
		return BAD_ROW("%s:%zu: more than %d paths", table->name, n, PATHS_MAX);
	return 0;
}

static int read_table(FILE *in, struct table *table, struct err *err)
{
	char *line = NULL;
	size_t room = 0, n = 0;
	ssize_t length;
	int ret = 0;

	while (!ret && (length = getline(&line, &room, in)) >= 0) {
		while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
			line[--length] = '\0';
		if (++n == 1 && strcmp(line, HEADER) != 0)
			ret = BAD_ROW("%s:1: the header must be \"" HEADER "\"", table->name);
		else if (strlen(line) != (size_t)length)
			ret = BAD_ROW("%s:%zu: is not text", table->name, n);
		else if (n > 1)
			ret = parse_row(table, line, n, err);
	}
	if (!ret && ferror(in))
		ret = err_set(err, -EIO, "%s: %s", table->name, strerror(errno));
	free(line);
	return ret;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
	const struct happening *x = a, *y = b;

	if (x->at_us != y->at_us)
		return x->at_us < y->at_us ? -1 : 1;
	if (x->reply != y->reply)
		return x->reply - y->reply;
	return x->row < y->row ? -1 : x->row > y->row;
}

static size_t happenings(const struct table *table, struct happening *out)
{
	size_t i, n = 0;

	for (i = 0; i < table->count; i++) {
		const struct row *row = &table->rows[i];

		out[n++] = (struct happening){row->at_us, i, false};
		if (row->rtt_us >= 0)
			out[n++] = (struct happening){row->at_us + row->rtt_us, i, true};
	}
	qsort(out, n, sizeof(*out), by_time);
	return n;
}

static int put(struct trace_writer *writer, uint64_t *seq, struct input in, struct err *err)
{
	struct trace_record record = {.seq = ++*seq, .input = in};

	return trace_writer_put(writer, &record, err);
}

static int begin(struct trace_writer *writer, const struct table *table,
		 const struct machine_config *config, uint64_t *seq, struct err *err)
{
	struct mono began = {table->rows[0].at_us - 1};
	struct trace_run run = {.version = (char *)"import",
				.mode = (char *)"direct",
				.wall_us = began.us,
				.began = began,
				.config = *config};
	struct trace_record policy = {
		.input = {.kind = TRACE_POLICY, .at = began}, .policy = "hold", .params = ""};
	size_t i;
	int ret;

	run.config.path_count = table->path_count;
	run.paths = calloc(table->path_count, sizeof(*run.paths));
	if (!run.paths)
		return err_set(err, -ENOMEM, "out of memory");
	for (i = 0; i < table->path_count; i++)
		run.paths[i] = (struct trace_path){table->paths[i], table->paths[i],
						   (uint32_t)i + 1, true};
	ret = trace_writer_begin(writer, &run, err);
	free(run.paths);
	policy.seq = ++*seq;
	if (!ret)
		ret = trace_writer_put(writer, &policy, err);
	if (!ret)
		ret = put(writer, seq,
			  (struct input){.kind = TRACE_TICK, .at = began, .value = began.us}, err);
	for (i = 0; i < table->path_count && !ret; i++)
		ret = put(writer, seq,
			  (struct input){.kind = INPUT_TARGET,
					 .path = (int16_t)i,
					 .target = PATH_TARGET_EXIT,
					 .at = began,
					 .value = true},
			  err);
	return ret;
}

static int write_happenings(struct trace_writer *writer, const struct table *table,
			    struct happening *list, uint64_t seq, struct err *err)
{
	uint32_t *next = calloc(table->path_count, sizeof(*next));
	uint32_t *number_of = calloc(table->count, sizeof(*number_of));
	size_t i, n = happenings(table, list);
	int ret = 0;

	if (!next || !number_of) {
		ret = err_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	for (i = 0; i < n && !ret; i++) {
		const struct row *row = &table->rows[list[i].row];
		struct input in = {.kind = list[i].reply ? INPUT_REPLY : INPUT_SENT,
				   .path = (int16_t)row->path,
				   .target = PATH_TARGET_EXIT,
				   .at.us = list[i].at_us,
				   .value = row->rtt_us};

		if (!list[i].reply)
			number_of[list[i].row] = next[row->path]++;
		in.number = number_of[list[i].row];
		ret = put(writer, &seq, in, err);
	}
	if (!ret)
		ret = trace_writer_end(writer, (struct mono){list[n - 1].at_us}, err);
out:
	free(next);
	free(number_of);
	return ret;
}

static int write_table(const struct table *table, const char *file,
		       const struct machine_config *config, struct err *err)
{
	struct happening *list = NULL;
	bool was_there = access(file, F_OK) == 0;
	struct trace_writer *writer = NULL;
	uint64_t seq;
	int ret;

	if (!table->count)
		return BAD_ROW("%s:2: there are no rows", table->name);
	list = calloc(table->count, 2 * sizeof(*list));
	if (!list)
		return err_set(err, -ENOMEM, "out of memory");
	ret = trace_writer_open(file, &writer, err);
	if (!ret) {
		seq = trace_writer_last_seq(writer);
		ret = begin(writer, table, config, &seq, err);
		if (!ret)
			ret = write_happenings(writer, table, list, seq, err);
		if (!ret)
			ret = trace_writer_commit(writer, err);
		if (ret)
			trace_writer_rollback(writer);
		trace_writer_free(writer);
		if (ret && !was_there)
			unlink(file);
	}
	free(list);
	return ret;
}

int import_csv(FILE *in, const char *name, const char *file, const struct machine_config *config,
	       struct import_result *out, struct err *err)
{
	struct table table = {.name = name};
	int ret = read_table(in, &table, err);

	if (!ret)
		ret = write_table(&table, file, config, err);
	if (!ret)
		*out = (struct import_result){table.count, table.path_count};
	free(table.rows);
	free(table.paths);
	return ret;
}
