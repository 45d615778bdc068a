#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/replay.h"

#define JOBS_MAX 256

struct job {
	pid_t pid;
	FILE *lines; /* what it prints */
};

struct work {
	const struct timeline *timeline;
	const struct policy_specs *specs;
	uint64_t first_seed, seeds;
	bool exposure;
};

/* The `n`-th line. NULL with a sentence on failure; else to be freed. */
static char *work_line(const struct work *work, uint64_t n, struct err *err)
{
	const struct policy_spec *spec = &work->specs->items[n / work->seeds];
	uint64_t seed = work->first_seed + n % work->seeds;
	struct shadow_result result;
	char *line = NULL;
	json_t *json;

	if (shadow_run(work->timeline, spec->ops, spec->values, seed, false, &result, err))
		return NULL;
	json = replay_describe(work->timeline, spec, seed, &result);
	if (json && work->exposure &&
	    replay_describe_exposure(work->timeline, &result, seed, json)) {
		json_decref(json);
		json = NULL;
	}
	shadow_result_fini(&result);
	if (json)
		line = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(10));
	json_decref(json);
	if (!line)
		err_set(err, -ENOMEM, "out of memory");
	return line;
}

/* In a process of its own: every `step`-th line from `n` on. A failure is one that begins with "!".
 */
static void do_job(const struct work *work, uint64_t n, uint64_t step, FILE *out)
{
	uint64_t total = work->specs->count * work->seeds;
	struct err err;
	char *line;

	for (; n < total; n += step) {
		line = work_line(work, n, &err);
		if (line)
			fprintf(out, "%s\n", line);
		else
			fprintf(out, "!%s\n", err.text);
		free(line);
		if (fflush(out))
			_exit(1); /* whoever read us is gone */
	}
	_exit(0);
}

static int start_job(struct job *job, const struct work *work, uint64_t n, uint64_t step,
		     struct err *err)
{
	int fds[2];

	if (pipe(fds))
		return err_set(err, -errno, "pipe: %s", strerror(errno));
	job->pid = fork();
	if (job->pid == 0) {
		close(fds[0]);
		do_job(work, n, step, fdopen(fds[1], "w"));
	}
	close(fds[1]);
	job->lines = fdopen(fds[0], "r");
	if (job->pid < 0 || !job->lines)
		return err_set(err, -errno, "cannot start a process: %s", strerror(errno));
	return 0;
}

static int pass_lines(struct job *jobs, uint64_t job_count, uint64_t total,
		      struct progress *progress, replay_line_fn fn, void *arg, struct err *err)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	uint64_t n;
	int ret = 0;

	for (n = 0; n < total && !ret; n++) {
		length = getline(&line, &room, jobs[n % job_count].lines);
		if (length <= 0) {
			ret = err_set(err, -EIO, "a process that replays has died");
		} else {
			line[length - 1] = '\0';
			ret = *line == '!' ? err_set(err, -EINVAL, "%s", line + 1) : fn(arg, line);
		}
		progress_at(progress, n + 1);
	}
	free(line);
	return ret;
}

int replay_jobs(const struct timeline *timeline, const struct policy_specs *specs,
		uint64_t first_seed, uint64_t seeds, uint64_t jobs, bool exposure,
		struct progress *progress, replay_line_fn fn, void *arg, struct err *err)
{
	struct work work = {timeline, specs, first_seed, seeds, exposure};
	uint64_t total = specs->count * seeds, i, count = jobs < total ? jobs : total;
	struct job all[JOBS_MAX] = {{0}};
	int ret = 0, status;

	if (count > JOBS_MAX)
		count = JOBS_MAX;
	for (i = 0; i < count && !ret; i++)
		ret = start_job(&all[i], &work, i, count, err);
	if (!ret)
		ret = pass_lines(all, count, total, progress, fn, arg, err);
	for (i = 0; i < count; i++) {
		if (all[i].lines)
			fclose(all[i].lines);
		if (all[i].pid > 0)
			waitpid(all[i].pid, &status, 0);
	}
	return ret;
}
