/* hosts: the provider of servers that are there already: those of the configuration, which an
 * inventory lists. It makes none and has no firewalls, keys or labels; a server that is no longer
 * wanted is cleared (SETUP_REMOVE) and goes on running.
 */
#ifndef COMPS_PROVISION_HOSTS_H
#define COMPS_PROVISION_HOSTS_H

#include "provision/provider.h"

struct provision_config;

/* Without `open`, and without what it does not have. node_list resolves names; -EINVAL where one
 * has no IPv4 address. */
extern const struct provider_ops hosts_ops;

/* What ops->open is for others. `config` outlives it. 0 or -ENOMEM. */
int hosts_open(const struct provision_config *config, void **out, struct err *e);

#endif
