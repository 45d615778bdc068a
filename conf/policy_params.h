/* policy_params: the values of a policy's declared parameters, from text.
 *
 * The same checks serve comps.yaml and `comps policy set NAME key=value`.
 */
#ifndef COMPS_CONF_POLICY_PARAMS_H
#define COMPS_CONF_POLICY_PARAMS_H

#include <stddef.h>

#include "lib/err.h"
#include "policies/policy.h"

/* The policy called `name` of the NULL-ended list, or NULL with the nearest known name and the
 * whole list in `e`. */
const struct policy_ops *conf_policy_find(const struct policy_ops *const *policies,
					  const char *name, struct err *e);

/* A new array of ops->param_count defaults (never NULL for want of parameters), to be freed with
 * free(); NULL when out of memory. */
union policy_value *conf_policy_values_new(const struct policy_ops *ops);

/* Sets the parameter `key` in `values` from its text. Returns 0; -ENOENT for an unknown key or
 * -EINVAL for a value of the wrong type, unit or range, with a sentence in `e` that does not repeat
 * the key of a known parameter. `values` is unchanged after a failure. */
int conf_policy_param_set(const struct policy_ops *ops, union policy_value *values, const char *key,
			  const char *text, struct err *e);

/* Lets the policy's own init() check the values against each other and the number of paths (0: not
 * known yet), on a state that is thrown away.
 * Returns 0, -EINVAL with its sentence in `e`, or -ENOMEM. */
int conf_policy_values_check(const struct policy_ops *ops, const union policy_value *values,
			     size_t path_count, struct err *e);

/* Writes a value as it would be written in comps.yaml. Returns 0, or -ENOSPC when it was cut. */
int conf_policy_value_format(const struct policy_param *param, union policy_value value, char *out,
			     size_t out_bytes);

/* Writes all values as `comps policy set` takes them, but with a comma between two:
 * "interval=10s,min=2s". Returns 0, or -ENOSPC when it was cut. */
int conf_policy_values_format(const struct policy_ops *ops, const union policy_value *values,
			      char *out, size_t out_bytes);

/* Reads what conf_policy_values_format() writes; what is not given gets its default. Returns 0 with
 * *out to be freed with free(); -ENOENT or -EINVAL with a sentence that names the parameter;
 * -ENOMEM. */
int conf_policy_values_parse(const struct policy_ops *ops, const char *text,
			     union policy_value **out, struct err *e);

#endif
