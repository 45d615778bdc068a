#include "trace/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int trace_run_init(struct trace_run *run, size_t path_count)
{
	memset(run, 0, sizeof(*run));
	run->ended = MONO_NEVER;
	run->config.path_count = path_count;
	run->paths = calloc(path_count, sizeof(*run->paths));
	return run->paths ? 0 : -ENOMEM;
}

void trace_run_fini(struct trace_run *run)
{
	size_t i;

	for (i = 0; run->paths && i < run->config.path_count; i++) {
		free(run->paths[i].name);
		free(run->paths[i].interface);
	}
	free(run->paths);
	free(run->version);
	free(run->mode);
	memset(run, 0, sizeof(*run));
}

void trace_run_free(struct trace_run *run)
{
	if (run)
		trace_run_fini(run);
	free(run);
}

struct trace_run *trace_run_new(const struct machine *machine, const char *version,
				const char *mode, struct mono now, int64_t wall_us)
{
	struct trace_run *run = calloc(1, sizeof(*run));
	bool whole = run && !trace_run_init(run, machine->paths.count);
	size_t i;

	for (i = 0; whole && i < machine->paths.count; i++) {
		const struct path *path = &machine->paths.path[i];

		run->paths[i] = (struct trace_path){strdup(path->name), strdup(path->interface),
						    path->priority, path->link_up};
		whole = run->paths[i].name && run->paths[i].interface;
	}
	if (whole) {
		run->version = strdup(version);
		run->mode = strdup(mode);
		run->wall_us = wall_us;
		run->began = now;
		run->config.stats = machine->paths.config;
		run->config.steer = machine->steer.config;
		whole = run->version && run->mode;
	}
	if (whole)
		return run;
	trace_run_free(run);
	return NULL;
}
