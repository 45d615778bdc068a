/* timeline: what a recorded run says of its paths at every instant, worked out once for all
 * policies.
 *
 * The recorded probes are fed to core/path in virtual time: what is known of a path does not depend
 * on who decides, so that any number of policies can be asked afterwards (replay/shadow.h). Two
 * things in it do come from the run that was recorded, and are taken as evidence like any other:
 * the fast bursts, and the stalls of the path that was active then. The traffic is taken to be what
 * it was, whatever path it takes.
 */
#ifndef COMPS_REPLAY_TIMELINE_H
#define COMPS_REPLAY_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/path.h"
#include "lib/err.h"
#include "trace/reader.h"

/* What was known of a path after one of its probes was answered, or missed. */
struct timeline_figure {
	int64_t confirmed_us; /* struct path_view's */
	int32_t srtt_us, jitter_us, min_us;
	float loss;
	int32_t rtt_us; /* of the probe that was answered; -1: none was */
	int16_t missed; /* probes more that have no answer; -1: a late one came */
};

/* What all paths together have carried by then. */
struct timeline_traffic {
	int64_t at_us;
	struct path_counters sum;
};

struct timeline_path {
	const char *name; /* the run's */
	uint32_t priority;
	int64_t *figure_at_us; /* when each figure came about, in order */
	struct timeline_figure *figures;
	size_t figure_count, figure_room;
};

/* A path changed its state, in any of these. */
struct timeline_event {
	int64_t at_us;
	uint32_t path;
	uint8_t state; /* enum path_state */
	bool link_up, blameless, drained;
	int64_t since_us;   /* of the state */
	int64_t doubted_us; /* struct path_view's */
};

struct timeline {
	struct machine_config config;
	struct mono began, ended;    /* of the run, or its last record */
	struct timeline_path *paths; /* config.path_count of them */
	struct timeline_event *events;
	size_t event_count, event_room;
	struct timeline_traffic *traffic; /* in order */
	size_t traffic_count, traffic_room;
	int64_t *pauses_us; /* of the traffic: when each was noticed */
	size_t pause_count, pause_room;
	uint64_t samples; /* figures of all paths */
};

typedef void (*timeline_progress_fn)(void *arg, uint64_t records);

/* Reads a run. What it borrows from the reader must outlive it. Returns 0, or -errno with a
 * sentence, -ENODATA where the run has no probes. */
int timeline_new(struct trace_reader *reader, size_t run, timeline_progress_fn progress, void *arg,
		 struct timeline **out, struct err *err);

/* What all paths had carried at `at_us`, in between two readings in proportion. `from` is where to
 * look first: 0, or what was left there by a call for an earlier instant. */
struct path_counters timeline_traffic_at(const struct timeline *timeline, int64_t at_us,
					 size_t *from);

/* NULL is allowed. */
void timeline_free(struct timeline *timeline);

#endif
