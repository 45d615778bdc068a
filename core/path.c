#include "core/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A lossy path raises suspicions all day: bursts beyond the first few wait for their turn. */
#define BURST_TOKENS	3
#define BURST_REFILL_US INT64_C(1000000)

int paths_init(struct paths *paths, size_t count, const struct path_stats_config *config,
	       struct mono now)
{
	size_t i, t;

	memset(paths, 0, sizeof(*paths));
	paths->config = *config;
	bucket_init(&paths->bursts, BURST_TOKENS, BURST_REFILL_US, now);
	paths->path = calloc(count, sizeof(*paths->path));
	if (!paths->path)
		return -ENOMEM;
	paths->count = count;
	for (i = 0; i < count; i++) {
		struct path *path = &paths->path[i];

		path->handshake_age_us = -1;
		path->since = now;
		stall_init(&path->stall);
		for (t = 0; t < PATH_TARGETS; t++) {
			if (path_stats_init(&path->target[t], &paths->config, now)) {
				paths_fini(paths);
				return -ENOMEM;
			}
		}
	}
	return 0;
}

void paths_fini(struct paths *paths)
{
	size_t i, t;

	for (i = 0; i < paths->count; i++) {
		for (t = 0; t < PATH_TARGETS; t++)
			path_stats_fini(&paths->path[i].target[t]);
	}
	free(paths->path);
	memset(paths, 0, sizeof(*paths));
}

static bool is_usable(enum path_state state)
{
	return state == PATH_UP || state == PATH_SUSPECT;
}

static enum path_target judge_of(const struct paths *paths, const struct path *path)
{
	bool exit_judges = paths->exit_heard && path->probed[PATH_TARGET_EXIT];

	if (!path->probed[PATH_TARGET_PROXY])
		return PATH_TARGET_EXIT;
	/* A path that came up by its proxy's answers is not doubted before the exit had its time.
	 */
	if (is_usable(path->state) && path->target[PATH_TARGET_EXIT].state == PATH_UNKNOWN)
		exit_judges = false;
	return exit_judges ? PATH_TARGET_EXIT : PATH_TARGET_PROXY;
}

const struct path_stats *paths_judge(const struct paths *paths, size_t index)
{
	const struct path *path = &paths->path[index];

	return &path->target[judge_of(paths, path)];
}

static enum path_state state_of(const struct paths *paths, const struct path *path)
{
	return path->link_up ? path->target[judge_of(paths, path)].state : PATH_DOWN;
}

static void enter(struct path *path, enum path_state state, struct mono now)
{
	/* A suspicion that was cleared is no transition, and the path was up all the time. */
	if (is_usable(path->state) != is_usable(state)) {
		path->since = now;
		path->transitions++;
	}
	if (state == PATH_DOWN)
		stall_init(&path->stall);
	path->state = state;
}

/* When the latest probe left that this target has answered on any path but this. */
static struct mono witness(const struct paths *paths, size_t index, size_t target)
{
	struct mono latest = MONO_LONG_AGO;
	size_t i;

	for (i = 0; i < paths->count; i++) {
		struct mono confirmed = paths->path[i].target[target].confirmed;

		if (i != index && mono_before(latest, confirmed))
			latest = confirmed;
	}
	return latest;
}

/* Returns whether a target is under suspicion still. */
static bool judge_targets(struct paths *paths, size_t index, struct mono now)
{
	bool suspicion = false;
	size_t t;

	for (t = 0; t < PATH_TARGETS; t++) {
		struct path_stats *stats = &paths->path[index].target[t];

		if (stats->state != PATH_SUSPECT)
			continue;
		path_stats_judge(stats, witness(paths, index, t), now);
		suspicion |= stats->state == PATH_SUSPECT;
	}
	return suspicion;
}

/* Carries what the targets say over to the paths; every input ends here. */
static unsigned int refresh(struct paths *paths, struct mono now)
{
	unsigned int effects = 0;
	bool suspicion = false;
	size_t i;

	for (i = 0; i < paths->count; i++) {
		struct path *path = &paths->path[i];
		enum path_state state;

		suspicion |= judge_targets(paths, i, now);
		state = state_of(paths, path);
		if (state == path->state)
			continue;
		/* A link that went away is no secret to find out, but the others' health is: the
		 * next path is chosen among those that answer the burst. */
		if (path->state == PATH_UP && state != PATH_UP)
			paths->burst_owed = true;
		enter(path, state, now);
		effects |= PATHS_CHANGED;
	}
	if (paths->burst_owed && bucket_take(&paths->bursts, now)) {
		paths->burst_owed = false;
		effects |= PATHS_BURST;
	}
	paths->burst_owed &= suspicion; /* the others have cleared up while they waited */
	return effects;
}

