/* end_check: whether packets go every way and back, which is when servers are done.
 */
#ifndef COMPS_PROVISION_END_CHECK_H
#define COMPS_PROVISION_END_CHECK_H

#include "provision/job.h"

struct end_check_result {
	size_t proved, failed; /* paths */
};

/* Tries every path that has not been proved since its last set-up: by packets of our own, or, where
 * a daemon uses it, by what that one finds. Of one that fails an event tells which server did not
 * answer what, and what that server says of itself. What was proved is in the state. Returns 0,
 * also where paths have failed; -EINTR; errors of the state. */
int end_check_run(const struct job *job, struct end_check_result *out, struct err *e);

/* The same; -ECANCELED where a path has failed. */
int end_check_all(const struct job *job, struct err *e);

#endif
