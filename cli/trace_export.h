/* trace_export: a run of a trace as text for other tools.
 */
#ifndef COMPS_CLI_TRACE_EXPORT_H
#define COMPS_CLI_TRACE_EXPORT_H

#include <stdio.h>

#include "cli/progress.h"
#include "lib/err.h"
#include "trace/reader.h"

/* Every probe in the order of sending: "run,time,path,target,rtt", seconds; the rtt of a lost one
 * is empty. The header comes with the first run. Returns 0 or -errno with a sentence. */
int trace_export_csv(struct trace_reader *reader, size_t run, FILE *out, struct progress *progress,
		     struct err *err);

/* Every record as one object a line. */
int trace_export_jsonl(struct trace_reader *reader, size_t run, FILE *out,
		       struct progress *progress, struct err *err);

#endif
