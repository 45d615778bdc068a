#include "provision/retry.h"

#define S 1000000

static struct retry_verdict verdict(enum retry_what what)
{
	return (struct retry_verdict){.what = what};
}

static struct retry_verdict wait_about(int64_t us, double jitter)
{
	return (struct retry_verdict){RETRY_WAIT, (int64_t)((double)us * (0.75 + jitter / 2))};
}

/* 1, 2, 4, 8, 16 s. */
static struct retry_verdict back_off(unsigned int attempt, unsigned int most, double jitter)
{
	if (attempt >= most)
		return verdict(RETRY_END);
	return wait_about((int64_t)S << (attempt < 4 ? attempt : 4), jitter);
}

/* What the server says is a least time, so jitter only adds to it. */
static struct retry_verdict rate_limited(const struct retry_event *event, int64_t wall_s,
					 double jitter)
{
	int64_t wait_s = event->retry_after_s;

	if (event->attempt >= RETRY_RATE_MAX)
		return verdict(RETRY_END);
	if (wait_s < 0 && event->ratelimit_reset_s > wall_s)
		wait_s = event->ratelimit_reset_s - wall_s;
	if (wait_s < 0)
		return back_off(event->attempt, RETRY_RATE_MAX, jitter);
	if (wait_s > RETRY_RATE_CAP_S)
		wait_s = RETRY_RATE_CAP_S;
	return (struct retry_verdict){RETRY_WAIT, wait_s * S + (int64_t)(jitter * S / 2)};
}

struct retry_verdict retry_decide(const struct retry_event *event, int64_t wall_s, double jitter)
{
	if (event->outcome == RETRY_NOT_SENT)
		return back_off(event->attempt, RETRY_MAX, jitter);
	if (event->outcome == RETRY_ANSWERED && event->status == 429)
		return rate_limited(event, wall_s, jitter);
	if (event->outcome == RETRY_ANSWERED && event->status < 500) {
		if (event->try_again && event->status >= 400 &&
		    event->attempt < RETRY_TRY_AGAIN_MAX)
			return back_off(event->attempt, RETRY_TRY_AGAIN_MAX, jitter);
		return verdict(RETRY_TAKE);
	}
	if (event->outcome == RETRY_ANSWERED && event->status == 501)
		return verdict(RETRY_TAKE);
	return event->repeatable ? back_off(event->attempt, RETRY_MAX, jitter)
				 : verdict(RETRY_UNSURE);
}
