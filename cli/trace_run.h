/* trace_run: the run of a trace that a command is about, and its progress while it is read. */
#ifndef COMPS_CLI_TRACE_RUN_H
#define COMPS_CLI_TRACE_RUN_H

#include "cli/cli.h"
#include "cli/progress.h"
#include "trace/reader.h"

/* The run that is asked for with --run, or the last one. Returns 0 or -errno with a sentence. */
int trace_run_choose(const struct cli *cli, struct trace_reader *reader, size_t *out,
		     struct err *err);

void trace_run_progress_init(struct progress *progress, const struct cli *cli,
			     struct trace_reader *reader, size_t run, const char *what);

/* For whoever reads the run; `progress` is a struct progress. */
void trace_run_progress(void *progress, uint64_t records);

#endif
