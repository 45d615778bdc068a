#include "core/shadows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/eligible.h"

#define MOVES_AT_ONCE 8 /* a policy that wants more at one instant is mad */

int shadows_init(struct shadows *shadows, const struct shadows_policy *policies, size_t count,
		 const struct steer_config *config, size_t path_count, shadows_fn fn, void *arg,
		 struct mono now, struct err *err)
{
	size_t i;
	int ret;

	*shadows =
		(struct shadows){.path_count = path_count, .accounted = now, .fn = fn, .arg = arg};
	ret = rng_init_system(&shadows->rng);
	if (ret)
		return err_set(err, ret, "no random numbers");
	shadows->items = calloc(count + 1, sizeof(*shadows->items));
	shadows->views = calloc(path_count, sizeof(*shadows->views));
	if (!shadows->items || !shadows->views) {
		shadows_fini(shadows);
		return err_set(err, -ENOMEM, "out of memory");
	}
	for (i = 0; i < count && !ret; i++) {
		struct shadows_one *one = &shadows->items[i];

		one->carried = calloc(path_count, sizeof(*one->carried));
		ret = one->carried
			      ? steer_init(&one->steer, config, path_count, policies[i].ops,
					   policies[i].values, steer_rng(&shadows->rng), now, err)
			      : err_set(err, -ENOMEM, "out of memory");
		one->wake = now;
		shadows->count++;
	}
	if (ret)
		shadows_fini(shadows);
	return ret;
}

void shadows_fini(struct shadows *shadows)
{
	size_t i;

	for (i = 0; shadows->items && i < shadows->count; i++) {
		steer_fini(&shadows->items[i].steer);
		free(shadows->items[i].carried);
	}
	free(shadows->items);
	free(shadows->views);
	memset(shadows, 0, sizeof(*shadows));
}

/* --- what a shadow sees ----------------------------------------------------------------------- */

static struct path_counters sum_of(const struct path_view *views, size_t count)
{
	struct path_counters sum = {0};
	size_t i;

	for (i = 0; i < count; i++) {
		sum.tx_bytes += views[i].policy.tx_bytes;
		sum.rx_bytes += views[i].policy.rx_bytes;
		sum.tx_packets += views[i].policy.tx_packets;
		sum.rx_packets += views[i].policy.rx_packets;
	}
	return sum;
}

/* What `path` has carried, had the traffic gone as the shadow has it. */
static struct path_counters carried(const struct shadows_one *one, int path,
				    const struct path_counters *sum)
{
	struct path_counters c = one->carried[path];

	if (path == one->steer.active) {
		c.tx_bytes += sum->tx_bytes - one->began.tx_bytes;
		c.rx_bytes += sum->rx_bytes - one->began.rx_bytes;
		c.tx_packets += sum->tx_packets - one->began.tx_packets;
		c.rx_packets += sum->rx_packets - one->began.rx_packets;
	}
	return c;
}

static void show(struct shadows *shadows, const struct shadows_one *one,
		 const struct path_view *views, const struct path_counters *sum)
{
	size_t i;

	for (i = 0; i < shadows->path_count; i++) {
		struct path_counters c = carried(one, (int)i, sum);
		struct policy_path *policy = &shadows->views[i].policy;

		shadows->views[i] = views[i];
		policy->tx_bytes = c.tx_bytes;
		policy->rx_bytes = c.rx_bytes;
		policy->tx_packets = c.tx_packets;
		policy->rx_packets = c.rx_packets;
	}
}

/* --- asking ----------------------------------------------------------------------------------- */

/* The time since the last question, by how the shadow's path is now. */
static void account(struct shadows_one *one, const struct path_view *views, int64_t us)
{
	int active = one->steer.active;

	if (active < 0 || !eligible_is_usable(&views[active])) {
		one->outage_us += us;
	} else if (views[active].policy.srtt_us >= 0) {
		one->served_us += us;
		one->srtt_us_us += (double)us * (double)views[active].policy.srtt_us;
	}
}

static void move(struct shadows *shadows, struct shadows_one *one, const struct path_counters *sum,
		 const struct steer_verdict *verdict, struct mono now)
{
	int from = one->steer.active;

	if (from >= 0) {
		one->carried[from] = carried(one, from, sum);
		one->migrations++;
		if (shadows->fn)
			shadows->fn(shadows->arg, (size_t)(one - shadows->items), from, verdict->to,
				    verdict->reason);
	}
	one->began = *sum;
	steer_on_outcome(&one->steer, MIGRATION_SETTLED, now, now);
}

static void ask(struct shadows *shadows, struct shadows_one *one, const struct path_view *views,
		const struct path_counters *sum, struct mono now)
{
	struct steer_verdict verdict;
	int i;

	for (i = 0; i < MOVES_AT_ONCE; i++) {
		show(shadows, one, views, sum);
		steer_decide(&one->steer, shadows->views, now, &verdict);
		if (verdict.action == STEER_KEEP)
			break;
		move(shadows, one, sum, &verdict, now);
	}
	one->wake = verdict.wake;
}

struct mono shadows_decide(struct shadows *shadows, const struct path_view *views,
			   const struct steer *live, struct mono now)
{
	int64_t us = mono_diff_us(now, shadows->accounted);
	struct path_counters sum = sum_of(views, shadows->path_count);
	struct mono wake = MONO_NEVER;
	size_t i, path;

	for (i = 0; i < shadows->count; i++) {
		struct shadows_one *one = &shadows->items[i];

		account(one, views, us);
		for (path = 0; path < shadows->path_count; path++)
			steer_drain(&one->steer, (int)path, live->path[path].drained);
		one->steer.session = live->session;
		ask(shadows, one, views, &sum, now);
		wake = mono_earlier(wake, one->wake);
	}
	shadows->accounted = now;
	return wake;
}
