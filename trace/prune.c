/* Retention. */
#include <sqlite3.h>

#include "trace/schema.h"
#include "trace/writer.h"
#include "trace/writer_private.h"

#define TICKS_AT_ONCE 10   /* so much is deleted in one call at most */
#define PAGES_AT_ONCE 4096 /* and so much of the file given back */

/* What is bound: 1 the cutoff, 2 the run that is being written. What the paths of a run are like
 * stays as long as anything of the run does. */
static const char *const prune_sql[] = {
	"UPDATE run SET pruned = 1 WHERE run IN (SELECT run FROM tick WHERE seq <= ?1)",
	"DELETE FROM sent WHERE seq <= ?1",
	"DELETE FROM reply WHERE seq <= ?1",
	"DELETE FROM counters WHERE seq <= ?1",
	"DELETE FROM decision WHERE seq <= ?1",
	"DELETE FROM draw WHERE seq <= ?1",
	"DELETE FROM migration WHERE seq <= ?1",
	"DELETE FROM state WHERE seq <= ?1",
	"DELETE FROM tick WHERE seq <= ?1",
	"DELETE FROM gap WHERE seq <= ?1",
	"DELETE FROM change WHERE seq <= ?1 AND kind IN (6, 7, 8)",
	"DELETE FROM change WHERE run <> ?2 AND run NOT IN (SELECT run FROM tick)",
	"DELETE FROM policy WHERE run <> ?2 AND run NOT IN (SELECT run FROM tick)",
	"DELETE FROM path WHERE run <> ?2 AND run NOT IN (SELECT run FROM tick)",
	"DELETE FROM run WHERE run <> ?2 AND run NOT IN (SELECT run FROM tick)",
};

static int run_sql(sqlite3 *db, const char *sql, int64_t first, int64_t second, int64_t *out)
{
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	if (code != SQLITE_OK)
		return code;
	sqlite3_bind_int64(statement, 1, first);
	if (sqlite3_bind_parameter_count(statement) > 1)
		sqlite3_bind_int64(statement, 2, second);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW && out)
		*out = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

/* The seq up to which to delete now; 0 for nothing. */
static int find_cutoff(sqlite3 *db, int64_t wall_us, int64_t max_bytes, int64_t *cutoff)
{
	int64_t by_age = 0, at_once = 0, pages = 0, page_bytes = 0;
	int code = run_sql(db, "SELECT max(seq) FROM tick WHERE wall_us < ?", wall_us, 0, &by_age);

	if (code == SQLITE_OK)
		code = run_sql(db,
			       "SELECT max(seq) FROM (SELECT seq FROM tick ORDER BY seq LIMIT ?)",
			       TICKS_AT_ONCE, 0, &at_once);
	if (code == SQLITE_OK)
		code = run_sql(db, "PRAGMA page_count", 0, 0, &pages);
	if (code == SQLITE_OK)
		code = run_sql(db, "PRAGMA page_size", 0, 0, &page_bytes);
	*cutoff = by_age;
	if (by_age > at_once || (max_bytes && pages * page_bytes > max_bytes))
		*cutoff = at_once;
	return code;
}

int trace_writer_prune(struct trace_writer *writer, int64_t wall_us, int64_t max_bytes,
		       struct err *err)
{
	int64_t cutoff;
	char vacuum[64];
	size_t i;
	int code = find_cutoff(writer->db, wall_us, max_bytes, &cutoff);

	if (code != SQLITE_OK)
		return trace_error(err, writer->file, writer->db, code);
	if (!cutoff)
		return 0;
	code = sqlite3_exec(writer->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	for (i = 0; i < sizeof(prune_sql) / sizeof(*prune_sql) && code == SQLITE_OK; i++)
		code = run_sql(writer->db, prune_sql[i], cutoff, writer->run, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(writer->db, "COMMIT", NULL, NULL, NULL);
	else
		sqlite3_exec(writer->db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_snprintf(sizeof(vacuum), vacuum, "PRAGMA incremental_vacuum(%d)", PAGES_AT_ONCE);
	if (code == SQLITE_OK)
		code = sqlite3_exec(writer->db, vacuum, NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : trace_error(err, writer->file, writer->db, code);
}