void paths_on_sent(struct paths *paths, size_t index, enum path_target target, uint32_t number,
		   struct mono now)
{
	path_stats_on_sent(&paths->path[index].target[target], number, now);
}

unsigned int paths_on_reply(struct paths *paths, size_t index, enum path_target target,
			    uint32_t number, int64_t rtt_us, struct mono now)
{
	const struct path *path = &paths->path[index];

	/* What is back shall be known soon, and what else is back with it. */
	if (path->state == PATH_DOWN && target == judge_of(paths, path))
		paths->burst_owed = true;
	path_stats_on_reply(&paths->path[index].target[target], number, rtt_us, now);
	if (target == PATH_TARGET_EXIT)
		paths->exit_heard = true;
	return refresh(paths, now);
}

enum stall_result paths_watch(struct paths *paths, size_t index, bool active,
			      const struct path_counters *counters, struct mono now)
{
	struct path *path = &paths->path[index];
	const struct path_stats *judge = &path->target[judge_of(paths, path)];
	struct stall_counters reading = {
		.tx_packets = counters->tx_packets,
		.rx_packets = counters->rx_packets,
	};
	int64_t round_trip_us = judge->srtt_us < 0 ? -1 : judge->srtt_us + 4 * judge->rttvar_us;
	enum stall_result stall;
	size_t t;

	if (!active) {
		stall_init(&path->stall);
		return STALL_QUIET;
	}
	for (t = 0; t < PATH_TARGETS; t++) {
		reading.probes_sent += path->target[t].sent;
		reading.probes_answered += path->target[t].answered + path->target[t].duplicates;
	}
	stall = stall_on_counters(&path->stall, &reading, round_trip_us, now);
	return stall == STALL_FLOWING && judge->state != PATH_SUSPECT ? STALL_QUIET : stall;
}

uint64_t paths_traffic_packets(const struct paths *paths, size_t index)
{
	return paths->path[index].stall.tx + paths->path[index].stall.rx;
}

unsigned int paths_on_stall(struct paths *paths, size_t index, enum stall_result stall,
			    struct mono now)
{
	struct path *path = &paths->path[index];
	struct path_stats *judge = &path->target[judge_of(paths, path)];

	switch (stall) {
	case STALL_FLOWING:
		path_stats_clear(judge, now);
		break;
	case STALL_ALARM:
		path_stats_suspect(judge, now);
		break;
	case STALL_QUIET:
		break;
	}
	return refresh(paths, now);
}

int64_t paths_poll_us(const struct paths *paths, size_t index)
{
	const struct path *path = &paths->path[index];

	/* Data that comes in clears a suspicion, and the burst will not wait for it. */
	return path->state == PATH_SUSPECT ? STALL_POLL_BUSY_US : stall_poll_us(&path->stall);
}

unsigned int paths_on_link(struct paths *paths, size_t index, bool up, struct mono now)
{
	struct path *path = &paths->path[index];
	size_t t;

	if (path->link_up != up) {
		path->link_up = up;
		stall_init(&path->stall);
		for (t = 0; t < PATH_TARGETS; t++)
			path_stats_reset(&path->target[t], now);
	}
	return refresh(paths, now);
}

unsigned int paths_on_time(struct paths *paths, struct mono now)
{
	size_t i, t;

	for (i = 0; i < paths->count; i++) {
		for (t = 0; t < PATH_TARGETS; t++) {
			struct path_stats *stats = &paths->path[i].target[t];
			bool was_up = stats->state == PATH_UP;

			path_stats_on_time(stats, now);
			paths->burst_owed |= was_up && stats->state == PATH_SUSPECT;
		}
	}
	return refresh(paths, now);
}

void paths_on_resume(struct paths *paths, struct mono now)
{
	size_t i, t;

	for (i = 0; i < paths->count; i++) {
		for (t = 0; t < PATH_TARGETS; t++) {
			path_stats_forget_pending(&paths->path[i].target[t]);
			path_stats_clear(&paths->path[i].target[t], now);
		}
		stall_init(&paths->path[i].stall);
	}
	refresh(paths, now);
}

