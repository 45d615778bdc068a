/* verbs: which function carries out which of the commands in cli/commands_provision.c, and what is
 * opened for it. */
#ifndef COMPS_PROVISIONER_VERBS_H
#define COMPS_PROVISIONER_VERBS_H

#include "provisioner/provision.h"

/* Runs cli->command, one of `comps provision`. Returns an exit status. */
int verbs_run(struct cli *cli);

/* The functions: each finds `p` opened, and returns an exit status. */
int provision_init(struct provision *p);
int provision_validate(struct provision *p);
int provision_plan(struct provision *p);
int provision_apply(struct provision *p);
int provision_status(struct provision *p);
int provision_inventory(struct provision *p);
int provision_bundle(struct provision *p);
int provision_rekey(struct provision *p);
int provision_replace(struct provision *p);
int provision_destroy(struct provision *p);
int provision_orphans(struct provision *p);

#endif
