/* host_keys: by which key a host is known before it is logged in to for the first time.
 */
#ifndef COMPS_PROVISION_HOST_KEYS_H
#define COMPS_PROVISION_HOST_KEYS_H

#include "provision/job.h"

/* Takes the key that the configuration names, else the one of the state, else the one by which the
 * user's own ssh(1) knows the host, else the one that it shows, if job->trust says so, and writes
 * it to the state (in memory). Returns 0; -EPERM where the host stays unknown, with what can be
 * done in `e`; -EINTR; -errno. */
int host_keys_find(const struct job *job, const struct config_node *want, struct err *e);

#endif
