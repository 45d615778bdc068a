/* comps trace info, export, import. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/progress.h"
#include "cli/trace_export.h"
#include "cli/view.h"
#include "conf/machine.h"
#include "lib/units.h"
#include "trace/import.h"
#include "trace/reader.h"

/* --- info ------------------------------------------------------------------------------------- */

/* What one run holds. */
struct summary {
	uint64_t records, probes, replies, verdicts, migrations, lost;
	struct mono last;
	char policy[64]; /* the last one */
};

static int summarize(struct trace_reader *reader, size_t run, struct summary *out, struct err *err)
{
	struct trace_record record;
	int ret = trace_reader_begin(reader, run, err);

	*out = (struct summary){.last = trace_reader_run(reader, run)->began};
	while (!ret && (ret = trace_reader_next(reader, &record, err)) > 0) {
		ret = 0;
		out->records++;
		out->last = record.input.at;
		switch (record.input.kind) {
		case INPUT_SENT:
			out->probes++;
			break;
		case INPUT_REPLY:
			out->replies++;
			break;
		case INPUT_DECIDE:
			out->verdicts++;
			break;
		case INPUT_OUTCOME:
			out->migrations++;
			break;
		case TRACE_GAP:
			out->lost += (uint64_t)record.input.value;
			break;
		case TRACE_POLICY:
			snprintf(out->policy, sizeof(out->policy), "%.63s", record.policy);
			break;
		}
	}
	return ret;
}

static json_t *run_json(const struct trace_run *run, const struct summary *s)
{
	json_t *paths = json_array();

	for (size_t i = 0; i < run->config.path_count; i++)
		json_array_append_new(paths, json_string(run->paths[i].name));
	return json_pack(
		"{s:I, s:s, s:s, s:f, s:f, s:b, s:b, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I}",
		"run", (json_int_t)run->id, "version", run->version, "mode", run->mode, "began",
		(double)run->wall_us / 1e6, "length_s",
		(double)mono_diff_us(s->last, run->began) / 1e6, "ended",
		run->ended.us != MONO_NEVER.us, "pruned", run->pruned, "policy", s->policy, "paths",
		paths, "records", (json_int_t)s->records, "probes", (json_int_t)s->probes,
		"replies", (json_int_t)s->replies, "verdicts", (json_int_t)s->verdicts,
		"migrations", (json_int_t)s->migrations, "lost", (json_int_t)s->lost);
}

static void print_run(const struct cli *cli, const struct trace_run *run, const struct summary *s)
{
	struct view view = {.out = cli->out, .color = cli->color};
	char length[UNITS_TEXT_BYTES], names[256] = "";

	units_format_duration(mono_diff_us(s->last, run->began) / 1000000 * 1000000, length);
	for (size_t i = 0, used = 0; i < run->config.path_count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? " " : "",
					 run->paths[i].name);
	view_line(&view, VIEW_PLAIN,
		  "run %lld  %s  %s%s  policy %s  %llu probes (%llu answered)  %llu verdicts  %llu "
		  "migrations%s  paths: %s",
		  (long long)run->id, format_time((double)run->wall_us / 1e6).text, length,
		  run->pruned ? " (beginning deleted)" : "", s->policy,
		  (unsigned long long)s->probes, (unsigned long long)s->replies,
		  (unsigned long long)s->verdicts, (unsigned long long)s->migrations,
		  run->ended.us == MONO_NEVER.us ? ", no clean end" : "", names);
	if (s->lost)
		view_line(&view, VIEW_PLAIN, "  %llu records were lost",
			  (unsigned long long)s->lost);
}

static int info(struct cli *cli, struct trace_reader *reader, struct err *err)
{
	json_t *runs = json_array();
	struct summary summary;
	struct stat st = {0};
	int ret = trace_reader_check(reader, err);

	stat(cli->words[0], &st);
	for (size_t i = 0; i < trace_reader_run_count(reader) && !ret; i++) {
		ret = summarize(reader, i, &summary, err);
		if (!ret && cli->json)
			json_array_append_new(runs,
					      run_json(trace_reader_run(reader, i), &summary));
		else if (!ret)
			print_run(cli, trace_reader_run(reader, i), &summary);
	}
	if (!ret && cli->json) {
		json_t *all = json_pack("{s:s, s:I, s:O}", "file", cli->words[0], "bytes",
					(json_int_t)st.st_size, "runs", runs);

		cli_print_json(cli, all);
		json_decref(all);
	} else if (!ret && !trace_reader_run_count(reader)) {
		fprintf(cli->out, "%s: no run was recorded yet\n", cli->words[0]);
	}
	json_decref(runs);
	return ret;
}

static int with_reader(struct cli *cli,
		       int (*fn)(struct cli *cli, struct trace_reader *reader, struct err *err))
{
	struct trace_reader *reader;
	struct err err;
	int ret = trace_reader_open(cli->words[0], &reader, &err);

	if (!ret) {
		ret = fn(cli, reader, &err);
		trace_reader_free(reader);
	}
	return ret ? cli_error(cli, CLI_FAILED, "%s", err.text) : CLI_OK;
}

int trace_info(struct cli *cli)
{
	return with_reader(cli, info);
}

/* --- export ----------------------------------------------------------------------------------- */

static int export(struct cli *cli, struct trace_reader *reader, struct err *err)
{
	struct progress progress;
	int64_t total = 0, count;
	int ret = 0;

	for (size_t i = 0; i < trace_reader_run_count(reader) && !ret; i++) {
		ret = trace_reader_count(reader, i, &count, err);
		total += count;
	}
	progress_init(&progress, cli->err, "exporting", (uint64_t)total);
	for (size_t i = 0; i < trace_reader_run_count(reader) && !ret; i++)
		ret = cli->jsonl ? trace_export_jsonl(reader, i, cli->out, &progress, err)
				 : trace_export_csv(reader, i, cli->out, &progress, err);
	progress_end(&progress);
	if (!ret && (fflush(cli->out) || ferror(cli->out)))
		ret = err_set(err, -EIO, "cannot write: %s", strerror(errno));
	return ret;
}

int trace_export(struct cli *cli)
{
	if (cli->csv && cli->jsonl)
		return cli_error(cli, CLI_USAGE, "trace export: --csv or --jsonl, not both");
	return with_reader(cli, export);
}

/* --- import ----------------------------------------------------------------------------------- */

int trace_import(struct cli *cli)
{
	FILE *in = fopen(cli->words[0], "re");
	struct import_result result;
	struct machine_config config;
	struct err err;
	int ret;

	if (!in)
		return cli_error(cli, CLI_FAILED, "%s: %s", cli->words[0], strerror(errno));
	conf_machine_defaults(1, &config);
	ret = import_csv(in, cli->words[0], cli->words[1], &config, &result, &err);
	fclose(in);
	if (ret)
		return cli_error(cli, CLI_FAILED, "%s; nothing was imported", err.text);
	if (cli->json) {
		json_t *json =
			json_pack("{s:s, s:I, s:I}", "file", cli->words[1], "rows",
				  (json_int_t)result.rows, "paths", (json_int_t)result.paths);

		cli_print_json(cli, json);
		json_decref(json);
	} else {
		fprintf(cli->out, "%s: %llu rows of %zu path%s imported\n", cli->words[1],
			(unsigned long long)result.rows, result.paths,
			result.paths == 1 ? "" : "s");
	}
	return CLI_OK;
}
