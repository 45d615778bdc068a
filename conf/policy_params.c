#include "conf/policy_params.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/nearest.h"
#include "conf/scalar.h"
#include "lib/units.h"

#define NAMES_MAX  64
#define HINT_BYTES 320
#define TEXT_BYTES (POLICY_TEXT_MAX + 1)

const struct policy_ops *conf_policy_find(const struct policy_ops *const *policies,
					  const char *name, struct err *e)
{
	const char *names[NAMES_MAX];
	char hint[HINT_BYTES];
	size_t count = 0;

	for (size_t i = 0; policies[i]; i++) {
		if (strcmp(policies[i]->name, name) == 0)
			return policies[i];
		if (count < NAMES_MAX)
			names[count++] = policies[i]->name;
	}
	nearest_hint(name, names, count, hint, sizeof(hint));
	err_set(e, -ENOENT, "there is no policy \"%.40s\"; %s", name, hint);
	return NULL;
}

union policy_value *conf_policy_values_new(const struct policy_ops *ops)
{
	size_t texts = 0;
	union policy_value *values;

	for (size_t i = 0; i < ops->param_count; i++)
		texts += ops->params[i].type == POLICY_TEXT;
	values = calloc(1, (ops->param_count + 1) * sizeof(*values) + texts * TEXT_BYTES);
	for (size_t i = 0; values && i < ops->param_count; i++)
		values[i] = ops->params[i].preset;
	return values;
}

/* The room for a text is behind the values, in the same allocation. */
static char *text_room(const struct policy_ops *ops, union policy_value *values, size_t param)
{
	char *room = (char *)&values[ops->param_count + 1];

	for (size_t i = 0; i < param; i++)
		room += ops->params[i].type == POLICY_TEXT ? TEXT_BYTES : 0;
	return room;
}

static int set_text(const char *text, char *room, const char **out, struct err *e)
{
	size_t length = strlen(text);

	if (length > POLICY_TEXT_MAX)
		return err_set(e, -EINVAL, "is longer than %d characters", POLICY_TEXT_MAX);
	for (size_t i = 0; i < length; i++) {
		if (text[i] < ' ' || text[i] > '~' || text[i] == ',')
			return err_set(e, -EINVAL,
				       "only printable ASCII without a comma is allowed; use "
				       "spaces between numbers");
	}
	memcpy(room, text, length + 1);
	*out = room;
	return 0;
}

static int set_number(const struct policy_param *p, const char *text, union policy_value *value,
		      struct err *e)
{
	const char *accepted = p->type == POLICY_COUNT ? "0123456789" : "0123456789.+-eE";
	char *end;
	double number = strtod(text, &end);

	if (text[0] == '\0' || *end != '\0' || strspn(text, accepted) != strlen(text))
		return err_set(e, -EINVAL, "\"%.40s\" is not a %s (range %.15g..%.15g)", text,
			       p->type == POLICY_COUNT ? "whole number" : "number", p->min, p->max);
	if (!(number >= p->min && number <= p->max))
		return err_set(e, -EINVAL, "%.40s is out of range (range %.15g..%.15g)", text,
			       p->min, p->max);
	if (p->type == POLICY_COUNT)
		value->count = (int64_t)number;
	else
		value->number = number;
	return 0;
}

static int unknown_param(const struct policy_ops *ops, const char *key, struct err *e)
{
	const char *names[NAMES_MAX];
	char hint[HINT_BYTES];
	size_t count = 0;

	if (ops->param_count == 0)
		return err_set(e, -ENOENT, "%s has no parameters, so none called \"%.40s\"",
			       ops->name, key);
	for (; count < ops->param_count && count < NAMES_MAX; count++)
		names[count] = ops->params[count].name;
	nearest_hint(key, names, count, hint, sizeof(hint));
	return err_set(e, -ENOENT, "%s has no parameter \"%.40s\"; %s", ops->name, key, hint);
}

