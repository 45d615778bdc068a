/* comps exposure. */
#include <errno.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/exposure.h"
#include "cli/trace_run.h"
#include "exposure/recorded.h"

#define GUESS_S	 0.1
#define WINDOW_S 60

static int print(struct cli *cli, const struct trace_run *run, const struct exposure *exposure)
{
	size_t paths = run->config.path_count;
	const char **names = calloc(paths, sizeof(char *));
	struct view view = {.out = cli->out, .color = cli->color};
	json_t *json;

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < paths; i++)
		names[i] = run->paths[i].name;
	if (cli->json) {
		json = exposure_describe(exposure, names, paths);
		json_object_set_new(json, "run", json_integer((json_int_t)run->id));
		cli_print_json(cli, json);
		json_decref(json);
	} else {
		exposure_print(exposure, names, paths, &view);
	}
	free(names);
	return 0;
}

static int compute(struct cli *cli, const struct recorded *recorded, const struct trace_run *run,
		   struct err *err)
{
	double window_s = cli->window_us ? (double)cli->window_us / 1e6 : WINDOW_S;
	struct exposure exposure;
	struct rng rng;
	int ret = rng_init_seed(&rng, (uint64_t)cli->seed); /* of the bootstrap */

	if (!ret)
		ret = exposure_of(recorded_run(recorded), window_s, GUESS_S, &rng, &exposure);
	if (!ret) {
		ret = print(cli, run, &exposure);
		exposure_fini(&exposure);
	}
	return ret ? err_set(err, ret, "out of memory") : 0;
}

int exposure_run_command(struct cli *cli)
{
	struct trace_reader *reader = NULL;
	struct recorded *recorded = NULL;
	struct progress progress;
	struct err err;
	size_t run;
	int ret;

	if (cli->window_us % 1000000)
		return cli_error(cli, CLI_USAGE, "--window: whole seconds are wanted");
	ret = trace_reader_open(cli->words[0], &reader, &err);
	if (!ret)
		ret = trace_run_choose(cli, reader, &run, &err);
	if (!ret) {
		trace_run_progress_init(&progress, cli, reader, run, "reading");
		ret = recorded_new(reader, run, trace_run_progress, &progress, &recorded, &err);
		progress_end(&progress);
	}
	if (!ret)
		ret = compute(cli, recorded, trace_reader_run(reader, run), &err);
	recorded_free(recorded);
	trace_reader_free(reader);
	return ret ? cli_error(cli, CLI_FAILED, "%s", err.text) : CLI_OK;
}
