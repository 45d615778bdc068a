/* The parameters of every policy, and the policy that lives by them. The first byte of the input
 * chooses the policy, the rest is lines of NAME=VALUE.
 */
#include "conf/policy_params.h"
#include "lib/rng.h"
#include "policies/registry.h"
#include "tests/fuzz/fuzz.h"

#define PATHS 3
#define S     INT64_C(1000000)

static const struct policy_ops *choose(uint8_t byte)
{
	const struct policy_ops *const *all = registry_all();
	size_t count = 0;

	while (all[count])
		count++;
	return all[byte % count];
}

/* A value that was accepted must, once written, be accepted again. */
static void read_value(const struct policy_ops *ops, union policy_value *values, const char *name,
		       const char *text)
{
	char written[POLICY_TEXT_MAX + 1];
	struct err e;

	if (conf_policy_param_set(ops, values, name, text, &e))
		return;
	for (size_t i = 0; i < ops->param_count; i++) {
		const struct policy_param *param = &ops->params[i];

		if (strcmp(param->name, name) == 0 &&
		    conf_policy_value_format(param, values[i], written, sizeof(written)) == 0)
			MUST(conf_policy_param_set(ops, values, name, written, &e) == 0);
	}
}

static void read_values(const struct policy_ops *ops, union policy_value *values, char *text)
{
	char *line, *equals;

	while ((line = strsep(&text, "\n"))) {
		equals = strchr(line, '=');
		if (equals)
			*equals = '\0';
		read_value(ops, values, line, equals ? equals + 1 : "");
	}
}

static uint64_t next(void *arg, enum policy_stream stream)
{
	return rng_next(arg, (unsigned int)stream);
}

static void ask(const struct policy_ops *ops, void *state, struct policy_input *in)
{
	struct policy_answer out = {POLICY_KEEP, NULL, POLICY_NEVER};

	ops->decide(state, in, &out);
	if (out.path == POLICY_KEEP)
		return;
	MUST(out.path >= 0 && out.path < PATHS && out.path != in->active && out.reason);
	MUST(in->paths[out.path].eligible);
	in->active = out.path;
	in->since_us = in->now_us;
}

static void live(const struct policy_ops *ops, void *state)
{
	struct policy_path paths[PATHS];
	struct policy_input in = {.now_us = S, .since_us = S, .active = POLICY_NONE};
	struct rng rng;

	MUST(rng_init_seed(&rng, 1) == 0);
	in.rng = (struct policy_rng){next, &rng};
	in.path_count = PATHS;
	in.paths = paths;
	for (int step = 0; step < 24; step++) {
		in.event = step ? (enum policy_event)(1 + step % POLICY_FAILOVER) : POLICY_START;
		for (int i = 0; i < PATHS; i++)
			paths[i] = (struct policy_path){
				.name = "path",
				.eligible = i != in.active && in.event != POLICY_MIGRATED &&
					    (step + i) % 5 != 0,
				.priority = (uint32_t)i,
				.srtt_us = i == step % 7 ? -1 : (i + 1) * 10000 * (step % 4),
				.up_for_us = step * S,
			};
		ask(ops, state, &in);
		in.now_us += step * 97 * S;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct policy_ops *ops;
	union policy_value *values;
	struct policy_setup setup;
	char error[200], *text;
	void *state;
	struct err e;

	if (!size)
		return 0;
	ops = choose(data[0]);
	values = conf_policy_values_new(ops);
	setup = (struct policy_setup){values, PATHS};
	text = fuzz_text(data + 1, size - 1);
	read_values(ops, values, text);
	state = calloc(1, ops->state_size + 1);
	MUST(state && values);
	if (conf_policy_values_check(ops, values, PATHS, &e) == 0) {
		MUST(!ops->init || ops->init(state, &setup, error, sizeof(error)) == 0);
		live(ops, state);
	}
	free(state);
	free(values);
	free(text);
	return 0;
}
