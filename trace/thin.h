/* thin: which of a machine's inputs a trace needs.
 *
 * A busy daemon asks for a decision after every reply, and reads counters a hundred times a second.
 * Decisions that depended on nothing but figures, and counters in between, need not be kept: to
 * repeat every verdict it is enough to have the last of them before something happens. The trace
 * shows these a moment later than they came, and in the right order to all that matters.
 */
#ifndef COMPS_TRACE_THIN_H
#define COMPS_TRACE_THIN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/input.h"
#include "core/machine.h"
#include "trace/record.h"

/* Takes a record (its seq is not set); the strings in it are constants. */
typedef void (*thin_fn)(void *arg, const struct trace_record *record);

struct thin_counters {
	struct trace_record record;
	bool held;
	struct mono kept; /* the last that was passed on */
};

struct thin {
	thin_fn fn;
	void *arg;
	struct trace_record decision; /* the last of those that minded figures only */
	bool decision_held;
	struct thin_counters *counters; /* by path */
	size_t path_count;
};

/* Returns 0 or -ENOMEM. */
int thin_init(struct thin *thin, size_t path_count, thin_fn fn, void *arg);

/* A zeroed one is allowed. */
void thin_fini(struct thin *thin);

/* A machine_tap_fn for struct thin. */
void thin_tap(void *arg, const struct input *input, const struct machine_result *result);

/* Passes on what was held: something that is no input of the machine is about to change it. */
void thin_flush(struct thin *thin);

#endif
