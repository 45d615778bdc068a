/* comps attack. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cells/attack.h"
#include "cli/cell_files.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/view.h"

struct loads {
	struct attack_load *items;
	size_t count, paths;
};

static void loads_fini(struct loads *loads)
{
	for (size_t i = 0; i < loads->count; i++) {
		packets_fini((struct packets *)loads->items[i].packets);
		free((void *)loads->items[i].packets);
	}
	free(loads->items);
}

/* What one path carried, at its place in the load. */
static int add_path(const char *folder, const char *base, size_t path, double offset_s,
		    struct packets *out, struct err *err)
{
	struct packets part;
	char name[300];
	int ret;

	snprintf(name, sizeof(name), "%.250s_split_%zu.cell", base, path);
	ret = cell_files_read(folder, name, &part, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < part.count && !ret; i++) {
		struct packet packet = part.items[i];

		packet.s += offset_s;
		packet.path = (int)path;
		ret = packets_add(out, packet) ? err_set(err, -ENOMEM, "out of memory") : 0;
	}
	packets_fini(&part);
	return ret;
}

static int read_load(const char *folder, json_t *line, struct packets *out, struct err *err)
{
	json_t *at, *offsets = json_object_get(line, "offsets_s");
	const char *base = json_string_value(json_object_get(line, "base"));
	size_t path;
	int ret = 0;

	memset(out, 0, sizeof(*out));
	json_array_foreach(offsets, path, at)
	{
		if (!ret && json_is_number(at))
			ret = add_path(folder, base, path, json_number_value(at), out, err);
	}
	if (!ret && packets_sort(out))
		ret = err_set(err, -ENOMEM, "out of memory");
	return ret;
}

/* Known are those that manifest.csv has for training and validation. */
static int add_load(struct loads *loads, const char *folder, json_t *line, struct err *err)
{
	const char *base = json_string_value(json_object_get(line, "base"));
	size_t paths = json_array_size(json_object_get(line, "offsets_s"));
	int site = (int)json_integer_value(json_object_get(line, "site"));
	struct packets *packets;
	struct attack_load *larger;
	const char *dash;
	int ret;

	if (!base || !paths || paths > SPLIT_PATHS_MAX || (loads->paths && paths != loads->paths))
		return err_set(err, -EBADMSG, "is no line of comps split");
	if (site < 0)
		return 0; /* of the open world */
	larger = reallocarray(loads->items, loads->count + 1, sizeof(*larger));
	packets = calloc(1, sizeof(*packets));
	if (larger)
		loads->items = larger;
	if (!larger || !packets) {
		free(packets);
		return err_set(err, -ENOMEM, "out of memory");
	}
	dash = strchr(base, '-');
	loads->paths = paths;
	loads->items[loads->count++] =
		(struct attack_load){.site = site,
				     .known = !cell_files_is_test(&(struct cell_file){
					     .instance = dash ? atoi(dash + 1) : 0}),
				     .packets = packets};
	ret = read_load(folder, line, packets, err);
	return ret;
}

static int read_loads(const char *folder, struct loads *loads, struct err *err)
{
	char name[4096], *text = NULL;
	size_t room = 0, number = 0;
	json_error_t where;
	FILE *in;
	int ret = 0;

	snprintf(name, sizeof(name), "%s/split.jsonl", folder);
	in = fopen(name, "re");
	if (!in)
		return err_set(err, -errno, "%s: %s; the folder must be one of comps split", name,
			       strerror(errno));
	while (!ret && getline(&text, &room, in) >= 0) {
		json_t *line = json_loads(text, 0, &where);

		number++;
		ret = line ? add_load(loads, folder, line, err)
			   : err_set(err, -EBADMSG, "%s", where.text);
		if (ret == -EBADMSG)
			err_prefix(err, ret, "%s:%zu", name, number);
		json_decref(line);
	}
	free(text);
	fclose(in);
	return ret;
}

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

int attack_run_command(struct cli *cli)
{
	struct loads loads = {NULL, 0, 0};
	struct attack_result result;
	struct err err;
	int ret = read_loads(cli->words[0], &loads, &err);

	if (!ret)
		ret = attack_run(loads.items, loads.count, loads.paths, &result, &err);
	if (!ret)
		print(cli, &result, loads.paths);
	loads_fini(&loads);
	return ret ? cli_error(cli, CLI_FAILED, "%s", err.text) : CLI_OK;
}
