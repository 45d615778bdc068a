/* live: the daemon that uses the paths of a network while they are changed, as far as that concerns
 * provisioning.
 */
#ifndef COMPS_PROVISION_LIVE_H
#define COMPS_PROVISION_LIVE_H

#include <stdbool.h>

#include "lib/err.h"

struct job;

struct live_path {
	bool known; /* it has a path of that name; the rest is false without */
	bool up, active;
	char text[160]; /* its state, for people */
};

/* Each returns 0 or -errno with a sentence in `e`. */
struct live {
	void *arg;
	int (*look)(void *arg, const char *path, struct live_path *out, struct err *e);
	/* Reads its configuration again. */
	int (*reload)(void *arg, struct err *e);
	/* Takes the path out of use, or puts it back. */
	int (*drain)(void *arg, const char *path, bool drained, struct err *e);
};

enum live_want {
	LIVE_UP,   /* it is up; also where it is not known */
	LIVE_LEFT, /* it is not the active one */
	LIVE_GONE, /* it is not known */
};

/* Writes the client's files anew, and has the daemon read them, as far as there are both. */
int live_refresh(const struct job *job, struct err *e);

/* Looks until it is so, for half a minute at most. Returns 0 with *out as it is then; -ETIMEDOUT;
 * -EINTR; what `look` says. */
int live_wait(const struct job *job, const char *path, enum live_want want, struct live_path *out,
	      struct err *e);

/* Drains the path, where it is known, and waits until it is left. As live_wait. */
int live_leave(const struct job *job, const char *path, struct err *e);

#endif
