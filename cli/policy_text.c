#include "cli/policy_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/format.h"
#include "lib/units.h"
#include "policies/registry.h"

#define DURATION_MAX_S 1e12 /* its microseconds fit an int64_t */

void policy_text_value(const char *type, const json_t *value, char *out, size_t out_bytes)
{
	double number = json_number_value(value);
	char duration[UNITS_TEXT_BYTES];

	if (json_is_string(value)) {
		snprintf(out, out_bytes, "%s", json_string_value(value));
	} else if (json_is_boolean(value)) {
		snprintf(out, out_bytes, "%s", json_is_true(value) ? "true" : "false");
	} else if (!json_is_number(value)) {
		snprintf(out, out_bytes, "-");
	} else if (strcmp(type, "duration") == 0 && number >= 0 && number < DURATION_MAX_S) {
		units_format_duration((int64_t)llround(number * 1e6), duration);
		snprintf(out, out_bytes, "%s", duration);
	} else {
		snprintf(out, out_bytes, "%.10g", number);
	}
}

static const char *type_of(const char *policy, const char *param)
{
	const struct policy_ops *ops = registry_find(policy);

	for (size_t i = 0; ops && i < ops->param_count; i++)
		if (strcmp(ops->params[i].name, param) == 0)
			return ops->params[i].type == POLICY_DURATION ? "duration" : "number";
	return "number";
}

void policy_text_param(const char *policy, const char *param, const json_t *value, char *out,
		       size_t out_bytes)
{
	policy_text_value(type_of(policy, param), value, out, out_bytes);
}

void policy_text_summary(json_t *policy, char *out, size_t out_bytes)
{
	const char *name = format_string(policy, "name"), *key, *before = " (";
	json_t *params = json_object_get(policy, "params"), *value;
	int used = snprintf(out, out_bytes, "%s", name);
	char text[64];

	json_object_foreach(params, key, value)
	{
		policy_text_param(name, key, value, text, sizeof(text));
		if (used >= 0 && (size_t)used < out_bytes)
			used += snprintf(out + used, out_bytes - (size_t)used, "%s%s %s", before,
					 key, text);
		before = ", ";
	}
	if (json_object_size(params) && (size_t)used + 1 < out_bytes)
		strcpy(out + used, ")");
}
