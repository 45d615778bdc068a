/* provider: the seam to a cloud. A further one is one row in provider.c and the files behind it;
 * provision/hosts.h are servers that are there already.
 *
 * A provider lists, makes and deletes; it decides nothing, waits for nothing but its own rate
 * limit, and keeps no state. Everything it makes carries labels (network, role, node, run), from
 * which all of it is found again. Errors are those of api_do (provision/api.h) unless a comment
 * says otherwise.
 */
#ifndef COMPS_PROVISION_PROVIDER_H
#define COMPS_PROVISION_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "provision/catalog.h"
#include "provision/env.h"
#include "provision/firewall.h"

#define PROVIDER_ID_BYTES   64
#define PROVIDER_NAME_BYTES 33 /* of a network or a node: a-z, 0-9, "-"; with its NUL */
#define PROVIDER_SLUG_BYTES CATALOG_SLUG_BYTES

enum provider_role {
	PROVIDER_VPN,  /* a proxy */
	PROVIDER_COMP, /* the exit */
};

enum provider_status {
	PROVIDER_MAKING,
	PROVIDER_ACTIVE,
	PROVIDER_OFF, /* exists, costs, does not run */
};

/* A server that exists. */
struct provider_node {
	char id[PROVIDER_ID_BYTES];
	char action[PROVIDER_ID_BYTES]; /* of its making, where just created; else "" */
	char network[PROVIDER_NAME_BYTES], name[PROVIDER_NAME_BYTES]; /* labels; "": none */
	char run[PROVISION_UUID_BYTES];
	char title[128]; /* the provider's own name for it */
	char region[PROVIDER_SLUG_BYTES], size[PROVIDER_SLUG_BYTES];
	char created[32];		    /* RFC 3339 */
	char ip[IP_TEXT_BYTES];		    /* public IPv4; "": none yet */
	double price_hourly, price_monthly; /* US dollars */
	enum provider_role role;
	enum provider_status status;
	bool locked; /* something is being done to it */
};

struct provider_nodes {
	struct provider_node *items;
	size_t count;
};

/* A server to make. */
struct provider_order {
	const char *network, *name, *run;
	enum provider_role role;
	const char *region, *size, *image;
	const char *key_id;    /* the ssh key that may log in */
	const char *user_data; /* ASCII; holds the first host key: secret */
	const char *vpc;       /* NULL: the default one */
	bool ipv6;
};

enum provider_fate {
	PROVIDER_UNDECIDED,
	PROVIDER_DONE,
	PROVIDER_FAILED,
};

struct provider_ops {
	const char *name, *api_url;
	const char *url_variable;	    /* of the environment: another api_url */
	const char *const *token_variables; /* the token; a NULL ends them */
	const char *console_url;	    /* where a person sees what runs */

	/* Takes `api` over only when it returns 0. 0 or -ENOMEM. */
	int (*open)(const struct provision_env *env, const char *api_url, const char *token,
		    void **out, struct err *e);
	void (*close)(void *provider);

	/* Regions, sizes, prices, and whether the account may be used (-EPERM where it is locked).
	 * *out is to be given to catalog_fini. */
	int (*catalog)(void *provider, struct catalog *out, struct err *e);

	/* 0; -ENOENT where there is no such image. */
	int (*image)(void *provider, const char *image, struct err *e);

	/* Finds the key by its public half ("ssh-ed25519 AAAA..."), else uploads it as `name`.
	 * *ours is true where it is under that name, so that it may be deleted again. */
	int (*key_ensure)(void *provider, const char *name, const char *public_key,
			  char id[PROVIDER_ID_BYTES], bool *ours, struct err *e);
	int (*key_delete)(void *provider, const char *id, struct err *e);

	/* Makes the labels exist that firewalls need. */
	int (*labels_ensure)(void *provider, const char *network, struct err *e);
	/* Removes the labels that the network leaves behind. */
	int (*labels_delete)(void *provider, const char *network, struct err *e);

	/* Everything with the label of the network; of any network where it is NULL. One request
	 * for each 200 servers. *out is to be given to provider_nodes_fini. */
	int (*node_list)(void *provider, const char *network, struct provider_nodes *out,
			 struct err *e);
	/* Asks for one server, once. -EINPROGRESS: it may have been made. NULL: servers are not
	 * made here; then there is no image and no node_fate either, and node_delete leaves it
	 * running. */
	int (*node_create)(void *provider, const struct provider_order *order,
			   struct provider_node *out, struct err *e);
	/* What became of a making, by its action. -ENOENT: not known. */
	int (*node_fate)(void *provider, const char *action, enum provider_fate *out,
			 struct err *e);
	/* Asks for the deletion, once; 0 also where it is gone. -EINPROGRESS: it may be deleted. */
	int (*node_delete)(void *provider, const char *id, struct err *e);

	/* NULL: there are none. The firewall of that role: 0 with *out to be given to
	 * firewall_fini; -ENOENT: none; -EEXIST: one of that name is not ours. */
	int (*firewall_get)(void *provider, const char *network, enum provider_role role,
			    struct firewall *out, struct err *e);
	/* Makes it, or where `id` is not NULL replaces its rules. */
	int (*firewall_put)(void *provider, const char *network, enum provider_role role,
			    const char *id, const struct firewall *rules, struct err *e);
	int (*firewall_delete)(void *provider, const char *id, struct err *e);
};

/* All providers; a NULL ends them. */
const struct provider_ops *const *provider_all(void);

/* "vpn", "comp". */
const char *provider_role_name(enum provider_role role);

void provider_nodes_fini(struct provider_nodes *nodes);

#endif
