#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/programs.h"

/* Interfaces, rules and a userspace WireGuard are taken down before the daemon ends. */
#define DOWN_PRESET_US 30000000

int daemon_commands_reload(struct cli *cli)
{
	return cli_do(cli, json_pack("{s:s}", "cmd", "reload"), "reloaded");
}

int daemon_commands_version(struct cli *cli)
{
	json_t *reply = NULL;
	int rc = cli_ask(cli, json_pack("{s:s}", "cmd", "version"), "version", &reply);
	const char *daemon = json_string_value(json_object_get(reply, "version"));

	if (cli->json) {
		json_t *versions =
			json_pack("{s:s, s:s?}", "comps", COMPS_VERSION, "compsd", daemon);

		cli_print_json(cli, versions);
		json_decref(versions);
	} else {
		fprintf(cli->out, "comps %s\n", COMPS_VERSION);
		if (daemon)
			fprintf(cli->out, "compsd %s\n", daemon);
	}
	json_decref(reply);
	return rc == CLI_NO_DAEMON ? CLI_OK : rc;
}

/* One that is not installed removes with its own compsd; else $PATH is searched. */
static int remove_without_daemon(const struct cli *cli)
{
	char path[PATH_MAX];
	const char *compsd = programs_find("compsd", path) == 0 ? path : "compsd";

	fflush(cli->out);
	execlp(compsd, compsd, "--down", "-c", cli->config, (char *)NULL);
	return cli_error(cli, CLI_FAILED, "no daemon at %s, and cannot run %s --down: %s",
			 cli->socket, compsd, strerror(errno));
}

/* The daemon answers before it begins, and hangs up when it has removed everything. */
static int wait_for_end(const struct cli *cli, struct client *client)
{
	json_t *event;
	struct err e;
	int rc;

	while ((rc = client_receive(client, cli->timeout_us, &event, &e)) == 0)
		json_decref(event);
	if (rc != -EPIPE)
		return cli_error(cli, CLI_FAILED, "going down: %s", e.text);
	if (!cli->json)
		fputs("down: compsd has removed what it installed and ended\n", cli->out);
	return CLI_OK;
}

int daemon_commands_down(struct cli *cli)
{
	struct client client;
	json_t *reply;
	int rc = cli_connect(cli, &client);

	if (rc == CLI_NO_DAEMON)
		return remove_without_daemon(cli);
	if (rc != CLI_OK)
		return rc;
	if (!cli->timeout_us)
		cli->timeout_us = DOWN_PRESET_US;
	rc = cli_call(cli, &client, json_pack("{s:s}", "cmd", "down"), NULL, &reply);
	if (rc == CLI_OK) {
		rc = wait_for_end(cli, &client);
		if (rc == CLI_OK && cli->json)
			cli_print_json(cli, reply);
		json_decref(reply);
	}
	client_close(&client);
	return rc;
}
