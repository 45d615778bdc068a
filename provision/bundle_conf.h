/* bundle_conf: the texts of a bundle's configuration: comps.yaml and the tunnels' .conf files. */
#ifndef COMPS_PROVISION_BUNDLE_CONF_H
#define COMPS_PROVISION_BUNDLE_CONF_H

#include "provision/tunnels.h"

/* Both return a text to be freed, the second one wiped before; NULL: out of memory. */
char *bundle_conf_yaml(const struct provision_config *config, const struct tunnels *tunnels);
char *bundle_conf_tunnel(const struct provision_config *config, const struct tunnel *tunnel);

#endif
