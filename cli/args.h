/* args: the command line of `comps` as a filled struct cli. */
#ifndef COMPS_CLI_ARGS_H
#define COMPS_CLI_ARGS_H

#include "cli/cli.h"

struct args_option {
	char letter;
	const char *name;
	const char *argument; /* NULL for a flag */
	const char *help;
	bool common; /* every command takes it */
};

/* All options there are; *count of them. */
const struct args_option *args_options(size_t *count);

/* True when `command` (NULL: `comps` alone) takes `option`. */
bool args_takes(const struct cli_command *command, const struct args_option *option);

/* Fills the command, its words and the options of `cli` from argv, which is reordered and must
 * outlive `cli`. A mistake is printed to cli->err. Returns CLI_OK (with no command when only
 * options were given) or CLI_USAGE. */
int args_parse(struct cli *cli, int argc, char **argv);

#endif
