#include <string.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/status_view.h"

/* A migration that settles late, then a roll-back that settles late. */
#define WAIT_PRESET_US 60000000

static int print_result(const struct cli *cli, const json_t *migration)
{
	const char *outcome = format_string(migration, "outcome");
	char text[512];

	status_view_migration(migration, text, sizeof(text));
	if (cli->json)
		cli_print_json(cli, migration);
	else
		fprintf(cli->out, "%s\n", text);
	return strcmp(outcome, "settled") == 0 || strcmp(outcome, "unconfirmed") == 0 ? CLI_OK
										      : CLI_FAILED;
}

int migrate_run(struct cli *cli)
{
	json_t *reply, *request = json_pack("{s:s, s:s, s:b}", "cmd", "migrate", "path",
					    cli->words[0], "wait", cli->wait);
	int rc;

	if (!cli->wait)
		return cli_do(cli, request, "migrating to %s",
			      strcmp(cli->words[0], "next") == 0 ? "the next path" : cli->words[0]);
	if (!cli->timeout_us)
		cli->timeout_us = WAIT_PRESET_US;
	rc = cli_ask(cli, request, "migration", &reply);
	if (rc != CLI_OK)
		return rc;
	rc = print_result(cli, json_object_get(reply, "migration"));
	json_decref(reply);
	return rc;
}
