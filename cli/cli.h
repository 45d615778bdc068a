/* cli: what every subcommand of `comps` is given, and the few things that all of them do.
 *
 * A subcommand is one row of the table in cli/commands.c and one function that returns an exit
 * status. It prints through the streams it is given, never exits, and keeps no state.
 */
#ifndef COMPS_CLI_H
#define COMPS_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/client.h"

#define CLI_SOCKET_DEFAULT "/run/comps/comps.sock"
#define CLI_CONFIG_DEFAULT "/etc/comps/comps.yaml"

#define CLI_POLICIES_MAX 64
#define CLI_PLUGINS_MAX	 16

enum cli_exit {
	CLI_OK,
	CLI_FAILED, /* refused by the daemon, or failed */
	CLI_USAGE,
	CLI_NO_DAEMON,
};

struct cli;

struct cli_command {
	const char *name;  /* one word or two: "policy set" */
	const char *usage; /* the name and what follows it: "policy set NAME [KEY=VALUE]..." */
	const char *brief; /* one line */
	const char *help;  /* paragraphs */
	const char *
		options; /* letters of the options that it takes besides the common ones, or NULL */
	int words_min, words_max;
	bool alone; /* does something useful without a daemon: its absence is not printed */
	int (*run)(struct cli *cli);
};

struct cli {
	FILE *out, *err;
	bool color; /* of `out` */
	char **argv;
	int (*provision)(struct cli *cli); /* carries out what begins with "provision" */

	const struct cli_command *command;
	char **words; /* the arguments behind its name */
	int word_count;

	const char *socket, *config;
	int64_t timeout_us;  /* to wait for an answer; 0: what the command takes as right */
	int64_t for_us;	     /* pin, leaktest; 0: not given */
	int64_t interval_us; /* watch */
	int64_t count;	     /* leaktest; 0: not given */
	const char *uplinks; /* leaktest; NULL: not given */
	bool json, help, version, wait, follow, check;
	bool csv, jsonl;	    /* trace export */
	int64_t window_us;	    /* exposure; 0: not given */
	bool exposure;		    /* replay */
	const char *output;	    /* report, split, generate; NULL: not given */
	const char *owd, *downlink; /* split; NULL: not given */
	int64_t kicks;		    /* split: one more than it says; 0: not given */
	int64_t classes, loads;	    /* generate; 0: not given */

	/* replay */
	const char *policies[CLI_POLICIES_MAX];
	size_t policy_count;
	const char *plugins[CLI_PLUGINS_MAX];
	size_t plugin_count;
	int64_t seed, seeds, jobs, run; /* 0: not given */
	bool verify;

	/* provision */
	const char *token_file, *node, *inventory; /* NULL: not given */
	int64_t parallel;			   /* 0: not given */
	bool yes, dry_run, detailed, accept_new_keys;
	bool no_setup;
};

/* The main function of comps: reads the arguments and the environment, and runs a command, those of
 * `comps provision` by `provision`. Returns the exit status. */
int cli_main(int argc, char **argv, int (*provision)(struct cli *cli));

/* Prints "comps: " and the sentence to cli->err. Returns `status`. */
int cli_error(const struct cli *cli, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Opens the control socket; a failure is printed (except that of command->alone). Returns an exit
 * status; on CLI_OK the caller closes *client. */
int cli_connect(const struct cli *cli, struct client *client);

/* Sends `request` (taken over) over `client` and waits for the reply, which must say ok and hold
 * `member` when that is not NULL; a failure is printed. Returns an exit status; on CLI_OK *reply
 * is the caller's. */
int cli_call(const struct cli *cli, struct client *client, json_t *request, const char *member,
	     json_t **reply);

/* The same over a connection of its own. */
int cli_ask(const struct cli *cli, json_t *request, const char *member, json_t **reply);

/* Has the daemon do `request` (taken over), then prints the sentence, or with -j the reply.
 * Returns an exit status. */
int cli_do(const struct cli *cli, json_t *request, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints one line of JSON to cli->out. */
void cli_print_json(const struct cli *cli, const json_t *value);

#endif
