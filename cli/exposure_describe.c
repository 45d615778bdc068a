#include <math.h>

#include "cli/exposure.h"

static json_t *figure(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

struct named {
	const char *name;
	double value;
};

static json_t *figures(const struct named *list, size_t count)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++)
		json_object_set_new(object, list[i].name, figure(list[i].value));
	return object;
}

#define FIGURES(...)                                                                               \
	figures((const struct named[]){__VA_ARGS__},                                               \
		sizeof((const struct named[]){__VA_ARGS__}) / sizeof(struct named))

static json_t *per_path(const double *shares, const char *const *names, size_t paths)
{
	json_t *object = json_object();

	for (size_t i = 0; i < paths; i++)
		json_object_set_new(object, names[i], figure(shares[i]));
	return object;
}

static json_t *shares(const struct shares *s)
{
	return FIGURES({"max", s->max}, {"entropy_bits", s->entropy_bits},
		       {"effective_paths", s->effective_paths},
		       {"min_entropy_bits", s->min_entropy},
		       {"inverse_herfindahl", s->inverse_herfindahl}, {"top2", s->top2});
}

static json_t *spread(const struct shares_spread *s)
{
	json_t *object =
		FIGURES({"mean", s->mean}, {"p50", s->p50}, {"p95", s->p95}, {"max", s->max});

	json_object_set_new(object, "count", json_integer((json_int_t)s->count));
	return object;
}

static json_t *windows(const struct exposure *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < EXPOSURE_WINDOWS; i++) {
		const struct exposure_window *w = &e->window[i];
		json_t *object = FIGURES({"over_60", w->over_60}, {"over_80", w->over_80},
					 {"entropy_bits", w->entropy_bits},
					 {"effective_paths", w->effective_paths});

		json_object_set_new(object, "window_s", w->s > 0 ? json_real(w->s) : json_null());
		json_object_set_new(object, "session", json_boolean(!(w->s > 0)));
		json_object_set_new(object, "max_share", spread(&w->max));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *dwell(const struct exposure *e)
{
	const struct dwell_figures *d = &e->dwell;

	return FIGURES({"count", (double)d->count}, {"censored", (double)d->censored},
		       {"mean_s", d->mean_s}, {"p50_s", d->p50_s}, {"p95_s", d->p95_s},
		       {"longest_s", d->longest_s}, {"longest_bytes", e->longest_bytes},
		       {"longest_share", e->longest_share});
}

static json_t *when(const struct exposure *e)
{
	const struct dwell_figures *d = &e->dwell;

	return FIGURES({"cv", d->cv}, {"hazard_flatness", d->hazard_flatness},
		       {"guess_s", d->guess_s}, {"guess", d->guess}, {"guess_once", d->one_shot},
		       {"divergence_nats", d->divergence_nats}, {"lattice_score", e->lattice.score},
		       {"lattice_period_s", e->lattice.period_s},
		       {"lattice_significant", e->lattice.significant});
}

static json_t *matrix(const struct transitions *t)
{
	json_t *rows = json_array();

	for (size_t from = 0; from < t->paths; from++) {
		json_t *row = json_array();

		for (size_t to = 0; to < t->paths; to++)
			json_array_append_new(row, json_integer(t->counts[from * t->paths + to]));
		json_array_append_new(rows, row);
	}
	return rows;
}

static json_t *where(const struct transitions *t)
{
	json_t *object = FIGURES({"count", (double)t->count}, {"entropy_bits", t->entropy_bits},
				 {"entropy_low", t->low}, {"entropy_high", t->high},
				 {"most_bits", t->most_bits}, {"mutual_bits", t->mutual_bits},
				 {"predictor", t->predictor}, {"predictor_order2", t->predictor2},
				 {"chance", t->chance}, {"chi2", t->chi2}, {"p_value", t->p_value},
				 {"joint_bits", t->joint_bits});

	json_object_set_new(object, "transitions", matrix(t));
	return object;
}

json_t *exposure_describe(const struct exposure *e, const char *const *names, size_t paths)
{
	return json_pack(
		"{s:{s:o, s:o, s:o, s:o}, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "share", "time",
		per_path(e->time, names, paths), "bytes", per_path(e->bytes, names, paths), "up",
		per_path(e->up, names, paths), "down", per_path(e->down, names, paths), "by_time",
		shares(&e->by_time), "by_bytes", shares(&e->by_bytes), "adversary",
		FIGURES({"bad_path", 0.1}, {"any", e->any_10}, {"sees_60", e->seen_60}), "windows",
		windows(e), "dwell", dwell(e), "when", when(e), "where", where(&e->transitions),
		"handover",
		json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "migrations_per_s", figure(e->rate),
			  "exclusivity", figure(e->exclusivity), "rtt_step", figure(e->step),
			  "rtt_overlap", figure(e->overlap), "lag_s", spread(&e->lag),
			  "misrouted_time", figure(e->misrouted)));
}
