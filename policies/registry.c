#include "policies/registry.h"

#include <string.h>

extern const struct policy_ops policy_dirichlet;
extern const struct policy_ops policy_epsilon_greedy;
extern const struct policy_ops policy_exposure_balance;
extern const struct policy_ops policy_failover;
extern const struct policy_ops policy_hold;
extern const struct policy_ops policy_latency_best;
extern const struct policy_ops policy_latency_softmax;
extern const struct policy_ops policy_pinned_random;
extern const struct policy_ops policy_random_interval;
extern const struct policy_ops policy_round_robin;

static const struct policy_ops *const policies[] = {
	&policy_dirichlet,
	&policy_epsilon_greedy,
	&policy_exposure_balance,
	&policy_failover,
	&policy_hold,
	&policy_latency_best,
	&policy_latency_softmax,
	&policy_pinned_random,
	&policy_random_interval,
	&policy_round_robin,
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
