/* look: what there is in the cloud, and the plan that follows from it. Changes nothing.
 */
#ifndef COMPS_PROVISION_LOOK_H
#define COMPS_PROVISION_LOOK_H

#include "conf/diag.h"
#include "provision/job.h"
#include "provision/plan.h"

struct look {
	struct provider_nodes found;
	struct catalog catalog;
	struct plan plan; /* points into found */
};

/* Fills *out, to be given to look_fini, by some five requests. A server that cannot be had as the
 * configuration says is an error in `d` at its place; the result is -EINVAL then. With `set_up` a
 * server is done when it is set up, else when it runs. Other errors as in provider.h. */
int look_run(const struct job *job, bool set_up, struct diags *d, struct look *out, struct err *e);

void look_fini(struct look *look);

#endif
