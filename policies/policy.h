/* policy: the interface between the daemon and what decides when to migrate, and where to.
 *
 * It is self-contained: a policy, built in or in a .so, needs it and libm, nothing else. A policy
 * is a pure function of (event, now, paths, random numbers): no I/O, no clock. It answers "keep" or
 * "migrate to that path, for this reason", and when to ask again. The guards are not its business:
 * core/steer.c hides unfit paths from it, keeps the minimum dwell and the rate limit, and fails
 * over when it must, in the daemon and in replay. A new policy is a file that defines a `const
 * struct policy_ops`, and its row in registry.c.
 */
#ifndef COMPS_POLICY_H
#define COMPS_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A policy with another major does not load; a higher minor only adds at the end of structs. */
#define POLICY_ABI_MAJOR 2
#define POLICY_ABI_MINOR 0

#define POLICY_KEEP	(-1)	    /* in place of a path: stay where we are */
#define POLICY_NONE	(-1)	    /* in place of a path: there is none */
#define POLICY_NEVER	(INT64_MAX) /* in place of an instant: no wake-up wanted */
#define POLICY_TEXT_MAX 1023	    /* characters */

/* --- parameters, declared once: checks, `comps policy list` and completion come from here --- */

enum policy_param_type {
	POLICY_DURATION, /* microseconds in .duration_us; written `250ms`, `10s` */
	POLICY_NUMBER,	 /* .number */
	POLICY_COUNT,	 /* whole and not negative, in .count */
	POLICY_FLAG,	 /* .flag; written `true` or `false` */
	POLICY_CHOICE,	 /* index into .choices, in .choice */
	POLICY_TEXT,	 /* .text, of printable characters without a comma */
};

union policy_value {
	int64_t duration_us, count;
	double number;
	bool flag;
	int choice;
	const char *text;
};

struct policy_param {
	const char *name;
	enum policy_param_type type;
	union policy_value preset;  /* the default */
	double min, max;	    /* both allowed; microseconds for a duration; not for text */
	const char *const *choices; /* NULL-ended, for POLICY_CHOICE only */
	const char *help;	    /* one sentence */
};

/* --- random numbers: one stream per purpose, so that a new draw in one never shifts another --- */

enum policy_stream {
	POLICY_STREAM_INTERVAL, /* how long until the next migration */
	POLICY_STREAM_PATH,	/* which path */
	POLICY_STREAM_WEIGHTS,	/* weights drawn once per session */
};

struct policy_rng {
	uint64_t (*next)(void *arg, enum policy_stream stream); /* 64 uniform bits */
	void *arg;
};

/* Uniform in 0 .. bound - 1, without modulo bias; 0 when bound is 0 or 1. */
static inline uint32_t policy_rng_below(const struct policy_rng *rng, enum policy_stream stream,
					uint32_t bound)
{
	while (bound > 1) {
		uint32_t value = (uint32_t)rng->next(rng->arg, stream);

		if (value >= -bound % bound)
			return value % bound;
	}
	return 0;
}

/* Uniform in (0, 1], so that its logarithm is finite. */
static inline double policy_rng_unit(const struct policy_rng *rng, enum policy_stream stream)
{
	return (double)((rng->next(rng->arg, stream) >> 11) + 1) * 0x1p-53;
}

/* What a policy may know of one path. Their order is the configuration's, for a policy's life. */
struct policy_path {
	const char *name;
	bool eligible;	    /* may be migrated to: up, not drained, not held down, not active */
	uint32_t priority;  /* lower is preferred; by default the position in the configuration */
	int64_t srtt_us;    /* smoothed round-trip time (RFC 6298); -1 while unknown */
	int64_t rtt_min_us; /* smallest of the window; -1 while unknown */
	int64_t jitter_us;  /* smoothed RTT variation (RFC 6298 RTTVAR); -1 while unknown */
	double loss;	    /* lost share of the window's probes, 0 .. 1 */
	int64_t up_for_us;  /* since the path became up; 0 while it is not */
	uint64_t tx_bytes, rx_bytes, tx_packets, rx_packets; /* of its interface, lately */
};

enum policy_event {
	POLICY_START,	 /* the policy begins (or its parameters changed); `active` may be NONE */
	POLICY_TIMER,	 /* the wake-up that it asked for */
	POLICY_PATHS,	 /* a path changed its state or got a new RTT sample */
	POLICY_MIGRATED, /* some migration took effect, or was rolled back: only wake_us is heard */
	POLICY_FAILOVER, /* the active path is not usable: where to? For KEEP, as at a START with
			  * none, steer takes the eligible path of the lowest priority number */
};

struct policy_input {
	enum policy_event event;
	int64_t now_us;	   /* the instant of the question */
	int64_t since_us;  /* the instant of the last migration (of the start, before the first) */
	int active;	   /* index into paths, or POLICY_NONE before the first path is up */
	size_t path_count; /* at least 1 */
	const struct policy_path *paths;
	struct policy_rng rng;
	uint32_t session; /* goes up when the traffic has paused for 5 s: what comes is a new one */
};

struct policy_answer {
	int path;	    /* POLICY_KEEP, or the index of an eligible path other than active */
	const char *reason; /* why: a constant of 1 to 31 characters; NULL with POLICY_KEEP */
	int64_t wake_us;    /* the next POLICY_TIMER, in place of the earlier one. Draw it from
			     * since_us or now_us, never from a grid. When a guard delays a migration,
			     * or it fails, steer asks by itself: answer the same until MIGRATED */
};

struct policy_setup {
	const union policy_value *values; /* each within its range; they outlive the policy */
	size_t path_count;		  /* 0 while it is not known yet */
};

struct policy_ops {
	uint32_t abi_major, abi_minor; /* POLICY_ABI_MAJOR, POLICY_ABI_MINOR */
	const char *name;	       /* as in the configuration: "round-robin" */
	const char *help;	       /* one or two sentences: what it does, what it is for */
	const struct policy_param *params;
	size_t param_count;
	size_t state_size; /* bytes of private state; steer allocates them, zeroed */

	/* Optional: checks the values together and keeps them in `state`. Returns 0, or -EINVAL
	 * with a sentence in `error`. */
	int (*init)(void *state, const struct policy_setup *setup, char *error, size_t error_bytes);

	/* `out` comes in as {POLICY_KEEP, NULL, POLICY_NEVER}. Between its wake-ups, changes of a
	 * path's state or of the session, and migrations it answers the same, see minds_figures. */
	void (*decide)(void *state, const struct policy_input *in, struct policy_answer *out);
	bool minds_figures; /* figures alone may change the answer at any time */
};

#endif
