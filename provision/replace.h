/* replace: another server for a proxy, make before break: the new one is made, set up and proved,
 * and the client uses it, before the old one is left and destroyed.
 */
#ifndef COMPS_PROVISION_REPLACE_H
#define COMPS_PROVISION_REPLACE_H

#include "provision/apply.h"
#include "provision/job.h"

/* Puts the server of `node` aside in job->state, without saving it, unless an earlier run has: a
 * look then gives the plan. Returns 0; -EINVAL with why it cannot be replaced. */
int replace_begin(const struct job *job, const char *node, struct err *e);

/* Does it. Until the new path works the old server stays as it is, also after an error, and it can
 * be gone on with. Returns what apply_run, destroy_nodes, the bundle and the daemon say. */
int replace_run(const struct job *job, const struct plan *plan, const char *node,
		struct apply_result *result, struct err *e);

#endif
