/* look: what there is in the cloud and on the servers, and the plan that follows from it. Changes
 * nothing.
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
	size_t silent;	  /* servers that could not be looked at */
};

/* Fills *out, to be given to look_fini, by some five requests and a look at every server that was
 * set up (none without job->setup_host). A server that cannot be had as the configuration says is
 * an error in `d` at its place; the result is -EINVAL then. Other errors as in provider.h. */
int look_run(const struct job *job, struct diags *d, struct look *out, struct err *e);

void look_fini(struct look *look);

#endif
