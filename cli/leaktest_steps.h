/* leaktest_steps: what `comps leaktest` does to the daemon and its interfaces, one after the other,
 * and how it puts things right again. Each step is bounded in time.
 */
#ifndef COMPS_CLI_LEAKTEST_STEPS_H
#define COMPS_CLI_LEAKTEST_STEPS_H

#include "cli/daemon_process.h"
#include "cli/rig.h"

#define LEAKTEST_SKIPPED 1 /* the step makes no sense here; the note says why */

struct leaktest {
	struct rig rig;
	const struct conf *conf;
	struct daemon_process daemon;
	char home[CONF_PATH_NAME_BYTES]; /* the path that was active at first */
	char link_down[IFNAMSIZ];	 /* an overlay that we set down, or "" */
	bool killed;			 /* the daemon, and no other serves yet */
	bool stopped;			 /* the daemon, by SIGSTOP */
	struct err note;		 /* how the last step went */
};

struct leaktest_step {
	const char *name;
	/* Returns 0; LEAKTEST_SKIPPED; or -errno: it could not be carried out, or -EINTR; always
	 * with a sentence in t->note. */
	int (*run)(struct leaktest *t);
};

/* All of them; *count. */
const struct leaktest_step *leaktest_steps(size_t *count);

/* Whatever state a step was left in: the daemon runs, its links are up, and it is where it was at
 * first. Returns as a step does. */
int leaktest_steps_restore(struct leaktest *t);

#endif
