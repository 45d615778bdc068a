/* provision: what the subcommands of `comps provision` share. */
#ifndef COMPS_PROVISIONER_PROVISION_H
#define COMPS_PROVISIONER_PROVISION_H

#include "cli/cli.h"
#include "provision/apply.h"
#include "provision/job.h"
#include "provision/look.h"
#include "provision/setup.h"
#include "provisioner/provision_clock.h"
#include "provisioner/provision_live.h"
#include "provisioner/provision_progress.h"

#define PROVISION_FILE_DEFAULT "provision.yaml"

enum provision_exit {
	PROVISION_CHANGES = 2, /* plan --detailed-exitcode */
	PROVISION_PARTIAL = 3, /* apply: some servers failed; go on with apply */
	PROVISION_DRIFT = 4,   /* status */
	PROVISION_INTERRUPTED = 130,
};

struct provision {
	struct cli *cli;
	struct provision_config *config;
	struct diags diags;
	struct provision_clock clock;
	struct provision_progress progress;
	struct provision_env env;
	struct rng rng;
	struct state state;
	char state_directory[512];
	char *token;
	char key_id[PROVIDER_ID_BYTES], public_key[2048];
	struct provision_live live;
	char bundle_socket[512]; /* of a daemon in a container of the bundle */
	struct job job;
	bool clock_open, state_open;
};

/* Reads the configuration that the words name; what is wrong is printed. Returns an exit status; on
 * CLI_OK it is in p->config. `p` is zeroed but for `cli`. */
int provision_load(struct provision *p);

/* The same, then opens the state (with `write` locked), finds the token, and readies p->job. With
 * `key`, also finds the ssh key. */
int provision_open(struct provision *p, bool write, bool key);

/* Reads the configuration and opens the state, to be read only; no token and no server is needed.
 * Returns an exit status. */
int provision_open_state(struct provision *p);

void provision_close(struct provision *p);

/* Prints the sentence and what can be done about it. Returns the exit status for that error. */
int provision_fail(struct provision *p, int error, const struct err *e);

/* Writes the command line of `verb` for the same network. */
void provision_way(const struct provision *p, const char *verb, char *out, size_t out_bytes);

/* Prints the findings on the configuration to stderr. */
void provision_print_diags(struct provision *p);

/* Looks at the cloud; a failure is printed. Returns an exit status; on CLI_OK *out is to be given
 * to look_fini. */
int provision_look(struct provision *p, struct look *out);

/* Prints what came of it, what it costs, and after an error how to go on: `verb` is the subcommand.
 * Returns the exit status. */
int provision_report(struct provision *p, const char *verb, const struct apply_result *result,
		     int error, const struct err *e);

/* Asks `question` on the terminal. True where the answer is `wanted`; with --yes nothing is asked;
 * without a terminal it is an error that is printed. */
bool provision_confirm(struct provision *p, const char *question, const char *wanted);

/* The same for what no option answers: the caller knows that there is a terminal. */
bool provision_ask(struct provision *p, const char *question, const char *wanted);

/* The folder of the client's bundle. */
const char *provision_bundle_directory(const struct provision *p);

/* Writes the client's bundle by what is set up, and says where: a job_bundle_fn. */
int provision_bundle_write(void *provision, struct err *e);

/* How to go on with the bundle. */
void provision_bundle_ways(const struct provision *p);

/* --- plan --- */

/* Before a change: to stderr, or as an event. */
void provision_plan_show(const struct provision *p, const struct plan *plan);

void provision_plan_print(const struct provision *p, const struct plan *plan, FILE *out);
json_t *provision_plan_json(const struct provision *p, const struct plan *plan);

#endif
