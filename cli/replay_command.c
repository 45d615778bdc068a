/* comps replay. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/replay.h"
#include "cli/trace_run.h"
#include "conf/plugins.h"
#include "conf/policy_params.h"
#include "policies/registry.h"
#include "replay/verify.h"
#include "trace/reader.h"

/* --- verify ----------------------------------------------------------------------------------- */

struct verifying {
	struct progress progress;
	const struct policy_ops *const *policies;
};

static int find_policy(void *arg, const char *name, const char *params,
		       const struct policy_ops **ops, union policy_value **values, struct err *err)
{
	const struct verifying *verifying = arg;

	*ops = conf_policy_find(verifying->policies, name, err);
	return *ops ? conf_policy_values_parse(*ops, params, values, err) : -EINVAL;
}

static void show_verifying(void *arg, uint64_t records)
{
	trace_run_progress(&((struct verifying *)arg)->progress, records);
}

static int verify(struct cli *cli, const struct plugins *plugins, struct trace_reader *reader,
		  size_t run, struct err *err)
{
	struct verifying verifying = {.policies = plugins->policies};
	struct verify_result result;
	int ret;

	trace_run_progress_init(&verifying.progress, cli, reader, run, "verifying");
	ret = verify_run(reader, run, find_policy, show_verifying, &verifying, &result, err);
	progress_end(&verifying.progress);
	if (ret)
		return ret;
	if (cli->json) {
		json_t *json = json_pack("{s:I, s:I, s:I, s:b, s:b, s:o}", "run",
					 (json_int_t)trace_reader_run(reader, run)->id, "records",
					 (json_int_t)result.records, "verdicts",
					 (json_int_t)result.verdicts, "same", !result.differs,
					 "complete", result.complete, "text",
					 *result.text ? json_string(result.text) : json_null());

		cli_print_json(cli, json);
		json_decref(json);
	} else {
		fprintf(cli->out, "run %lld: %llu verdicts of %llu records%s%s%s\n",
			(long long)trace_reader_run(reader, run)->id,
			(unsigned long long)result.verdicts, (unsigned long long)result.records,
			result.differs ? "; the first that differs: " : ", all the same",
			!result.differs && *result.text ? "; not complete: " : "", result.text);
	}
	return result.differs ? -EILSEQ : 0;
}

/* --- what if ---------------------------------------------------------------------------------- */

static int print_line(void *arg, const char *line)
{
	return fprintf(arg, "%s\n", line) < 0 ? -EIO : 0;
}

static int what_if(struct cli *cli, const struct timeline *timeline,
		   const struct policy_specs *specs, struct err *err)
{
	uint64_t seeds = cli->seeds ? (uint64_t)cli->seeds : 1;
	uint64_t jobs = cli->jobs ? (uint64_t)cli->jobs : 1;
	struct replay_table *table = NULL;
	struct progress progress;
	int ret;

	if (!cli->json && replay_table_new(&table))
		return err_set(err, -ENOMEM, "out of memory");
	progress_init(&progress, cli->err, "replaying", specs->count * seeds);
	ret = replay_jobs(timeline, specs, (uint64_t)cli->seed, seeds, jobs, cli->exposure,
			  &progress, table ? replay_table_add : print_line,
			  table ? (void *)table : cli->out, err);
	progress_end(&progress);
	if (!ret && table)
		replay_table_print(table, cli->out, cli->color);
	replay_table_free(table);
	return ret;
}

static int read_specs(const struct cli *cli, struct plugins *plugins, struct policy_specs *specs,
		      struct err *err)
{
	int ret = plugins_init(plugins, registry_all());

	if (ret)
		return err_set(err, ret, "out of memory");
	for (size_t i = 0; i < cli->plugin_count && !ret; i++)
		ret = plugins_load(plugins, cli->plugins[i], err);
	for (size_t i = 0; i < cli->policy_count && !ret; i++)
		ret = policy_specs_add(specs, plugins->policies, cli->policies[i], err);
	return ret;
}

static int replay(struct cli *cli, struct trace_reader *reader, size_t run,
		  const struct policy_specs *specs, struct err *err)
{
	struct timeline *timeline;
	struct progress progress;
	int ret;

	trace_run_progress_init(&progress, cli, reader, run, "reading");
	ret = timeline_new(reader, run, trace_run_progress, &progress, &timeline, err);
	progress_end(&progress);
	if (ret)
		return ret;
	ret = what_if(cli, timeline, specs, err);
	timeline_free(timeline);
	return ret;
}

int replay_run(struct cli *cli)
{
	struct policy_specs specs = {NULL, 0};
	struct plugins plugins = {NULL, 0};
	struct trace_reader *reader = NULL;
	struct err err;
	size_t run = 0;
	int ret;

	if (cli->verify == (cli->policy_count > 0))
		return cli_error(cli, CLI_USAGE,
				 "replay: give --policy, once or more often, or --verify");
	if (read_specs(cli, &plugins, &specs, &err)) {
		policy_specs_fini(&specs);
		plugins_fini(&plugins);
		return cli_error(cli, CLI_USAGE, "%s", err.text);
	}
	ret = trace_reader_open(cli->words[0], &reader, &err);
	if (!ret)
		ret = trace_run_choose(cli, reader, &run, &err);
	if (!ret && cli->verify)
		ret = verify(cli, &plugins, reader, run, &err);
	else if (!ret)
		ret = replay(cli, reader, run, &specs, &err);
	trace_reader_free(reader);
	policy_specs_fini(&specs);
	plugins_fini(&plugins);
	if (ret && ret != -EILSEQ) /* that was printed */
		return cli_error(cli, CLI_FAILED, "%s", err.text);
	return ret ? CLI_FAILED : CLI_OK;
}
