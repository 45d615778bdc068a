#include "daemon/loop.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>

#include "lib/clock.h"

#define SIGNALS 4

struct loop_signal {
	ev_signal watcher;
	loop_signal_fn fn;
	void *arg;
};

struct loop {
	struct ev_loop *ev;
	ev_timer timer;
	ev_prepare prepare;
	loop_fn after;
	void *arg;
	struct loop_signal signals[SIGNALS];
	int signal_count;
};

struct loop_fd {
	ev_io watcher;
	struct loop *loop;
	loop_fd_fn fn;
	void *arg;
};

/* Runs before every wait, so after every batch of events. */
static void on_prepare(struct ev_loop *ev, ev_prepare *watcher, int events)
{
	struct loop *loop = watcher->data;

	(void)ev;
	(void)events;
	loop->after(loop->arg);
}

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int events)
{
	(void)events;
	ev_timer_stop(ev, watcher); /* the prepare watcher does the work */
}

int loop_new(loop_fn after, void *arg, struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->ev = ev_loop_new(EVFLAG_AUTO);
	if (!loop->ev) {
		free(loop);
		return -ENOMEM;
	}
	loop->after = after;
	loop->arg = arg;
	ev_init(&loop->timer, on_timer);
	ev_prepare_init(&loop->prepare, on_prepare);
	loop->prepare.data = loop;
	ev_prepare_start(loop->ev, &loop->prepare);
	*out = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	int i;

	if (!loop)
		return;
	for (i = 0; i < loop->signal_count; i++)
		ev_signal_stop(loop->ev, &loop->signals[i].watcher);
	ev_prepare_stop(loop->ev, &loop->prepare);
	ev_timer_stop(loop->ev, &loop->timer);
	ev_loop_destroy(loop->ev);
	free(loop);
}

static void on_fd(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct loop_fd *watch = watcher->data;

	(void)ev;
	watch->fn(watch->arg, watcher->fd, events & EV_READ, events & EV_WRITE);
}

struct loop_fd *loop_add_fd(struct loop *loop, int fd, loop_fd_fn fn, void *arg)
{
	struct loop_fd *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	watch->loop = loop;
	watch->fn = fn;
	watch->arg = arg;
	ev_io_init(&watch->watcher, on_fd, fd, EV_READ);
	watch->watcher.data = watch;
	ev_io_start(loop->ev, &watch->watcher);
	return watch;
}

void loop_want_write(struct loop_fd *watch, bool wanted)
{
	int fd = watch->watcher.fd;

	ev_io_stop(watch->loop->ev, &watch->watcher);
	ev_io_set(&watch->watcher, fd, wanted ? EV_READ | EV_WRITE : EV_READ);
	ev_io_start(watch->loop->ev, &watch->watcher);
}

void loop_remove_fd(struct loop_fd *watch)
{
	if (!watch)
		return;
	ev_io_stop(watch->loop->ev, &watch->watcher);
	free(watch);
}

static void on_signal(struct ev_loop *ev, ev_signal *watcher, int events)
{
	struct loop_signal *entry = watcher->data;

	(void)ev;
	(void)events;
	entry->fn(entry->arg, watcher->signum);
}

int loop_add_signal(struct loop *loop, int signal, loop_signal_fn fn, void *arg)
{
	struct loop_signal *entry = &loop->signals[loop->signal_count];

	if (loop->signal_count == SIGNALS)
		return -ENOSPC;
	loop->signal_count++;
	entry->fn = fn;
	entry->arg = arg;
	ev_signal_init(&entry->watcher, on_signal, signal);
	entry->watcher.data = entry;
	ev_signal_start(loop->ev, &entry->watcher);
	return 0;
}

void loop_wake_at(struct loop *loop, struct mono at)
{
	int64_t us = mono_diff_us(at, clock_now());

	ev_timer_stop(loop->ev, &loop->timer);
	if (at.us == MONO_NEVER.us)
		return;
	/* ev_timer counts from libev's idea of now, which is as old as the last wait. */
	ev_now_update(loop->ev);
	ev_timer_set(&loop->timer, us > 0 ? (double)us / 1e6 : 0, 0);
	ev_timer_start(loop->ev, &loop->timer);
}

void loop_run(struct loop *loop)
{
	ev_run(loop->ev, 0);
}

void loop_stop(struct loop *loop)
{
	ev_break(loop->ev, EVBREAK_ALL);
}
