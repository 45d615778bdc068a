/* turn: the timer of a policy that at the end of every interval draws a path, which may be the
 * present one.
 *
 * The path is drawn once, however often steer asks while a guard delays the move: to draw again
 * each time would favour the present path, which no guard delays.
 */
#ifndef COMPS_POLICIES_TURN_H
#define COMPS_POLICIES_TURN_H

#include "policies/interval.h"

struct turn {
	struct interval interval;
	int64_t due_us;
	bool chosen; /* `choice` was drawn, and is not reached yet */
	int choice;
};

/* Draws a path: a candidate or the active one; POLICY_KEEP where there is none. */
typedef int (*turn_draw_fn)(void *state, const struct policy_input *in);

/* The whole answer of such a policy. */
void turn_decide(struct turn *turn, const struct policy_input *in, turn_draw_fn draw, void *state,
		 const char *reason, struct policy_answer *out);

#endif
