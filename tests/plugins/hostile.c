/* A policy that answers all that it should not, one thing after the other or the one it is told. */
#include <math.h>
#include <string.h>

#include "policies/policy.h"

static const char *const crimes[] = {
	"all",	     "unknown-path", "negative-path", "active-path", "unfit",
	"no-reason", "bad-reason",   "past",	      "always",	     NULL};

static const struct policy_param params[] = {
	{.name = "crime",
	 .type = POLICY_CHOICE,
	 .preset = {.choice = 0},
	 .choices = crimes,
	 .help = "what it does"},
};

struct hostile {
	int crime;
	unsigned int asked;
};

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	struct hostile *s = state;

	(void)error;
	(void)error_bytes;
	s->crime = setup->values[0].choice;
	return 0;
}

static int unfit(const struct policy_input *in)
{
	for (size_t i = 0; i < in->path_count; i++) {
		if (!in->paths[i].eligible && (int)i != in->active)
			return (int)i;
	}
	return (int)in->path_count;
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	struct hostile *s = state;
	int crime = s->crime ? s->crime : 1 + (int)(s->asked++ % 7);

	out->path = 0;
	out->reason = "hostile";
	out->wake_us = in->now_us + 50000;
	switch (crime) {
	case 1:
		out->path = (int)in->path_count + 1000000;
		break;
	case 2:
		out->path = -77;
		break;
	case 3:
		out->path = in->active;
		break;
	case 4:
		out->path = unfit(in);
		break;
	case 5:
		out->reason = NULL;
		break;
	case 6:
		out->reason = "\xff\n";
		break;
	case 7:
		out->path = POLICY_KEEP;
		out->reason = NULL;
		out->wake_us = (int64_t)fmin(-1e18, (double)in->now_us); /* long ago */
		break;
	default: /* moves whenever it is asked */
		for (size_t i = 0; i < in->path_count; i++) {
			if (in->paths[i].eligible)
				out->path = (int)i;
		}
		break;
	}
}

const struct policy_ops policy_plugin = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "hostile",
	.help = "Answers what it should not.",
	.params = params,
	.param_count = 1,
	.state_size = sizeof(struct hostile),
	.init = init,
	.decide = decide,
	.minds_figures = true,
};
