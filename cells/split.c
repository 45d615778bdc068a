#include "cells/split.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define KICK_MARGIN_S	 0.005
#define MOVES_AT_ONCE	 8
#define START_US	 INT64_C(1000000000)
#define FAR_STREAM_SHIFT 3 /* the server's policy draws from other streams */

/* A packet of the client's on its way. */
struct arrival {
	double s;
	int path;
};

struct arrivals {
	struct arrival *items;
	size_t count, room;
};

/* The policy, its paths and its time. */
struct mover {
	const struct policy_ops *policy;
	void *state;
	struct policy_path paths[SPLIT_PATHS_MAX];
	struct policy_input in;
	int64_t wake_us;
	size_t migrations;
};

/* --- the policy ------------------------------------------------------------------------------- */

static uint64_t draw(void *arg, enum policy_stream stream)
{
	return rng_next(arg, (unsigned int)stream);
}

static uint64_t draw_far(void *arg, enum policy_stream stream)
{
	return rng_next(arg, (unsigned int)stream + FAR_STREAM_SHIFT);
}

static int mover_init(struct mover *m, const struct split_config *config,
		      const struct policy_ops *policy, const union policy_value *values,
		      struct policy_rng rng, struct err *err)
{
	struct policy_setup setup = {values, config->paths};
	char text[256] = "";
	size_t i;

	memset(m, 0, sizeof(*m));
	m->policy = policy;
	m->state = calloc(1, policy->state_size + 1);
	if (!m->state)
		return err_set(err, -ENOMEM, "out of memory");
	if (policy->init && policy->init(m->state, &setup, text, sizeof(text)))
		return err_set(err, -EINVAL, "policy %s: %s", policy->name, text);
	for (i = 0; i < config->paths; i++) {
		int64_t rtt_us = (int64_t)(2e6 * config->owd_s[i]);

		m->paths[i] = (struct policy_path){.name = "path",
						   .priority = (uint32_t)i + 1,
						   .srtt_us = rtt_us,
						   .rtt_min_us = rtt_us,
						   .up_for_us = START_US};
	}
	m->in = (struct policy_input){.event = POLICY_START,
				      .now_us = START_US,
				      .since_us = START_US,
				      .active = POLICY_NONE,
				      .path_count = config->paths,
				      .paths = m->paths,
				      .rng = rng};
	return 0;
}

static void show_eligible(struct mover *m, bool any)
{
	for (size_t i = 0; i < m->in.path_count; i++)
		m->paths[i].eligible = any && (int)i != m->in.active;
}

static bool ask(struct mover *m, enum policy_event event, int *to)
{
	struct policy_answer answer = {POLICY_KEEP, NULL, POLICY_NEVER};

	m->in.event = event;
	m->policy->decide(m->state, &m->in, &answer);
	m->wake_us = answer.wake_us > m->in.now_us ? answer.wake_us : m->in.now_us + 1;
	*to = answer.path;
	return answer.path >= 0 && (size_t)answer.path < m->in.path_count &&
	       m->paths[answer.path].eligible;
}

/* Asks at `now_us`; true when it moved. */
static bool mover_ask(struct mover *m, enum policy_event event, int64_t now_us)
{
	bool moved = false;
	int to, i;

	m->in.now_us = now_us;
	for (i = 0; i < MOVES_AT_ONCE; i++) {
		show_eligible(m, true);
		if (!ask(m, event, &to)) {
			if (m->in.active != POLICY_NONE)
				break;
			to = 0; /* as steer does at the start */
		}
		m->migrations += m->in.active != POLICY_NONE;
		m->in.active = to;
		m->in.since_us = now_us;
		moved = true;
		show_eligible(m, false);
		ask(m, POLICY_MIGRATED, &to);
		event = POLICY_PATHS;
		if (m->wake_us > now_us)
			break;
	}
	return moved;
}

static void mover_count(struct mover *m, int size)
{
	struct policy_path *path = &m->paths[m->in.active];

	path->tx_packets += size > 0;
	path->rx_packets += size < 0;
	path->tx_bytes += size > 0 ? (uint64_t)size : 0;
	path->rx_bytes += size < 0 ? (uint64_t)-size : 0;
}

/* --- the server ------------------------------------------------------------------------------- */

