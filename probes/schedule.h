/* schedule: when to probe which target: one jittered timer each, in a binary heap.
 *
 * The law is the same for every entry and depends on nothing but the interval: the gap is a shifted
 * exponential of at least half the interval, of mean interval, drawn again above three intervals
 * (Poisson-like sampling, RFC 2330 §11.1.1). Timers are independent, so no two targets are ever in
 * step. Entries are numbered 0 .. count - 1 and all start disabled.
 */
#ifndef COMPS_PROBES_SCHEDULE_H
#define COMPS_PROBES_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/mono.h"
#include "lib/rng.h"
#include "probes/probe.h"

/* No more than PROBE_BATCH entries come due within this, microseconds, however many are waiting:
 * probes sent all at once queue behind each other and inflate their own RTT. */
#define SCHEDULE_PACE_US 1000

struct schedule_entry {
	struct mono due;
	size_t place; /* in the heap, from 1; 0 while disabled */
	unsigned int burst_left;
};

struct schedule {
	struct rng *rng;
	int64_t interval_us;
	int64_t burst_gap_us;
	size_t entry_count;
	struct schedule_entry *entries;
	size_t *heap; /* entry numbers, earliest first, from 1 to heap_count */
	size_t heap_count;
	struct mono pace_end; /* the present pacing window */
	unsigned int pace_left;
};

/* `rng` must outlive the schedule; it draws from PROBE_RNG_STREAM. Returns 0 or -ENOMEM. */
int schedule_init(struct schedule *schedule, size_t entry_count, int64_t interval_us,
		  struct rng *rng);
void schedule_fini(struct schedule *schedule);

/* Starts an entry's timer at a random instant within one interval from now; again when it runs. */
void schedule_start(struct schedule *schedule, size_t entry, struct mono now);
void schedule_stop(struct schedule *schedule, size_t entry);
bool schedule_running(const struct schedule *schedule, size_t entry);

/* Starts all running timers afresh and ends bursts: after a suspend, when all would be overdue. */
void schedule_restart(struct schedule *schedule, struct mono now);

/* Makes every running entry due `count` times in quick succession: first at a random instant within
 * gap_us, then after gaps of gap_us +-25 %. A burst under way is renewed, not added to. */
void schedule_burst(struct schedule *schedule, unsigned int count, int64_t gap_us, struct mono now);

/* When schedule_due has an entry next; MONO_NEVER when none runs. */
struct mono schedule_next_deadline(const struct schedule *schedule);

/* Takes the earliest entry that is due and sets its timer again. False when none is due, or when
 * the pacing window is used up. */
bool schedule_due(struct schedule *schedule, struct mono now, size_t *entry);

#endif
