#include "provision/provider.h"

#include <stdlib.h>

#include "provision/digitalocean.h"

const struct provider_ops *const *provider_all(void)
{
	static const struct provider_ops *const all[] = {
		&digitalocean_ops,
		NULL,
	};

	return all;
}

const char *provider_role_name(enum provider_role role)
{
	return role == PROVIDER_COMP ? "comp" : "vpn";
}

void provider_nodes_fini(struct provider_nodes *nodes)
{
	free(nodes->items);
	*nodes = (struct provider_nodes){.items = NULL};
}
