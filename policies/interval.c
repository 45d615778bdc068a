#include "policies/interval.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "policies/select.h"

enum {
	MEAN,
	DIST,
	MIN,
	MAX
};

/* Limits that leave almost nothing of a law give the mean instead. */
#define TRIES 10000

const char *const interval_dist_names[] = {
	"fixed",       "uniform", "exponential", "shifted-exponential",
	"max-uniform", "pareto",  "lognormal",	 "erlang",
	"weibull",     NULL};

int interval_init(struct interval *interval, const union policy_value *values, char *error,
		  size_t error_bytes)
{
	interval->dist = (enum interval_dist)values[DIST].choice;
	interval->mean_us = (double)values[MEAN].duration_us;
	interval->min_us = (double)values[MIN].duration_us;
	interval->max_us = (double)values[MAX].duration_us;
	if (interval->dist == INTERVAL_FIXED)
		return 0;
	if (interval->min_us >= interval->mean_us) {
		snprintf(error, error_bytes, "min (%gs) must be shorter than interval (%gs)",
			 interval->min_us / 1e6, interval->mean_us / 1e6);
		return -EINVAL;
	}
	if (interval->max_us != 0 && interval->max_us <= interval->mean_us) {
		snprintf(error, error_bytes, "max (%gs) must be longer than interval (%gs), or 0s",
			 interval->max_us / 1e6, interval->mean_us / 1e6);
		return -EINVAL;
	}
	return 0;
}

static double max_us(const struct interval *interval)
{
	return interval->max_us == 0 ? INFINITY : interval->max_us;
}

static double draw_uniform(const struct interval *interval, double unit)
{
	double low = fmax(interval->min_us, 0.5 * interval->mean_us);
	double high = fmin(max_us(interval), 1.5 * interval->mean_us);

	return low + unit * (high - low);
}

/* `start` - `scale` ln U, with U limited to what falls into min .. max. */
static double draw_exponential(const struct interval *interval, double start, double scale,
			       double unit)
{
	double low = exp(-(max_us(interval) - start) / scale);
	double high = exp(-(interval->min_us - start) / scale);

	return start - scale * log(low + unit * (high - low));
}

/* One draw of a law that is cut by drawing again. */
static double draw_raw(const struct interval *interval, const struct policy_rng *rng)
{
	double u = policy_rng_unit(rng, POLICY_STREAM_INTERVAL), v;

	switch (interval->dist) {
	case INTERVAL_PARETO:
		return pow(u, -1 / 1.5) / 3;
	case INTERVAL_WEIBULL:
		return pow(-log(u), 1 / 1.5) / tgamma(1 + 1 / 1.5);
	case INTERVAL_MAX_UNIFORM:
		v = policy_rng_unit(rng, POLICY_STREAM_INTERVAL);
		return 0.2195 + 1.17075 * fmax(u, v); /* 1500/6833, (9500 - 1500)/6833 */
	case INTERVAL_ERLANG:
		return -0.5 * log(u * policy_rng_unit(rng, POLICY_STREAM_INTERVAL));
	case INTERVAL_LOGNORMAL:
		v = policy_rng_unit(rng, POLICY_STREAM_INTERVAL);
		/* Box and Muller (1958) */
		return exp(sqrt(-2 * log(u)) * cos(2 * acos(-1) * v) - 0.5);
	default:
		return 1;
	}
}

static double draw_again(const struct interval *interval, const struct policy_rng *rng)
{
	for (int i = 0; i < TRIES; i++) {
		double us = interval->mean_us * draw_raw(interval, rng);

		if (us >= interval->min_us && us <= max_us(interval))
			return us;
	}
	return interval->mean_us;
}

int64_t interval_draw_us(const struct interval *interval, const struct policy_rng *rng)
{
	double mean = interval->mean_us, min = interval->min_us, unit, us = mean;

	if (interval->dist == INTERVAL_FIXED)
		return (int64_t)mean;
	if (interval->dist >= INTERVAL_MAX_UNIFORM) {
		us = draw_again(interval, rng);
		return us < 1 ? 1 : llround(us);
	}
	unit = policy_rng_unit(rng, POLICY_STREAM_INTERVAL);
	if (interval->dist == INTERVAL_UNIFORM)
		us = draw_uniform(interval, unit);
	else if (interval->dist == INTERVAL_EXPONENTIAL)
		us = draw_exponential(interval, 0, mean, unit);
	else if (interval->dist == INTERVAL_SHIFTED_EXPONENTIAL)
		us = draw_exponential(interval, min, mean - min, unit);
	return us < 1 ? 1 : llround(us);
}

bool interval_over(struct interval_timer *timer, const struct policy_input *in,
		   struct policy_answer *out)
{
	bool nowhere = select_count(in) == 0;

	if (select_must_move(in))
		return !nowhere;
	if (in->event == POLICY_MIGRATED)
		timer->due_us = in->since_us + interval_draw_us(&timer->interval, &in->rng);
	else if (in->event == POLICY_START || (nowhere && timer->due_us <= in->now_us))
		timer->due_us = in->now_us + interval_draw_us(&timer->interval, &in->rng);
	if (in->now_us >= timer->due_us && !nowhere)
		return true;
	out->wake_us = timer->due_us;
	return false;
}
