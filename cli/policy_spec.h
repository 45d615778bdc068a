/* policy_spec: policies as one writes them on a command line: NAME[,KEY=VALUE]...
 *
 * A value may be a range: A..B*F goes from A to B in factors of F, A..B+S in steps of S, both ends
 * included where they fall on it. A spec with ranges stands for every combination of their values.
 */
#ifndef COMPS_CLI_POLICY_SPEC_H
#define COMPS_CLI_POLICY_SPEC_H

#include <stddef.h>

#include "lib/err.h"
#include "policies/policy.h"

struct policy_spec {
	const struct policy_ops *ops;
	union policy_value *values;
	char params[512]; /* those given, ranges resolved: "interval=2s,min=1s" */
};

struct policy_specs {
	struct policy_spec *items;
	size_t count;
};

#define POLICY_SPECS_MAX 10000

/* Adds what `text` stands for, by a policy of the NULL-ended list. Returns 0, or -EINVAL with a
 * sentence that names the place in `text`, or -ENOMEM. */
int policy_specs_add(struct policy_specs *specs, const struct policy_ops *const *policies,
		     const char *text, struct err *err);

void policy_specs_fini(struct policy_specs *specs);

#endif
