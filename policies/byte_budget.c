/* byte-budget: moves on when the path has carried a random number of bytes, both ways, or after the
 * longest stay. What one path sees at a stretch is bounded whatever the speed, and an idle host
 * does not migrate for nothing. */
#include "policies/budget.h"

static const struct policy_param params[] = {BUDGET_PARAMS("bytes", 262144, 16384, "bytes")};

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	return budget_init(state, setup->values, false, error, error_bytes);
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	budget_decide(state, in, "budget", out);
}

const struct policy_ops policy_byte_budget = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "byte-budget",
	.help = "Migrates when a path has carried a random number of bytes. Bounds what each path "
		"sees at a stretch, whatever the speed.",
	.params = params,
	.param_count = sizeof(params) / sizeof(*params),
	.state_size = sizeof(struct budget),
	.init = init,
	.decide = decide,
};