struct mono paths_next_deadline(const struct paths *paths)
{
	struct mono next = MONO_NEVER;
	size_t i, t;

	for (i = 0; i < paths->count; i++) {
		for (t = 0; t < PATH_TARGETS; t++)
			next = mono_earlier(next,
					    path_stats_next_deadline(&paths->path[i].target[t]));
	}
	return next;
}

int paths_find(const struct paths *paths, const char *name)
{
	size_t i;

	for (i = 0; i < paths->count; i++) {
		if (!strcmp(paths->path[i].name, name))
			return (int)i;
	}
	return -1;
}

static bool is_in(const struct path *path, enum path_target target, enum path_state state)
{
	return path->link_up && path->probed[target] && path->target[target].state == state;
}

enum path_fault paths_common_fault(const struct paths *paths)
{
	bool proxy_known = false, proxy_answers = false, exit_answers = false, any_down = false;
	size_t i;

	for (i = 0; i < paths->count; i++) {
		const struct path *path = &paths->path[i];

		proxy_known |= path->probed[PATH_TARGET_PROXY];
		/* Whoever has not answered the burst by now is no proof of anything; only an exit
		 * gets the benefit of the doubt until its burst is over. */
		proxy_answers |= is_in(path, PATH_TARGET_PROXY, PATH_UP);
		exit_answers |= is_in(path, PATH_TARGET_EXIT, PATH_UP) ||
				is_in(path, PATH_TARGET_EXIT, PATH_SUSPECT);
		any_down |= path->link_up && path->state == PATH_DOWN;
	}
	/* One path alone cannot tell its own fault from a common one. */
	if (exit_answers || !any_down || paths->count < 2)
		return PATH_FAULT_NONE;
	return proxy_answers || !proxy_known ? PATH_FAULT_EXIT : PATH_FAULT_UPLINK;
}

enum path_fault paths_fault(const struct paths *paths, size_t index)
{
	const struct path *path = &paths->path[index];
	enum path_fault common = paths_common_fault(paths);

	if (!path->link_up)
		return PATH_FAULT_INTERFACE;
	if (path->state != PATH_DOWN)
		return PATH_FAULT_NONE;
	if (common == PATH_FAULT_UPLINK)
		return PATH_FAULT_UPLINK;
	if (common == PATH_FAULT_EXIT && path->target[PATH_TARGET_PROXY].state != PATH_DOWN)
		return PATH_FAULT_EXIT;
	return is_in(path, PATH_TARGET_PROXY, PATH_UP) ? PATH_FAULT_PROXY_EXIT : PATH_FAULT_PROXY;
}

bool paths_is_blameless(const struct paths *paths, size_t index)
{
	const struct path *path = &paths->path[index];

	return path->link_up && path->state == PATH_DOWN &&
	       paths_judge(paths, index)->witnessed.us == MONO_NEVER.us;
}

struct path_view paths_view_one(const struct paths *paths, size_t index, struct mono now)
{
	const struct path *path = &paths->path[index];
	const struct path_stats *judge = paths_judge(paths, index);
	int64_t min_us;
	double loss;

	path_stats_window(judge, now, &min_us, &loss);
	return (struct path_view){
		.policy =
			{
				.name = path->name,
				.priority = path->priority,
				.srtt_us = judge->srtt_us,
				.rtt_min_us = min_us,
				.jitter_us = judge->rttvar_us,
				.loss = loss,
				.up_for_us =
					is_usable(path->state) ? mono_diff_us(now, path->since) : 0,
				.tx_bytes = path->counters.tx_bytes,
				.rx_bytes = path->counters.rx_bytes,
				.tx_packets = path->counters.tx_packets,
				.rx_packets = path->counters.rx_packets,
			},
		.state = path->state,
		.link_up = path->link_up,
		.blameless = paths_is_blameless(paths, index),
		.doubted = judge->doubted,
		.confirmed = judge->confirmed,
	};
}

void paths_view(const struct paths *paths, struct mono now, struct path_view *views)
{
	size_t i;

	for (i = 0; i < paths->count; i++)
		views[i] = paths_view_one(paths, i, now);
}

const char *path_fault_name(enum path_fault fault)
{
	static const char *const names[] = {"none",  "interface",  "uplink",
					    "proxy", "proxy-exit", "exit"};

	return names[fault];
}
