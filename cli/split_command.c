/* comps split, comps generate. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cells/generate.h"
#include "cells/split.h"
#include "cli/cell_files.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/policy_spec.h"
#include "cli/progress.h"
#include "conf/plugins.h"
#include "lib/units.h"
#include "policies/registry.h"

/* What is to be done with every load. */
struct job {
	struct split_config config;
	enum split_compat compat; /* SPLIT_COMPATS: by the policy */
	struct policy_specs specs;
	struct plugins plugins;
	uint64_t seed;
};

struct totals {
	size_t loads;
	double max_share, over_60, misrouted, migrations;
};

/* --- what is asked for ------------------------------------------------------------------------ */

static int read_delays(const struct cli *cli, struct split_config *config, struct err *err)
{
	char text[32];
	const char *at = cli->owd ? cli->owd : "10ms,25ms,45ms";
	int64_t us;

	while (*at) {
		size_t length = strcspn(at, ",");

		snprintf(text, sizeof(text), "%.*s", (int)(length < 31 ? length : 31), at);
		if (units_parse_duration(text, &us, NULL) || us < 0)
			return err_set(err, -EINVAL, "--owd: \"%s\" is no duration such as 25ms",
				       text);
		if (config->paths == SPLIT_PATHS_MAX)
			return err_set(err, -EINVAL, "--owd: more than %d paths", SPLIT_PATHS_MAX);
		config->owd_s[config->paths++] = (double)us / 1e6;
		at += length + (at[length] == ',');
	}
	return 0;
}

static int read_downlink(const struct cli *cli, struct split_config *config, struct err *err)
{
	config->downlink = SPLIT_FOLLOW;
	if (cli->downlink && strcmp(cli->downlink, "independent") == 0)
		config->downlink = SPLIT_INDEPENDENT;
	else if (cli->downlink && strcmp(cli->downlink, "follow") != 0)
		return err_set(err, -EINVAL, "--downlink: follow or independent, not \"%.40s\"",
			       cli->downlink);
	config->kicks = cli->kicks ? (unsigned int)(cli->kicks - 1) : 2;
	return 0;
}

static int read_policy(const struct cli *cli, struct job *job, struct err *err)
{
	int ret = plugins_init(&job->plugins, registry_all());

	job->compat = SPLIT_COMPATS;
	if (cli->policy_count != 1)
		return err_set(err, -EINVAL, "--policy: one policy is wanted");
	for (size_t i = 0; split_compat_names[i]; i++) {
		if (strcmp(cli->policies[0], split_compat_names[i]) == 0)
			job->compat = (enum split_compat)i;
	}
	if (job->compat != SPLIT_COMPATS)
		return 0;
	for (size_t i = 0; i < cli->plugin_count && !ret; i++)
		ret = plugins_load(&job->plugins, cli->plugins[i], err);
	if (!ret)
		ret = policy_specs_add(&job->specs, job->plugins.policies, cli->policies[0], err);
	if (!ret && job->specs.count != 1)
		ret = err_set(err, -EINVAL, "--policy: one policy is wanted, without ranges");
	return ret;
}

/* --- a load ----------------------------------------------------------------------------------- */

/* When each path saw its first packet; null where it saw none. */
static json_t *offsets(const struct packets *packets, size_t paths)
{
	json_t *list = json_array();

	for (size_t path = 0; path < paths; path++) {
		size_t i = 0;

		while (i < packets->count && packets->items[i].path != (int)path)
			i++;
		json_array_append_new(list, i < packets->count ? json_real(packets->items[i].s -
									   packets->items[0].s)
							       : json_null());
	}
	return list;
}

static int split_one(const struct job *job, size_t number, struct packets *packets,
		     struct split_result *result, struct err *err)
{
	struct rng rng;
	int ret = rng_init_seed(&rng, job->seed * UINT64_C(1000003) + number);

	if (ret)
		return err_set(err, ret, "libsodium cannot start");
	if (job->compat == SPLIT_COMPATS)
		return split_by_policy(packets, &job->config, job->specs.items[0].ops,
				       job->specs.items[0].values, &rng, result, err);
	split_by_compat(packets, job->config.paths, job->compat, &rng, result);
	return 0;
}

static int put_one(const char *folder, const struct cell_file *file, const struct packets *packets,
		   json_t *summary, FILE *manifest, struct err *err)
{
	json_t *at, *list = json_object_get(summary, "offsets_s");
	bool test = cell_files_is_test(file), valid = cell_files_is_valid(file);
	char name[300];
	size_t path;
	int ret = 0;

	json_array_foreach(list, path, at)
	{
		snprintf(name, sizeof(name), "%.250s_split_%zu.cell", file->base, path);
		if (!ret && !json_is_null(at))
			ret = cell_files_write(folder, name, packets, (int)path, err);
		fprintf(manifest, "%d,%s,0,1,%d,%d,%d,%d\n", file->site, name, json_is_null(at),
			!test && !valid, valid, test);
	}
	snprintf(name, sizeof(name), "%.250s_join.cell", file->base);
	fprintf(manifest, "%d,%s,1,0,0,%d,%d,%d\n", file->site, name, !test && !valid, valid, test);
	return ret ? ret : cell_files_write(folder, name, packets, -1, err);
}

/* --- all loads -------------------------------------------------------------------------------- */

struct outputs {
	FILE *manifest, *summary;
};

static int open_outputs(const char *folder, struct outputs *out, struct err *err)
{
	char name[4096];

	snprintf(name, sizeof(name), "%s/manifest.csv", folder);
	out->manifest = fopen(name, "wxe");
	snprintf(name, sizeof(name), "%s/split.jsonl", folder);
	out->summary = fopen(name, "wxe");
	if (!out->manifest || !out->summary)
		return err_set(err, -errno, "%s: %s", name, strerror(errno));
	fputs("class,file,is_merged,is_split,is_empty,is_train,is_valid,is_test\n", out->manifest);
	return 0;
}