int conf_policy_param_set(const struct policy_ops *ops, union policy_value *values, const char *key,
			  const char *text, struct err *e)
{
	for (size_t i = 0; i < ops->param_count; i++) {
		const struct policy_param *param = &ops->params[i];

		if (strcmp(param->name, key) != 0)
			continue;
		switch (param->type) {
		case POLICY_DURATION:
			return scalar_duration(text, param->min, param->max, &values[i].duration_us,
					       e);
		case POLICY_NUMBER:
		case POLICY_COUNT:
			return set_number(param, text, &values[i], e);
		case POLICY_FLAG:
			return scalar_flag(text, &values[i].flag, e);
		case POLICY_CHOICE:
			return scalar_choice(text, param->choices, &values[i].choice, e);
		case POLICY_TEXT:
			return set_text(text, text_room(ops, values, i), &values[i].text, e);
		}
	}
	return unknown_param(ops, key, e);
}

int conf_policy_values_check(const struct policy_ops *ops, const union policy_value *values,
			     size_t path_count, struct err *e)
{
	struct policy_setup setup = {values, path_count};
	char text[256] = "the parameters do not go together";
	void *state;
	int rc;

	if (!ops->init)
		return 0;
	state = calloc(1, ops->state_size + 1);
	if (!state)
		return -ENOMEM;
	rc = ops->init(state, &setup, text, sizeof(text));
	free(state);
	return rc < 0 ? err_set(e, -EINVAL, "%s", text) : 0;
}

int conf_policy_value_format(const struct policy_param *param, union policy_value value, char *out,
			     size_t out_bytes)
{
	char duration[UNITS_TEXT_BYTES];
	int length = 0;

	switch (param->type) {
	case POLICY_DURATION:
		units_format_duration(value.duration_us, duration);
		length = snprintf(out, out_bytes, "%s", duration);
		break;
	case POLICY_NUMBER:
		length = snprintf(out, out_bytes, "%.15g", value.number);
		if (strtod(out, NULL) != value.number)
			length = snprintf(out, out_bytes, "%.17g", value.number);
		break;
	case POLICY_COUNT:
		length = snprintf(out, out_bytes, "%lld", (long long)value.count);
		break;
	case POLICY_FLAG:
		length = snprintf(out, out_bytes, "%s", value.flag ? "true" : "false");
		break;
	case POLICY_CHOICE:
		length = snprintf(out, out_bytes, "%s", param->choices[value.choice]);
		break;
	case POLICY_TEXT:
		length = snprintf(out, out_bytes, "%s", value.text);
		break;
	}
	return (size_t)length < out_bytes ? 0 : -ENOSPC;
}

int conf_policy_values_format(const struct policy_ops *ops, const union policy_value *values,
			      char *out, size_t out_bytes)
{
	size_t used = 0;
	char value[TEXT_BYTES];

	if (!out_bytes)
		return -ENOSPC;
	out[0] = '\0';
	for (size_t i = 0; i < ops->param_count; i++) {
		int rc = conf_policy_value_format(&ops->params[i], values[i], value, sizeof(value));

		if (rc)
			return rc;
		used += (size_t)snprintf(out + used, out_bytes - used, "%s%s=%s", i ? "," : "",
					 ops->params[i].name, value);
		if (used >= out_bytes)
			return -ENOSPC;
	}
	return 0;
}

/* One "key=value" of `length` characters. */
static int parse_param(const struct policy_ops *ops, const char *text, size_t length,
		       union policy_value *values, struct err *e)
{
	char copy[TEXT_BYTES + 64], *equals;
	int rc;

	if (length >= sizeof(copy))
		return err_set(e, -EINVAL, "\"%.40s...\" is too long", text);
	memcpy(copy, text, length);
	copy[length] = '\0';
	equals = strchr(copy, '=');
	if (!equals)
		return err_set(e, -EINVAL, "\"%s\" is not KEY=VALUE", copy);
	*equals = '\0';
	rc = conf_policy_param_set(ops, values, copy, equals + 1, e);
	return rc == -EINVAL ? err_prefix(e, rc, "%s", copy) : rc;
}

int conf_policy_values_parse(const struct policy_ops *ops, const char *text,
			     union policy_value **out, struct err *e)
{
	union policy_value *values = conf_policy_values_new(ops);
	int rc = 0;

	if (!values)
		return err_set(e, -ENOMEM, "out of memory");
	while (*text && !rc) {
		size_t length = strcspn(text, ",");

		rc = parse_param(ops, text, length, values, e);
		text += length + (text[length] == ',');
	}
	if (!rc)
		rc = conf_policy_values_check(ops, values, 0, e);
	if (rc)
		free(values);
	else
		*out = values;
	return rc;
}
