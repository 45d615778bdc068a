/* loop: the only user of libev: descriptors, one timer, signals.
 *
 * The timer is set to an instant of clock_now(). libev's own clock is used for nothing but the
 * wait.
 */
#ifndef COMPS_DAEMON_LOOP_H
#define COMPS_DAEMON_LOOP_H

#include <stdbool.h>

#include "lib/mono.h"

struct loop;
struct loop_fd;

/* `readable` and `writable` say what is the case. */
typedef void (*loop_fd_fn)(void *arg, int fd, bool readable, bool writable);
typedef void (*loop_fn)(void *arg);
typedef void (*loop_signal_fn)(void *arg, int signal);

/* `after` is called when the timer is due and after every batch of events. Returns 0 or -ENOMEM. */
int loop_new(loop_fn after, void *arg, struct loop **out);
void loop_free(struct loop *loop);

/* Watches `fd` for reading, until loop_remove_fd(). Returns NULL without memory. */
struct loop_fd *loop_add_fd(struct loop *loop, int fd, loop_fd_fn fn, void *arg);

/* Also, or no longer, for writing. */
void loop_want_write(struct loop_fd *watch, bool wanted);

/* Stops watching and frees; the descriptor stays open. NULL is allowed. */
void loop_remove_fd(struct loop_fd *watch);

/* Up to four signals. Returns 0 or -ENOSPC. */
int loop_add_signal(struct loop *loop, int signal, loop_signal_fn fn, void *arg);

/* Wakes at `at` at the latest; MONO_NEVER: only for events. */
void loop_wake_at(struct loop *loop, struct mono at);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
