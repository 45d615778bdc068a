#include "cli/args.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "conf/nearest.h"
#include "lib/units.h"

#define COUNT_MAX 1000000

/* One row per option; the help pages print the same table. */
static const struct args_option options[] = {
	{'w', "wait", NULL, "wait until the migration has settled or failed", false},
	{'k', "check", NULL, "say in one line whether traffic can go on", false},
	{'F', "for", "DURATION", "only for this time, such as 10m", false},
	{'f', "follow", NULL, "go on with new events as they happen", false},
	{'n', "interval", "DURATION", "time between two refreshes (default 1s)", false},
	{'N', "count", "N", "how many rounds (default 1)", false},
	{'u', "uplink", "IF[,IF...]", "interfaces to watch (default: all but CoMPS' own)", false},
	{'c', "config", "FILE", "the daemon's configuration (default " CLI_CONFIG_DEFAULT ")",
	 false},
	{'p', "policy", "NAME[,KEY=VALUE...]", "a policy to ask; may be given more than once",
	 false},
	{'P', "plugin", "FILE", "a shared object with one more policy; may be given more often",
	 false},
	{'S', "seed", "N", "the first seed of its random numbers (default 0)", false},
	{'Q', "seeds", "N", "how many seeds (default 1)", false},
	{'J', "jobs", "N", "how many processes share the work (default 1)", false},
	{'r', "run", "N", "which run of the trace (default: the last)", false},
	{'v', "verify", NULL, "compare every recorded verdict instead", false},
	{'W', "window", "DURATION", "look at windows of this length, too (default 1m)", false},
	{'E', "exposure", NULL, "add what the paths could learn (comps-exposure(1)) to --json",
	 false},
	{'o', "output", "FILE", "the file, or the folder, to write", false},
	{'O', "owd", "DURATION,...", "one-way delay of each path (default 10ms,25ms,45ms)", false},
	{'D', "downlink", "follow|independent", "how packets to the client choose (default follow)",
	 false},
	{'K', "kicks", "0|1|2", "packets sent only to make the server follow (default 2)", false},
	{'X', "classes", "N", "how many sites (default 8)", false},
	{'I', "loads", "N", "how many loads of each (default 32)", false},
	{'y', "yes", NULL, "do not ask", false},
	{'d', "dry-run", NULL, "show what would be done, and change nothing", false},
	{'e', "detailed-exitcode", NULL, "exit with 2 where there is something to change", false},
	{'T', "token-file", "FILE", "the API token is in this file (mode 0600)", false},
	{'H', "node", "NODE", "only this server", false},
	{'i', "inventory", "FILE", "the servers are hosts that are listed here", false},
	{'G', "accept-new-host-keys", NULL, "trust hosts that nobody knows yet", false},
	{'a', "parallel", "N", "set so many servers up at once (default 8)", false},
	{'Z', "no-setup", NULL, NULL, false}, /* for tests: leave servers as they are made */
	{'C', "csv", NULL, "print comma-separated values", false},
	{'L', "jsonl", NULL, "print one JSON object per line", false},
	{'j', "json", NULL, "print JSON, one line per object", true},
	{'s', "socket", "SOCKET",
	 "the daemon's control socket (default: $COMPS_SOCKET, else " CLI_SOCKET_DEFAULT ")", true},
	{'t', "timeout", "DURATION", "how long to wait for the daemon's answer (default 5s)", true},
	{'h', "help", NULL, "explain the command", true},
	{'V', "version", NULL, "print the version", true},
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

const struct args_option *args_options(size_t *count)
{
	*count = OPTION_COUNT;
	return options;
}

bool args_takes(const struct cli_command *command, const struct args_option *option)
{
	return option->common ||
	       (command && command->options && strchr(command->options, option->letter));
}

static const struct args_option *option_of(int letter)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (options[i].letter == letter)
			return &options[i];
	return NULL;
}

/* Fills getopt_long(3)'s two tables from ours. */
static void getopt_tables(char *letters, struct option *longs)
{
	*letters++ = ':'; /* tell a missing argument from an unknown option */
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct args_option *o = &options[i];

		longs[i] = (struct option){o->name, o->argument ? required_argument : no_argument,
					   NULL, o->letter};
		*letters++ = o->letter;
		if (o->argument)
			*letters++ = ':';
	}
	*letters = '\0';
	longs[OPTION_COUNT] = (struct option){.name = NULL};
}

static int set_duration(const struct cli *cli, const struct args_option *option, int64_t *us)
{
	struct err e;

	if (units_parse_duration(optarg, us, &e) < 0)
		return cli_error(cli, CLI_USAGE, "--%s: %s", option->name, e.text);
	if (*us == 0)
		return cli_error(cli, CLI_USAGE, "--%s: must be more than 0", option->name);
	return CLI_OK;
}

static int set_count(const struct cli *cli, const struct args_option *option, int64_t *count)
{
	char *end;

	*count = strtol(optarg, &end, 10);
	if (end == optarg || *end || *count < 1 || *count > COUNT_MAX)
		return cli_error(cli, CLI_USAGE, "--%s: \"%s\" is no number from 1 to %d",
				 option->name, optarg, COUNT_MAX);
	return CLI_OK;
}

/* Where a flag, a text or a number goes; NULL for another kind of option. */
static bool *flag_of(struct cli *cli, int letter)
{
	switch (letter) {
	case 'w':
		return &cli->wait;
	case 'k':
		return &cli->check;
	case 'f':
		return &cli->follow;
	case 'j':
		return &cli->json;
	case 'v':
		return &cli->verify;
	case 'E':
		return &cli->exposure;
	case 'y':
		return &cli->yes;
	case 'd':
		return &cli->dry_run;
	case 'e':
		return &cli->detailed;
	case 'G':
		return &cli->accept_new_keys;
	case 'Z':
		return &cli->no_setup;
	case 'C':
		return &cli->csv;
	case 'L':
		return &cli->jsonl;
	case 'h':
		return &cli->help;
	case 'V':
		return &cli->version;
	}
	return NULL;
}

