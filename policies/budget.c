#include "policies/budget.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "policies/select.h"

enum {
	MEAN,
	DIST,
	MIN,
	LONGEST
};

/* How soon to look again: when half of what is left may be used up at the present speed. */
#define LOOK_MIN_US 10000
#define LOOK_MAX_US 200000

int budget_init(struct budget *budget, const union policy_value *values, bool packets, char *error,
		size_t error_bytes)
{
	budget->packets = packets;
	budget->longest_us = values[LONGEST].duration_us;
	budget->law = (struct interval){
		.dist = (enum interval_dist)values[DIST].choice,
		.mean_us = (double)values[MEAN].count,
		.min_us = (double)values[MIN].count,
	};
	if (budget->law.dist == INTERVAL_FIXED || budget->law.min_us < budget->law.mean_us)
		return 0;
	snprintf(error, error_bytes, "min (%g) must be less than the mean (%g)", budget->law.min_us,
		 budget->law.mean_us);
	return -EINVAL;
}

static uint64_t reading(const struct budget *budget, const struct policy_input *in)
{
	const struct policy_path *path = &in->paths[in->active];

	return budget->packets ? path->tx_packets + path->rx_packets
			       : path->tx_bytes + path->rx_bytes;
}

static void begin(struct budget *budget, const struct policy_input *in, int64_t from_us)
{
	budget->chosen = false;
	budget->left = (double)interval_draw_us(&budget->law, &in->rng);
	budget->read = reading(budget, in);
	budget->read_us = in->now_us;
	budget->look_us = in->now_us + LOOK_MIN_US;
	budget->due_us = from_us + budget->longest_us;
}

/* Takes a reading, and knows when to look again. */
static void spend(struct budget *budget, const struct policy_input *in)
{
	uint64_t now = reading(budget, in);
	/* An interface that was made again counts from 0. */
	double used = now < budget->read ? (double)now : (double)(now - budget->read);
	double us = LOOK_MAX_US;

	budget->left -= used;
	if (used > 0 && in->now_us > budget->read_us)
		us = 0.5 * budget->left / used * (double)(in->now_us - budget->read_us);
	budget->read = now;
	budget->read_us = in->now_us;
	budget->look_us = in->now_us + (int64_t)fmin(fmax(us, LOOK_MIN_US), LOOK_MAX_US);
}

static int choose(struct budget *budget, const struct policy_input *in)
{
	if (!budget->chosen || !select_is_candidate(in, (size_t)budget->choice))
		budget->choice = select_random(in, false);
	budget->chosen = budget->choice != POLICY_KEEP;
	return budget->choice;
}

void budget_decide(struct budget *budget, const struct policy_input *in, const char *reason,
		   struct policy_answer *out)
{
	/* When a migration is told no path is shown as eligible. */
	bool somewhere = in->event == POLICY_MIGRATED || select_count(in) > 0;

	if (select_must_move(in)) {
		select_answer(out, choose(budget, in), reason);
		return;
	}
	if (in->event == POLICY_MIGRATED || in->event == POLICY_START)
		begin(budget, in, in->event == POLICY_START ? in->now_us : in->since_us);
	if (somewhere && in->now_us >= budget->look_us)
		spend(budget, in);
	if (budget->left <= 0 || in->now_us >= budget->due_us) {
		if (choose(budget, in) != POLICY_KEEP) {
			select_answer(out, budget->choice, reason);
			return;
		}
		begin(budget, in, in->now_us);
	}
	out->wake_us = budget->due_us;
	if (somewhere && budget->look_us < budget->due_us)
		out->wake_us = budget->look_us;
}
