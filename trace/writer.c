#include "trace/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/schema.h"
#include "trace/writer_private.h"

#define BUSY_MS 2000 /* a reader in the way */

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	PUT_RUN,
	END_RUN,
	PUT_PATH,
	PUT_SENT,
	PUT_REPLY,
	PUT_COUNTERS,
	PUT_CHANGE,
	PUT_DECISION,
	PUT_DRAW,
	PUT_MIGRATION,
	PUT_POLICY,
	PUT_STATE,
	PUT_TICK,
	PUT_GAP,
	STATEMENTS
};

static const char *const statement_sql[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[PUT_RUN] = "INSERT INTO run VALUES(NULL,?,?,?,?,NULL,0,?,?,?,?,?,?,?,?,?,?,?,?)",
	[END_RUN] = "UPDATE run SET ended_us = ? WHERE run = ?",
	[PUT_PATH] = "INSERT INTO path VALUES(?,?,?,?,?,?)",
	[PUT_SENT] = "INSERT INTO sent VALUES(?,?,?,?,?,?)",
	[PUT_REPLY] = "INSERT INTO reply VALUES(?,?,?,?,?,?,?)",
	[PUT_COUNTERS] = "INSERT INTO counters VALUES(?,?,?,?,?,?,?,?)",
	[PUT_CHANGE] = "INSERT INTO change VALUES(?,?,?,?,?,?,?)",
	[PUT_DECISION] = "INSERT INTO decision VALUES(?,?,?,?,?,?,?)",
	[PUT_DRAW] = "INSERT INTO draw VALUES(?,?,?,?,?)",
	[PUT_MIGRATION] = "INSERT INTO migration VALUES(?,?,?,?,?,?,?,?,?)",
	[PUT_POLICY] = "INSERT INTO policy VALUES(?,?,?,?,?)",
	[PUT_STATE] = "INSERT INTO state VALUES(?,?,?,?,?,?)",
	[PUT_TICK] = "INSERT INTO tick VALUES(?,?,?,?)",
	[PUT_GAP] = "INSERT INTO gap VALUES(?,?,?,?)",
};

_Static_assert(STATEMENTS == TRACE_STATEMENTS, "one place for each");

static int fail(const struct trace_writer *writer, int code, struct err *err)
{
	return trace_error(err, writer->file, writer->db, code);
}

static int execute(struct trace_writer *writer, enum statement which, struct err *err)
{
	int code = sqlite3_step(writer->statement[which]);

	sqlite3_reset(writer->statement[which]);
	return code == SQLITE_DONE ? 0 : fail(writer, code, err);
}

/* Runs a statement with whole numbers bound to its places from `first` on. */
static int insert(struct trace_writer *writer, enum statement which, int first,
		  const int64_t *values, size_t count, struct err *err)
{
	size_t i;
	int ret;

	if (!writer->open) {
		ret = execute(writer, BEGIN, err);
		if (ret)
			return ret;
		writer->open = true;
	}
	for (i = 0; i < count; i++)
		sqlite3_bind_int64(writer->statement[which], first + (int)i, values[i]);
	return execute(writer, which, err);
}

#define INSERT(writer, which, first, err, ...)                                                     \
	insert(writer, which, first, (const int64_t[]){__VA_ARGS__},                               \
	       sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), err)

/* --- life ------------------------------------------------------------------------------------- */

/* SQLite makes files by the umask, and a trace tells who was where when. */
static int create_private(const char *file, struct err *err)
{
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", file, strerror(errno));
	close(fd);
	return 0;
}

