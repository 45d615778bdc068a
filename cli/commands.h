/* commands: the table of subcommands. A new one costs a row there, its function, a paragraph in
 * comps.1 and its name in the shell completion. */
#ifndef COMPS_CLI_COMMANDS_H
#define COMPS_CLI_COMMANDS_H

#include "cli/cli.h"

/* Command number `i`, from 0; NULL behind the last. */
const struct cli_command *commands_at(size_t i);

/* The rows of `comps provision`. */
const struct cli_command *commands_provision(size_t *count);

/* The command that `words` begin with, the longest name first ("policy set" before "policy"), with
 * the number of words its name takes; NULL for none. */
const struct cli_command *commands_find(char *const *words, int word_count, int *used);

/* Prints that cli->words name no command, and which one may have been meant. Returns CLI_USAGE. */
int commands_unknown(const struct cli *cli);

/* The functions of the table: each returns an exit status. */
int status_run(struct cli *cli);
int watch_run(struct cli *cli);
int migrate_run(struct cli *cli);
int path_commands_pin(struct cli *cli);
int path_commands_unpin(struct cli *cli);
int path_commands_drain(struct cli *cli);
int path_commands_enable(struct cli *cli);
int policy_show(struct cli *cli);
int policy_list(struct cli *cli);
int policy_set(struct cli *cli);
int events_run(struct cli *cli);
int daemon_commands_reload(struct cli *cli);
int check_run(struct cli *cli);
int leaktest_run(struct cli *cli);
int exposure_run_command(struct cli *cli);
int split_run(struct cli *cli);
int split_generate(struct cli *cli);
int attack_run_command(struct cli *cli);
int audit_run(struct cli *cli);
int metrics_run(struct cli *cli);
int report_run(struct cli *cli);
int replay_run(struct cli *cli);
int trace_info(struct cli *cli);
int trace_export(struct cli *cli);
int trace_import(struct cli *cli);
int daemon_commands_down(struct cli *cli);
int daemon_commands_version(struct cli *cli);
int help_run(struct cli *cli);

#endif
