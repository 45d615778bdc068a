/* config_nodes: the lists of servers in the configuration of provisioning. */
#ifndef COMPS_PROVISION_CONFIG_NODES_H
#define COMPS_PROVISION_CONFIG_NODES_H

#include "conf/schema.h"
#include "conf/value.h"
#include "provision/config.h"

extern const struct schema_section config_nodes_section; /* base: struct config_node */

VALUE_READER(config_nodes_proxies); /* struct provision_config: nodes */
VALUE_READER(config_nodes_exit);    /* struct provision_config: nodes; after the proxies */

/* What concerns more than one entry: names, and which of the two names of the exit is used. */
void config_nodes_check(struct conf_reader *r, const struct conf_node *root,
			struct provision_config *config);

#endif
