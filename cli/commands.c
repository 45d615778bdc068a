#include "cli/commands.h"

#include <string.h>

#include "conf/nearest.h"

#define COMMANDS_MAX 128
#define WORDS_MAX    64

static const struct cli_command general[] = {
	{
		.name = "status",
		.usage = "status",
		.brief = "show the daemon's state and every path",
		.help = "Shows the mode, the policy, the active path (marked with *), the state "
			"and\n"
			"statistics of every path, and the last migrations. Columns that do not "
			"fit the\n"
			"terminal are left out. With --check it prints one line and ends with "
			"status 1 unless\n"
			"a path is in use that is up: for health checks.",
		.options = "k",
		.run = status_run,
	},
	{
		.name = "watch",
		.usage = "watch",
		.brief = "show the state live",
		.help = "Shows what `comps status` shows, again and again; q or Ctrl-C ends it. "
			"When the\n"
			"output is no terminal, one table follows the other.",
		.options = "n",
		.run = watch_run,
	},
	{
		.name = "migrate",
		.usage = "migrate PATH|next",
		.brief = "move to another path now",
		.help = "Moves to PATH, or to the next eligible path in the order of the "
			"configuration.\n"
			"The daemon refuses a path that is down, drained or held down. With --wait "
			"the\n"
			"command ends when the migration has settled (exit status 0) or has not "
			"(1).",
		.options = "w",
		.words_min = 1,
		.words_max = 1,
		.run = migrate_run,
	},
	{
		.name = "pin",
		.usage = "pin PATH",
		.brief = "move to a path and stay there",
		.help = "Moves to PATH and keeps the policy from leaving it until `comps unpin`, "
			"or for\n"
			"the time given with --for. If the path fails, traffic still fails over.",
		.options = "F",
		.words_min = 1,
		.words_max = 1,
		.run = path_commands_pin,
	},
	{
		.name = "unpin",
		.usage = "unpin",
		.brief = "let the policy decide again",
		.help = "Ends a pin. The traffic stays where it is until the policy moves it.",
		.run = path_commands_unpin,
	},
	{
		.name = "drain",
		.usage = "drain PATH",
		.brief = "take a path out of use",
		.help = "Migrates away from PATH if it is active, and keeps it from being used (it "
			"is\n"
			"still probed) until `comps enable`. For maintenance of a proxy.",
		.words_min = 1,
		.words_max = 1,
		.run = path_commands_drain,
	},
	{
		.name = "enable",
		.usage = "enable PATH",
		.brief = "put a drained path back into use",
		.help = "Ends a drain. The policy may use the path again once it is up.",
		.words_min = 1,
		.words_max = 1,
		.run = path_commands_enable,
	},
	{
		.name = "policy",
		.usage = "policy [list | set NAME [KEY=VALUE]...]",
		.brief = "show the policy and its parameters",
		.help = "Shows which policy decides when to migrate and where to, and its "
			"parameters.",
		.run = policy_show,
	},
	{
		.name = "policy list",
		.usage = "policy list",
		.brief = "list the policies and what they take",
		.help = "Lists every policy with its parameters, their ranges and defaults. "
			"Without a\n"
			"daemon, those that are built in.",
		.alone = true,
		.run = policy_list,
	},
	{
		.name = "policy set",
		.usage = "policy set NAME [KEY=VALUE]...",
		.brief = "change the policy until the next reload",
		.help = "Changes the policy of the running daemon. Parameters that are not given "
			"get\n"
			"their default; values are written as in comps.yaml:\n"
			"\n"
			"  comps policy set random-interval interval=30s dist=uniform",
		.words_min = 1,
		.words_max = WORDS_MAX,
		.run = policy_set,
	},
	{
		.name = "events",
		.usage = "events",
		.brief = "show what happened lately",
		.help = "Shows the events that the daemon remembers: migrations with their "
			"reasons,\n"
			"changes of state, commands. With --follow it goes on with new ones.",
		.options = "f",
		.run = events_run,
	},
	{
		.name = "metrics",
		.usage = "metrics",
		.brief = "print the state as OpenMetrics text",
		.help = "For a Prometheus that scrapes a program's output or a text file, names "
			"comps_*;\n"
			"labels carry names of paths, never addresses.",
		.run = metrics_run,
	},
	{
		.name = "reload",
		.usage = "reload",
		.brief = "have the daemon read its configuration again",
		.help = "Has the daemon read and check its configuration. If anything is wrong "
			"with it,\n"
			"all errors are shown and the old one stays in force.",
		.run = daemon_commands_reload,
	},
	{
		.name = "check",
		.usage = "check FILE",
		.brief = "check a configuration file",
		.help = "Checks a comps.yaml and the .conf files that it names, and shows all "
			"errors with\n"
			"file, line and column. Needs no daemon and changes nothing.",
		.words_min = 1,
		.words_max = 1,
		.run = check_run,
	},
	{
		.name = "leaktest",
		.usage = "leaktest",
		.brief = "find out whether anything leaks",
		.help = "Sends packets, watches every interface to the outside, and meanwhile "
			"migrates,\n"
			"kills (-9), restarts and stops the daemon, sets the active overlay down, "
			"deletes\n"
			"it, and removes the rules. Reports every packet that left outside the "
			"tunnels;\n"
			"exit status 0 means none. At the end all is as before, but the daemon has "
			"been\n"
			"restarted. Needs root.",
		.options = "cFNu",
		.run = leaktest_run,
	},
	{
		.name = "replay",
		.usage = "replay TRACE",
		.brief = "ask what other policies would have done",
		.help = "Runs policies along a recorded run (see comps-trace(5)) and prints what "
			"each would\n"
			"have made of it: round trips, loss and outage of the path in use, "
			"migrations, how\n"
			"long it stayed. A value may be a range: interval=1s..64s*2, "
			"relative=0..0.5+0.1.\n"
			"With --json one line for each policy and seed (comps-replay(1)). With "
			"--verify,\n"
			"whether every recorded verdict comes out the same again.",
		.options = "pPSQJrvE",
		.words_min = 1,
		.words_max = 1,
		.alone = true,
		.run = replay_run,
	},
	{
		.name = "audit",
		.usage = "audit [FILE]",
		.brief = "say what links the paths to each other",
		.help = "Looks through the configuration (and the running daemon, if there is one) "
			"for what\n"
			"tells an observer that the paths are one user's: shared keys, one server "
			"or\n"
			"provider, one way out, handshakes in step. Exit status 1 where a finding "
			"is high\n"
			"(comps-exposure(1)).",
		.options = "c",
		.words_max = 1,
		.alone = true,
		.run = audit_run,
	},
	{
		.name = "exposure",
		.usage = "exposure TRACE",
		.brief = "say what each path could learn from a run",
		.help = "Computes from a recorded run what each path saw, how well the next "
			"migration\n"
			"can be foreseen, and what shows of it (comps-exposure(1)). A figure for "
			"which too\n"
			"little was recorded is left out: \"-\", with --json null.",
		.options = "rWS",
		.words_min = 1,
		.words_max = 1,
		.alone = true,
		.run = exposure_run_command,
	},
	{
		.name = "split",
		.usage = "split FOLDER -p POLICY -o FOLDER",
		.brief = "split page loads by a policy, for attacks to be tried on",
		.help = "Reads loads (.cell files of 2 to 4 columns, or Maybenot's) and writes "
			"which "
			"path\n"
			"would have seen what, as TrafficSliver's simulator does (comps-split(1)). "
			"POLICY is\n"
			"a policy with its parameters, or one of compat:ts-bwr-paper, "
			"compat:ts-bwr-actual,\n"
			"compat:hywf, compat:comps-independent.",
		.options = "pPODKSo",
		.words_min = 1,
		.words_max = 1,
		.alone = true,
		.run = split_run,
	},
	{
		.name = "attack",
		.usage = "attack FOLDER",
		.brief = "try the classical attack on split page loads",
		.help = "Trains a nearest-neighbour attacker on four fifths of the loads of `comps "
			"split` and\n"
			"says how often it tells the site of the others: from any one path, from "
			"the "
			"busiest,\n"
			"from two, beside nothing split and one path for each load "
			"(comps-split(1)).",
		.words_min = 1,
		.words_max = 1,
		.alone = true,
		.run = attack_run_command,
	},
	{
		.name = "generate",
		.usage = "generate -o FOLDER",
		.brief = "make page loads of sites that do not exist",
		.help = "For tests and a first try of `comps split`; real loads differ in many "
			"more "
			"ways.",
		.options = "XISo",
		.alone = true,
		.run = split_generate,
	},
	{
		.name = "report",
		.usage = "report TRACE|REPLAY.jsonl... -o FILE.html",
		.brief = "make a page with plots of a run, or of policies side by side",
		.help = "Writes one page that needs no network: of a trace its round trips, losses "
			"and\n"
			"migrations; of what `comps replay --json` printed a table and a plot of "
			"privacy\n"
			"against performance (comps-report(1)).",
		.options = "or",
		.words_min = 1,
		.words_max = 16,
		.alone = true,
		.run = report_run,
	},
	{
		.name = "trace info",
		.usage = "trace info TRACE",
		.brief = "say what a trace holds",
		.help = "Checks the file and lists its runs: when, how long, the policy, and how "
			"much was\n"
			"recorded (see comps-trace(5)).",
		.words_min = 1,
		.words_max = 1,
		.alone = true,
		.run = trace_info,
	},
	{
		.name = "trace export",
		.usage = "trace export TRACE",
		.brief = "print a trace for other tools",
		.help = "Prints every probe as comma-separated values (run, time, path, target, "
			"rtt; the\n"
			"rtt of a lost one is empty), or with --jsonl every record as one object.",
		.options = "CL",
		.words_min = 1,
		.words_max = 1,
		.alone = true,
		.run = trace_export,
	},
	{
		.name = "trace import",
		.usage = "trace import FILE.csv TRACE",
		.brief = "make a trace of others' measurements",
		.help = "Adds a run to TRACE, from a file with the header `time,path,rtt`: seconds "
			"since any\n"
			"instant, in order; a name; seconds, or nothing for a loss. All of it or "
			"nothing.",
		.words_min = 2,
		.words_max = 2,
		.alone = true,
		.run = trace_import,
	},
	{
		.name = "down",
		.usage = "down",
		.brief = "stop the daemon and remove all it installed",
		.help = "Stops the daemon and removes the routes, rules, firewall table and "
			"interfaces\n"
			"that it installed. Traffic is no longer protected then. Without a daemon "
			"the\n"
			"same is done by `compsd --down`, which reads the configuration FILE.",
		.options = "c",
		.alone = true,
		.run = daemon_commands_down,
	},
	{
		.name = "version",
		.usage = "version",
		.brief = "show the versions of comps and of the daemon",
		.help = "Shows the version of this program and, where one runs, of the daemon.",
		.alone = true,
		.run = daemon_commands_version,
	},
	{
		.name = "help",
		.usage = "help [COMMAND]",
		.brief = "explain a command",
		.help = "Explains a command, or lists them all.",
		.words_max = 2,
		.run = help_run,
	},
};

