#include "tests/sim/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void fail_at(const struct world *world, const char *what,
		    const struct steer_verdict *verdict)
{
	fail_msg("seed %llu, %.3fs: %s to path %d (%s) %s", (unsigned long long)world->seed,
		 (double)mono_diff_us(world->now, WORLD_BIRTH) / 1e6, verdict->reason, verdict->to,
		 path_state_name(world->machine.views[verdict->to].state), what);
}

static bool is_guarded(const char *reason)
{
	static const char *const free_of_guards[] = {"start", "failover", "drain", "manual", "pin"};
	size_t i;

	for (i = 0; i < 5; i++) {
		if (!strcmp(reason, free_of_guards[i]))
			return false;
	}
	return true;
}

/* When the n-th newest migration that the guards watch over was decided. */
static struct mono guarded_before(const struct world *world, size_t n)
{
	size_t i, kept = world->count < WORLD_HISTORY ? world->count : WORLD_HISTORY;

	for (i = 1; i <= kept; i++) {
		const struct migration *m = &world->history[(world->count - i) % WORLD_HISTORY];

		if (is_guarded(m->reason) && --n == 0)
			return m->decided;
	}
	return MONO_LONG_AGO;
}

static void check_guards(const struct world *world, const struct steer_verdict *verdict)
{
	const struct conf_guards *guards = &world->config.guards;
	uint32_t limit = guards->max_migrations_per_min;

	if (mono_diff_us(world->now, world->machine.steer.since) < guards->min_dwell_us)
		fail_at(world, "within the minimum dwell", verdict);
	/* The bucket holds a minute's worth, so in a minute at most twice as many go. */
	if (mono_diff_us(world->now, guarded_before(world, 2 * limit)) < MINUTE)
		fail_at(world, "beyond the rate limit", verdict);
}

/* What steer saw. */
static void check_views(const struct world *world, const struct steer_verdict *verdict)
{
	const struct steer *steer = &world->machine.steer;
	const struct path_view *to = &world->machine.views[verdict->to];
	const struct path_view *from =
		steer->active < 0 ? NULL : &world->machine.views[steer->active];
	bool failover = !strcmp(verdict->reason, "failover");

	if (world->executor.state != EXECUTOR_IDLE)
		fail_at(world, "during another migration", verdict);
	if (verdict->to == steer->active)
		fail_at(world, "which is active", verdict);
	if (!to->link_up || to->state != PATH_UP)
		fail_at(world, "which is not up", verdict);
	if (steer->path[verdict->to].drained)
		fail_at(world, "which is drained", verdict);
	if (failover && from->link_up && from->state != PATH_DOWN &&
	    !steer->path[steer->active].unsettled)
		fail_at(world, "from a path that is not dead", verdict);
	if (!failover && from && (!from->link_up || from->state == PATH_DOWN))
		fail_at(world, "from a dead path", verdict);
}

/* What was so. */
static void check_truth(struct world *world, const struct steer_verdict *verdict)
{
	const struct conf_probe *probe = &world->config.probe;
	const struct net_path *to = &world->net.path[verdict->to], *from;
	int64_t unseen_us = 3 * probe->interval_us + probe->timeout_max_us;

	net_advance(&world->net, world->now);
	if (mono_before(to->broken_since, world->now) &&
	    mono_diff_us(world->now, to->broken_since) > unseen_us)
		fail_at(world, "which has been dead for long", verdict);
	if (strcmp(verdict->reason, "failover") != 0 || world->disturbed ||
	    world->machine.steer.path[world->machine.steer.active].unsettled)
		return;
	from = &world->net.path[world->machine.steer.active];
	if (from->loss < 0.05 && mono_diff_us(world->now, from->broken) > 10 * unseen_us)
		fail_at(world, "from a path that works", verdict);
}

void rules_check(struct world *world, const struct steer_verdict *verdict)
{
	check_views(world, verdict);
	check_truth(world, verdict);
	if (is_guarded(verdict->reason))
		check_guards(world, verdict);
}
