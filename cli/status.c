#include <string.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/status_view.h"
#include "cli/terminal.h"

/* One line: whether a path is in use, and up. */
static int check(const struct cli *cli, const json_t *status)
{
	const char *active = json_string_value(json_object_get(status, "active"));
	const json_t *path;
	size_t i;

	json_array_foreach(json_object_get(status, "paths"), i, path)
	{
		if (!active || strcmp(format_string(path, "name"), active) != 0)
			continue;
		fprintf(cli->out, "%s is in use, and %s\n", active, format_string(path, "state"));
		return strcmp(format_string(path, "state"), "up") == 0 ? CLI_OK : CLI_FAILED;
	}
	fprintf(cli->out, "no path is in use: nothing can be sent\n");
	return CLI_FAILED;
}

int status_run(struct cli *cli)
{
	struct view view = {.out = cli->out, .color = cli->color};
	const json_t *status;
	json_t *reply;
	int rc = cli_ask(cli, json_pack("{s:s}", "cmd", "status"), "status", &reply);

	if (rc != CLI_OK)
		return rc;
	status = json_object_get(reply, "status");
	terminal_size(fileno(cli->out), &view.width, NULL);
	if (cli->check)
		rc = check(cli, status);
	else if (cli->json)
		cli_print_json(cli, status);
	else
		status_view(&view, status);
	json_decref(reply);
	return rc;
}
