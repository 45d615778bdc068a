#include "trace/schema.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

const char *const trace_tables[] = {"sent",	 "reply",  "counters", "change", "decision", "draw",
				    "migration", "policy", "state",    "tick",	 "gap",	     NULL};

const char trace_schema[] =
	"CREATE TABLE run("
	" run INTEGER PRIMARY KEY, version TEXT NOT NULL, mode TEXT NOT NULL,"
	" wall_us INTEGER NOT NULL, began_us INTEGER NOT NULL, ended_us INTEGER,"
	" pruned INTEGER NOT NULL DEFAULT 0, window INTEGER NOT NULL, up_after INTEGER NOT NULL,"
	" down_after INTEGER NOT NULL, timeout_min_us INTEGER NOT NULL,"
	" timeout_max_us INTEGER NOT NULL, min_dwell_us INTEGER NOT NULL,"
	" migrations_per_min INTEGER NOT NULL, hold_down_us INTEGER NOT NULL,"
	" hold_down_max_us INTEGER NOT NULL, hold_down_half_life_us INTEGER NOT NULL,"
	" share_cap_percent INTEGER NOT NULL, share_window_us INTEGER NOT NULL);"
	"CREATE TABLE path("
	" run INTEGER NOT NULL, path INTEGER NOT NULL, name TEXT NOT NULL, interface TEXT NOT NULL,"
	" priority INTEGER NOT NULL, link_up INTEGER NOT NULL, PRIMARY KEY(run, path))"
	" WITHOUT ROWID;"
	"CREATE TABLE sent("
	" seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" path INTEGER NOT NULL, target INTEGER NOT NULL, number INTEGER NOT NULL);"
	"CREATE TABLE reply("
	" seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" path INTEGER NOT NULL, target INTEGER NOT NULL, number INTEGER NOT NULL,"
	" rtt_us INTEGER NOT NULL);"
	"CREATE TABLE counters("
	" seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" path INTEGER NOT NULL, tx_bytes INTEGER NOT NULL, rx_bytes INTEGER NOT NULL,"
	" tx_packets INTEGER NOT NULL, rx_packets INTEGER NOT NULL);"
	"CREATE TABLE change("
	" seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" kind INTEGER NOT NULL, path INTEGER NOT NULL, target INTEGER NOT NULL,"
	" value INTEGER NOT NULL);"
	"CREATE TABLE decision("
	" seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" asked_us INTEGER NOT NULL, to_path INTEGER, reason TEXT, wake_us INTEGER);"
	"CREATE TABLE draw("
	" seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" stream INTEGER NOT NULL, bits INTEGER NOT NULL);"
	"CREATE TABLE migration("
	" seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" to_path INTEGER NOT NULL, reason TEXT NOT NULL, outcome INTEGER NOT NULL,"
	" moved_us INTEGER NOT NULL, swap_us INTEGER NOT NULL, settle_us INTEGER NOT NULL);"
	"CREATE TABLE policy("
	" seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" name TEXT NOT NULL, params TEXT NOT NULL);"
	"CREATE TABLE state("
	" seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" path INTEGER NOT NULL, state INTEGER NOT NULL, fault INTEGER NOT NULL);"
	"CREATE TABLE tick("
	" seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" wall_us INTEGER NOT NULL);"
	"CREATE TABLE gap("
	" seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" records INTEGER NOT NULL);";

static int errno_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return -EBADMSG;
	case SQLITE_NOMEM:
		return -ENOMEM;
	}
	return -EIO;
}

int trace_error(struct err *err, const char *file, sqlite3 *db, int code)
{
	return err_set(err, errno_of(code), "%s: %s", file,
		       (code & 0xff) == SQLITE_NOTADB ? "is no trace: not an SQLite database"
		       : db			      ? sqlite3_errmsg(db)
						      : sqlite3_errstr(code));
}

static int pragma(sqlite3 *db, const char *sql, sqlite3_int64 *out)
{
	sqlite3_stmt *stmt;
	int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW) {
		*out = sqlite3_column_int64(stmt, 0);
		code = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return code;
}

int trace_check(sqlite3 *db, const char *file, struct err *err)
{
	sqlite3_int64 id = 0, version = 0;
	int code = pragma(db, "PRAGMA application_id", &id);

	if (code == SQLITE_OK)
		code = pragma(db, "PRAGMA user_version", &version);
	if (code != SQLITE_OK)
		return trace_error(err, file, db, code);
	if (id != TRACE_APPLICATION_ID)
		return err_set(err, -EBADMSG, "%s: is an SQLite database, but no trace of CoMPS",
			       file);
	if (version < TRACE_VERSION)
		return err_set(err, -EBADMSG,
			       "%s: has schema %lld, from before the first release; record anew",
			       file, (long long)version);
	if (version > TRACE_VERSION)
		return err_set(err, -EBADMSG,
			       "%s: has schema %lld, from a newer CoMPS; this one reads up to %d",
			       file, (long long)version, TRACE_VERSION);
	return 0;
}
