/* low-loss: leaves a path that loses more than a share of its probes, for the one that loses least.
 * The example of comps-policy(7): a policy of your own, built outside the tree. */
#include <comps/policy.h>

static const struct policy_param params[] = {
	{
		.name = "most",
		.type = POLICY_NUMBER,
		.preset = {.number = 0.05},
		.min = 0,
		.max = 1,
		.help = "lost share of the probes from which on a path is left",
	},
};

struct low_loss {
	double most;
};

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	struct low_loss *s = state;

	(void)error;
	(void)error_bytes;
	s->most = setup->values[0].number;
	return 0;
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	const struct low_loss *s = state;
	double least = s->most;

	/* For the first path and at a failure steer takes the preferred one. */
	if (in->active == POLICY_NONE || in->paths[in->active].loss <= s->most)
		return;
	for (size_t i = 0; i < in->path_count; i++) {
		if (!in->paths[i].eligible || in->paths[i].loss > least)
			continue;
		least = in->paths[i].loss;
		out->path = (int)i;
		out->reason = "loss";
	}
}

const struct policy_ops policy_plugin = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "low-loss",
	.help = "Leaves a path that loses too many probes.",
	.params = params,
	.param_count = 1,
	.state_size = sizeof(struct low_loss),
	.init = init,
	.decide = decide,
	.minds_figures = true,
};
