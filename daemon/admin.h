/* admin: would starting cut the ssh session that starts us?
 *
 * Everything goes into the tunnels, the answers of sshd too, unless `bypass` covers the network
 * that the session comes from.
 */
#ifndef COMPS_DAEMON_ADMIN_H
#define COMPS_DAEMON_ADMIN_H

#include <sys/types.h>

#include "conf/conf.h"
#include "lib/err.h"

/* Looks for SSH_CONNECTION (sshd(8)) in the environment of process `pid` and its ancestors, below
 * `proc` ("/proc"): sudo(8) takes it out of ours. Returns 0 where there is no session, or `bypass`
 * covers its client, or it comes from this machine; -EPERM with a sentence in `err` where it would
 * be cut. */
int admin_check_session(const struct conf *conf, const char *proc, pid_t pid, struct err *err);

#endif
