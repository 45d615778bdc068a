/* hosts_file: the servers of a network as an inventory in Ansible's INI form.
 */
#ifndef COMPS_PROVISION_HOSTS_FILE_H
#define COMPS_PROVISION_HOSTS_FILE_H

#include <stdio.h>

#include "provision/config.h"
#include "provision/state.h"

/* Writes [vpn] with the proxies in their order and [comp] with the exit: those that have an
 * address.
 */
void hosts_file_write(const struct provision_config *config, const struct state *state, FILE *out);

#endif
