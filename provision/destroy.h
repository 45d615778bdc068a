/* destroy: deletes servers, and whatever else a network has in the cloud.
 *
 * Each server is asked to be deleted once and then watched until it is gone; it is asked again only
 * when a minute has passed. What the cloud lists counts, not what the state says.
 */
#ifndef COMPS_PROVISION_DESTROY_H
#define COMPS_PROVISION_DESTROY_H

#include "provision/job.h"

/* Deletes the servers with these ids. *destroyed counts those that are gone. Returns 0; -ETIMEDOUT
 * where some remain (their ids are in `e`); -EINTR; errors of provider.h. */
int destroy_nodes(const struct job *job, const char *const *ids, size_t count, size_t *destroyed,
		  struct err *e);

/* Deletes everything of the network: servers, firewalls, the ssh key if we uploaded it, labels;
 * then looks whether anything is left, and removes the state. */
int destroy_all(const struct job *job, size_t *destroyed, struct err *e);

#endif