static const char **text_of(struct cli *cli, int letter)
{
	switch (letter) {
	case 's':
		return &cli->socket;
	case 'u':
		return &cli->uplinks;
	case 'c':
		return &cli->config;
	case 'o':
		return &cli->output;
	case 'T':
		return &cli->token_file;
	case 'H':
		return &cli->node;
	case 'i':
		return &cli->inventory;
	case 'O':
		return &cli->owd;
	case 'D':
		return &cli->downlink;
	}
	return NULL;
}

static int64_t *count_of(struct cli *cli, int letter)
{
	switch (letter) {
	case 'N':
		return &cli->count;
	case 'S':
		return &cli->seed;
	case 'Q':
		return &cli->seeds;
	case 'J':
		return &cli->jobs;
	case 'r':
		return &cli->run;
	case 'X':
		return &cli->classes;
	case 'I':
		return &cli->loads;
	case 'a':
		return &cli->parallel;
	}
	return NULL;
}

static int add_text(const struct cli *cli, const struct args_option *option, const char **list,
		    size_t room, size_t *count)
{
	if (*count == room)
		return cli_error(cli, CLI_USAGE, "--%s: more than %zu times", option->name, room);
	list[(*count)++] = optarg;
	return CLI_OK;
}

static int set_option(struct cli *cli, const struct args_option *option)
{
	bool *flag = flag_of(cli, option->letter);
	const char **text = text_of(cli, option->letter);
	int64_t *count = count_of(cli, option->letter);

	if (flag)
		*flag = true;
	if (text)
		*text = optarg;
	if (count)
		return set_count(cli, option, count);
	switch (option->letter) {
	case 'F':
		return set_duration(cli, option, &cli->for_us);
	case 'n':
		return set_duration(cli, option, &cli->interval_us);
	case 't':
		return set_duration(cli, option, &cli->timeout_us);
	case 'W':
		return set_duration(cli, option, &cli->window_us);
	case 'K':
		if (!optarg[0] || optarg[1] || !strchr("012", optarg[0]))
			return cli_error(cli, CLI_USAGE, "--kicks: \"%s\" is not 0, 1 or 2",
					 optarg);
		cli->kicks = optarg[0] - '0' + 1;
		break;
	case 'p':
		return add_text(cli, option, cli->policies, CLI_POLICIES_MAX, &cli->policy_count);
	case 'P':
		return add_text(cli, option, cli->plugins, CLI_PLUGINS_MAX, &cli->plugin_count);
	}
	return CLI_OK;
}

static int unknown_option(const struct cli *cli, const char *word)
{
	const char *known[OPTION_COUNT];
	char hint[256];

	if (optopt && option_of(optopt))
		return cli_error(cli, CLI_USAGE, "--%s takes no value", option_of(optopt)->name);
	if (optopt)
		return cli_error(cli, CLI_USAGE, "unknown option -%c; `comps help` lists them",
				 optopt);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		known[i] = options[i].name;
	nearest_hint(word + 2, known, OPTION_COUNT, hint, sizeof(hint));
	return cli_error(cli, CLI_USAGE, "unknown option %s: %s", word, hint);
}

/* Takes the options out of argv and leaves the words at its end, from optind on. The letters of
 * those that were given go to `given`. */
static int parse_options(struct cli *cli, int argc, char **argv, char *given)
{
	char letters[2 * OPTION_COUNT + 2];
	struct option longs[OPTION_COUNT + 1];
	int letter, rc;

	getopt_tables(letters, longs);
	optind = 0; /* start afresh: getopt(3) keeps state */
	opterr = 0;
	while ((letter = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (letter == '?')
			return unknown_option(cli, argv[optind - 1]);
		if (letter == ':')
			return cli_error(cli, CLI_USAGE, "option %s needs a value",
					 argv[optind - 1]);
		rc = set_option(cli, option_of(letter));
		if (rc != CLI_OK)
			return rc;
		if (!strchr(given, letter))
			given[strlen(given)] = (char)letter;
	}
	return CLI_OK;
}

static int check_options(const struct cli *cli, const char *given)
{
	for (; *given; given++)
		if (!args_takes(cli->command, option_of(*given)))
			return cli_error(cli, CLI_USAGE, "%s takes no --%s", cli->command->name,
					 option_of(*given)->name);
	return CLI_OK;
}

static int check_words(const struct cli *cli)
{
	const struct cli_command *command = cli->command;

	if (cli->word_count < command->words_min)
		return cli_error(cli, CLI_USAGE, "%s: argument missing; usage: comps %s",
				 command->name, command->usage);
	if (cli->word_count > command->words_max)
		return cli_error(cli, CLI_USAGE, "%s: unexpected argument \"%s\"; usage: comps %s",
				 command->name, cli->words[command->words_max], command->usage);
	return CLI_OK;
}

int args_parse(struct cli *cli, int argc, char **argv)
{
	char given[OPTION_COUNT + 1] = "";
	int used, rc = parse_options(cli, argc, argv, given);

	if (rc != CLI_OK)
		return rc;
	cli->words = argv + optind;
	cli->word_count = argc - optind;
	if (cli->word_count == 0)
		return CLI_OK;
	cli->command = commands_find(cli->words, cli->word_count, &used);
	if (!cli->command)
		return commands_unknown(cli);
	cli->words += used;
	cli->word_count -= used;
	rc = check_options(cli, given);
	return rc == CLI_OK && !cli->help ? check_words(cli) : rc;
}
