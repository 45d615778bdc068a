/* A policy for a later version of policy.h. */
#include "policies/policy.h"

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	(void)state;
	(void)in;
	(void)out;
}

const struct policy_ops policy_plugin = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR + 1,
	.name = "future",
	.help = "Is not known yet.",
	.decide = decide,
};
