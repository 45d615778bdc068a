/* provision_live: the daemon at the control socket as provision/live.h wants it. */
#ifndef COMPS_PROVISIONER_PROVISION_LIVE_H
#define COMPS_PROVISIONER_PROVISION_LIVE_H

#include "provision/live.h"
#include "provision/state.h"

struct provision_live {
	const char *socket;
	struct live live;
};

/* Finds whether a daemon listens at `socket` that uses a path of `state`: *out is &live->live then,
 * else NULL. Returns 0, or -errno where it does not answer as it should. */
int provision_live_open(struct provision_live *live, const char *socket, const struct state *state,
			const struct live **out, struct err *e);

#endif
