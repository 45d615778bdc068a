#include "cli/commands.h"
#include "cli/status_view.h"
#include "cli/terminal.h"

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
	if (cli->json)
		cli_print_json(cli, status);
	else
		status_view(&view, status);
	json_decref(reply);
	return CLI_OK;
}
