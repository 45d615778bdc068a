/* comps exposure. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cells/views.h"
#include "cli/commands.h"
#include "cli/exposure.h"
#include "cli/split_loads.h"
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

/* --- packets ---------------------------------------------------------------------------------- */

/* Means over the loads that have the figure. */
struct mean {
	double sum;
	size_t n;
};

static void add(struct mean *mean, double value)
{
	if (isnan(value))
		return;
	mean->sum += value;
	mean->n++;
}

static double value_of(const struct mean *mean)
{
	return mean->n ? mean->sum / (double)mean->n : NAN;
}

static const char *const packet_figures[][2] = {
	{"busiest", "busiest path, of the bytes (M2)"},
	{"effective_paths", "effective paths (M3)"},
	{"over_60", "loads of which one path saw more than 60% (M2)"},
	{"bursts_whole", "bursts that one path saw wholly (M8)"},
	{"bursts_whole_bytes", "... by their bytes"},
	{"burst_busiest", "busiest path of a burst"},
	{"kl_bits", "divergence of a path's view, Kullback-Leibler, bits (M9)"},
	{"js_bits", "... Jensen-Shannon, bits; 0 the same, 1 apart"},
	{"cumul", "... of the running sum of bytes"},
};

#define PACKET_FIGURES (sizeof(packet_figures) / sizeof(*packet_figures))

static void look_at_load(const struct packets *packets, size_t paths, struct mean *means)
{
	double bytes[SPLIT_PATHS_MAX] = {0};
	struct views_divergence divergence;
	struct views_bursts bursts;
	struct shares shares;

	for (size_t i = 0; i < packets->count; i++)
		bytes[packets->items[i].path] += abs(packets->items[i].size);
	shares_of(bytes, paths, &shares);
	views_bursts_of(packets, paths, &bursts);
	add(&means[0], shares.max);
	add(&means[1], shares.effective_paths);
	add(&means[2], shares.max > 0.6);
	add(&means[3], bursts.whole);
	add(&means[4], bursts.whole_bytes);
	add(&means[5], bursts.busiest);
	for (size_t path = 0; path < paths; path++) {
		views_divergence_of(packets, (int)path, &divergence);
		add(&means[6], divergence.kl_bits);
		add(&means[7], divergence.js_bits);
		add(&means[8], divergence.cumul);
	}
}

static int expose_packets(struct cli *cli)
{
	struct split_loads loads = {NULL, 0, 0};
	struct mean means[PACKET_FIGURES] = {{0, 0}};
	json_t *json = json_object();
	struct err err;
	int ret = split_loads_read(cli->words[0], &loads, &err);

	for (size_t i = 0; i < loads.count && !ret; i++)
		look_at_load(loads.items[i].packets, loads.paths, means);
	for (size_t i = 0; i < PACKET_FIGURES && !ret; i++) {
		double value = value_of(&means[i]);

		if (!cli->json)
			fprintf(cli->out, "  %-58s %.3g\n", packet_figures[i][1], value);
		json_object_set_new(json, packet_figures[i][0],
				    isnan(value) ? json_null() : json_real(value));
	}
	json_object_set_new(json, "loads", json_integer((json_int_t)loads.count));
	if (cli->json && !ret)
		cli_print_json(cli, json);
	json_decref(json);
	split_loads_fini(&loads);
	return ret ? cli_error(cli, CLI_FAILED, "%s", err.text) : CLI_OK;
}

int exposure_run_command(struct cli *cli)
{
	struct trace_reader *reader = NULL;
	struct recorded *recorded = NULL;
	struct progress progress;
	struct stat st;
	struct err err;
	size_t run;
	int ret;

	if (stat(cli->words[0], &st) == 0 && S_ISDIR(st.st_mode))
		return expose_packets(cli);
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
