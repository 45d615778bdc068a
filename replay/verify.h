/* verify: feeds a recorded run to a machine again, and compares every verdict with the recorded
 * one.
 */
#ifndef COMPS_REPLAY_VERIFY_H
#define COMPS_REPLAY_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "policies/policy.h"
#include "trace/reader.h"

/* Finds a policy by its name and its parameters as recorded; *values is then the caller's to
 * free(). Returns 0 or -errno with a sentence. */
typedef int (*verify_policy_fn)(void *arg, const char *name, const char *params,
				const struct policy_ops **ops, union policy_value **values,
				struct err *err);

/* Is told how many records have been read so far. */
typedef void (*verify_progress_fn)(void *arg, uint64_t records);

struct verify_result {
	uint64_t records, verdicts; /* read, and compared */
	bool differs;		    /* `text` tells the first difference */
	bool complete;		    /* all of the run was compared; else `text` tells why not */
	char text[320];
};

/* Returns 0 with *out filled in, or -errno with a sentence where the trace cannot be read. */
int verify_run(struct trace_reader *reader, size_t run, verify_policy_fn policy,
	       verify_progress_fn progress, void *arg, struct verify_result *out, struct err *err);

#endif
