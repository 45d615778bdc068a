#include "probes/schedule.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* The gap is 1/2 + an exponential of this mean, in intervals. Without the cut at 3 it would be 1/2;
 * this solves x - 2.5 / (exp(2.5 / x) - 1) = 1/2, so that the mean after the cut is one interval.
 */
#define TAIL_MEAN 0.52072

int schedule_init(struct schedule *schedule, size_t entry_count, int64_t interval_us,
		  struct rng *rng)
{
	*schedule = (struct schedule){
		.rng = rng,
		.interval_us = interval_us,
		.entry_count = entry_count,
		.pace_end = MONO_LONG_AGO,
	};
	schedule->entries = calloc(entry_count, sizeof(*schedule->entries));
	schedule->heap = calloc(entry_count + 1, sizeof(*schedule->heap));
	if (schedule->entries && schedule->heap)
		return 0;
	schedule_fini(schedule);
	return -ENOMEM;
}

void schedule_fini(struct schedule *schedule)
{
	free(schedule->entries);
	free(schedule->heap);
	schedule->entries = NULL;
	schedule->heap = NULL;
}

/* --- the heap: place 1 is the earliest, the children of place p are 2p and 2p + 1 --- */

static struct mono due_at(const struct schedule *schedule, size_t place)
{
	return schedule->entries[schedule->heap[place]].due;
}

static void put(struct schedule *schedule, size_t place, size_t entry)
{
	schedule->heap[place] = entry;
	schedule->entries[entry].place = place;
}

static void swap(struct schedule *schedule, size_t a, size_t b)
{
	size_t entry = schedule->heap[a];

	put(schedule, a, schedule->heap[b]);
	put(schedule, b, entry);
}

static void sift_up(struct schedule *schedule, size_t place)
{
	for (; place > 1 && mono_before(due_at(schedule, place), due_at(schedule, place / 2));
	     place /= 2)
		swap(schedule, place, place / 2);
}

static void sift_down(struct schedule *schedule, size_t place)
{
	size_t child;

	while ((child = 2 * place) <= schedule->heap_count) {
		if (child < schedule->heap_count &&
		    mono_before(due_at(schedule, child + 1), due_at(schedule, child)))
			child++;
		if (!mono_before(due_at(schedule, child), due_at(schedule, place)))
			return;
		swap(schedule, place, child);
		place = child;
	}
}

/* Moves the entry at `place` to where its deadline belongs. */
static void reorder(struct schedule *schedule, size_t place)
{
	sift_up(schedule, place);
	sift_down(schedule, place);
}

static void set_due(struct schedule *schedule, size_t entry, struct mono due)
{
	schedule->entries[entry].due = due;
	reorder(schedule, schedule->entries[entry].place);
}

/* --- the law --- */

/* Uniform in (0, span_us]. */
static int64_t uniform_us(struct schedule *schedule, int64_t span_us)
{
	return (int64_t)ceil(rng_unit(schedule->rng, PROBE_RNG_STREAM) * (double)span_us);
}

static int64_t steady_gap_us(struct schedule *schedule)
{
	double gap;

	do {
		gap = 0.5 - TAIL_MEAN * log(rng_unit(schedule->rng, PROBE_RNG_STREAM));
	} while (gap > 3);
	return (int64_t)(gap * (double)schedule->interval_us);
}

static int64_t next_gap_us(struct schedule *schedule, struct schedule_entry *entry)
{
	int64_t gap_us = schedule->burst_gap_us;

	if (entry->burst_left > 0)
		entry->burst_left--;
	if (!entry->burst_left)
		return steady_gap_us(schedule);
	return gap_us - gap_us / 4 + uniform_us(schedule, gap_us / 2);
}

/* --- entries --- */

bool schedule_running(const struct schedule *schedule, size_t entry)
{
	return schedule->entries[entry].place != 0;
}

static void start_afresh(struct schedule *schedule, size_t entry, struct mono now)
{
	schedule->entries[entry].burst_left = 0;
	set_due(schedule, entry, mono_add_us(now, uniform_us(schedule, schedule->interval_us)));
}

void schedule_start(struct schedule *schedule, size_t entry, struct mono now)
{
	if (!schedule_running(schedule, entry)) {
		schedule->entries[entry].due = MONO_NEVER;
		put(schedule, ++schedule->heap_count, entry);
	}
	start_afresh(schedule, entry, now);
}

void schedule_stop(struct schedule *schedule, size_t entry)
{
	size_t place = schedule->entries[entry].place;

	if (!place)
		return;
	swap(schedule, place, schedule->heap_count--);
	schedule->entries[entry].place = 0;
	if (place <= schedule->heap_count)
		reorder(schedule, place);
}

void schedule_restart(struct schedule *schedule, struct mono now)
{
	size_t entry;

	for (entry = 0; entry < schedule->entry_count; entry++)
		if (schedule_running(schedule, entry))
			start_afresh(schedule, entry, now);
}

void schedule_burst(struct schedule *schedule, unsigned int count, int64_t gap_us, struct mono now)
{
	size_t entry;

	schedule->burst_gap_us = gap_us;
	for (entry = 0; entry < schedule->entry_count; entry++) {
		struct mono first;

		if (!schedule_running(schedule, entry))
			continue;
		schedule->entries[entry].burst_left = count;
		first = mono_add_us(now, uniform_us(schedule, gap_us));
		set_due(schedule, entry, mono_earlier(first, schedule->entries[entry].due));
	}
}

struct mono schedule_next_deadline(const struct schedule *schedule)
{
	struct mono due;

	if (!schedule->heap_count)
		return MONO_NEVER;
	due = due_at(schedule, 1);
	if (!schedule->pace_left && mono_before(due, schedule->pace_end))
		return schedule->pace_end;
	return due;
}

bool schedule_due(struct schedule *schedule, struct mono now, size_t *entry)
{
	struct schedule_entry *earliest;

	if (!schedule->heap_count || !mono_due(due_at(schedule, 1), now))
		return false;
	if (mono_due(schedule->pace_end, now)) {
		schedule->pace_end = mono_add_us(now, SCHEDULE_PACE_US);
		schedule->pace_left = PROBE_BATCH;
	}
	if (!schedule->pace_left)
		return false;
	schedule->pace_left--;
	*entry = schedule->heap[1];
	earliest = &schedule->entries[*entry];
	set_due(schedule, *entry, mono_add_us(now, next_gap_us(schedule, earliest)));
	return true;
}
