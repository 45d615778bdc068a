/* What trace/writer.c and trace/prune.c share.
 */
#ifndef COMPS_TRACE_WRITER_PRIVATE_H
#define COMPS_TRACE_WRITER_PRIVATE_H

#include <sqlite3.h>

#include "trace/writer.h"

#define TRACE_STATEMENTS 17 /* enum statement of writer.c */
#define TRACE_DRAWS_MAX                                                                            \
	4096 /* a policy that draws more between two migrations has the rest told early */

struct trace_writer {
	char *file;
	sqlite3 *db;
	sqlite3_stmt *statement[TRACE_STATEMENTS];
	bool open; /* a transaction is */
	int64_t run;
	uint64_t last_seq;
	struct trace_record draws[TRACE_DRAWS_MAX];
	size_t draw_count;
};

#endif
