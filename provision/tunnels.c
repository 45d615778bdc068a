#include "provision/tunnels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "provision/client_keys.h"

#define EXIT_HOST  100 /* the client's address for the exit, in the subnet */
#define FIRST_HOST 5   /* and for the first proxy */

struct ip tunnels_client_address(const struct provision_config *config, enum provider_role role,
				 unsigned int index)
{
	struct ip ip = config->subnet.ip;

	ip.bytes[3] = (uint8_t)(role == PROVIDER_COMP ? EXIT_HOST : FIRST_HOST + index);
	return ip;
}

static int load(const struct provision_config *config, const struct state *state,
		const struct config_node *node, const struct state_node *known, struct tunnel *out,
		struct err *e)
{
	struct tunnel_check_peer *end = &out->end;
	struct client_keys keys;
	int ret = client_keys_load(state->directory, state->network, known->path,
				   config->client_keys == CONFIG_KEYS_SHARED, NULL, &keys, e);

	if (ret)
		return ret;
	out->node = node;
	out->path = known->path;
	*end = (struct tunnel_check_peer){
		.address = known->ip,
		.port = (uint16_t)node->port,
		.own = tunnels_client_address(config, node->role, node->index),
		.peer = config->gateway.ip,
	};
	memcpy(end->private_key, keys.private_key, KEY_BYTES);
	if (config->psk)
		memcpy(end->preshared_key, keys.preshared_key, KEY_BYTES);
	key_wipe(&keys, sizeof(keys));
	return key_parse(known->wg_public, end->public_key, e);
}

static int add(const struct provision_config *config, const struct state *state,
	       const struct config_node *node, const struct state_node *known, struct tunnels *out,
	       struct err *e)
{
	if (!known || known->status != STATE_READY)
		return 0;
	return load(config, state, node, known,
		    node->role == PROVIDER_COMP ? &out->exit : &out->proxies[out->count++], e);
}

int tunnels_load(const struct provision_config *config, const struct state *state,
		 struct tunnels *out, struct err *e)
{
	int ret = 0;

	*out = (struct tunnels){.proxies =
					calloc(2 * config->node_count + 1, sizeof(*out->proxies))};
	if (!out->proxies)
		return err_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; !ret && i < config->node_count; i++) {
		const struct config_node *node = &config->nodes[i];

		ret = add(config, state, node, state_find(state, node->name), out, e);
		if (!ret)
			ret = add(config, state, node, state_retired(state, node->name), out, e);
	}
	if (!ret && (!out->exit.node || !out->count))
		ret = err_set(e, -ENOENT, "%s of network %s is not set up yet",
			      out->exit.node ? "no proxy" : "the exit", state->network);
	if (ret)
		tunnels_fini(out);
	return ret;
}

void tunnels_fini(struct tunnels *tunnels)
{
	for (size_t i = 0; i < tunnels->count; i++)
		key_wipe(&tunnels->proxies[i], sizeof(tunnels->proxies[i]));
	key_wipe(&tunnels->exit, sizeof(tunnels->exit));
	free(tunnels->proxies);
	*tunnels = (struct tunnels){.count = 0};
}
