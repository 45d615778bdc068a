/* reader: gives a trace's runs, and the records of a run in the order in which they were fed.
 */
#ifndef COMPS_TRACE_READER_H
#define COMPS_TRACE_READER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "trace/record.h"

struct trace_reader;

/* Opens a trace for reading; a daemon may be writing it. Returns 0, -EBADMSG where it is something
 * else, damaged, or of a newer schema, or another -errno, with a sentence that names the file. */
int trace_reader_open(const char *file, struct trace_reader **out, struct err *err);

/* NULL is allowed. */
void trace_reader_free(struct trace_reader *reader);

/* The runs, oldest first; they live as long as the reader. */
size_t trace_reader_run_count(const struct trace_reader *reader);
const struct trace_run *trace_reader_run(const struct trace_reader *reader, size_t index);

/* Goes to the beginning of a run's records. Only those up to the present end of the file will be
 * read. */
int trace_reader_begin(struct trace_reader *reader, size_t run, struct err *err);

/* The next record: 1 with *out filled in (its strings live as long as the reader), 0 after the last
 * one, or -errno. The outcome of an INPUT_OUTCOME has its reason, `value` of an INPUT_DECIDE when
 * it had been asked before. */
int trace_reader_next(struct trace_reader *reader, struct trace_record *out, struct err *err);

/* How many records the run has, for progress; exact only while nobody writes. */
int trace_reader_count(struct trace_reader *reader, size_t run, int64_t *out, struct err *err);

/* Has SQLite look the whole file over. 0, or -EBADMSG with the first damage. */
int trace_reader_check(struct trace_reader *reader, struct err *err);

#endif
