#include "replay/shadow.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOVES_AT_ONCE 8 /* migrations at one instant; a policy that wants more is mad */

struct shadow_path {
	size_t figures; /* that have come about */
	size_t told;	/* figures that are accounted for */
	int64_t since_us;
	struct path_counters carried; /* before the present stay */
};

struct shadow {
	const struct timeline *timeline;
	struct shadow_result *result;
	struct rng rng;
	struct steer steer;
	struct path_view *views;
	struct shadow_path *paths;
	size_t events;		    /* that have come about */
	size_t pauses;		    /* likewise */
	size_t traffic;		    /* timeline_traffic_at()'s */
	struct path_counters began; /* what all had carried when the present stay began */
	int64_t now_us, wake_us;
	int64_t accounted_us; /* outage */
	bool whole_feed;
};

/* --- the present ------------------------------------------------------------------------------ */

/* How many of the sorted `at_us` are at `now_us` or earlier, knowing that `from` are. Looks ahead
 * in growing steps: the next instant is near as a rule. */
static size_t come_about(const int64_t *at_us, size_t count, size_t from, int64_t now_us)
{
	size_t step = 1, low = from, high;

	while (low + step <= count && at_us[low + step - 1] <= now_us) {
		low += step;
		step *= 2;
	}
	high = low + step <= count ? low + step - 1 : count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (at_us[middle] <= now_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void show_figure(struct shadow *s, size_t i)
{
	const struct timeline_figure *figure =
		&s->timeline->paths[i].figures[s->paths[i].figures - 1];
	struct path_view *view = &s->views[i];

	view->confirmed.us = figure->confirmed_us;
	view->policy.srtt_us = figure->srtt_us;
	view->policy.jitter_us = figure->jitter_us;
	view->policy.rtt_min_us = figure->min_us;
	view->policy.loss = (double)figure->loss;
}

/* The traffic is the active path's. What it had carried before stands in `carried`. */
static void show_traffic(struct shadow *s)
{
	int active = s->steer.active;
	struct path_counters sum = timeline_traffic_at(s->timeline, s->now_us, &s->traffic);
	const struct path_counters *began = &s->began;
	struct policy_path *shown;

	if (active < 0)
		return;
	shown = &s->views[active].policy;
	shown->tx_bytes = s->paths[active].carried.tx_bytes + sum.tx_bytes - began->tx_bytes;
	shown->rx_bytes = s->paths[active].carried.rx_bytes + sum.rx_bytes - began->rx_bytes;
	shown->tx_packets =
		s->paths[active].carried.tx_packets + sum.tx_packets - began->tx_packets;
	shown->rx_packets =
		s->paths[active].carried.rx_packets + sum.rx_packets - began->rx_packets;
}

static bool is_usable(const struct path_view *view)
{
	return view->state == PATH_UP || view->state == PATH_SUSPECT;
}

/* The path in use works. */
static bool is_served(const struct shadow *s)
{
	int active = s->steer.active;

	return active >= 0 && s->views[active].link_up && is_usable(&s->views[active]);
}

static void account_outage(struct shadow *s, int64_t until_us)
{
	if (!is_served(s))
		s->result->outage_us += until_us - s->accounted_us;
	s->accounted_us = until_us;
}

static void show_events(struct shadow *s)
{
	const struct timeline *timeline = s->timeline;

	for (; s->events < timeline->event_count; s->events++) {
		const struct timeline_event *event = &timeline->events[s->events];
		struct path_view *view = &s->views[event->path];

		if (event->at_us > s->now_us)
			return;
		account_outage(s, event->at_us);
		view->state = (enum path_state)event->state;
		view->link_up = event->link_up;
		view->blameless = event->blameless;
		view->doubted.us = event->doubted_us;
		s->paths[event->path].since_us = event->since_us;
		steer_drain(&s->steer, (int)event->path, event->drained);
	}
}

/* Brings the views to `now_us`. */
static void show(struct shadow *s)
{
	const struct timeline *timeline = s->timeline;
	size_t i;

	show_events(s);
	show_traffic(s);
	for (; s->pauses < timeline->pause_count && timeline->pauses_us[s->pauses] <= s->now_us;
	     s->pauses++)
		steer_pause(&s->steer);
	for (i = 0; i < s->timeline->config.path_count; i++) {
		const struct timeline_path *path = &s->timeline->paths[i];
		size_t n = come_about(path->figure_at_us, path->figure_count, s->paths[i].figures,
				      s->now_us);

		if (n > s->paths[i].figures) {
			s->paths[i].figures = n;
			show_figure(s, i);
		}
		s->views[i].policy.up_for_us =
			is_usable(&s->views[i]) ? s->now_us - s->paths[i].since_us : 0;
	}
}

/* --- what came of it -------------------------------------------------------------------------- */

static size_t bucket_of(int32_t rtt_us)
{
	double octaves = rtt_us > 1 ? log2(rtt_us) : 0;
	size_t bucket = (size_t)(octaves * SHADOW_BUCKETS_PER_OCTAVE);

	return bucket < SHADOW_BUCKETS ? bucket : SHADOW_BUCKETS - 1;
}

/* Counts the probes of the path in use up to now. */
static void account_probes(struct shadow *s, int path)
{
	const struct timeline_figure *figures = s->timeline->paths[path].figures;
	struct shadow_result *result = s->result;
	size_t i;

	for (i = s->paths[path].told; i < s->paths[path].figures; i++) {
		/* What comes late may have been missed before this stay began. */
		if (figures[i].missed > 0 || result->missed > 0)
			result->missed += (uint64_t)figures[i].missed;
		if (figures[i].rtt_us < 0)
			continue;
		result->answered++;
		result->rtt_sum_us += figures[i].rtt_us;
		result->histogram[bucket_of(figures[i].rtt_us)]++;
	}
	s->paths[path].told = s->paths[path].figures;
}

static void end_dwell(struct shadow *s)
{
	struct shadow_result *result = s->result;
	const struct policy_path *shown;
	struct path_counters *carried;
	struct shadow_dwell *dwell;

	if (!result->dwell_count || s->steer.active < 0)
		return;
	show_traffic(s);
	shown = &s->views[s->steer.active].policy;
	carried = &s->paths[s->steer.active].carried;
	dwell = &result->dwells[result->dwell_count - 1];
	dwell->to_us = s->now_us;
	dwell->bytes = shown->tx_bytes - carried->tx_bytes + shown->rx_bytes - carried->rx_bytes;
	*carried = (struct path_counters){shown->tx_bytes, shown->rx_bytes, shown->tx_packets,
					  shown->rx_packets};
	account_probes(s, s->steer.active);
}

static int begin_dwell(struct shadow *s, const struct steer_verdict *verdict)
{
	struct shadow_result *result = s->result;
	size_t room = result->dwell_room ? 2 * result->dwell_room : 256;
	struct shadow_dwell *dwells = result->dwells;

	if (result->dwell_count == result->dwell_room) {
		dwells = realloc(dwells, room * sizeof(*dwells));
		if (!dwells)
			return -ENOMEM;
		result->dwells = dwells;
		result->dwell_room = room;
	}
	dwells[result->dwell_count++] =
		(struct shadow_dwell){verdict->to, verdict->reason, s->now_us, s->now_us, 0};
	s->began = timeline_traffic_at(s->timeline, s->now_us, &s->traffic);
	s->paths[verdict->to].told = s->paths[verdict->to].figures;
	return 0;
}

/* --- asking ----------------------------------------------------------------------------------- */

static int ask(struct shadow *s)
{
	struct mono now = {s->now_us};
	struct steer_verdict verdict;
	int i, ret;

	show(s);
	for (i = 0; i < MOVES_AT_ONCE; i++) {
		s->result->asked++;
		steer_decide(&s->steer, s->views, now, &verdict);
		if (verdict.action == STEER_KEEP)
			break;
		account_outage(s, s->now_us);
		end_dwell(s);
		ret = begin_dwell(s, &verdict);
		if (ret)
			return ret;
		steer_on_outcome(&s->steer, MIGRATION_SETTLED, now, now);
	}
	s->wake_us = verdict.wake.us;
	return 0;
}

static int64_t next_event(const struct shadow *s)
{
	const struct timeline *timeline = s->timeline;
	int64_t next_us = INT64_MAX;

	if (s->events < timeline->event_count)
		next_us = timeline->events[s->events].at_us;
	if (s->pauses < timeline->pause_count && timeline->pauses_us[s->pauses] < next_us)
		next_us = timeline->pauses_us[s->pauses];
	return next_us;
}

static int64_t next_figure(const struct shadow *s)
{
	int64_t next_us = INT64_MAX;
	size_t i;

	for (i = 0; i < s->timeline->config.path_count; i++) {
		const struct timeline_path *path = &s->timeline->paths[i];
		size_t n = s->paths[i].figures;

		if (n < path->figure_count && path->figure_at_us[n] < next_us)
			next_us = path->figure_at_us[n];
	}
	return next_us;
}

/* The next instant at which steer is asked. */
static int64_t next_question(const struct shadow *s)
{
	int64_t next_us = next_event(s), figure_us = INT64_MAX;

	if (s->whole_feed || steer_minds_figures(&s->steer, s->views))
		figure_us = next_figure(s);
	if (s->wake_us < next_us)
		next_us = s->wake_us;
	return figure_us < next_us ? figure_us : next_us;
}

/* --- life ------------------------------------------------------------------------------------- */

static int begin(struct shadow *s, const struct policy_ops *policy,
		 const union policy_value *values, uint64_t seed, struct err *err)
{
	const struct timeline *timeline = s->timeline;
	size_t i, n = timeline->config.path_count;
	int ret = rng_init_seed(&s->rng, seed);

	if (ret)
		return err_set(err, ret, "libsodium cannot start");
	s->now_us = s->accounted_us = timeline->began.us;
	s->views = calloc(n, sizeof(*s->views));
	s->paths = calloc(n, sizeof(*s->paths));
	s->result->histogram = calloc(SHADOW_BUCKETS, sizeof(*s->result->histogram));
	if (!s->views || !s->paths || !s->result->histogram)
		return err_set(err, -ENOMEM, "out of memory");
	for (i = 0; i < n; i++)
		s->views[i] = (struct path_view){
			.policy = {.name = timeline->paths[i].name,
				   .priority = timeline->paths[i].priority,
				   .srtt_us = -1,
				   .rtt_min_us = -1,
				   .jitter_us = -1},
			.confirmed = MONO_LONG_AGO,
		};
	return steer_init(&s->steer, &timeline->config.steer, n, policy, values, steer_rng(&s->rng),
			  timeline->began, err);
}

int shadow_run(const struct timeline *timeline, const struct policy_ops *policy,
	       const union policy_value *values, uint64_t seed, bool whole_feed,
	       struct shadow_result *out, struct err *err)
{
	struct shadow s = {.timeline = timeline, .result = out, .whole_feed = whole_feed};
	int ret;

	memset(out, 0, sizeof(*out));
	ret = begin(&s, policy, values, seed, err);
	while (!ret && s.now_us <= timeline->ended.us) {
		ret = ask(&s);
		if (ret)
			err_set(err, ret, "out of memory");
		s.now_us = next_question(&s);
	}
	if (!ret) {
		s.now_us = timeline->ended.us;
		show(&s);
		account_outage(&s, s.now_us);
		end_dwell(&s);
		out->length_us = mono_diff_us(timeline->ended, timeline->began);
		out->policy_errors = s.steer.policy_errors;
	} else {
		shadow_result_fini(out);
	}
	if (s.steer.policy)
		steer_fini(&s.steer);
	free(s.views);
	free(s.paths);
	return ret;
}

void shadow_result_fini(struct shadow_result *result)
{
	free(result->histogram);
	free(result->dwells);
	memset(result, 0, sizeof(*result));
}

double shadow_rtt_quantile_us(const struct shadow_result *result, double percent)
{
	uint64_t wanted = (uint64_t)ceil((double)result->answered * percent / 100), seen = 0;
	size_t i;

	if (!result->answered)
		return -1;
	for (i = 0; i < SHADOW_BUCKETS - 1; i++) {
		seen += result->histogram[i];
		if (seen >= wanted && seen)
			break;
	}
	return exp2(((double)i + 0.5) / SHADOW_BUCKETS_PER_OCTAVE);
}