static int close_outputs(struct outputs *out, int ret, struct err *err)
{
	bool failed = false;

	if (out->manifest)
		failed |= fclose(out->manifest) != 0;
	if (out->summary)
		failed |= fclose(out->summary) != 0;
	return failed && !ret ? err_set(err, -EIO, "cannot write: %s", strerror(errno)) : ret;
}

static int do_load(const struct cli *cli, const struct job *job, const struct cell_files *files,
		   size_t i, struct outputs *out, struct totals *totals, struct err *err)
{
	const struct cell_file *file = &files->items[i];
	struct split_result result;
	struct packets packets;
	json_t *summary;
	int ret = cell_files_read(cli->words[0], file->name, &packets, err);

	if (ret)
		return ret;
	ret = split_one(job, i, &packets, &result, err);
	if (!ret) {
		summary = json_pack("{s:s, s:i, s:o, s:I, s:f, s:f}", "base", file->base, "site",
				    file->site, "offsets_s", offsets(&packets, job->config.paths),
				    "migrations", (json_int_t)result.migrations, "misrouted",
				    result.misrouted, "max_share", result.max_share);
		ret = put_one(cli->output, file, &packets, summary, out->manifest, err);
		json_dumpf(summary, out->summary, JSON_COMPACT | JSON_REAL_PRECISION(9));
		fputc('\n', out->summary);
		json_decref(summary);
		totals->loads++;
		totals->max_share += result.max_share;
		totals->over_60 += result.max_share > 0.6;
		totals->misrouted += result.misrouted;
		totals->migrations += (double)result.migrations;
	}
	packets_fini(&packets);
	return ret;
}

static int do_loads(const struct cli *cli, const struct job *job, struct totals *totals,
		    struct err *err)
{
	struct outputs out = {NULL, NULL};
	struct progress progress;
	struct cell_files files;
	int ret = cell_files_list(cli->words[0], &files, err);

	if (ret)
		return ret;
	ret = cell_files_new_folder(cli->output, err);
	if (!ret)
		ret = open_outputs(cli->output, &out, err);
	progress_init(&progress, cli->err, "splitting", files.count);
	for (size_t i = 0; i < files.count && !ret; i++) {
		ret = do_load(cli, job, &files, i, &out, totals, err);
		progress_at(&progress, i + 1);
	}
	progress_end(&progress);
	cell_files_fini(&files);
	return close_outputs(&out, ret, err);
}

static void print_totals(const struct cli *cli, const struct totals *t)
{
	double n = (double)t->loads;

	if (cli->json) {
		json_t *json =
			json_pack("{s:I, s:f, s:f, s:f, s:f}", "loads", (json_int_t)t->loads,
				  "max_share", t->max_share / n, "over_60", t->over_60 / n,
				  "misrouted", t->misrouted / n, "migrations", t->migrations / n);

		cli_print_json(cli, json);
		json_decref(json);
		return;
	}
	fprintf(cli->out,
		"%zu loads; in the mean %.3g migrations, the busiest path saw %s (more than 60%% "
		"of %s "
		"of the loads)",
		t->loads, t->migrations / n, format_percent(t->max_share / n).text,
		format_percent(t->over_60 / n).text);
	fprintf(cli->out, ", and %s of the downlink came by a path that was no longer in use\n",
		format_percent(t->misrouted / n).text);
}

int split_run(struct cli *cli)
{
	struct job job = {.seed = (uint64_t)cli->seed};
	struct totals totals = {0};
	struct err err;
	int ret;

	if (!cli->output)
		return cli_error(cli, CLI_USAGE, "split: say where to with --output FOLDER");
	ret = read_delays(cli, &job.config, &err);
	if (!ret)
		ret = read_downlink(cli, &job.config, &err);
	if (!ret)
		ret = read_policy(cli, &job, &err);
	if (ret) {
		ret = cli_error(cli, CLI_USAGE, "%s", err.text);
	} else {
		ret = do_loads(cli, &job, &totals, &err);
		ret = ret ? cli_error(cli, CLI_FAILED, "%s", err.text) : CLI_OK;
	}
	if (ret == CLI_OK)
		print_totals(cli, &totals);
	policy_specs_fini(&job.specs);
	plugins_fini(&job.plugins);
	return ret;
}

/* --- generate --------------------------------------------------------------------------------- */

static int generate(const struct cli *cli, unsigned int sites, unsigned int loads, struct err *err)
{
	int ret = cell_files_new_folder(cli->output, err);

	for (unsigned int i = 0; i < sites * loads && !ret; i++) {
		struct packets packets;
		char name[32];

		snprintf(name, sizeof(name), "%u-%u.cell", i / loads, i % loads);
		ret = generate_load((uint64_t)cli->seed, i / loads, i % loads, &packets);
		if (ret)
			return err_set(err, ret, "out of memory");
		ret = cell_files_write(cli->output, name, &packets, -1, err);
		packets_fini(&packets);
	}
	return ret;
}

int split_generate(struct cli *cli)
{
	struct err err;

	if (!cli->output)
		return cli_error(cli, CLI_USAGE, "generate: say where to with --output FOLDER");
	if (generate(cli, cli->classes ? (unsigned int)cli->classes : 8,
		     cli->loads ? (unsigned int)cli->loads : 32, &err))
		return cli_error(cli, CLI_FAILED, "%s", err.text);
	return CLI_OK;
}
