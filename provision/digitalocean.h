/* digitalocean: DigitalOcean's API v2 behind provision/provider.h, one file for each resource.
 *
 * Facts are those of github.com/digitalocean/openapi. Labels are tags: comps, comps:net:NET,
 * comps:net:NET:vpn|comp, comps:node:NET:NAME, comps:run:UUID.
 */
#ifndef COMPS_PROVISION_DIGITALOCEAN_H
#define COMPS_PROVISION_DIGITALOCEAN_H

#include "provision/api.h"
#include "provision/provider.h"

#define DIGITALOCEAN_TAG_BYTES 128

extern const struct provider_ops digitalocean_ops;

/* For the table in digitalocean.c; see provider.h. */
int digitalocean_keys_ensure(void *provider, const char *name, const char *public_key,
			     char id[PROVIDER_ID_BYTES], bool *ours, struct err *e);
int digitalocean_keys_delete(void *provider, const char *id, struct err *e);

int digitalocean_tags_ensure(void *provider, const char *network, struct err *e);
int digitalocean_tags_delete(void *provider, const char *network, struct err *e);

int digitalocean_nodes_list(void *provider, const char *network, struct provider_nodes *out,
			    struct err *e);
int digitalocean_nodes_create(void *provider, const struct provider_order *order,
			      struct provider_node *out, struct err *e);
int digitalocean_nodes_fate(void *provider, const char *action, enum provider_fate *out,
			    struct err *e);
int digitalocean_nodes_delete(void *provider, const char *id, struct err *e);

int digitalocean_firewalls_get(void *provider, const char *network, enum provider_role role,
			       struct firewall *out, struct err *e);
int digitalocean_firewalls_put(void *provider, const char *network, enum provider_role role,
			       const char *id, const struct firewall *rules, struct err *e);
int digitalocean_firewalls_delete(void *provider, const char *id, struct err *e);

/* The tag of a network's role: what a firewall is bound to. */
void digitalocean_tags_role(const char *network, enum provider_role role,
			    char out[DIGITALOCEAN_TAG_BYTES]);

/* DELETEs /v2/`what`/`id`; what is gone already is fine. */
int digitalocean_delete(void *provider, const char *what, const char *id, struct err *e);

/* "" where the member is no string. */
const char *digitalocean_text(const json_t *object, const char *member);

#endif
