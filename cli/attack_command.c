/* comps attack. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cells/attack.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/progress.h"
#include "cli/split_loads.h"
#include "cli/view.h"

static json_t *accuracy(double value)
{
	return isnan(value) ? json_null() : json_real(value);
}

static void print_row(struct view *view, const char *what, double value)
{
	view_line(view, VIEW_PLAIN, "  %-58s %s", what,
		  isnan(value) ? "-" : format_percent(value).text);
}

static void print(const struct cli *cli, const struct attack_result *r, size_t paths)
{
	struct view view = {.out = cli->out, .color = cli->color};
	json_t *json;

	if (cli->json) {
		json = json_pack("{s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:f}", "paths",
				 (json_int_t)paths, "sites", (json_int_t)r->sites, "known",
				 (json_int_t)r->known, "tested", (json_int_t)r->tested, "none",
				 accuracy(r->whole), "pinned_random", accuracy(r->pinned), "accR",
				 accuracy(r->random_path), "accW", accuracy(r->busiest), "acc2",
				 accuracy(r->two_paths), "chance", 1 / (double)r->sites);
		cli_print_json(cli, json);
		json_decref(json);
		return;
	}
	view_line(&view, VIEW_BOLD,
		  "loads whose site is told (%zu sites, %zu known loads, %zu tested)", r->sites,
		  r->known, r->tested);
	print_row(&view, "by chance", 1 / (double)r->sites);
	print_row(&view, "everything seen: nothing split", r->whole);
	print_row(&view, "each load on one path of them, at random (pinned-random)", r->pinned);
	print_row(&view, "split, seen from any one path (accR)", r->random_path);
	print_row(&view, "split, seen from the busiest path of each load (accW)", r->busiest);
	print_row(&view, "split, seen from two paths together (acc2)", r->two_paths);
}

static void show(void *arg, size_t done, size_t total)
{
	struct progress *progress = arg;

	progress->total = total;
	progress_at(progress, done);
}

int attack_run_command(struct cli *cli)
{
	struct split_loads loads = {NULL, 0, 0};
	struct attack_result result;
	struct progress progress;
	struct err err;
	int ret = split_loads_read(cli->words[0], &loads, &err);

	progress_init(&progress, cli->err, "guessing", 0);
	if (!ret)
		ret = attack_run(loads.items, loads.count, loads.paths, show, &progress, &result,
				 &err);
	progress_end(&progress);
	if (!ret)
		print(cli, &result, loads.paths);
	split_loads_fini(&loads);
	return ret ? cli_error(cli, CLI_FAILED, "%s", err.text) : CLI_OK;
}
