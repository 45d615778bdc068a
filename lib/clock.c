#include "lib/clock.h"

#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

struct mono clock_now(void)
{
	return (struct mono){read_us(CLOCK_BOOTTIME)};
}

int64_t clock_suspended_us(void)
{
	return read_us(CLOCK_BOOTTIME) - read_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}
