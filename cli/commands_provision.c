/* The commands of `comps provision`: comps reads them, another program carries them out. */
#include "cli/commands.h"

static int run(struct cli *cli)
{
	return cli->provision(cli);
}

static const struct cli_command commands[] = {
	{
		.name = "provision init",
		.usage = "provision init [FILE]",
		.brief = "write an example of a provisioning file",
		.help = "Writes a commented example to FILE (provision.yaml), which must not be "
			"there yet.",
		.words_max = 1,
		.alone = true,
		.run = run,
	},
	{
		.name = "provision validate",
		.usage = "provision validate [FILE]",
		.brief = "check a provisioning file",
		.help = "Checks FILE (provision.yaml, or the original's config.cfg), and the "
			"inventory that\n"
			"--inventory names, and shows all errors with file, line and column. Needs "
			"no token\n"
			"and no network.",
		.options = "i",
		.words_max = 1,
		.alone = true,
		.run = run,
	},
	{
		.name = "provision plan",
		.usage = "provision plan [FILE]",
		.brief = "show what apply would do, and what it costs",
		.help = "Compares FILE with what there is in the cloud: + create, ~ change, - "
			"destroy,\n"
			"! differs but is left alone, = as it should be. What is set up is logged "
			"in to and\n"
			"looked at. Changes nothing. See comps-provision(1).",
		.options = "eTioZ",
		.words_max = 1,
		.alone = true,
		.run = run,
	},
	{
		.name = "provision apply",
		.usage = "provision apply [FILE]",
		.brief = "make the servers that a file asks for",
		.help = "Shows the plan, asks, and makes it so. It can be stopped (Ctrl-C) or "
			"killed at any\n"
			"time and begun again: nothing is made twice. --timeout is for each "
			"server. Exit\n"
			"status 3: some servers failed, and the rest was done. Ends with writing "
			"the "
			"client's\n"
			"folder, as `comps provision bundle` does.",
		.options = "ydTHiaGoZ",
		.words_max = 1,
		.alone = true,
		.run = run,
	},
	{
		.name = "provision status",
		.usage = "provision status [FILE]",
		.brief = "show the servers and how they differ from the file",
		.help = "Shows what there is, and looks at what is set up. Exit status 4: it is "
			"not "
			"as FILE says.",
		.options = "TiZ",
		.words_max = 1,
		.alone = true,
		.run = run,
	},
	{
		.name = "provision inventory",
		.usage = "provision inventory [FILE]",
		.brief = "print the servers as an inventory of hosts",
		.help = "Prints the servers in Ansible's INI form, with their addresses and host "
			"keys.",
		.options = "Ti",
		.words_max = 1,
		.alone = true,
		.run = run,
	},
	{
		.name = "provision bundle",
		.usage = "provision bundle [FILE]",
		.brief = "write what the client needs: its tunnels, and a container",
		.help = "Writes wg_client_generated, or what --output names, by what is set up: "
			"comps.yaml with\n"
			"all tunnels, and docker-compose.yml. One that was written before is "
			"replaced. Needs no\n"
			"token and no network. See comps-provision(1).",
		.options = "io",
		.words_max = 1,
		.alone = true,
		.run = run,
	},
	{
		.name = "provision rekey",
		.usage = "provision rekey [FILE]",
		.brief = "renew the keys of the tunnels",
		.help = "Makes new keys for every tunnel, or that of --node alone: the client's, "
			"the "
			"server's\n"
			"and the pre-shared one. A daemon at the control socket leaves each path "
			"meanwhile,\n"
			"so that nothing is lost; the exit's tunnel pauses for a handshake.",
		.options = "yTHiaGo",
		.words_max = 1,
		.alone = true,
		.run = run,
	},
	{
		.name = "provision replace",
		.usage = "provision replace NODE [FILE]",
		.brief = "put another server in the place of a proxy",
		.help = "Makes a new server, sets it up and proves it; a daemon at the control "
			"socket gets\n"
			"the new path beside the old one, and leaves that; then the old server is "
			"destroyed.\n"
			"With --inventory the new host is the one that stands there now. It can be "
			"stopped\n"
			"and begun again.",
		.options = "yTiaGo",
		.words_min = 1,
		.words_max = 2,
		.alone = true,
		.run = run,
	},
	{
		.name = "provision destroy",
		.usage = "provision destroy [FILE]",
		.brief = "delete the servers and all that belongs to them",
		.help = "Lists everything in the cloud that bears the network's tag, with its "
			"cost, asks for\n"
			"the network's name, and deletes it: servers, firewalls, the ssh key if "
			"it was\n"
			"uploaded by comps, tags. Then looks whether anything is left. With "
			"--inventory the\n"
			"hosts are cleared and go on running.",
		.options = "ydTHia",
		.words_max = 1,
		.alone = true,
		.run = run,
	},
	{
		.name = "provision orphans",
		.usage = "provision orphans [FILE]",
		.brief = "list servers that no network here knows",
		.help = "Lists every server of the account that comps has made and that no state "
			"on this\n"
			"machine knows of, with its cost.",
		.options = "T",
		.words_max = 1,
		.alone = true,
		.run = run,
	},
};

const struct cli_command *commands_provision(size_t *count)
{
	*count = sizeof(commands) / sizeof(commands[0]);
	return commands;
}
