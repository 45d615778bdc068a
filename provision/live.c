#include "provision/live.h"

#include <errno.h>

#include "provision/job.h"

#define WAIT_US 30000000
#define LOOK_US 200000

int live_refresh(const struct job *job, struct err *e)
{
	int ret = job_bundle(job, e);

	if (!ret && job->live)
		ret = job->live->reload(job->live->arg, e);
	return ret;
}

static bool is_so(const struct live_path *path, enum live_want want)
{
	switch (want) {
	case LIVE_UP:
		return path->up || !path->known;
	case LIVE_LEFT:
		return !path->active;
	default:
		return !path->known;
	}
}

int live_wait(const struct job *job, const char *path, enum live_want want, struct live_path *out,
	      struct err *e)
{
	static const char *const wishes[] = {"up", "left", "gone"};
	struct mono deadline = mono_add_us(job->env->now(job->env->arg), WAIT_US);
	int ret = job->live->look(job->live->arg, path, out, e);

	while (!ret && !is_so(out, want)) {
		if (mono_due(deadline, job->env->now(job->env->arg)))
			return err_set(e, -ETIMEDOUT, "the daemon here: path %s is %s, not %s",
				       path, out->text, wishes[want]);
		if (job->env->pause(job->env->arg, LOOK_US))
			return err_set(e, -EINTR, "interrupted");
		ret = job->live->look(job->live->arg, path, out, e);
	}
	return ret;
}

int live_leave(const struct job *job, const char *path, struct err *e)
{
	struct live_path found;
	int ret = job->live->look(job->live->arg, path, &found, e);

	if (ret || !found.known)
		return ret;
	ret = job->live->drain(job->live->arg, path, true, e);
	return ret ? ret : live_wait(job, path, LIVE_LEFT, &found, e);
}
