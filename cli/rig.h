/* rig: what `comps leaktest` does all the time while it does something else: it sends decoys and
 * watches the uplink. Every wait of the test goes through here, and so ends at Ctrl-C.
 */
#ifndef COMPS_CLI_RIG_H
#define COMPS_CLI_RIG_H

#include <signal.h>
#include <stdbool.h>

#include "cli/cli.h"
#include "cli/decoy.h"
#include "cli/uplink_watch.h"

struct rig {
	const struct cli *cli;
	const char *step; /* what is going on; leaks are put down to it */
	struct uplink_watch watch;
	struct decoy decoy;
	int signals;
	sigset_t mask;	  /* as it was */
	bool interrupted; /* SIGINT, SIGTERM, SIGHUP or SIGQUIT came */
	bool restoring;	  /* signals are left for later */
	int watch_error;  /* -errno of the first failure to read */
};

/* Takes the signals that would end the process, and opens decoy and watch. 0, or -errno with a
 * sentence in `e`. */
int rig_open(struct rig *rig, const struct cli *cli, const struct conf *conf, struct err *e);

/* Also after a failed rig_open. */
void rig_close(struct rig *rig);

/* Until `fd` is readable (1), for `us` at most (0); -EINTR once the rig is interrupted. A negative
 * `fd` is never readable. */
int rig_wait(struct rig *rig, int fd, int64_t us);

/* Sends `request` (taken over) to the daemon and waits for `us` at most. Returns 0 with the reply,
 * whether it says ok or not, to be freed by the caller; -EINTR; or another -errno; each with a
 * sentence in `e`. */
int rig_ask(struct rig *rig, json_t *request, int64_t us, json_t **reply, struct err *e);

/* Runs a program (found in $PATH) for 10 s at most, and keeps what it prints. Returns 0 when it
 * ends with status 0; -EINTR; or another -errno; each with a sentence in `e`, which is the
 * program's own where it failed. */
int rig_run(struct rig *rig, const char *const *argv, char *out, size_t out_bytes, struct err *e);

#endif
