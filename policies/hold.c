/* hold: stay. The first path, and the one after a failure, is the eligible one of the lowest
 * priority number; otherwise nothing ever moves. The baseline for performance, and what an
 * operator wants who migrates by hand. */
#include "policies/select.h"

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	(void)state;
	if (select_must_move(in))
		select_answer(out, select_preferred(in), "hold");
}

const struct policy_ops policy_hold = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "hold",
	.help = "Never migrates by itself; leaves a path only when it fails. No privacy.",
	.decide = decide,
};
