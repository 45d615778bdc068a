/* make: brings servers into being, all at once, until each runs or has failed.
 */
#ifndef COMPS_PROVISION_MAKE_H
#define COMPS_PROVISION_MAKE_H

#include "provision/job.h"
#include "provision/plan.h"

#define MAKE_POSTS_MAX 3

enum make_phase {
	MAKE_ASK,    /* to be asked for */
	MAKE_UNSURE, /* asked for, and the answer was lost: it is looked for */
	MAKE_WAIT,   /* exists, does not run yet */
	MAKE_RUNS,
	MAKE_FAILED,
};

struct make_node {
	const struct config_node *want;
	enum make_phase phase;
	unsigned int posts;
	struct mono began, unsure_until;
	struct mono missing_since; /* MONO_NEVER: the last list had it */
	bool fresh;		   /* made by this run or the one that it resumes */
	bool adopted;
};

/* Readies `node` for what the plan found: nothing, an intent of an earlier run, or a server. */
int make_begin(const struct job *job, const struct plan_item *item, const struct config_node *want,
	       struct make_node *node, struct err *e);

/* Works until every node runs or has failed; a failure of one is an event and does not hold up the
 * others. `found` is the list from which the plan was made. *polls counts the lists. Returns 0;
 * -EINTR; an error that concerns all. */
int make_run(const struct job *job, struct make_node *nodes, size_t count,
	     const struct provider_nodes *found, size_t *polls, struct err *e);

#endif
