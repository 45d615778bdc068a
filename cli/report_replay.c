#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"

/* A figure's place in a line of `comps replay --json`; "*" is the largest of an object's values,
 * "+" their sum but for "start". */
static const struct place {
	const char *name;
	const char *keys[5];
} places[] = {
	{"rtt_mean_s", {"rtt_mean_s"}},
	{"rtt_p50_s", {"rtt_p50_s"}},
	{"rtt_p95_s", {"rtt_p95_s"}},
	{"loss", {"loss"}},
	{"outage_s", {"outage_s"}},
	{"migrations", {"migrations", "+"}},
	{"dwell_mean_s", {"dwell", "mean_s"}},
	{"dwell_p95_s", {"dwell", "p95_s"}},
	{"busiest_share", {"share", "*"}},
	{"busiest_share_30s", {"exposure", "windows", "2", "max_share", "mean"}},
	{"longest_share", {"exposure", "dwell", "longest_share"}},
	{"cv", {"exposure", "when", "cv"}},
	{"guess", {"exposure", "when", "guess"}},
	{"predictor", {"exposure", "where", "predictor"}},
	{"entropy_bits", {"exposure", "where", "entropy_bits"}},
};

#define PLACES (sizeof(places) / sizeof(*places))

static double reduce(json_t *object, char how)
{
	double result = how == '*' ? NAN : 0;
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		if (how == '*')
			result = fmax(result, json_number_value(value));
		else if (strcmp(key, "start") != 0)
			result += json_number_value(value);
	}
	return result;
}

static double look_up(json_t *line, const struct place *place)
{
	json_t *at = line;

	for (size_t i = 0; i < 5 && place->keys[i]; i++) {
		const char *key = place->keys[i];

		if (strchr("*+", key[0]))
			return json_is_object(at) ? reduce(at, key[0]) : NAN;
		at = json_is_array(at) ? json_array_get(at, (size_t)atoi(key))
				       : json_object_get(at, key);
	}
	return json_is_number(at) ? json_number_value(at) : NAN;
}

/* --- policies --------------------------------------------------------------------------------- */

struct policy {
	char *name, *params;
	uint64_t seeds;
	double sum[PLACES];
};

struct policies {
	struct policy *items;
	size_t count;
};

static struct policy *find(struct policies *policies, const char *name, const char *params)
{
	struct policy *larger;

	for (size_t i = policies->count; i-- > 0;) {
		if (!strcmp(policies->items[i].name, name) &&
		    !strcmp(policies->items[i].params, params))
			return &policies->items[i];
	}
	larger = reallocarray(policies->items, policies->count + 1, sizeof(*larger));
	if (!larger)
		return NULL;
	policies->items = larger;
	larger += policies->count;
	*larger = (struct policy){.name = strdup(name), .params = strdup(params)};
	if (!larger->name || !larger->params) {
		free(larger->name);
		free(larger->params);
		return NULL;
	}
	policies->count++;
	return larger;
}

static int add_line(struct policies *policies, json_t *line, struct err *err)
{
	const char *name = json_string_value(json_object_get(line, "policy"));
	const char *params = json_string_value(json_object_get(line, "params"));
	struct policy *policy;

	if (!name || !params || !json_object_get(line, "rtt_mean_s"))
		return err_set(err, -EBADMSG, "is no line of comps replay --json");
	policy = find(policies, name, params);
	if (!policy)
		return err_set(err, -ENOMEM, "out of memory");
	policy->seeds++;
	for (size_t i = 0; i < PLACES; i++)
		policy->sum[i] += look_up(line, &places[i]);
	return 0;
}

static json_t *describe(const struct policies *policies)
{
	json_t *list = json_array();

	for (size_t p = 0; p < policies->count; p++) {
		const struct policy *policy = &policies->items[p];
		json_t *figures = json_object();

		for (size_t i = 0; i < PLACES; i++) {
			double mean = policy->sum[i] / (double)policy->seeds;

			json_object_set_new(figures, places[i].name,
					    isfinite(mean) ? json_real(mean) : json_null());
		}
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:I, s:o}", "policy", policy->name,
						"params", policy->params, "seeds",
						(json_int_t)policy->seeds, "figures", figures));
	}
	return list;
}

/* --- the file --------------------------------------------------------------------------------- */

static int read_lines(FILE *in, const char *file, struct policies *policies, struct err *err)
{
	char *text = NULL;
	size_t room = 0, n = 0;
	json_error_t where;
	int ret = 0;

	while (!ret && getline(&text, &room, in) >= 0) {
		json_t *line = json_loads(text, 0, &where);

		n++;
		ret = line ? add_line(policies, line, err)
			   : err_set(err, -EBADMSG, "%s", where.text);
		json_decref(line);
	}
	free(text);
	if (ret)
		return err_prefix(err, ret, "%s:%zu", file, n);
	if (!n)
		return err_set(err, -ENODATA,
			       "%s: is empty; a trace or the output of comps replay --json is "
			       "wanted",
			       file);
	return 0;
}

json_t *report_replay(const char *file, struct err *err)
{
	struct policies policies = {NULL, 0};
	FILE *in = fopen(file, "r");
	json_t *list = NULL;

	if (!in) {
		err_set(err, -errno, "%s: %s", file, strerror(errno));
		return NULL;
	}
	if (!read_lines(in, file, &policies, err))
		list = describe(&policies);
	fclose(in);
	for (size_t i = 0; i < policies.count; i++) {
		free(policies.items[i].name);
		free(policies.items[i].params);
	}
	free(policies.items);
	return list;
}
