/* verbs: which function carries out which of the commands in cli/commands_provision.c. */
#ifndef COMPS_PROVISIONER_VERBS_H
#define COMPS_PROVISIONER_VERBS_H

#include "cli/cli.h"

/* Runs cli->command, one of `comps provision`. Returns an exit status. */
int verbs_run(struct cli *cli);

/* The functions: each returns an exit status. */
int provision_init(struct cli *cli);
int provision_validate(struct cli *cli);
int provision_plan(struct cli *cli);
int provision_apply(struct cli *cli);
int provision_status(struct cli *cli);
int provision_inventory(struct cli *cli);
int provision_bundle(struct cli *cli);
int provision_rekey(struct cli *cli);
int provision_replace(struct cli *cli);
int provision_destroy(struct cli *cli);
int provision_orphans(struct cli *cli);

#endif
