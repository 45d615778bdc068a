#include "policies/turn.h"

#include "policies/select.h"

static void begin(struct turn *turn, const struct policy_input *in, int64_t from_us)
{
	turn->chosen = false;
	turn->due_us = from_us + interval_draw_us(&turn->interval, &in->rng);
}

static bool is_choice_good(const struct turn *turn, const struct policy_input *in)
{
	return turn->chosen && select_is_candidate(in, (size_t)turn->choice);
}

void turn_decide(struct turn *turn, const struct policy_input *in, turn_draw_fn draw, void *state,
		 const char *reason, struct policy_answer *out)
{
	if (in->event == POLICY_MIGRATED)
		begin(turn, in, in->since_us);
	else if (in->event == POLICY_START)
		begin(turn, in, in->now_us);
	if (select_must_move(in) || in->now_us >= turn->due_us) {
		if (!is_choice_good(turn, in))
			turn->choice = draw(state, in);
		turn->chosen = turn->choice != POLICY_KEEP && turn->choice != in->active;
		if (turn->chosen) {
			select_answer(out, turn->choice, reason);
			return;
		}
		if (select_must_move(in))
			return;
		begin(turn, in, in->now_us);
	}
	out->wake_us = turn->due_us;
}
