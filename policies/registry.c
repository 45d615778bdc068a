#include "policies/registry.h"

#include <string.h>

extern const struct policy_ops policy_burst_aware;
extern const struct policy_ops policy_byte_budget;
extern const struct policy_ops policy_dirichlet;
extern const struct policy_ops policy_epsilon_greedy;
extern const struct policy_ops policy_exposure_balance;
extern const struct policy_ops policy_failover;
extern const struct policy_ops policy_hold;
extern const struct policy_ops policy_latency_best;
extern const struct policy_ops policy_latency_softmax;
extern const struct policy_ops policy_markov;
extern const struct policy_ops policy_packet_budget;
extern const struct policy_ops policy_pinned_random;
extern const struct policy_ops policy_random_interval;
extern const struct policy_ops policy_round_robin;
extern const struct policy_ops policy_weighted_random;

static const struct policy_ops *const policies[] = {
	&policy_burst_aware,
	&policy_byte_budget,
	&policy_dirichlet,
	&policy_epsilon_greedy,
	&policy_exposure_balance,
	&policy_failover,
	&policy_hold,
	&policy_latency_best,
	&policy_latency_softmax,
	&policy_markov,
	&policy_packet_budget,
	&policy_pinned_random,
	&policy_random_interval,
	&policy_round_robin,
	&policy_weighted_random,
	NULL,
};

const struct policy_ops *const *registry_all(void)
{
	return policies;
}

const struct policy_ops *registry_find(const char *name)
{
	for (const struct policy_ops *const *ops = policies; *ops != NULL; ops++) {
		if (strcmp((*ops)->name, name) == 0)
			return *ops;
	}
	return NULL;
}
