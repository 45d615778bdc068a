#include "trace/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/schema.h"

/* The tables in the order of trace_tables. */
enum table {
	SENT,
	REPLY,
	COUNTERS,
	CHANGE,
	DECISION,
	DRAW,
	MIGRATION,
	POLICY,
	STATE,
	TICK,
	GAP,
	TABLES
};

struct text {
	struct text *next;
	char chars[];
};

struct trace_reader {
	char *file;
	sqlite3 *db;
	struct trace_run *runs;
	size_t run_count, run; /* which is being read */
	sqlite3_stmt *statement[TABLES];
	struct trace_record head[TABLES]; /* the next record of each table */
	bool ended[TABLES];
	struct text *texts; /* each once */
};

static int fail(const struct trace_reader *reader, int code, struct err *err)
{
	return trace_error(err, reader->file, reader->db, code);
}

/* --- strings ---------------------------------------------------------------------------------- */

/* There are few: reasons, names of policies. */
static const char *keep_text(struct trace_reader *reader, const unsigned char *chars)
{
	const char *text = chars ? (const char *)chars : "";
	struct text *kept;

	for (kept = reader->texts; kept; kept = kept->next)
		if (!strcmp(kept->chars, text))
			return kept->chars;
	kept = malloc(sizeof(*kept) + strlen(text) + 1);
	if (!kept)
		return NULL;
	strcpy(kept->chars, text);
	kept->next = reader->texts;
	reader->texts = kept;
	return kept->chars;
}

/* --- runs ------------------------------------------------------------------------------------- */

static char *copy_text(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return strdup(text ? (const char *)text : "");
}

