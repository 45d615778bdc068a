/* mono: instants on the one time line that decisions live on.
 *
 * An instant is a count of microseconds of CLOCK_BOOTTIME in the daemon, and of the virtual clock
 * in replay and tests; nobody below the main loop reads a clock (see lib/clock.h). It is a struct
 * so that an instant and a duration (int64_t ..._us) cannot be mixed up.
 */
#ifndef COMPS_LIB_MONO_H
#define COMPS_LIB_MONO_H

#include <stdbool.h>
#include <stdint.h>

struct mono {
	int64_t us;
};

/* Later than every real instant: "no deadline". */
#define MONO_NEVER ((struct mono){INT64_MAX})

/* Earlier than every real instant: "has not happened". */
#define MONO_LONG_AGO ((struct mono){INT64_MIN})

/* The instant `us` microseconds after `t` (before it when negative). The two ends of the time
 * line, MONO_NEVER and MONO_LONG_AGO, stay where they are. */
static inline struct mono mono_add_us(struct mono t, int64_t us)
{
	if (t.us == INT64_MAX || t.us == INT64_MIN)
		return t;
	return (struct mono){t.us + us};
}

/* Microseconds from `from` to `to`; INT64_MAX where either end is not a real instant. */
static inline int64_t mono_diff_us(struct mono to, struct mono from)
{
	int64_t us;

	if (to.us == INT64_MAX || from.us == INT64_MIN ||
	    __builtin_sub_overflow(to.us, from.us, &us))
		return INT64_MAX;
	return us;
}

static inline bool mono_before(struct mono a, struct mono b)
{
	return a.us < b.us;
}

/* True when the deadline `t` has come at `now`. */
static inline bool mono_due(struct mono t, struct mono now)
{
	return t.us <= now.us;
}

static inline struct mono mono_earlier(struct mono a, struct mono b)
{
	return mono_before(a, b) ? a : b;
}

#endif
