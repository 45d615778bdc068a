/* help: the pages that are printed from the tables of commands and options. */
#ifndef COMPS_CLI_HELP_H
#define COMPS_CLI_HELP_H

#include <stdio.h>

#include "cli/cli.h"

/* The list of commands. */
void help_overview(FILE *out);

/* What one command does and takes. */
void help_command(FILE *out, const struct cli_command *command);

#endif
