/* comps report. */
#include <errno.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/report.h"

static int add(const struct cli *cli, const char *file, json_t *traces, json_t *replays,
	       struct err *err)
{
	bool is_trace = report_is_trace(file);
	json_t *part = is_trace ? report_trace(cli, file, err) : report_replay(file, err);

	if (!part)
		return -EINVAL;
	if (is_trace)
		return json_array_append_new(traces, part);
	json_array_extend(replays, part);
	json_decref(part);
	return 0;
}

int report_run(struct cli *cli)
{
	json_t *traces = json_array(), *replays = json_array(), *data;
	struct err err;
	int ret = 0;

	if (!cli->output)
		return cli_error(cli, CLI_USAGE, "report: say where to with -o FILE.html");
	for (int i = 0; i < cli->word_count && !ret; i++)
		ret = add(cli, cli->words[i], traces, replays, &err);
	data = json_pack("{s:s, s:o, s:o}", "version", COMPS_VERSION, "traces", traces, "replays",
			 replays);
	if (!ret)
		ret = report_write(cli->output, data, &err);
	json_decref(data);
	if (ret)
		return cli_error(cli, CLI_FAILED, "%s", err.text);
	return CLI_OK;
}
