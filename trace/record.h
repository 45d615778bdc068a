/* record: one line of a trace, and what stands at the head of a run.
 *
 * A trace keeps what a machine (core/machine.h) was fed with, in the order of feeding, so that the
 * same can be fed again. comps-trace(5) describes the file.
 */
#ifndef COMPS_TRACE_RECORD_H
#define COMPS_TRACE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/input.h"
#include "core/machine.h"

/* Kinds beyond enum input_kind: what is no input of a machine. */
enum trace_kind {
	TRACE_STATE = 32,  /* path; value: enum path_state, target: enum path_fault */
	TRACE_POLICY = 33, /* from here on `policy` decides, with `params` */
	TRACE_TICK = 34,   /* value: the wall clock, microseconds since 1970 */
	TRACE_GAP = 35,	   /* value: so many records were lost here */
};

struct trace_record {
	uint64_t seq; /* increases through the whole file */
	struct input input;
	int to;		    /* with INPUT_DECIDE: where to, or POLICY_KEEP */
	struct mono wake;   /* likewise: the verdict's */
	const char *reason; /* likewise; string constant or the reader's */
	const char *policy; /* with TRACE_POLICY, as `params` */
	const char *params; /* "key=value,key=value" */
};

struct trace_path {
	char *name, *interface;
	uint32_t priority;
	bool link_up; /* at the beginning */
};

/* One life of a machine. */
struct trace_run {
	int64_t id;	      /* the writer's to give */
	char *version, *mode; /* of CoMPS; "nested" or "direct" */
	int64_t wall_us;      /* the wall clock at `began` */
	struct mono began;    /* on the daemon's time line */
	struct mono ended;    /* by a clean end; else MONO_NEVER */
	bool pruned;	      /* retention has deleted its beginning */
	struct machine_config config;
	struct trace_path *paths; /* config.path_count of them */
};

/* Makes room for config.path_count paths. Returns 0 or -ENOMEM. */
int trace_run_init(struct trace_run *run, size_t path_count);
void trace_run_fini(struct trace_run *run);

/* What a run of `machine` that begins now is like. NULL without memory. */
struct trace_run *trace_run_new(const struct machine *machine, const char *version,
				const char *mode, struct mono now, int64_t wall_us);

/* NULL is allowed. */
void trace_run_free(struct trace_run *run);

#endif
