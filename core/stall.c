#include "core/stall.h"

#define BASE_US	    INT64_C(60000)
#define MARGIN_US   INT64_C(20000)    /* beyond the path's own round trip: the far end is further */
#define PATIENCE_US INT64_C(10000000) /* most that false alarms may add up to */
#define CALM_US	    INT64_C(60000000) /* without an alarm for so long: halve the patience */

void stall_init(struct stall *stall)
{
	*stall = (struct stall){.since = MONO_NEVER, .alarm = MONO_LONG_AGO};
}

static int64_t threshold_us(const struct stall *stall, int64_t round_trip_us)
{
	int64_t us = round_trip_us + MARGIN_US > BASE_US ? round_trip_us + MARGIN_US : BASE_US;

	return us > stall->patience_us ? us : stall->patience_us;
}

static void calm_down(struct stall *stall, struct mono now)
{
	if (stall->patience_us && mono_diff_us(now, stall->alarm) >= CALM_US) {
		stall->patience_us = stall->patience_us > BASE_US ? stall->patience_us / 2 : 0;
		stall->alarm = now;
	}
}

static void raise_alarm(struct stall *stall, int64_t used_us, struct mono now)
{
	stall->patience_us = 2 * used_us > PATIENCE_US ? PATIENCE_US : 2 * used_us;
	stall->alarm = now;
	stall->unanswered = 0;
	stall->since = MONO_NEVER;
}

enum stall_result stall_on_counters(struct stall *stall, const struct stall_counters *counters,
				    int64_t round_trip_us, struct mono now)
{
	uint64_t tx = counters->tx_packets - counters->probes_sent;
	uint64_t rx = counters->rx_packets - counters->probes_answered;
	bool came = (int64_t)(rx - stall->rx) > 0;
	int64_t left = (int64_t)(tx - stall->tx);

	if (!stall->primed || left < -1000) { /* first reading, or a new interface */
		stall->primed = true;
		stall->tx = tx;
		stall->rx = rx;
		return STALL_QUIET;
	}
	calm_down(stall, now);
	stall->moved = came || left > 0;
	if (came)
		stall->rx = rx;
	if (left > 0)
		stall->tx = tx;
	if (came) {
		stall->unanswered = 0;
		stall->since = MONO_NEVER;
		return STALL_FLOWING;
	}
	if (left > 0 && stall->unanswered == 0)
		stall->since = now;
	if (left > 0)
		stall->unanswered += (uint32_t)left;
	/* One packet alone may just have been lost. */
	if (stall->unanswered < 2 ||
	    mono_diff_us(now, stall->since) < threshold_us(stall, round_trip_us))
		return STALL_QUIET;
	raise_alarm(stall, threshold_us(stall, round_trip_us), now);
	return STALL_ALARM;
}

int64_t stall_poll_us(const struct stall *stall)
{
	if (stall->unanswered)
		return STALL_POLL_WAITING_US;
	return stall->moved ? STALL_POLL_BUSY_US : STALL_POLL_IDLE_US;
}
