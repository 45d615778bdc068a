/* tunnels: the client's ends of a network's tunnels, with all that a client must know: what a
 * bundle writes down and what the end check tries.
 */
#ifndef COMPS_PROVISION_TUNNELS_H
#define COMPS_PROVISION_TUNNELS_H

#include "provision/config.h"
#include "provision/state.h"
#include "provision/tunnel_check.h"

#define TUNNELS_INNER_BYTES 80 /* of one inside another: conf.h's CONF_OVERHEAD_BYTES */

struct tunnel {
	const struct config_node *node; /* borrowed of the configuration */
	const char *path;		/* its name; borrowed of the state */
	struct tunnel_check_peer end;	/* its address is the state's */
};

struct tunnels {
	struct tunnel *proxies; /* those that are set up, in their order; one that is being
				   replaced behind the one that replaces it */
	size_t count;
	struct tunnel exit;
};

/* The client's tunnel address for that proxy (.5 + index) or the exit (.100). */
struct ip tunnels_client_address(const struct provision_config *config, enum provider_role role,
				 unsigned int index);

/* Reads the keys and fills *out, to be given to tunnels_fini and pointing into both. Returns 0;
 * -ENOENT where the exit or all proxies are not set up yet; what client_keys_load says; -ENOMEM. */
int tunnels_load(const struct provision_config *config, const struct state *state,
		 struct tunnels *out, struct err *e);

/* Wipes the keys and frees. */
void tunnels_fini(struct tunnels *tunnels);

#endif
