#include "cli/policy_spec.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/policy_params.h"
#include "lib/units.h"

#define FIELDS_MAX 16
#define FIELD_MAX  128

/* One KEY=VALUE, with the values of its range. */
struct field {
	char key[FIELD_MAX], value[FIELD_MAX];
	bool range, duration;
	double from, to, step; /* a factor with `factor` */
	bool factor;
	size_t count;
};

struct fields {
	struct field items[FIELDS_MAX];
	size_t count;
};

/* --- ranges ----------------------------------------------------------------------------------- */

static int parse_end(const char *text, size_t length, bool *duration, double *out)
{
	char copy[FIELD_MAX], *end;
	int64_t us;

	snprintf(copy, sizeof(copy), "%.*s", (int)length, text);
	*duration = units_parse_duration(copy, &us, NULL) == 0;
	if (*duration) {
		*out = (double)us;
		return 0;
	}
	*out = strtod(copy, &end);
	return end == copy || *end || !isfinite(*out) ? -EINVAL : 0;
}

static int parse_range(struct field *field, struct err *err)
{
	const char *dots = strstr(field->value, ".."), *sign = NULL;
	bool other, step_duration;
	double steps;

	if (!dots)
		return 0;
	sign = dots + 2 + strcspn(dots + 2, "*+");
	if (!*sign ||
	    parse_end(field->value, (size_t)(dots - field->value), &field->duration,
		      &field->from) ||
	    parse_end(dots + 2, (size_t)(sign - dots - 2), &other, &field->to) ||
	    parse_end(sign + 1, strlen(sign + 1), &step_duration, &field->step) ||
	    other != field->duration)
		return err_set(err, -EINVAL,
			       "%s: \"%s\" is no range; write A..B*FACTOR or A..B+STEP", field->key,
			       field->value);
	field->factor = *sign == '*';
	if (field->to < field->from ||
	    (field->factor ? field->step <= 1 || step_duration || field->from <= 0
			   : field->step <= 0 || step_duration != field->duration))
		return err_set(err, -EINVAL, "%s: the range \"%s\" never ends", field->key,
			       field->value);
	field->range = true;
	steps = field->factor ? log(field->to / field->from) / log(field->step)
			      : (field->to - field->from) / field->step;
	field->count = 1 + (size_t)fmin(floor(steps + 1e-9), POLICY_SPECS_MAX);
	return 0;
}

static void range_value(const struct field *field, size_t i, char *out, size_t out_bytes)
{
	double value = field->factor ? field->from * pow(field->step, (double)i)
				     : field->from + field->step * (double)i;
	char duration[UNITS_TEXT_BYTES];

	if (field->duration) {
		units_format_duration(llround(value), duration);
		snprintf(out, out_bytes, "%s", duration);
	} else {
		snprintf(out, out_bytes, "%.12g", value);
	}
}

/* --- a spec ----------------------------------------------------------------------------------- */

static int parse_field(struct fields *fields, const char *text, size_t length, struct err *err)
{
	struct field *field = &fields->items[fields->count];
	const char *equals = memchr(text, '=', length);

	if (!equals || equals == text)
		return err_set(err, -EINVAL, "\"%.*s\" is not KEY=VALUE", (int)length, text);
	if (fields->count == FIELDS_MAX || length >= FIELD_MAX)
		return err_set(err, -EINVAL, "too many parameters, or too long ones");
	*field = (struct field){.count = 1};
	snprintf(field->key, sizeof(field->key), "%.*s", (int)(equals - text), text);
	snprintf(field->value, sizeof(field->value), "%.*s", (int)(text + length - equals - 1),
		 equals + 1);
	fields->count++;
	return parse_range(field, err);
}

static int add_one(struct policy_specs *specs, const struct policy_ops *ops, const char *params,
		   struct err *err)
{
	struct policy_spec *items = realloc(specs->items, (specs->count + 1) * sizeof(*items));
	int ret;

	if (!items)
		return err_set(err, -ENOMEM, "out of memory");
	specs->items = items;
	items[specs->count].ops = ops;
	snprintf(items[specs->count].params, sizeof(items[specs->count].params), "%s", params);
	ret = conf_policy_values_parse(ops, params, &items[specs->count].values, err);
	specs->count += !ret;
	return ret;
}

/* The `n`-th combination, the last parameter changing fastest. */
static int add_combination(struct policy_specs *specs, const struct policy_ops *ops,
			   const struct fields *fields, size_t n, struct err *err)
{
	char params[sizeof(specs->items->params)] = "", value[FIELD_MAX];
	size_t of[FIELDS_MAX], i, used = 0;

	for (i = fields->count; i-- > 0; n /= fields->items[i].count)
		of[i] = n % fields->items[i].count;
	for (i = 0; i < fields->count && used < sizeof(params); i++) {
		const struct field *field = &fields->items[i];

		snprintf(value, sizeof(value), "%s", field->value);
		if (field->range)
			range_value(field, of[i], value, sizeof(value));
		used += (size_t)snprintf(params + used, sizeof(params) - used, "%s%s=%s",
					 i ? "," : "", field->key, value);
	}
	if (used >= sizeof(params))
		return err_set(err, -EINVAL, "too many parameters, or too long ones");
	return add_one(specs, ops, params, err);
}

int policy_specs_add(struct policy_specs *specs, const struct policy_ops *const *policies,
		     const char *text, struct err *err)
{
	size_t length = strcspn(text, ","), n, combinations = 1;
	struct fields fields = {.count = 0};
	const struct policy_ops *ops;
	char name[64];
	int ret = 0;

	snprintf(name, sizeof(name), "%.*s", (int)length, text);
	ops = conf_policy_find(policies, name, err);
	if (!ops)
		return -EINVAL;
	for (text += length; *text && !ret; text += length) {
		length = strcspn(++text, ",");
		ret = parse_field(&fields, text, length, err);
		if (!ret)
			combinations *= fields.items[fields.count - 1].count;
		if (!ret && combinations + specs->count > POLICY_SPECS_MAX)
			ret = err_set(err, -EINVAL, "more than %d policies", POLICY_SPECS_MAX);
	}
	for (n = 0; n < combinations && !ret; n++)
		ret = add_combination(specs, ops, &fields, n, err);
	return ret ? err_prefix(err, ret == -ENOENT ? -EINVAL : ret, "policy %s", name) : 0;
}

void policy_specs_fini(struct policy_specs *specs)
{
	for (size_t i = 0; i < specs->count; i++)
		free(specs->items[i].values);
	free(specs->items);
	*specs = (struct policy_specs){NULL, 0};
}
