/* provision_world: a cloud in memory behind provision/provider.h, for tests in virtual time. */
#ifndef COMPS_TESTS_UNIT_PROVISION_WORLD_H
#define COMPS_TESTS_UNIT_PROVISION_WORLD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "provision/apply.h"
#include "provision/destroy.h"
#include "provision/look.h"

#define S 1000000
/* A public key of wg(8). */
#define WG_PUBLIC "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
#define NODES	  (CONFIG_PROXIES_MAX + 1)

struct server {
	struct provider_node node;
	struct mono runs_at;
};

struct world {
	char directory[64];
	struct mono now;
	struct provision_config config;
	struct config_node wants[NODES];
	struct ip_prefix admin;
	struct provision_env env;
	struct rng rng;
	struct state state;
	struct job job;

	struct server servers[3 * NODES];
	size_t server_count, posts, lists, deletes, puts;
	struct firewall firewalls[2];
	bool has_firewall[2];
	int64_t boot_us;
	int create_error;	 /* what asking for a server gives */
	bool loses, never_runs;	 /* deletions; */
	size_t stop_after_posts; /* 0: never */
	enum provider_fate fate;

	size_t set_ups, set_up_fails;
	char last_proxies[256];
	bool last_fresh;
	char drifted[PROVIDER_NAME_BYTES], silent[PROVIDER_NAME_BYTES]; /* at a check */
	size_t checks;
	size_t proves, exit_proves, rekeys;
	char broken[IP_TEXT_BYTES]; /* the address of a proxy that answers no client */
	atomic_uint inside, most;   /* set-ups at once */
};

static int fake_catalog(void *provider, struct catalog *out, struct err *e)
{
	struct catalog_region *region;
	struct catalog_size *size;

	(void)provider, (void)e;
	*out = CATALOG_INIT;
	region = catalog_add_region(out);
	*region = (struct catalog_region){.slug = "r", .available = true};
	size = catalog_add_size(out);
	*size = (struct catalog_size){.slug = "s", .price_hourly = 0.01, .available = true};
	return catalog_add_place(size, "r");
}

static int fake_image(void *provider, const char *image, struct err *e)
{
	(void)provider, (void)image, (void)e;
	return 0;
}

static int fake_key(void *provider, const char *name, const char *public_key,
		    char id[PROVIDER_ID_BYTES], bool *ours, struct err *e)
{
	(void)provider, (void)name, (void)public_key, (void)e;
	strcpy(id, "key");
	*ours = true;
	return 0;
}

static int fake_nothing(void *provider, const char *what, struct err *e)
{
	(void)provider, (void)what, (void)e;
	return 0;
}

static int fake_list(void *provider, const char *network, struct provider_nodes *out, struct err *e)
{
	struct world *w = provider;

	(void)network, (void)e;
	w->lists++;
	*out = (struct provider_nodes){calloc(w->server_count + 1, sizeof(*out->items)), 0};
	for (size_t i = 0; i < w->server_count; i++) {
		struct provider_node *node = &out->items[out->count++];

		*node = w->servers[i].node;
		if (!w->never_runs && mono_due(w->servers[i].runs_at, w->now)) {
			node->status = PROVIDER_ACTIVE;
			node->locked = false;
			snprintf(node->ip, sizeof(node->ip), "192.0.2.%.5s", node->id);
		}
	}
	return 0;
}

static int fake_create(void *provider, const struct provider_order *order,
		       struct provider_node *out, struct err *e)
{
	struct world *w = provider;
	struct server *server = &w->servers[w->server_count];

	w->posts++;
	if (w->create_error)
		return err_set(e, w->create_error, "as told");
	assert_non_null(strstr(order->user_data, "#cloud-config\n"));
	*server = (struct server){.node = {.status = PROVIDER_MAKING, .locked = true},
				  .runs_at = mono_add_us(w->now, w->boot_us)};
	w->server_count++;
	snprintf(server->node.id, sizeof(server->node.id), "%zu", w->posts);
	snprintf(server->node.name, sizeof(server->node.name), "%s", order->name);
	snprintf(server->node.run, sizeof(server->node.run), "%s", order->run);
	strcpy(server->node.region, "r");
	strcpy(server->node.size, "s");
	strcpy(server->node.action, "act");
	server->node.role = order->role;
	*out = server->node;
	return 0;
}

static int fake_fate(void *provider, const char *action, enum provider_fate *out, struct err *e)
{
	(void)action, (void)e;
	*out = ((struct world *)provider)->fate;
	return 0;
}

static int fake_delete(void *provider, const char *id, struct err *e)
{
	struct world *w = provider;

	(void)e;
	w->deletes++;
	for (size_t i = 0; i < w->server_count && !w->loses; i++)
		if (strcmp(w->servers[i].node.id, id) == 0)
			w->servers[i] = w->servers[--w->server_count];
	return 0;
}

static void copy_rules(const struct firewall *from, struct firewall *to)
{
	for (size_t i = 0; i < from->rule_count; i++) {
		const struct firewall_rule *rule = &from->rules[i];

		firewall_add_rule(to, rule->protocol, rule->port_first, rule->port_last);
		for (size_t k = 0; k < rule->source_count; k++)
			firewall_add_source(to, &rule->sources[k]);
	}
}

static int fake_firewall_get(void *provider, const char *network, enum provider_role role,
			     struct firewall *out, struct err *e)
{
	struct world *w = provider;

	(void)network;
	*out = (struct firewall){.open_out = true, .id = "f"};
	if (!w->has_firewall[role])
		return err_set(e, -ENOENT, "none");
	copy_rules(&w->firewalls[role], out);
	return 0;
}

static int fake_firewall_put(void *provider, const char *network, enum provider_role role,
			     const char *id, const struct firewall *rules, struct err *e)
{
	struct world *w = provider;

	(void)network, (void)e;
	assert_true((id != NULL) == w->has_firewall[role]);
	firewall_fini(&w->firewalls[role]);
	copy_rules(rules, &w->firewalls[role]);
	w->has_firewall[role] = true;
	w->puts++;
	return 0;
}

static int fake_firewall_delete(void *provider, const char *id, struct err *e)
{
	struct world *w = provider;

	(void)id, (void)e;
	for (int role = 0; role < 2; role++) {
		if (!w->has_firewall[role])
			continue;
		firewall_fini(&w->firewalls[role]);
		w->has_firewall[role] = false;
		break;
	}
	return 0;
}

static const struct provider_ops fake_ops = {
	.name = "fake",
	.console_url = "https://example.com",
	.catalog = fake_catalog,
	.image = fake_image,
	.key_ensure = fake_key,
	.key_delete = fake_nothing,
	.labels_ensure = fake_nothing,
	.labels_delete = fake_nothing,
	.node_list = fake_list,
	.node_create = fake_create,
	.node_fate = fake_fate,
	.node_delete = fake_delete,
	.firewall_get = fake_firewall_get,
	.firewall_put = fake_firewall_put,
	.firewall_delete = fake_firewall_delete,
};

#endif
