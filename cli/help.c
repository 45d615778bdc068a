#include "cli/help.h"

#include "cli/args.h"
#include "cli/commands.h"

static void print_options(FILE *out, const struct cli_command *command)
{
	size_t count;
	const struct args_option *options = args_options(&count);

	fputs("\nOptions:\n", out);
	for (size_t i = 0; i < count; i++) {
		const struct args_option *o = &options[i];
		int width;

		if (!o->help || !args_takes(command, o))
			continue;
		width = fprintf(out, "  -%c, --%s%s%s", o->letter, o->name, o->argument ? " " : "",
				o->argument ? o->argument : "");
		fprintf(out, "%*s%s\n", 26 - width, "", o->help);
	}
}

void help_overview(FILE *out)
{
	const struct cli_command *command;

	fputs("usage: comps [OPTION]... COMMAND [ARGUMENT]...\n\nCommands:\n", out);
	for (size_t i = 0; (command = commands_at(i)); i++)
		fprintf(out, "  %-19s  %s\n", command->name, command->brief);
	print_options(out, NULL);
	fputs("\n`comps help COMMAND` explains a command; comps(1) is the manual.\n"
	      "Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 no daemon.\n",
	      out);
}

void help_command(FILE *out, const struct cli_command *command)
{
	fprintf(out, "usage: comps %s [OPTION]...\n\n%s\n", command->usage, command->help);
	print_options(out, command);
}

int help_run(struct cli *cli)
{
	const struct cli_command *command;
	int used;

	if (cli->word_count == 0) {
		help_overview(cli->out);
		return CLI_OK;
	}
	command = commands_find(cli->words, cli->word_count, &used);
	if (!command)
		return commands_unknown(cli);
	help_command(cli->out, command);
	return CLI_OK;
}
