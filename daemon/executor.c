#include "daemon/executor.h"

#include <stdio.h>

#define KICK_GAP_US INT64_C(15000)

/* How long after the last late packet of a slower path could arrive the exit is told again where we
 * are (the last arrival wins, not the newest packet). */
#define LATE_PACKET_MARGIN_US INT64_C(5000)

void executor_init(struct executor *executor, const struct executor_config *config,
		   const struct executor_ops *ops, void *ctx)
{
	*executor = (struct executor){.config = *config, .ops = ops, .ctx = ctx};
}

static void finish(struct executor *executor, enum migration_outcome outcome)
{
	executor->migration.outcome = outcome;
	executor->state = EXECUTOR_DONE;
}

static void kick(struct executor *executor, struct mono now)
{
	executor->ops->kick(executor->ctx);
	executor->next_kick = mono_add_us(now, KICK_GAP_US);
}

/* The steps after a swap to `path`, there or back. */
static void wait_for_path(struct executor *executor, int path, enum executor_state state,
			  struct mono now)
{
	executor->state = state;
	executor->deadline = mono_add_us(now, executor->allowed_us);
	executor->last_kick = now;
	executor->ops->watch(executor->ctx, path);
	executor->ops->reassert(executor->ctx);
	kick(executor, now);
}

static void note_error(struct executor *executor, const struct err *err)
{
	snprintf(executor->migration.error, sizeof(executor->migration.error), "%s", err->text);
}

void executor_start(struct executor *executor, int from, const struct steer_verdict *verdict,
		    int64_t from_rtt_us, int64_t to_rtt_us, struct mono now, int64_t wall_us)
{
	struct migration *migration = &executor->migration;
	struct err err = {""};

	*migration = (struct migration){
		.wall_us = wall_us,
		.from = from,
		.to = verdict->to,
		.reason = verdict->reason,
		.decided = now,
		.swapped = now,
		.settle_us = -1,
	};
	if (executor->ops->check(executor->ctx, verdict->to, &err) ||
	    executor->ops->swap(executor->ctx, from, verdict->to, &migration->swap_us, &err)) {
		note_error(executor, &err);
		finish(executor, MIGRATION_REFUSED);
		return;
	}
	migration->swapped = mono_add_us(now, migration->swap_us);
	if (!executor->config.confirm) {
		finish(executor, MIGRATION_UNCONFIRMED);
		return;
	}
	executor->allowed_us = executor->config.settle_timeout_us;
	if (3 * to_rtt_us > executor->allowed_us)
		executor->allowed_us = 3 * to_rtt_us;
	wait_for_path(executor, verdict->to, EXECUTOR_SETTLING, migration->swapped);
	if (from_rtt_us > to_rtt_us && to_rtt_us >= 0)
		executor->last_kick = mono_add_us(
			migration->swapped, (from_rtt_us - to_rtt_us) / 2 + LATE_PACKET_MARGIN_US);
}

void executor_on_packet(struct executor *executor, struct mono at, struct mono now)
{
	struct migration *migration = &executor->migration;

	if (executor->state == EXECUTOR_RETURNING) {
		finish(executor, MIGRATION_ROLLED_BACK);
		return;
	}
	if (executor->state != EXECUTOR_SETTLING)
		return;
	migration->settle_us = mono_diff_us(at, migration->swapped);
	if (mono_due(executor->last_kick, now)) {
		finish(executor, MIGRATION_SETTLED);
		return;
	}
	executor->state = EXECUTOR_LINGERING;
	executor->next_kick = executor->last_kick;
}

static void give_up(struct executor *executor, const char *why, struct mono now)
{
	struct migration *migration = &executor->migration;
	struct err err;
	int64_t swap_us;

	snprintf(migration->error, sizeof(migration->error), "%s", why);
	executor->ops->unwatch(executor->ctx, migration->to);
	if (migration->from < 0 || executor->ops->check(executor->ctx, migration->from, &err) ||
	    executor->ops->swap(executor->ctx, migration->to, migration->from, &swap_us, &err)) {
		finish(executor, MIGRATION_FAILED);
		return;
	}
	wait_for_path(executor, migration->from, EXECUTOR_RETURNING, now);
}

void executor_on_path_lost(struct executor *executor, struct mono now)
{
	if (executor->state == EXECUTOR_SETTLING)
		give_up(executor, "the path died before packets came in by it", now);
	else if (executor->state == EXECUTOR_LINGERING)
		finish(executor, MIGRATION_SETTLED);
}

static void on_deadline(struct executor *executor, struct mono now)
{
	char why[96];

	if (executor->state == EXECUTOR_RETURNING) {
		/* The route is back; whether the exit follows is for the probes to say. */
		executor->ops->unwatch(executor->ctx, executor->migration.from);
		finish(executor, MIGRATION_ROLLED_BACK);
		return;
	}
	snprintf(why, sizeof(why), "no packet from the exit came in by it within %dms",
		 (int)(executor->allowed_us / 1000));
	give_up(executor, why, now);
}

void executor_on_time(struct executor *executor, struct mono now)
{
	if (!mono_due(executor_next_deadline(executor), now))
		return;
	if (executor->state == EXECUTOR_LINGERING) {
		kick(executor, now);
		finish(executor, MIGRATION_SETTLED);
	} else if (mono_due(executor->deadline, now)) {
		on_deadline(executor, now);
	} else {
		kick(executor, now);
	}
}

struct mono executor_next_deadline(const struct executor *executor)
{
	switch (executor->state) {
	case EXECUTOR_SETTLING:
	case EXECUTOR_RETURNING:
		return mono_earlier(executor->next_kick, executor->deadline);
	case EXECUTOR_LINGERING:
		return executor->next_kick;
	case EXECUTOR_IDLE:
	case EXECUTOR_DONE:
		break;
	}
	return MONO_NEVER;
}

int executor_route(const struct executor *executor, int active)
{
	return executor->state == EXECUTOR_SETTLING || executor->state == EXECUTOR_LINGERING
		       ? executor->migration.to
		       : active;
}

bool executor_take_result(struct executor *executor, struct migration *out)
{
	if (executor->state != EXECUTOR_DONE)
		return false;
	*out = executor->migration;
	executor->state = EXECUTOR_IDLE;
	return true;
}
