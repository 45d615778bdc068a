#include "cli/commands.h"
#include "lib/units.h"

int path_commands_pin(struct cli *cli)
{
	json_t *request = json_pack("{s:s, s:s}", "cmd", "pin", "path", cli->words[0]);
	char time[UNITS_TEXT_BYTES];

	if (!cli->for_us)
		return cli_do(cli, request, "pinned to %s", cli->words[0]);
	json_object_set_new(request, "for_s", json_real((double)cli->for_us / 1e6));
	units_format_duration(cli->for_us, time);
	return cli_do(cli, request, "pinned to %s for %s", cli->words[0], time);
}

int path_commands_unpin(struct cli *cli)
{
	return cli_do(cli, json_pack("{s:s}", "cmd", "unpin"), "not pinned");
}

int path_commands_drain(struct cli *cli)
{
	return cli_do(cli, json_pack("{s:s, s:s}", "cmd", "drain", "path", cli->words[0]),
		      "%s is drained", cli->words[0]);
}

int path_commands_enable(struct cli *cli)
{
	return cli_do(cli, json_pack("{s:s, s:s}", "cmd", "enable", "path", cli->words[0]),
		      "%s is enabled", cli->words[0]);
}
