/* pinned-random: one path for a whole session, chosen uniformly among the eligible ones. A session
 * ends after 0.5 to 1.5 epochs, and when the traffic pauses; the next one's path is drawn among all
 * of them, the present one included. A failure draws anew at once and begins a session.
 *
 * The yardstick for every policy that splits: Beckerle, Magnusson and Pulls ("Splitting Hairs and
 * Network Traces", WPES 2022) found that splitting defences may protect less than this does. */
#include "policies/interval.h"
#include "policies/select.h"

struct pinned_random {
	struct interval session;
	int64_t end_us; /* of this session */
	bool pause;
	uint32_t number; /* of this session */
	int choice;	 /* the next session's path, while a guard delays the move to it */
};

static const struct policy_param params[] = {
	{
		.name = "epoch",
		.type = POLICY_DURATION,
		.preset = {.duration_us = 600000000},
		.min = 0,
		.max = INTERVAL_LONGEST_US,
		.help = "longest session, in the mean; 0s: no limit",
	},
	{
		.name = "pause",
		.type = POLICY_FLAG,
		.preset = {.flag = true},
		.help = "a pause of the traffic ends a session, too",
	},
};

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	struct pinned_random *s = state;

	(void)error;
	(void)error_bytes;
	s->session.dist = INTERVAL_UNIFORM;
	s->session.mean_us = (double)setup->values[0].duration_us;
	s->pause = setup->values[1].flag;
	return 0;
}

static void begin_session(struct pinned_random *s, int64_t from_us, const struct policy_input *in)
{
	s->number = in->session;
	s->choice = POLICY_NONE;
	s->end_us = POLICY_NEVER;
	if (s->session.mean_us > 0)
		s->end_us = from_us + interval_draw_us(&s->session, &in->rng);
}

/* The next session's path. Drawn once, however often steer asks while a guard delays the move: to
 * draw again each time would favour the present path, which no guard delays. */
static void choose(struct pinned_random *s, const struct policy_input *in)
{
	if (select_must_move(in))
		s->choice = select_random(in, false);
	else if (s->choice == POLICY_NONE || !in->paths[s->choice].eligible)
		s->choice = select_random(in, true);
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	struct pinned_random *s = state;

	if (in->event == POLICY_MIGRATED) {
		begin_session(s, in->since_us, in);
	} else if (in->event == POLICY_START) {
		s->choice = POLICY_NONE;
		s->end_us = in->now_us;
	}
	if (select_must_move(in) || in->now_us >= s->end_us ||
	    (s->pause && in->session != s->number)) {
		choose(s, in);
		if (s->choice != in->active) {
			select_answer(out, s->choice, "random");
			return;
		}
		begin_session(s, in->now_us, in);
	}
	out->wake_us = s->end_us;
}

const struct policy_ops policy_pinned_random = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "pinned-random",
	.help = "Chooses one eligible path at random and keeps it for a session. The yardstick for "
		"every policy that splits.",
	.params = params,
	.param_count = sizeof(params) / sizeof(*params),
	.state_size = sizeof(struct pinned_random),
	.init = init,
	.decide = decide,
};