static int read_paths(struct trace_reader *reader, struct trace_run *run, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	size_t i;
	int code = sqlite3_prepare_v2(reader->db,
				      "SELECT name, interface, priority, link_up FROM path"
				      " WHERE run = ? ORDER BY path",
				      -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(statement, 1, run->id);
	for (i = 0; code == SQLITE_OK && i < run->config.path_count; i++) {
		struct trace_path *path = &run->paths[i];

		code = sqlite3_step(statement) == SQLITE_ROW ? SQLITE_OK : SQLITE_CORRUPT;
		path->name = copy_text(statement, 0);
		path->interface = copy_text(statement, 1);
		path->priority = (uint32_t)sqlite3_column_int64(statement, 2);
		path->link_up = sqlite3_column_int(statement, 3) != 0;
		if (!path->name || !path->interface)
			code = SQLITE_NOMEM;
	}
	sqlite3_finalize(statement);
	return code == SQLITE_OK ? 0 : fail(reader, code, err);
}

/* Columns 7 to 18: what the machine was made with. */
static void read_config(sqlite3_stmt *statement, struct machine_config *config)
{
	config->stats = (struct path_stats_config){
		.window = (uint32_t)sqlite3_column_int64(statement, 7),
		.up_after = (uint32_t)sqlite3_column_int64(statement, 8),
		.down_after = (uint32_t)sqlite3_column_int64(statement, 9),
		.timeout_min_us = sqlite3_column_int64(statement, 10),
		.timeout_max_us = sqlite3_column_int64(statement, 11),
	};
	config->steer = (struct steer_config){
		.min_dwell_us = sqlite3_column_int64(statement, 12),
		.migrations_per_min = (uint32_t)sqlite3_column_int64(statement, 13),
		.hold_down = {sqlite3_column_int64(statement, 14),
			      sqlite3_column_int64(statement, 15),
			      sqlite3_column_int64(statement, 16)},
		.share_cap_percent = (uint32_t)sqlite3_column_int64(statement, 17),
		.share_window_us = sqlite3_column_int64(statement, 18),
	};
}

static bool is_sane(const struct machine_config *config)
{
	return config->path_count > 0 && config->path_count <= INT16_MAX &&
	       config->stats.window >= 8 && config->stats.window <= 1000000 &&
	       config->stats.timeout_max_us > 0 && config->steer.migrations_per_min > 0 &&
	       config->steer.hold_down.half_life_us > 0;
}

static int add_run(struct trace_reader *reader, sqlite3_stmt *statement, struct err *err)
{
	struct trace_run *runs = realloc(reader->runs, (reader->run_count + 1) * sizeof(*runs)),
			 *run;

	if (!runs)
		return err_set(err, -ENOMEM, "out of memory");
	reader->runs = runs;
	run = &runs[reader->run_count];
	if (trace_run_init(run, (size_t)sqlite3_column_int64(statement, 19)))
		return err_set(err, -ENOMEM, "out of memory");
	reader->run_count++;
	run->id = sqlite3_column_int64(statement, 0);
	run->version = copy_text(statement, 1);
	run->mode = copy_text(statement, 2);
	run->wall_us = sqlite3_column_int64(statement, 3);
	run->began.us = sqlite3_column_int64(statement, 4);
	if (sqlite3_column_type(statement, 5) != SQLITE_NULL)
		run->ended.us = sqlite3_column_int64(statement, 5);
	run->pruned = sqlite3_column_int(statement, 6) != 0;
	read_config(statement, &run->config);
	if (!run->version || !run->mode)
		return err_set(err, -ENOMEM, "out of memory");
	if (!is_sane(&run->config))
		return err_set(err, -EBADMSG, "%s: run %lld makes no sense", reader->file,
			       (long long)run->id);
	return read_paths(reader, run, err);
}

static int read_runs(struct trace_reader *reader, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	int ret = 0, code = sqlite3_prepare_v2(
			     reader->db,
			     "SELECT r.*, (SELECT count(*) FROM path p WHERE p.run = r.run)"
			     " FROM run r ORDER BY run",
			     -1, &statement, NULL);

	if (code == SQLITE_OK) {
		while (!ret && (code = sqlite3_step(statement)) == SQLITE_ROW)
			ret = add_run(reader, statement, err);
	}
	if (!ret && code != SQLITE_DONE)
		ret = fail(reader, code, err);
	sqlite3_finalize(statement);
	return ret;
}

int trace_reader_open(const char *file, struct trace_reader **out, struct err *err)
{
	struct trace_reader *reader = calloc(1, sizeof(*reader));
	int code, ret;

	if (!reader || !(reader->file = strdup(file))) {
		free(reader);
		return err_set(err, -ENOMEM, "out of memory");
	}
	code = sqlite3_open_v2(file, &reader->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	ret = code == SQLITE_OK ? trace_check(reader->db, file, err) : fail(reader, code, err);
	/* All tables as they are at one moment. */
	if (!ret && (code = sqlite3_exec(reader->db, "BEGIN", NULL, NULL, NULL)) != SQLITE_OK)
		ret = fail(reader, code, err);
	if (!ret)
		ret = read_runs(reader, err);
	if (ret)
		trace_reader_free(reader);
	else
		*out = reader;
	return ret;
}

static void close_statements(struct trace_reader *reader)
{
	for (size_t t = 0; t < TABLES; t++) {
		sqlite3_finalize(reader->statement[t]);
		reader->statement[t] = NULL;
	}
}

void trace_reader_free(struct trace_reader *reader)
{
	struct text *text;
	size_t i;

	if (!reader)
		return;
	close_statements(reader);
	sqlite3_close(reader->db);
	for (i = 0; i < reader->run_count; i++)
		trace_run_fini(&reader->runs[i]);
	while ((text = reader->texts)) {
		reader->texts = text->next;
		free(text);
	}
	free(reader->runs);
	free(reader->file);
	free(reader);
}

size_t trace_reader_run_count(const struct trace_reader *reader)
{
	return reader->run_count;
}

const struct trace_run *trace_reader_run(const struct trace_reader *reader, size_t index)
{
	return &reader->runs[index];
}

/* --- records ---------------------------------------------------------------------------------- */

#define NUMBER(column) sqlite3_column_int64(statement, column)

static void read_target(sqlite3_stmt *statement, uint8_t kind, struct input *in)
{
	in->kind = kind;
	in->path = (int16_t)NUMBER(3);
	in->target = (uint8_t)NUMBER(4);
	in->number = (uint32_t)NUMBER(5);
}

static void read_counters(sqlite3_stmt *statement, struct input *in)
{
	in->kind = INPUT_COUNTERS;
	in->path = (int16_t)NUMBER(3);
	in->counters = (struct path_counters){
		.tx_bytes = (uint64_t)NUMBER(4),
		.rx_bytes = (uint64_t)NUMBER(5),
		.tx_packets = (uint64_t)NUMBER(6),
		.rx_packets = (uint64_t)NUMBER(7),
	};
}

static void read_decision(struct trace_reader *reader, sqlite3_stmt *statement,
			  struct trace_record *out)
{
	bool moves = sqlite3_column_type(statement, 4) != SQLITE_NULL;

	out->input.kind = INPUT_DECIDE;
	out->input.value = NUMBER(3);
	out->to = moves ? (int)NUMBER(4) : POLICY_KEEP;
	out->reason = moves ? keep_text(reader, sqlite3_column_text(statement, 5)) : NULL;
	out->wake.us = sqlite3_column_type(statement, 6) == SQLITE_NULL ? INT64_MAX : NUMBER(6);
}

static void read_migration(struct trace_reader *reader, sqlite3_stmt *statement, struct input *in)
{
	in->kind = INPUT_OUTCOME;
	in->path = (int16_t)NUMBER(3);
	in->outcome = (struct input_outcome){
		.reason = keep_text(reader, sqlite3_column_text(statement, 4)),
		.outcome = (uint8_t)NUMBER(5),
		.moved_us = NUMBER(6),
		.swap_us = (int32_t)NUMBER(7),
		.settle_us = NUMBER(8),
	};
}

static void read_value(sqlite3_stmt *statement, uint8_t kind, struct input *in)
{
	in->kind = kind;
	in->path = POLICY_NONE;
	in->value = NUMBER(3);
}

/* A row as a record. Columns 0 to 2 are seq, run and at_us everywhere. */
static void read_row(struct trace_reader *reader, enum table table, struct trace_record *out)
{
	sqlite3_stmt *statement = reader->statement[table];
	struct input *in = &out->input;

	*out = (struct trace_record){.seq = (uint64_t)NUMBER(0), .input.at.us = NUMBER(2)};
	switch (table) {
	case SENT:
		read_target(statement, INPUT_SENT, in);
		break;
	case REPLY:
		read_target(statement, INPUT_REPLY, in);
		in->value = NUMBER(6);
		break;
	case COUNTERS:
		read_counters(statement, in);
		break;
	case CHANGE:
		in->kind = (uint8_t)NUMBER(3);
		in->path = (int16_t)NUMBER(4);
		in->target = (uint8_t)NUMBER(5);
		in->value = NUMBER(6);
		break;
	case DECISION:
		read_decision(reader, statement, out);
		break;
	case DRAW:
		in->kind = INPUT_DRAW;
		in->target = (uint8_t)NUMBER(3);
		in->value = NUMBER(4);
		break;
	case MIGRATION:
		read_migration(reader, statement, in);
		break;
	case POLICY:
		in->kind = TRACE_POLICY;
		out->policy = keep_text(reader, sqlite3_column_text(statement, 3));
		out->params = keep_text(reader, sqlite3_column_text(statement, 4));
		break;
	case STATE:
		in->kind = TRACE_STATE;
		in->path = (int16_t)NUMBER(3);
		in->value = NUMBER(4);
		in->target = (uint8_t)NUMBER(5);
		break;
	case TICK:
		read_value(statement, TRACE_TICK, in);
		break;
	case GAP:
		read_value(statement, TRACE_GAP, in);
		break;
	case TABLES:
		break;
	}
}

static int advance(struct trace_reader *reader, enum table table, struct err *err)
{
	int code = sqlite3_step(reader->statement[table]);

	reader->ended[table] = code != SQLITE_ROW;
	if (code == SQLITE_ROW)
		read_row(reader, table, &reader->head[table]);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : fail(reader, code, err);
}

int trace_reader_begin(struct trace_reader *reader, size_t run, struct err *err)
{
	char sql[128];
	int code, ret = 0;
	size_t t;

	close_statements(reader);
	reader->run = run;
	for (t = 0; t < TABLES && !ret; t++) {
		sqlite3_snprintf(sizeof(sql), sql, "SELECT * FROM %s WHERE run = ? ORDER BY seq",
				 trace_tables[t]);
		code = sqlite3_prepare_v2(reader->db, sql, -1, &reader->statement[t], NULL);
		if (code == SQLITE_OK)
			code = sqlite3_bind_int64(reader->statement[t], 1, reader->runs[run].id);
		ret = code == SQLITE_OK ? advance(reader, (enum table)t, err)
					: fail(reader, code, err);
	}
	return ret;
}

/* What would lead a machine astray. */
static const char *nonsense(const struct trace_reader *reader, const struct input *in)
{
	int count = (int)reader->runs[reader->run].config.path_count;
	bool anywhere = in->kind == INPUT_REQUEST || in->kind == INPUT_TIME ||
			in->kind == INPUT_RESUME || in->kind == INPUT_UNPIN ||
			in->kind == INPUT_PAUSE || in->kind >= TRACE_POLICY;

	if (in->path >= count || in->path < (anywhere ? POLICY_NONE : 0))
		return "names no path of its run";
	if (in->target >= PATH_TARGETS &&
	    (in->kind == INPUT_SENT || in->kind == INPUT_REPLY || in->kind == INPUT_TARGET))
		return "names no target";
	if (in->kind == INPUT_REPLY && in->value < 0)
		return "has a negative round trip";
	return NULL;
}

int trace_reader_next(struct trace_reader *reader, struct trace_record *out, struct err *err)
{
	size_t t, first = TABLES;
	const char *what;
	int ret;

	for (t = 0; t < TABLES; t++) {
		if (!reader->ended[t] &&
		    (first == TABLES || reader->head[t].seq < reader->head[first].seq))
			first = t;
	}
	if (first == TABLES)
		return 0;
	*out = reader->head[first];
	what = nonsense(reader, &out->input);
	if (what)
		return err_set(err, -EBADMSG, "%s: record %llu of table %s %s", reader->file,
			       (unsigned long long)out->seq, trace_tables[first], what);
	ret = advance(reader, (enum table)first, err);
	return ret ? ret : 1;
}

int trace_reader_count(struct trace_reader *reader, size_t run, int64_t *out, struct err *err)
{
	sqlite3_stmt *statement;
	char sql[128];
	size_t t;
	int code = SQLITE_OK;

	*out = 0;
	for (t = 0; t < TABLES && code == SQLITE_OK; t++) {
		sqlite3_snprintf(sizeof(sql), sql, "SELECT count(*) FROM %s WHERE run = ?",
				 trace_tables[t]);
		code = sqlite3_prepare_v2(reader->db, sql, -1, &statement, NULL);
		if (code != SQLITE_OK)
			break;
		sqlite3_bind_int64(statement, 1, reader->runs[run].id);
		code = sqlite3_step(statement) == SQLITE_ROW ? SQLITE_OK : SQLITE_CORRUPT;
		*out += sqlite3_column_int64(statement, 0);
		sqlite3_finalize(statement);
	}
	return code == SQLITE_OK ? 0 : fail(reader, code, err);
}

int trace_reader_check(struct trace_reader *reader, struct err *err)
{
	sqlite3_stmt *statement;
	int ret = 0,
	    code = sqlite3_prepare_v2(reader->db, "PRAGMA quick_check(1)", -1, &statement, NULL);

	if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(statement, 0);

		if (!text || strcmp(text, "ok") != 0)
			ret = err_set(err, -EBADMSG, "%s: is damaged: %s", reader->file,
				      text ? text : "?");
	} else {
		ret = fail(reader, code, err);
	}
	sqlite3_finalize(statement);
	return ret;
}
