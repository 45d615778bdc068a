/* clear: takes what was set up off hosts that go on running.
 */
#ifndef COMPS_PROVISION_CLEAR_H
#define COMPS_PROVISION_CLEAR_H

#include "provision/job.h"

/* Clears the hosts of those ids, or with `ids` NULL all that the state knows, and forgets each that
 * is done. Returns 0; -ECANCELED where some could not be cleared, which stay known; -EINTR; -errno.
 */
int clear_hosts(const struct job *job, const char *const *ids, size_t count, struct err *e);

#endif
