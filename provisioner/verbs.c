#include "provisioner/verbs.h"

#include <string.h>

static int open_nothing(struct provision *p)
{
	(void)p;
	return CLI_OK;
}

static int open_to_look(struct provision *p)
{
	return provision_open(p, false, false);
}

/* A plan names the ssh key of new servers. */
static int open_to_plan(struct provision *p)
{
	return provision_open(p, false, true);
}

static int open_to_destroy(struct provision *p)
{
	return provision_open(p, !p->cli->dry_run, false);
}

static int open_to_change(struct provision *p)
{
	return provision_open(p, !p->cli->dry_run, true);
}

/* Its first word is the server, what follows is as of the others. */
static int open_to_replace(struct provision *p)
{
	struct cli *cli = p->cli;

	cli->node = cli->words[0];
	cli->words++;
	cli->word_count--;
	return open_to_change(p);
}

static const struct {
	const char *name;
	int (*open)(struct provision *p);
	int (*run)(struct provision *p);
} verbs[] = {
	{"provision init", open_nothing, provision_init},
	{"provision validate", provision_load, provision_validate},
	{"provision plan", open_to_plan, provision_plan},
	{"provision apply", open_to_change, provision_apply},
	{"provision status", open_to_plan, provision_status},
	{"provision inventory", open_to_look, provision_inventory},
	{"provision bundle", provision_open_state, provision_bundle},
	{"provision rekey", open_to_change, provision_rekey},
	{"provision replace", open_to_replace, provision_replace},
	{"provision destroy", open_to_destroy, provision_destroy},
	{"provision orphans", open_to_look, provision_orphans},
};

int verbs_run(struct cli *cli)
{
	struct provision p = {.cli = cli};
	size_t i = 0;
	int ret;

	while (strcmp(verbs[i].name, cli->command->name) != 0)
		if (++i == sizeof(verbs) / sizeof(verbs[0]))
			return cli_error(cli, CLI_USAGE,
					 "this program is for the commands of `comps provision`");
	ret = verbs[i].open(&p);
	if (ret == CLI_OK)
		ret = verbs[i].run(&p);
	provision_close(&p);
	return ret;
}
