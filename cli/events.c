#include "cli/commands.h"
#include "cli/format.h"
#include "cli/view.h"

static void print_event(const struct cli *cli, const json_t *event)
{
	struct view view = {.out = cli->out, .color = cli->color};

	if (cli->json)
		cli_print_json(cli, event);
	else
		view_line(&view, VIEW_PLAIN, "%s  %-10s  %s",
			  format_time(format_number(event, "time")).text,
			  format_string(event, "event"), format_string(event, "text"));
}

/* Prints events as they come, until the daemon or the reader of our output goes. */
static int follow(const struct cli *cli, struct client *client)
{
	while (fflush(cli->out) == 0) {
		json_t *event;
		struct err e;

		if (client_receive(client, CLIENT_WAIT_FOREVER, &event, &e) < 0)
			return cli_error(cli, CLI_FAILED, "%s", e.text);
		print_event(cli, event);
		json_decref(event);
	}
	return CLI_FAILED;
}

int events_run(struct cli *cli)
{
	json_t *request = json_pack("{s:s, s:b}", "cmd", "events", "follow", cli->follow);
	struct client client;
	const json_t *event;
	json_t *reply;
	size_t i;
	int rc = cli_connect(cli, &client);

	if (rc != CLI_OK) {
		json_decref(request);
		return rc;
	}
	rc = cli_call(cli, &client, request, "events", &reply);
	if (rc == CLI_OK) {
		json_array_foreach(json_object_get(reply, "events"), i, event)
			print_event(cli, event);
		json_decref(reply);
		if (cli->follow)
			rc = follow(cli, &client);
	}
	client_close(&client);
	return rc;
}
