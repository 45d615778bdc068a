/* privileges: what the process may do, and giving up the rest.
 *
 * compsd needs CAP_NET_ADMIN (interfaces, routes, rules, nftables, net sysctls) and CAP_NET_RAW
 * (probes; seeing packets arrive), whatever user it runs as. It holds the keys of every tunnel, so
 * its memory is neither dumped, nor traced, nor swapped out. All of this concerns the whole
 * process: main() does it, in the order of this file.
 */
#ifndef COMPS_DAEMON_PRIVILEGES_H
#define COMPS_DAEMON_PRIVILEGES_H

#include <stdbool.h>

#include "conf/conf.h"
#include "lib/err.h"
#include "lib/log.h"

/* No core dumps, and no ptrace(2) by others of the same user. To be called before a key is read. */
void privileges_forbid_dumps(void);

/* Returns 0, or -EPERM with a sentence in `err` that names what is missing. Without `probing`
 * CAP_NET_ADMIN is enough. */
int privileges_check(bool probing, struct err *err);

/* Locks all memory, now and later, where RLIMIT_MEMLOCK is unlimited or can be made so; else only
 * the keys of `conf`; what cannot be locked is logged. To be called again for every further `conf`.
 */
void privileges_lock_memory(const struct conf *conf, const struct log *log);

/* Gives up every capability but those two, for good, and forbids gaining any (PR_SET_NO_NEW_PRIVS).
 * Children start with CAP_NET_ADMIN at most, or with both where the user is root: a userspace
 * WireGuard needs the first. Returns 0 or -errno with a sentence in `err`. */
int privileges_drop(struct err *err);

#endif
