#include "provisioner/verbs.h"

#include <string.h>

static const struct {
	const char *name;
	int (*run)(struct cli *cli);
} verbs[] = {
	{"provision init", provision_init},	  {"provision validate", provision_validate},
	{"provision plan", provision_plan},	  {"provision apply", provision_apply},
	{"provision status", provision_status},	  {"provision inventory", provision_inventory},
	{"provision bundle", provision_bundle},	  {"provision rekey", provision_rekey},
	{"provision replace", provision_replace}, {"provision destroy", provision_destroy},
	{"provision orphans", provision_orphans},
};

int verbs_run(struct cli *cli)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, cli->command->name) == 0)
			return verbs[i].run(cli);
	return cli_error(cli, CLI_USAGE, "this program is for the commands of `comps provision`");
}
