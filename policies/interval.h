/* interval: how long a timed policy stays on a path, and the deadline that follows from it.
 *
 * An interval is drawn from the instant at which the last migration really took effect, never from
 * a grid: a late migration shifts everything after it. What a distribution puts below `min` or
 * above `max` is drawn again, not moved to the limit: that would make one length stand out. For the
 * uniform and the exponential laws one random number does it: they are inverted over the part of
 * (0, 1] that `min` and `max` leave, which gives the same lengths as drawing until one fits.
 *
 * For a given mean the exponential law is the one whose end is the hardest to guess: it has no
 * memory. The shifted one adds a minimum and keeps both the mean and, after it, that property.
 */
#ifndef COMPS_POLICIES_INTERVAL_H
#define COMPS_POLICIES_INTERVAL_H

#include "policies/policy.h"

enum interval_dist {
	INTERVAL_FIXED,		      /* always the mean */
	INTERVAL_UNIFORM,	      /* 0.5 .. 1.5 of the mean */
	INTERVAL_EXPONENTIAL,	      /* -mean ln U */
	INTERVAL_SHIFTED_EXPONENTIAL, /* min - (mean - min) ln U */
	INTERVAL_MAX_UNIFORM,	      /* the larger of two from 0.22 .. 1.39 of the mean, as Tor
					 pads (its padding-spec, 1.5 .. 9.5 s) */
	INTERVAL_PARETO,	      /* mean / 3 * U^(-2/3): shape 1.5 */
	INTERVAL_LOGNORMAL,	      /* mean * exp(Z - 1/2): sigma 1 */
	INTERVAL_ERLANG,	      /* -mean / 2 * ln(U V): shape 2 */
	INTERVAL_WEIBULL,	      /* mean / Gamma(5/3) * (-ln U)^(2/3): shape 1.5 */
};

struct interval {
	enum interval_dist dist;
	double mean_us; /* before min and max cut anything away */
	double min_us;
	double max_us; /* 0: no limit */
};

extern const char *const interval_dist_names[];

#define INTERVAL_LONGEST_US (30 * 86400e6)

/* The parameter rows of an interval, in the order that interval_init reads. */
#define INTERVAL_PARAM_COUNT 4
#define INTERVAL_PARAMS(mean_us, dist)                                                             \
	INTERVAL_LENGTH("interval", mean_us, 10e3, "mean time between two migrations"),            \
		INTERVAL_LAW("dist", dist, "law of the intervals"),                                \
		INTERVAL_LENGTH("min", 1000000, 0, "shortest interval; not for dist fixed"),       \
		INTERVAL_LENGTH("max", 0, 0,                                                       \
				"longest interval, 0s for no limit; not for dist fixed")
#define INTERVAL_LENGTH(name, preset_us, min, help)                                                \
	{                                                                                          \
		name, POLICY_DURATION, {.duration_us = (preset_us)}, min, INTERVAL_LONGEST_US,     \
			NULL, help                                                                 \
	}
#define INTERVAL_LAW(name, preset, help)                                                           \
	{                                                                                          \
		name, POLICY_CHOICE, {.choice = (preset)}, 0, 0, interval_dist_names, help         \
	}

/* Reads INTERVAL_PARAM_COUNT values. Returns 0, or -EINVAL with a sentence in `error` where min,
 * mean and max are not in this order. */
int interval_init(struct interval *interval, const union policy_value *values, char *error,
		  size_t error_bytes);

/* One interval in microseconds, at least 1. Draws from POLICY_STREAM_INTERVAL, nothing for
 * INTERVAL_FIXED. */
int64_t interval_draw_us(const struct interval *interval, const struct policy_rng *rng);

/* The timer of a policy that stays on a path for an interval and then moves on. */
struct interval_timer {
	struct interval interval;
	int64_t due_us;
};

/* True when a path is to be chosen now: the interval is over, or no usable path is active. Else
 * sets out->wake_us to the end of the interval. A new one begins at the start, after every
 * migration, and when the old one ends with nowhere to go. */
bool interval_over(struct interval_timer *timer, const struct policy_input *in,
		   struct policy_answer *out);

#endif
