#include "core/stall.h"

#define BASE_US		INT64_C(40000)	  /* a delayed acknowledgement is no alarm */
#define BASE_UNKNOWN_US INT64_C(60000)	  /* the round trip is not known */
#define MARGIN_US	INT64_C(20000)	  /* the far end is further away than what is probed */
#define PATIENCE_US	INT64_C(10000000) /* most that false alarms may add up to */
#define CALM_US		INT64_C(60000000) /* without an alarm for so long: halve the count */
#define FREE_ALARMS	2		  /* that do not change the patience */

/* What counts as steady reception. */
#define STEADY_READINGS 10
#define STEADY_PACKETS	40

void stall_init(struct stall *stall)
{
	*stall = (struct stall){
		.since = MONO_NEVER,
		.heard = MONO_NEVER,
		.with_unanswered.changed = MONO_LONG_AGO,
		.with_silence.changed = MONO_LONG_AGO,
	};
}

static int64_t threshold_us(const struct stall_patience *patience, int64_t round_trip_us)
{
	int64_t us = round_trip_us < 0 ? BASE_UNKNOWN_US : round_trip_us + MARGIN_US;
	unsigned int i;

	us = us < BASE_US ? BASE_US : us;
	for (i = FREE_ALARMS; i < patience->alarms && us < PATIENCE_US; i++)
		us = 2 * us < PATIENCE_US ? 2 * us : PATIENCE_US;
	return us;
}

static void calm_down(struct stall_patience *patience, struct mono now)
{
	if (patience->alarms && mono_diff_us(now, patience->changed) >= CALM_US) {
		patience->alarms /= 2;
		patience->changed = now;
	}
}

/* Is the time since `since` more than the patience allows? */
static bool is_alarm(struct stall_patience *patience, struct mono since, int64_t round_trip_us,
		     struct mono now)
{
	calm_down(patience, now);
	if (mono_diff_us(now, since) < threshold_us(patience, round_trip_us))
		return false;
	patience->alarms++;
	patience->changed = now;
	return true;
}

/* Takes the counters over. Returns whether anything came, and how much left. */
static bool advance(struct stall *stall, uint64_t tx, uint64_t rx, int64_t *left)
{
	int64_t came = (int64_t)(rx - stall->rx);

	*left = (int64_t)(tx - stall->tx);
	if (!stall->primed || *left < -1000) { /* first reading, or a new interface */
		stall->primed = true;
		stall->tx = tx;
		stall->rx = rx;
		*left = 0;
		return false;
	}
	stall->moved = came > 0 || *left > 0;
	if (*left > 0)
		stall->tx = tx;
	if (came <= 0)
		return false;
	stall->rx = rx;
	stall->packets += (uint32_t)came;
	return true;
}

static void forget_reception(struct stall *stall)
{
	stall->readings = stall->packets = 0;
	stall->heard = MONO_NEVER;
}

static bool is_steady(const struct stall *stall)
{
	return stall->readings >= STEADY_READINGS && stall->packets >= STEADY_PACKETS;
}

enum stall_result stall_on_counters(struct stall *stall, const struct stall_counters *counters,
				    int64_t round_trip_us, struct mono now)
{
	int64_t left;

	if (advance(stall, counters->tx_packets - counters->probes_sent,
		    counters->rx_packets - counters->probes_answered, &left)) {
		stall->unanswered = 0;
		stall->since = MONO_NEVER;
		stall->readings++;
		stall->heard = now;
		return STALL_FLOWING;
	}
	if (!is_steady(stall))
		forget_reception(stall);
	if (left > 0 && stall->unanswered == 0)
		stall->since = now;
	if (left > 0)
		stall->unanswered += (uint32_t)left;
	if (is_steady(stall) && is_alarm(&stall->with_silence, stall->heard, round_trip_us, now)) {
		forget_reception(stall);
		return STALL_ALARM;
	}
	/* One packet alone may just have been lost. */
	if (stall->unanswered < 2 ||
	    !is_alarm(&stall->with_unanswered, stall->since, round_trip_us, now))
		return STALL_QUIET;
	stall->unanswered = 0;
	stall->since = MONO_NEVER;
	return STALL_ALARM;
}

int64_t stall_poll_us(const struct stall *stall)
{
	return stall->moved || stall->unanswered || is_steady(stall) ? STALL_POLL_BUSY_US
								     : STALL_POLL_IDLE_US;
}