static int add_arrival(struct arrivals *a, double s, int path)
{
	size_t room = a->room ? 2 * a->room : 256;
	struct arrival *larger;

	if (a->count == a->room) {
		larger = reallocarray(a->items, room, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		a->items = larger;
		a->room = room;
	}
	a->items[a->count++] = (struct arrival){s, path};
	return 0;
}

static int by_time(const void *a, const void *b)
{
	double x = ((const struct arrival *)a)->s, y = ((const struct arrival *)b)->s;

	return (x > y) - (x < y);
}

static int kick(struct arrivals *arrivals, const struct split_config *config, double now_s,
		int from, int to)
{
	double ahead_s = fmax(0, config->owd_s[from] - config->owd_s[to]) + KICK_MARGIN_S;
	int ret = 0;

	if (config->kicks > 0)
		ret = add_arrival(arrivals, now_s + config->owd_s[to], to);
	if (config->kicks > 1 && !ret)
		ret = add_arrival(arrivals, now_s + ahead_s + config->owd_s[to], to);
	return ret;
}

/* Those to the client that came by another path than `used`, which was in use when they would have
 * come. Before they are sorted. */
static double misrouted(const struct packets *packets, const double *used)
{
	double wrong = 0, all = 0;

	for (size_t i = 0; i < packets->count; i++) {
		const struct packet *p = &packets->items[i];

		if (p->size > 0)
			continue;
		all -= p->size;
		wrong -= p->path != (int)used[i] ? p->size : 0;
	}
	return all > 0 ? wrong / all : 0;
}

/* Where the server sends at each instant, for those to the client in order of time. */
static int follow(struct packets *packets, const struct split_config *config, double owd_s,
		  struct arrivals *arrivals, const double *used, struct split_result *out)
{
	int path = (int)used[0];
	size_t next = 0, i;

	if (arrivals->count)
		qsort(arrivals->items, arrivals->count, sizeof(*arrivals->items), by_time);
	for (i = 0; i < packets->count; i++) {
		struct packet *p = &packets->items[i];
		double sent_s = p->s - owd_s;

		if (p->size > 0)
			continue;
		while (next < arrivals->count && arrivals->items[next].s <= sent_s)
			path = arrivals->items[next++].path;
		p->path = path;
		p->s = sent_s + config->owd_s[path];
	}
	out->misrouted = misrouted(packets, used);
	return packets_sort(packets);
}

/* --- a load ----------------------------------------------------------------------------------- */

/* The policy's wake-ups up to `s`. */
static int wait_until(struct mover *m, double s, const struct split_config *config,
		      struct arrivals *arrivals)
{
	int64_t now_us = START_US + (int64_t)(s * 1e6);
	int ret = 0;

	while (m->wake_us <= now_us && !ret) {
		int from = m->in.active;

		if (mover_ask(m, POLICY_TIMER, m->wake_us))
			ret = kick(arrivals, config, (double)(m->in.now_us - START_US) / 1e6, from,
				   m->in.active);
	}
	m->in.now_us = now_us;
	return ret;
}

/* What the client sends in `ways` (more than 0: its own, less: to it) takes the policy's path. */
static int walk(struct packets *packets, const struct split_config *config, struct mover *m,
		int ways, struct arrivals *arrivals, double *used)
{
	int ret = 0;
	size_t i;

	mover_ask(m, POLICY_START, START_US);
	for (i = 0; i < packets->count && !ret; i++) {
		struct packet *p = &packets->items[i];

		ret = wait_until(m, p->s, config, arrivals);
		if (ret)
			break;
		mover_count(m, p->size);
		if (used)
			used[i] = m->in.active;
		if ((p->size > 0) == (ways > 0))
			p->path = m->in.active;
		if (p->size > 0 && ways > 0)
			ret = add_arrival(arrivals, p->s + config->owd_s[p->path], p->path);
		if (m->policy->minds_figures)
			mover_ask(m, POLICY_PATHS, m->in.now_us);
	}
	return ret;
}

static void account(const struct packets *packets, size_t paths, struct split_result *out)
{
	double bytes[SPLIT_PATHS_MAX] = {0}, sum = 0;

	for (size_t i = 0; i < packets->count; i++) {
		bytes[packets->items[i].path] += abs(packets->items[i].size);
		sum += abs(packets->items[i].size);
	}
	out->max_share = 0;
	for (size_t i = 0; i < paths && sum > 0; i++)
		out->max_share = fmax(out->max_share, bytes[i] / sum);
}

static int by_second_policy(struct packets *packets, const struct split_config *config,
			    double owd_s, const struct policy_ops *policy,
			    const union policy_value *values, struct rng *rng, struct err *err)
{
	struct arrivals none = {NULL, 0, 0};
	struct mover far;
	int ret = mover_init(&far, config, policy, values, (struct policy_rng){draw_far, rng}, err);

	if (!ret)
		ret = walk(packets, config, &far, -1, &none, NULL);
	for (size_t i = 0; i < packets->count && !ret; i++) {
		if (packets->items[i].size < 0)
			packets->items[i].s += config->owd_s[packets->items[i].path] - owd_s;
	}
	free(far.state);
	free(none.items);
	return ret ? ret : packets_sort(packets);
}

int split_by_policy(struct packets *packets, const struct split_config *config,
		    const struct policy_ops *policy, const union policy_value *values,
		    struct rng *rng, struct split_result *out, struct err *err)
{
	struct arrivals arrivals = {NULL, 0, 0};
	double owd_s = config->owd_s[0], *used = calloc(packets->count + 1, sizeof(*used));
	struct mover near = {.state = NULL};
	int ret = -ENOMEM;
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 1; i < config->paths; i++)
		owd_s = fmin(owd_s, config->owd_s[i]);
	if (used)
		ret = mover_init(&near, config, policy, values, (struct policy_rng){draw, rng},
				 err);
	else
		err_set(err, ret, "out of memory");
	if (!ret)
		ret = walk(packets, config, &near, 1, &arrivals, used);
	if (!ret && config->downlink == SPLIT_FOLLOW)
		ret = follow(packets, config, owd_s, &arrivals, used, out);
	else if (!ret)
		ret = by_second_policy(packets, config, owd_s, policy, values, rng, err);
	if (ret == -ENOMEM)
		err_set(err, ret, "out of memory");
	out->migrations = near.migrations;
	account(packets, config->paths, out);
	free(near.state);
	free(arrivals.items);
	free(used);
	return ret;
}
