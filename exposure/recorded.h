/* recorded: a run of a trace as an exposure_run: the stays, what the paths carried second by
 * second, and their round trips.
 */
#ifndef COMPS_EXPOSURE_RECORDED_H
#define COMPS_EXPOSURE_RECORDED_H

#include <stdint.h>

#include "exposure/exposure.h"
#include "lib/err.h"
#include "trace/reader.h"

typedef void (*recorded_progress_fn)(void *arg, uint64_t records);

struct recorded;

/* Reads run number `run` of the reader. Returns 0 with *out to be freed by recorded_free(), or
 * -errno with a sentence, -ENODATA where no path was ever in use. */
int recorded_new(struct trace_reader *reader, size_t run, recorded_progress_fn progress, void *arg,
		 struct recorded **out, struct err *err);

/* Lives as long as `recorded`, its reasons as long as the reader. */
const struct exposure_run *recorded_run(const struct recorded *recorded);

/* NULL is allowed. */
void recorded_free(struct recorded *recorded);

#endif
