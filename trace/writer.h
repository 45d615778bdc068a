/* writer: appends runs and records to a trace.
 *
 * Nothing is on disk before trace_writer_commit(), and a commit is all or nothing: a process that
 * is killed loses what it had not committed, never the file (write-ahead log, sqlite.org/wal.html).
 * Random numbers that a policy has drawn tell what it will do next; they are kept back until they
 * are spent, which is at the next migration or at the end of the run.
 *
 * One thread at a time. Errors come with a sentence that names the file.
 */
#ifndef COMPS_TRACE_WRITER_H
#define COMPS_TRACE_WRITER_H

#include <stdint.h>

#include "lib/err.h"
#include "trace/record.h"

struct trace_writer;

/* Opens `file`, or makes it, with mode 0600. Returns 0, -EBADMSG where it is something else than a
 * trace of this version, or another -errno. */
int trace_writer_open(const char *file, struct trace_writer **out, struct err *err);

/* NULL is allowed. What was not committed is lost. */
void trace_writer_free(struct trace_writer *writer);

/* The seq of the last record in the file; 0 while there is none. */
uint64_t trace_writer_last_seq(const struct trace_writer *writer);

/* Begins a run; the records that follow are its. Its id and the policy are not looked at. */
int trace_writer_begin(struct trace_writer *writer, const struct trace_run *run, struct err *err);

/* Adds a record. Their seq must increase. */
int trace_writer_put(struct trace_writer *writer, const struct trace_record *record,
		     struct err *err);

/* The run ended in good order at `now`. */
int trace_writer_end(struct trace_writer *writer, struct mono now, struct err *err);

int trace_writer_commit(struct trace_writer *writer, struct err *err);

/* Forgets everything since the last commit, after an error. */
void trace_writer_rollback(struct trace_writer *writer);

/* Deletes the oldest records: those from before `wall_us`, and a share of the rest while the file
 * is larger than `max_bytes` (0: any size). Does a small part each time; call it now and then. */
int trace_writer_prune(struct trace_writer *writer, int64_t wall_us, int64_t max_bytes,
		       struct err *err);

#endif
