/* config: the file that says which servers a network is to have: comps-provision(1).
 *
 * YAML with the strictness of comps.yaml, and the original CoMPS' config.cfg as it is.
 */
#ifndef COMPS_PROVISION_CONFIG_H
#define COMPS_PROVISION_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/diag.h"
#include "lib/err.h"
#include "lib/ip.h"
#include "provision/provider.h"

#define CONFIG_PROXIES_MAX 95 /* tunnel addresses .5 to .99: .100 is the exit's */
#define CONFIG_TEXT_BYTES  256

enum config_accept {
	CONFIG_ACCEPT_PROXIES,
	CONFIG_ACCEPT_ANY,
};

enum config_client_keys {
	CONFIG_KEYS_PER_TUNNEL,
	CONFIG_KEYS_SHARED,
};

struct config_ssh {
	char user[33];
	uint32_t port;
	char key[CONFIG_TEXT_BYTES]; /* private key; may begin with "~/"; "": what ssh finds */
	char proxy_jump[CONFIG_TEXT_BYTES]; /* "": none */
};

#define CONFIG_ADDRESS_BYTES  256 /* a name may be 253 long */
#define CONFIG_HOST_KEY_BYTES 1024

struct config_node {
	char name[PROVIDER_NAME_BYTES];
	char region[PROVIDER_SLUG_BYTES];
	char size[PROVIDER_SLUG_BYTES];
	enum provider_role role;
	unsigned int index;    /* among the proxies, from 0; of the exit 0 */
	int line, column;      /* of the entry */
	uint32_t port;	       /* WireGuard's */
	struct config_ssh ssh; /* how to log in */
	/* of a host that is there already, "" of a server to be made */
	char address[CONFIG_ADDRESS_BYTES];   /* or its name, as written */
	char host_key[CONFIG_HOST_KEY_BYTES]; /* "ssh-ed25519 AAAA..."; "": not given */
};

struct provision_config {
	char *file; /* "": none */
	char network[PROVIDER_NAME_BYTES];
	int provider;			    /* index in provider_all() */
	char *token;			    /* as written: a secret, or "$NAME"; NULL: not given */
	char ssh_key_id[PROVIDER_ID_BYTES]; /* as written; "": not given */
	uint32_t wait_timeout_s;	    /* for one node */
	struct ip_prefix subnet;	    /* of the tunnels, a /24 */
	struct ip_prefix gateway;	    /* the address of every server inside its tunnel */
	uint32_t port;			    /* WireGuard's */
	char size[PROVIDER_SLUG_BYTES], image[PROVIDER_SLUG_BYTES];
	char vpc[PROVIDER_SLUG_BYTES]; /* "": the default one */
	bool ipv6, psk;
	struct ip_prefix *admins; /* who may use ssh */
	size_t admin_count;
	int accept_from; /* enum config_accept: who may reach WireGuard of the exit */
	int client_keys; /* enum config_client_keys */
	struct config_ssh ssh;
	char server_interface[IFNAMSIZ];
	uint32_t mtu;		   /* of the overlays */
	struct config_node *nodes; /* the proxies in their order, then the exit */
	size_t node_count;
};

/* Reads `file`. With `hosts` the servers come from elsewhere: those of the file are not needed, and
 * are left out; `file` may be NULL then, for what is the default. Everything that is wrong goes to
 * `d`, sorted. Returns 0 with *out to be given to config_free; -EINVAL or -ENOMEM. */
int config_load(const char *file, bool hosts, struct diags *d, struct provision_config **out);

/* Replaces "~/" at the beginning of every ssh key's name by `home` (NULL: not known). Returns 0;
 * -EINVAL where it is needed and not known, or where the name gets too long. */
int config_expand_home(struct provision_config *config, const char *home, struct err *e);

/* Wipes the token and frees. NULL is allowed. */
void config_free(struct provision_config *config);

/* The text of a commented example, in which `network` stands. */
const char *config_example(void);

#endif
