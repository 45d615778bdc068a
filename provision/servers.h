/* servers: runs the set-up on several servers at once.
 */
#ifndef COMPS_PROVISION_SERVERS_H
#define COMPS_PROVISION_SERVERS_H

#include "provision/job.h"
#include "provision/setup.h"

struct server_task {
	const struct config_node *want;
	bool fresh, rekey; /* see setup.h */
	/* what came of it */
	bool done;
	int error;
	struct err why;
	struct setup_output output;
};

/* Does `mode` on all servers of `tasks`, which the state must know; job->parallel of them at once.
 * A failure of one does not hold up the others. Where a server was set up, the state is saved
 * before the next one is begun. A check uses the keys that are there and makes none. Returns 0 with
 * the tasks filled; -EINTR where the user wants to stop, after which those not begun are not
 * `done`; -errno where nothing could be begun. */
int servers_run(const struct job *job, enum setup_mode mode, setup_host_fn setup_host,
		int64_t timeout_us, struct server_task *tasks, size_t count, struct err *e);

#endif