#define GENERAL_COUNT (sizeof(general) / sizeof(general[0]))

const struct cli_command *commands_at(size_t i)
{
	size_t count;
	const struct cli_command *provision = commands_provision(&count);

	if (i < GENERAL_COUNT)
		return &general[i];
	return i < GENERAL_COUNT + count ? &provision[i - GENERAL_COUNT] : NULL;
}

/* The number of words in `name` if `words` begin with them, else 0. */
static int match(const char *name, char *const *words, int word_count)
{
	const char *space = strchr(name, ' ');
	size_t length = space ? (size_t)(space - name) : strlen(name);

	if (word_count < 1 || strlen(words[0]) != length || strncmp(words[0], name, length) != 0)
		return 0;
	if (!space)
		return 1;
	return word_count > 1 && strcmp(words[1], space + 1) == 0 ? 2 : 0;
}

const struct cli_command *commands_find(char *const *words, int word_count, int *used)
{
	const struct cli_command *best = NULL, *command;

	*used = 0;
	for (size_t i = 0; (command = commands_at(i)); i++) {
		int matched = match(command->name, words, word_count);

		if (matched > *used) {
			*used = matched;
			best = command;
		}
	}
	return best;
}

int commands_unknown(const struct cli *cli)
{
	const char *known[COMMANDS_MAX];
	char hint[256];
	size_t count = 0;

	for (; count < COMMANDS_MAX && commands_at(count); count++)
		known[count] = commands_at(count)->name;
	nearest_hint(cli->words[0], known, count, hint, sizeof(hint));
	return cli_error(cli, CLI_USAGE, "unknown command \"%s\": %s", cli->words[0], hint);
}
