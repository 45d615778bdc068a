/* apply: makes what the configuration says, step by step, so that it can be stopped or killed
 * anywhere and begun again.
 *
 * Before a server is asked for, the intent is written to the state; an answer that was lost is
 * looked for by its label and never asked for twice. While servers are made, one list request per
 * poll serves them all.
 */
#ifndef COMPS_PROVISION_APPLY_H
#define COMPS_PROVISION_APPLY_H

#include "provision/job.h"
#include "provision/plan.h"

struct apply_result {
	size_t made, adopted, set_up, destroyed, failed;
	size_t proved, unproved; /* paths */
	size_t polls;		 /* times that the servers were listed while they were waited for */
};

/* Does what `plan` says, of node `only` alone where that is not NULL, but for the exit, which must
 * know its proxies. Then tries the paths, and writes the bundle. Returns 0; -ECANCELED where some
 * nodes or paths failed and the rest was done; -EINTR where the user stopped it; else the error
 * that ended it at once (a refused token, the API out of reach, the disk full). All that was done
 * is in the state in every case. */
int apply_run(const struct job *job, const struct plan *plan, const char *only,
	      struct apply_result *result, struct err *e);

#endif
