#include "provisioner/provision_clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/clock.h"

#define LOOK_MS 200

int provision_clock_open(struct provision_clock *clock, const char *pace, struct err *e)
{
	sigset_t wanted;

	*clock = (struct provision_clock){.pace = pace ? strtod(pace, NULL) : 1,
					  .began = clock_now()};
	if (!(clock->pace > 0 && clock->pace <= 1))
		clock->pace = 1;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	clock->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (clock->signals < 0)
		return err_set(e, -errno, "cannot watch for signals: %s", strerror(errno));
	sigprocmask(SIG_BLOCK, &wanted, &clock->mask);
	return 0;
}

void provision_clock_close(struct provision_clock *clock)
{
	close(clock->signals);
	sigprocmask(SIG_SETMASK, &clock->mask, NULL);
}

struct mono provision_clock_now(void *arg)
{
	const struct provision_clock *clock = arg;
	int64_t us = mono_diff_us(clock_now(), clock->began);

	return mono_add_us(clock->began, (int64_t)((double)us / clock->pace));
}

int64_t provision_clock_wall_s(void *arg)
{
	(void)arg;
	return clock_wall_us() / 1000000;
}

int64_t provision_clock_wall_us(void *arg)
{
	(void)arg;
	return clock_wall_us();
}

bool provision_clock_stopped(void *arg)
{
	struct provision_clock *clock = arg;
	struct signalfd_siginfo info;

	if (!clock->stopped && read(clock->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		clock->stopped = true;
		pthread_sigmask(SIG_SETMASK, &clock->mask, NULL);
	}
	return clock->stopped;
}

int provision_clock_pause(void *arg, int64_t us)
{
	struct provision_clock *clock = arg;
	struct mono deadline = mono_add_us(clock_now(), (int64_t)((double)us * clock->pace));
	struct pollfd wait = {.fd = clock->signals, .events = POLLIN};
	int64_t left_ms;

	while (!provision_clock_stopped(clock)) {
		left_ms = (mono_diff_us(deadline, clock_now()) + 999) / 1000;
		if (left_ms <= 0)
			return 0;
		/* Another thread may be the one that reads the signal. */
		poll(&wait, 1, left_ms < LOOK_MS ? (int)left_ms : LOOK_MS);
	}
	return -EINTR;
}
