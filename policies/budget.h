/* budget: the trigger of a policy that moves on when a path has carried so much since it was taken,
 * or after a time.
 *
 * What a path has carried is read off its interface's counters, which are looked at every 10 ms
 * under load: what goes beyond the budget until then is the speed times that.
 */
#ifndef COMPS_POLICIES_BUDGET_H
#define COMPS_POLICIES_BUDGET_H

#include "policies/interval.h"

struct budget {
	struct interval law; /* of the budgets: counts in place of microseconds */
	bool packets;	     /* they are packets; else bytes */
	int64_t longest_us;  /* on a path */
	double left;	     /* of this budget when `read` was read */
	uint64_t read;
	int64_t read_us, look_us, due_us;
	bool chosen;
	int choice; /* drawn once, while a guard delays the move to it */
};

/* The parameter rows, in the order that budget_init() reads. */
#define BUDGET_PARAM_COUNT 4
#define BUDGET_PARAMS(name, mean, least, unit)                                                     \
	BUDGET_COUNT(name, mean, 1, "mean number of " unit " on a path"),                          \
		INTERVAL_LAW("dist", INTERVAL_EXPONENTIAL, "law of the budgets"),                  \
		BUDGET_COUNT("min", least, 0, "smallest number of " unit "; not for dist fixed"),  \
		INTERVAL_LENGTH("longest", 60000000, 100e3, "longest stay on a path")
#define BUDGET_COUNT(name, preset_count, min, help)                                                \
	{                                                                                          \
		name, POLICY_COUNT, {.count = (preset_count)}, min, 1e15, NULL, help               \
	}

/* Reads BUDGET_PARAM_COUNT values. Returns 0, or -EINVAL with a sentence in `error`. */
int budget_init(struct budget *budget, const union policy_value *values, bool packets, char *error,
		size_t error_bytes);

/* The whole answer of such a policy: one of the other paths, each equally likely. */
void budget_decide(struct budget *budget, const struct policy_input *in, const char *reason,
		   struct policy_answer *out);

#endif
