/* policy_text: values of policy parameters, from the protocol's numbers back to what is written in
 * comps.yaml: a duration is seconds there and "1.5s" here. */
#ifndef COMPS_CLI_POLICY_TEXT_H
#define COMPS_CLI_POLICY_TEXT_H

#include <jansson.h>
#include <stddef.h>

/* The text of `value` of a declared type: "duration", "number", "count", "flag" or "choice". */
void policy_text_value(const char *type, const json_t *value, char *out, size_t out_bytes);

/* The same for parameter `param` of `policy`; one that is not built in shows plain numbers. */
void policy_text_param(const char *policy, const char *param, const json_t *value, char *out,
		       size_t out_bytes);

/* "name (key value, key value)" of an object {name, params}. */
void policy_text_summary(json_t *policy, char *out, size_t out_bytes);

#endif
