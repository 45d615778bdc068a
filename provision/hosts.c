#include "provision/hosts.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provision/config.h"

struct hosts {
	const struct provision_config *config;
	bool *deleted; /* by index of the configuration's nodes: not ours any more */
};

int hosts_open(const struct provision_config *config, void **out, struct err *e)
{
	struct hosts *hosts = calloc(1, sizeof(*hosts));

	if (hosts)
		hosts->deleted = calloc(config->node_count + 1, sizeof(*hosts->deleted));
	if (!hosts || !hosts->deleted) {
		free(hosts);
		return err_set(e, -ENOMEM, "out of memory");
	}
	hosts->config = config;
	*out = hosts;
	return 0;
}

static void close_hosts(void *provider)
{
	struct hosts *hosts = provider;

	free(hosts->deleted);
	free(hosts);
}

static int resolve(const struct config_node *want, char out[IP_TEXT_BYTES], struct err *e)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
	int ret = getaddrinfo(want->address, NULL, &hints, &found);

	if (ret)
		return err_set(e, -EINVAL, "%s: %s has no IPv4 address: %s", want->name,
			       want->address, gai_strerror(ret));
	ret = getnameinfo(found->ai_addr, found->ai_addrlen, out, IP_TEXT_BYTES, NULL, 0,
			  NI_NUMERICHOST);
	freeaddrinfo(found);
	return ret ? err_set(e, -EINVAL, "%s: %s", want->name, gai_strerror(ret)) : 0;
}

static int list_hosts(void *provider, const char *network, struct provider_nodes *out,
		      struct err *e)
{
	const struct hosts *hosts = provider;
	const struct provision_config *config = hosts->config;
	int ret = 0;

	(void)network;
	*out = (struct provider_nodes){.items =
					       calloc(config->node_count + 1, sizeof(*out->items))};
	if (!out->items)
		return err_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; !ret && i < config->node_count; i++) {
		const struct config_node *want = &config->nodes[i];
		struct provider_node *node = &out->items[out->count];

		if (hosts->deleted[i])
			continue;
		node->role = want->role;
		node->status = PROVIDER_ACTIVE;
		snprintf(node->id, sizeof(node->id), "%.63s", want->address);
		strcpy(node->name, want->name);
		strcpy(node->network, config->network);
		snprintf(node->title, sizeof(node->title), "%.127s", want->address);
		strcpy(node->region, want->region);
		strcpy(node->size, want->size);
		ret = resolve(want, node->ip, e);
		out->count++;
	}
	if (ret)
		provider_nodes_fini(out);
	return ret;
}

static int delete_host(void *provider, const char *id, struct err *e)
{
	struct hosts *hosts = provider;

	(void)e;
	for (size_t i = 0; i < hosts->config->node_count; i++)
		if (strncmp(hosts->config->nodes[i].address, id, PROVIDER_ID_BYTES - 1) == 0)
			hosts->deleted[i] = true;
	return 0;
}

/* --- what a cloud has beside its servers ------------------------------------------------------ */

static int no_catalog(void *provider, struct catalog *out, struct err *e)
{
	(void)provider, (void)e;
	*out = CATALOG_INIT;
	return 0;
}

static int no_key(void *provider, const char *name, const char *public_key,
		  char id[PROVIDER_ID_BYTES], bool *ours, struct err *e)
{
	(void)provider, (void)name, (void)public_key, (void)e;
	id[0] = '\0';
	*ours = false;
	return 0;
}

static int no_labels(void *provider, const char *network, struct err *e)
{
	(void)provider, (void)network, (void)e;
	return 0;
}

const struct provider_ops hosts_ops = {
	.name = "hosts",
	.close = close_hosts,
	.catalog = no_catalog,
	.key_ensure = no_key,
	.labels_ensure = no_labels,
	.labels_delete = no_labels,
	.node_list = list_hosts,
	.node_delete = delete_host,
};
