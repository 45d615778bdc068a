#include "core/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What the policy draws is shown as an input of its own, before that which made it draw. */
static uint64_t draw(void *arg, enum policy_stream stream)
{
	static const struct machine_result nothing;
	struct machine *machine = arg;
	uint64_t bits = machine->rng.next(machine->rng.arg, stream);
	struct input in = {.kind = INPUT_DRAW,
			   .target = (uint8_t)stream,
			   .at = machine->now,
			   .value = (int64_t)bits};

	machine->drawn = true;
	if (machine->tap)
		machine->tap(machine->tap_arg, &in, &nothing);
	return bits;
}

int machine_init(struct machine *machine, const struct machine_config *config,
		 const struct policy_ops *policy, const union policy_value *values,
		 struct policy_rng rng, struct mono now, struct err *err)
{
	int ret = -ENOMEM;

	memset(machine, 0, sizeof(*machine));
	machine->rng = rng;
	machine->asked = MONO_LONG_AGO;
	machine->wake = now;
	traffic_init(&machine->traffic);
	machine->views = calloc(config->path_count, sizeof(*machine->views));
	if (!machine->views || paths_init(&machine->paths, config->path_count, &config->stats, now))
		err_set(err, ret, "out of memory");
	else
		ret = steer_init(&machine->steer, &config->steer, config->path_count, policy,
				 values, (struct policy_rng){draw, machine}, now, err);
	if (ret)
		machine_fini(machine);
	return ret;
}

void machine_fini(struct machine *machine)
{
	steer_fini(&machine->steer);
	paths_fini(&machine->paths);
	free(machine->views);
	memset(machine, 0, sizeof(*machine));
}

const struct path_view *machine_views(struct machine *machine, struct mono now)
{
	paths_view(&machine->paths, now, machine->views);
	return machine->views;
}

int64_t machine_srtt_us(const struct machine *machine, int path)
{
	return path < 0 ? -1 : machine->views[path].policy.srtt_us;
}

int machine_set_policy(struct machine *machine, const struct policy_ops *policy,
		       const union policy_value *values, struct err *err)
{
	machine->stirred = true;
	return steer_set_policy(&machine->steer, policy, values, err);
}

/* --- one input -------------------------------------------------------------------------------- */

/* What is probed, seen and counted. True for mere figures, which change no state by themselves. */
static bool feed_paths(struct machine *machine, const struct input *in,
		       struct machine_result *result)
{
	struct paths *paths = &machine->paths;
	size_t path = (size_t)in->path;

	switch (in->kind) {
	case INPUT_SENT:
		paths_on_sent(paths, path, in->target, in->number, in->at);
		return true;
	case INPUT_REPLY:
		result->effects =
			paths_on_reply(paths, path, in->target, in->number, in->value, in->at);
		return !(result->effects & PATHS_CHANGED);
	case INPUT_TIME:
		result->effects = paths_on_time(paths, in->at);
		return !(result->effects & PATHS_CHANGED);
	case INPUT_COUNTERS:
		paths->path[path].counters = in->counters;
		return true;
	case INPUT_HANDSHAKE:
		paths->path[path].handshake_age_us = in->value;
		return true;
	case INPUT_TARGET:
		paths->path[path].probed[in->target] = in->value;
		return false;
	case INPUT_LINK:
		result->effects = paths_on_link(paths, path, in->value, in->at);
		return false;
	case INPUT_STALL:
		result->effects = paths_on_stall(paths, path, (enum stall_result)in->value, in->at);
		return false;
	case INPUT_RESUME:
		paths_on_resume(paths, in->at);
		return false;
	}
	return true;
}

static void decide(struct machine *machine, struct input *in, struct machine_result *result)
{
	const struct path_view *views = machine_views(machine, in->at);

	result->figures_only = !machine->stirred && mono_before(in->at, machine->wake) &&
			       !steer_minds_figures(&machine->steer, views);
	in->value = machine->asked.us;
	machine->drawn = false;
	steer_decide(&machine->steer, views, in->at, &result->verdict);
	result->figures_only &= !machine->drawn && result->verdict.action == STEER_KEEP;
	machine->asked = in->at;
	machine->wake = result->verdict.wake;
	machine->stirred = false;
}

/* What the operator and the executor say. False for any other input. */
static bool feed_steer(struct machine *machine, const struct input *in,
		       struct machine_result *result)
{
	struct steer *steer = &machine->steer;

	switch (in->kind) {
	case INPUT_ADOPT:
		steer_adopt(steer, in->path, in->at);
		return true;
	case INPUT_REQUEST:
		result->error =
			steer_request(steer, machine_views(machine, in->at), in->path, in->at);
		return true;
	case INPUT_PIN:
		steer_pin(steer, in->path, (struct mono){in->value});
		return true;
	case INPUT_UNPIN:
		steer_unpin(steer);
		return true;
	case INPUT_DRAIN:
		steer_drain(steer, in->path, in->value);
		return true;
	case INPUT_PAUSE:
		steer_pause(steer);
		return true;
	case INPUT_OUTCOME:
		steer_on_outcome(steer, (enum migration_outcome)in->outcome.outcome,
				 (struct mono){in->outcome.moved_us}, in->at);
		return true;
	}
	return false;
}

void machine_feed(struct machine *machine, struct input in, struct machine_result *result)
{
	/* Every step of the owner says what time it is; it matters when something is due. */
	bool idle =
		in.kind == INPUT_TIME && mono_before(in.at, paths_next_deadline(&machine->paths));

	memset(result, 0, sizeof(*result));
	machine->now = in.at;
	if (in.kind == INPUT_DECIDE)
		decide(machine, &in, result);
	else
		result->figures_only =
			!feed_steer(machine, &in, result) && feed_paths(machine, &in, result);
	machine->stirred |= in.kind != INPUT_DECIDE && !result->figures_only;
	if (machine->tap && (!idle || result->effects))
		machine->tap(machine->tap_arg, &in, result);
}

struct input machine_outcome(const struct migration *migration, struct mono now)
{
	return (struct input){
		.kind = INPUT_OUTCOME,
		.path = (int16_t)migration->to,
		.at = now,
		.outcome =
			{
				.moved_us = migration->swapped.us,
				.settle_us = migration->settle_us,
				.swap_us = (int32_t)migration->swap_us,
				.outcome = (uint8_t)migration->outcome,
				.reason = migration->reason,
			},
	};
}

void machine_counters(struct machine *machine, size_t path, const struct path_counters *counters,
		      struct mono now, struct machine_result *result)
{
	bool active = machine->steer.active == (int)path;
	enum stall_result stall;

	machine_feed(machine,
		     (struct input){.kind = INPUT_COUNTERS,
				    .path = (int16_t)path,
				    .at = now,
				    .counters = *counters},
		     result);
	stall = paths_watch(&machine->paths, path, active, counters, now);
	if (stall != STALL_QUIET)
		machine_feed(machine,
			     (struct input){.kind = INPUT_STALL,
					    .path = (int16_t)path,
					    .at = now,
					    .value = stall},
			     result);
	if (active && traffic_on_packets(&machine->traffic, (int)path,
					 paths_traffic_packets(&machine->paths, path), now))
		machine_feed(machine,
			     (struct input){.kind = INPUT_PAUSE, .path = POLICY_NONE, .at = now},
			     result);
}
