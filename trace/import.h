/* import: a trace from measurements that others made.
 *
 * The file is text, comma-separated, with the header "time,path,rtt": seconds since any instant,
 * the path's name, and the round trip in seconds, empty for a loss. Rows are in the order of time.
 */
#ifndef COMPS_TRACE_IMPORT_H
#define COMPS_TRACE_IMPORT_H

#include <stdint.h>
#include <stdio.h>

#include "core/machine.h"
#include "lib/err.h"

struct import_result {
	uint64_t rows;
	size_t paths;
};

/* Reads `in`, called `name` in messages, and adds it to the trace `file` as one run, whose machine
 * is like `config` (its path_count is not looked at). Returns 0; -EINVAL with "NAME:ROW: ..." for
 * the first bad row; or another -errno. On failure nothing was added, and no file was made. */
int import_csv(FILE *in, const char *name, const char *file, const struct machine_config *config,
	       struct import_result *out, struct err *err);

#endif
