/* failover: the eligible path of the lowest priority number, left only when it fails. When a
 * preferred path is back, it is returned to (failback) at once, after it has been up for `delay`,
 * or never; a delay keeps a path that comes and goes from taking the traffic with it. A path
 * chosen by hand is kept for at least the same delay. */
#include "policies/select.h"

enum {
	FAILBACK,
	DELAY
};
enum {
	FAILBACK_DELAY,
	FAILBACK_IMMEDIATE,
	FAILBACK_NEVER
};

struct failover {
	int64_t delay_us; /* POLICY_NEVER: no failback */
};

static const char *const failback_names[] = {"delay", "immediate", "never", NULL};

static const struct policy_param params[] = {
	[FAILBACK] = {.name = "failback",
		      .type = POLICY_CHOICE,
		      .preset = {.choice = FAILBACK_DELAY},
		      .choices = failback_names,
		      .help = "when to return to a preferred path that is up again"},
	[DELAY] = {.name = "delay",
		   .type = POLICY_DURATION,
		   .preset = {.duration_us = 60000000},
		   .min = 0,
		   .max = 30 * 86400e6,
		   .help = "how long it must have been up before, with failback delay"},
};

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	struct failover *s = state;

	(void)error;
	(void)error_bytes;
	s->delay_us = setup->values[DELAY].duration_us;
	if (setup->values[FAILBACK].choice == FAILBACK_IMMEDIATE)
		s->delay_us = 0;
	else if (setup->values[FAILBACK].choice == FAILBACK_NEVER)
		s->delay_us = POLICY_NEVER;
	return 0;
}

/* The instant from which `path` may be returned to. */
static int64_t ready_us(const struct failover *s, const struct policy_input *in,
			const struct policy_path *path)
{
	int64_t up_us = in->now_us - path->up_for_us;

	return s->delay_us + (up_us > in->since_us ? up_us : in->since_us);
}

static void fail_back(const struct failover *s, const struct policy_input *in,
		      struct policy_answer *out)
{
	uint32_t priority = in->paths[in->active].priority;

	for (size_t i = 0; i < in->path_count; i++) {
		const struct policy_path *path = &in->paths[i];
		int64_t at_us;

		if (!select_is_candidate(in, i) || path->priority >= priority)
			continue;
		at_us = ready_us(s, in, path);
		if (at_us <= in->now_us) {
			select_answer(out, (int)i, "failback");
			priority = path->priority;
		} else if (at_us < out->wake_us) {
			out->wake_us = at_us;
		}
	}
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	const struct failover *s = state;

	if (select_must_move(in)) {
		select_answer(out, select_preferred(in), "failover");
	} else if (s->delay_us != POLICY_NEVER) {
		fail_back(s, in, out);
	}
}

const struct policy_ops policy_failover = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "failover",
	.help = "Takes the eligible path of the lowest priority number, leaves it only when it "
		"fails, and returns to it after a delay. For availability; no privacy.",
	.params = params,
	.param_count = sizeof(params) / sizeof(*params),
	.state_size = sizeof(struct failover),
	.init = init,
	.decide = decide,
};
