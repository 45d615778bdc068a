/* bundle_conf: the texts of a bundle's configuration: comps.yaml and the tunnels' .conf files. */
#ifndef COMPS_PROVISION_BUNDLE_CONF_H
#define COMPS_PROVISION_BUNDLE_CONF_H

#include "provision/tunnels.h"

#define BUNDLE_CONF_NAME_BYTES 16

/* The path's name, and that of its .conf: the server's, or wgnetN where comps.yaml(5) does not take
 * that one, or where another file or path might be called so. */
void bundle_conf_name(const struct tunnels *tunnels, size_t index,
		      char out[BUNDLE_CONF_NAME_BYTES]);

/* Both return a text to be freed, the second one wiped before; NULL: out of memory. */
char *bundle_conf_yaml(const struct provision_config *config, const struct tunnels *tunnels);
char *bundle_conf_tunnel(const struct provision_config *config, const struct tunnel *tunnel);

#endif