static int make_schema(struct trace_writer *writer)
{
	char sql[128];
	int code;

	code = sqlite3_exec(writer->db, "PRAGMA auto_vacuum=INCREMENTAL; BEGIN IMMEDIATE", NULL,
			    NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(writer->db, trace_schema, NULL, NULL, NULL);
	sqlite3_snprintf(sizeof(sql), sql,
			 "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
			 TRACE_APPLICATION_ID, TRACE_VERSION);
	if (code == SQLITE_OK)
		code = sqlite3_exec(writer->db, sql, NULL, NULL, NULL);
	return code;
}

static bool is_empty(sqlite3 *db)
{
	sqlite3_stmt *stmt;
	bool empty = false;

	if (sqlite3_prepare_v2(db, "SELECT count(*) FROM sqlite_master", -1, &stmt, NULL) ==
		    SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		empty = sqlite3_column_int64(stmt, 0) == 0;
	sqlite3_finalize(stmt);
	return empty;
}

static int read_last_seq(struct trace_writer *writer)
{
	sqlite3_stmt *stmt;
	char sql[96];
	size_t i;
	int code = SQLITE_OK;

	for (i = 0; trace_tables[i] && code == SQLITE_OK; i++) {
		sqlite3_snprintf(sizeof(sql), sql, "SELECT max(seq) FROM %s", trace_tables[i]);
		code = sqlite3_prepare_v2(writer->db, sql, -1, &stmt, NULL);
		if (code == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW &&
		    (uint64_t)sqlite3_column_int64(stmt, 0) > writer->last_seq)
			writer->last_seq = (uint64_t)sqlite3_column_int64(stmt, 0);
		sqlite3_finalize(stmt);
	}
	return code;
}

static int prepare(struct trace_writer *writer, struct err *err)
{
	size_t i;
	int code, ret;

	sqlite3_busy_timeout(writer->db, BUSY_MS);
	if (is_empty(writer->db)) {
		code = make_schema(writer);
		if (code != SQLITE_OK)
			return fail(writer, code, err);
	}
	ret = trace_check(writer->db, writer->file, err);
	if (ret)
		return ret;
	code = sqlite3_exec(writer->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", NULL,
			    NULL, NULL);
	for (i = 0; i < STATEMENTS && code == SQLITE_OK; i++)
		code = sqlite3_prepare_v3(writer->db, statement_sql[i], -1,
					  SQLITE_PREPARE_PERSISTENT, &writer->statement[i], NULL);
	if (code == SQLITE_OK)
		code = read_last_seq(writer);
	return code == SQLITE_OK ? 0 : fail(writer, code, err);
}

int trace_writer_open(const char *file, struct trace_writer **out, struct err *err)
{
	struct trace_writer *writer;
	int code, ret = create_private(file, err);

	if (ret)
		return ret;
	writer = calloc(1, sizeof(*writer));
	if (!writer)
		return err_set(err, -ENOMEM, "out of memory");
	writer->file = strdup(file);
	if (!writer->file) {
		free(writer);
		return err_set(err, -ENOMEM, "out of memory");
	}
	code = sqlite3_open_v2(file, &writer->db,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
			       NULL);
	ret = code == SQLITE_OK ? prepare(writer, err) : fail(writer, code, err);
	if (ret)
		trace_writer_free(writer);
	else
		*out = writer;
	return ret;
}

void trace_writer_free(struct trace_writer *writer)
{
	size_t i;

	if (!writer)
		return;
	for (i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(writer->statement[i]);
	sqlite3_close(writer->db);
	free(writer->file);
	free(writer);
}

uint64_t trace_writer_last_seq(const struct trace_writer *writer)
{
	return writer->last_seq;
}

/* --- runs ------------------------------------------------------------------------------------- */

static void bind_text(struct trace_writer *writer, enum statement which, int place,
		      const char *text)
{
	/* SQLite has its copy before the statement is run: the text may go away. */
	sqlite3_bind_text(writer->statement[which], place, text, -1, SQLITE_TRANSIENT);
}

int trace_writer_begin(struct trace_writer *writer, const struct trace_run *run, struct err *err)
{
	const struct path_stats_config *stats = &run->config.stats;
	const struct steer_config *steer = &run->config.steer;
	size_t i;
	int ret;

	writer->draw_count = 0;
	bind_text(writer, PUT_RUN, 1, run->version);
	bind_text(writer, PUT_RUN, 2, run->mode);
	ret = INSERT(writer, PUT_RUN, 3, err, run->wall_us, run->began.us, stats->window,
		     stats->up_after, stats->down_after, stats->timeout_min_us,
		     stats->timeout_max_us, steer->min_dwell_us, steer->migrations_per_min,
		     steer->hold_down.first_us, steer->hold_down.max_us,
		     steer->hold_down.half_life_us, steer->share_cap_percent,
		     steer->share_window_us);
	writer->run = sqlite3_last_insert_rowid(writer->db);
	for (i = 0; i < run->config.path_count && !ret; i++) {
		bind_text(writer, PUT_PATH, 3, run->paths[i].name);
		bind_text(writer, PUT_PATH, 4, run->paths[i].interface);
		sqlite3_bind_int64(writer->statement[PUT_PATH], 5, run->paths[i].priority);
		sqlite3_bind_int(writer->statement[PUT_PATH], 6, run->paths[i].link_up);
		ret = INSERT(writer, PUT_PATH, 1, err, writer->run, (int64_t)i);
	}
	return ret;
}

/* --- records ---------------------------------------------------------------------------------- */

static int put_draws(struct trace_writer *writer, struct err *err)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < writer->draw_count && !ret; i++) {
		const struct trace_record *r = &writer->draws[i];

		ret = INSERT(writer, PUT_DRAW, 1, err, (int64_t)r->seq, writer->run, r->input.at.us,
			     r->input.target, r->input.value);
	}
	writer->draw_count = 0;
	return ret;
}

static int keep_draw(struct trace_writer *writer, const struct trace_record *record,
		     struct err *err)
{
	int ret = writer->draw_count == TRACE_DRAWS_MAX ? put_draws(writer, err) : 0;

	writer->draws[writer->draw_count++] = *record;
	return ret;
}

static int put_decision(struct trace_writer *writer, const struct trace_record *r, struct err *err)
{
	sqlite3_stmt *statement = writer->statement[PUT_DECISION];

	if (r->to < 0) {
		sqlite3_bind_null(statement, 5);
		sqlite3_bind_null(statement, 6);
	} else {
		sqlite3_bind_int(statement, 5, r->to);
		bind_text(writer, PUT_DECISION, 6, r->reason);
	}
	if (r->wake.us == MONO_NEVER.us)
		sqlite3_bind_null(statement, 7);
	else
		sqlite3_bind_int64(statement, 7, r->wake.us);
	return INSERT(writer, PUT_DECISION, 1, err, (int64_t)r->seq, writer->run, r->input.at.us,
		      r->input.value);
}

static int put_migration(struct trace_writer *writer, const struct trace_record *r, struct err *err)
{
	const struct input_outcome *o = &r->input.outcome;
	int ret = put_draws(writer, err);

	if (ret)
		return ret;
	bind_text(writer, PUT_MIGRATION, 5, o->reason);
	sqlite3_bind_int(writer->statement[PUT_MIGRATION], 6, o->outcome);
	sqlite3_bind_int64(writer->statement[PUT_MIGRATION], 7, o->moved_us);
	sqlite3_bind_int64(writer->statement[PUT_MIGRATION], 8, o->swap_us);
	sqlite3_bind_int64(writer->statement[PUT_MIGRATION], 9, o->settle_us);
	return INSERT(writer, PUT_MIGRATION, 1, err, (int64_t)r->seq, writer->run, r->input.at.us,
		      r->input.path);
}

int trace_writer_put(struct trace_writer *writer, const struct trace_record *r, struct err *err)
{
	const struct input *in = &r->input;
	const struct path_counters *c = &in->counters;
	int64_t seq = (int64_t)r->seq, run = writer->run, at = in->at.us;

	writer->last_seq = r->seq;
	switch (in->kind) {
	case INPUT_SENT:
		return INSERT(writer, PUT_SENT, 1, err, seq, run, at, in->path, in->target,
			      in->number);
	case INPUT_REPLY:
		return INSERT(writer, PUT_REPLY, 1, err, seq, run, at, in->path, in->target,
			      in->number, in->value);
	case INPUT_COUNTERS:
		return INSERT(writer, PUT_COUNTERS, 1, err, seq, run, at, in->path,
			      (int64_t)c->tx_bytes, (int64_t)c->rx_bytes, (int64_t)c->tx_packets,
			      (int64_t)c->rx_packets);
	case INPUT_DECIDE:
		return put_decision(writer, r, err);
	case INPUT_DRAW:
		return keep_draw(writer, r, err);
	case INPUT_OUTCOME:
		return put_migration(writer, r, err);
	case TRACE_POLICY:
		bind_text(writer, PUT_POLICY, 4, r->policy);
		bind_text(writer, PUT_POLICY, 5, r->params);
		return INSERT(writer, PUT_POLICY, 1, err, seq, run, at);
	case TRACE_STATE:
		return INSERT(writer, PUT_STATE, 1, err, seq, run, at, in->path, in->value,
			      in->target);
	case TRACE_TICK:
		return INSERT(writer, PUT_TICK, 1, err, seq, run, at, in->value);
	case TRACE_GAP:
		return INSERT(writer, PUT_GAP, 1, err, seq, run, at, in->value);
	}
	return INSERT(writer, PUT_CHANGE, 1, err, seq, run, at, in->kind, in->path, in->target,
		      in->value);
}

int trace_writer_end(struct trace_writer *writer, struct mono now, struct err *err)
{
	int ret = put_draws(writer, err);

	return ret ? ret : INSERT(writer, END_RUN, 1, err, now.us, writer->run);
}

int trace_writer_commit(struct trace_writer *writer, struct err *err)
{
	int ret = writer->open ? execute(writer, COMMIT, err) : 0;

	writer->open &= ret != 0;
	return ret;
}

void trace_writer_rollback(struct trace_writer *writer)
{
	if (writer->open && !sqlite3_get_autocommit(writer->db))
		execute(writer, ROLLBACK, NULL);
	writer->open = false;
}
