/* packet-budget: as byte-budget, but with packets. TrafficSliver (De la Cadena et al., CCS 2020)
 * splits after 50 to 70 cells, HyWF (Henri et al., PoPETs 2020) after 20 packets in the mean. At
 * such numbers only a slow flow is followed live: the counters are looked at every 10 ms. */
#include "policies/budget.h"

static const struct policy_param params[] = {BUDGET_PARAMS("packets", 250, 1, "packets")};

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	return budget_init(state, setup->values, true, error, error_bytes);
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	budget_decide(state, in, "budget", out);
}

const struct policy_ops policy_packet_budget = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "packet-budget",
	.help = "Migrates when a path has carried a random number of packets. The batches of "
		"TrafficSliver and HyWF, as far as a daemon can.",
	.params = params,
	.param_count = sizeof(params) / sizeof(*params),
	.state_size = sizeof(struct budget),
	.init = init,
	.decide = decide,
};
