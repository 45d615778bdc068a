/* schema: the tables of a trace, and what SQLite says as an error of ours.
 */
#ifndef COMPS_TRACE_SCHEMA_H
#define COMPS_TRACE_SCHEMA_H

#include <sqlite3.h>

#include "lib/err.h"

#define TRACE_APPLICATION_ID 0x434f4d50 /* "COMP"; PRAGMA application_id */
#define TRACE_VERSION	     2		/* PRAGMA user_version */

/* The tables that hold records, NULL-ended; each has the columns seq, run and at_us. */
extern const char *const trace_tables[];

/* What makes an empty database a trace. */
extern const char trace_schema[];

/* Sets `err` to "FILE: what SQLite says" and returns a -errno for it: -ENOSPC, -ENOENT, -EACCES,
 * -EBUSY, -EBADMSG for a damaged or foreign file, else -EIO. */
int trace_error(struct err *err, const char *file, sqlite3 *db, int code);

/* Whether the open `db` is a trace that this version reads: 0, or -EBADMSG with a sentence. */
int trace_check(sqlite3 *db, const char *file, struct err *err);

#endif
