#include "daemon/layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAIN_TABLE  254 /* RT_TABLE_MAIN, rtnetlink(7) */
#define FIXED_RULES 9	/* per family, at most: those that are there once */

struct route_owner layout_overlay_table(const struct conf *conf)
{
	return (struct route_owner){conf->network.table_overlay, (uint8_t)conf->network.protocol};
}

struct route_owner layout_inner_table(const struct conf *conf)
{
	return (struct route_owner){conf->network.table_inner, (uint8_t)conf->network.protocol};
}

struct route_owner layout_probe_table(const struct conf *conf, size_t index)
{
	return (struct route_owner){conf->network.probe_table + (uint32_t)index,
				    (uint8_t)conf->network.protocol};
}

unsigned int layout_label(const struct layout *layout, size_t index)
{
	return layout->guard_paths[index].label;
}

static bool has_label(const struct layout *layout, unsigned int label)
{
	size_t i;

	for (i = 0; i < layout->guard.path_count; i++) {
		if (layout->guard_paths[i].label == label)
			return true;
	}
	return false;
}

void layout_keep_labels(struct layout *layout, const unsigned int *used)
{
	unsigned int next = 1;
	size_t i;

	for (i = 0; i < layout->guard.path_count; i++)
		layout->guard_paths[i].label = used[i];
	for (i = 0; i < layout->guard.path_count; i++) {
		while (has_label(layout, next))
			next++;
		if (!used[i])
			layout->guard_paths[i].label = next;
	}
}

static struct rule *next_rule(struct layout *layout, const struct conf *conf, int family,
			      uint32_t offset)
{
	struct rule *rule = &layout->rules[layout->rule_count];

	rule->family = family;
	rule->priority = conf->network.rule_priority + offset;
	rule->protocol = (uint8_t)conf->network.protocol;
	layout->priorities[layout->rule_count++] = rule->priority;
	return rule;
}

/* `mark` (or its absence, with `invert`) looks `table` up, and never falls through. */
static void guarded_lookup(struct layout *layout, const struct conf *conf, int family,
			   uint32_t offset, uint32_t mark, bool invert, uint32_t table)
{
	struct rule *lookup = next_rule(layout, conf, family, offset);
	struct rule *guard = next_rule(layout, conf, family, offset + 1);

	lookup->mark = guard->mark = mark;
	lookup->invert = guard->invert = invert;
	lookup->table = table;
	guard->unreachable = true;
}

/* Before the kernel takes a route through a gateway, such as the uplink's default from DHCP, it
 * looks the gateway up (fib_check_nh() in net/ipv4/fib_semantics.c), by these rules, without mark
 * and port. It must find it where it is, or no default could be set while we run. What else has no
 * port and goes to a neighbour finds its way as well, and is dropped by the guard. */
static void let_gateways_be_found(struct layout *layout, const struct conf *conf, int family)
{
	struct rule *rule = next_rule(layout, conf, family, 17);

	rule->invert = true;
	rule->port_first = 1;
	rule->port_last = 65534;
	rule->table = MAIN_TABLE;
	rule->no_default = true;
}

static void family_rules(struct layout *layout, const struct conf *conf, int family)
{
	const struct conf_network *network = &conf->network;
	bool nested = conf->mode == CONF_NESTED;
	size_t i;

	guarded_lookup(layout, conf, family, 0, network->mark_overlay, false, MAIN_TABLE);
	if (nested) {
		guarded_lookup(layout, conf, family, 10, network->mark_inner, false,
			       network->table_overlay);
		guarded_lookup(layout, conf, family, 12, network->mark_steer, false,
			       network->table_overlay);
	}
	for (i = 0; i < conf->path_count; i++) {
		struct rule *rule = next_rule(layout, conf, family, 15);

		snprintf(rule->oifname, sizeof(rule->oifname), "%s",
			 conf->paths[i].tunnel.interface);
		rule->table = network->probe_table + (uint32_t)i;
	}
	/* rp_filter wants a route to whoever answers, and before the first path is active the
	 * overlay table has none: no path would ever be heard. */
	for (i = 0; !nested && family == AF_INET && i < conf->path_count; i++) {
		if (conf->paths[i].proxy4.family == AF_UNSPEC)
			continue;
		struct rule *rule = next_rule(layout, conf, family, 14);

		rule->to = (struct ip_prefix){conf->paths[i].proxy4, 32};
		rule->table = network->probe_table + (uint32_t)i;
	}
	for (i = 0; i < conf->bypass_count; i++) {
		if (conf->bypass[i].ip.family != family)
			continue;
		struct rule *rule = next_rule(layout, conf, family, 16);

		rule->to = ip_prefix_masked(&conf->bypass[i]);
		rule->table = MAIN_TABLE;
	}
	let_gateways_be_found(layout, conf, family);
	if (nested)
		guarded_lookup(layout, conf, family, 20, network->mark_inner, true,
			       network->table_inner);
	else
		guarded_lookup(layout, conf, family, 20, network->mark_overlay, true,
			       network->table_overlay);
}

static struct ip first_address(const struct wgquick *wg, int family)
{
	size_t i;

	for (i = 0; i < wg->address_count; i++) {
		if (wg->addresses[i].ip.family == family)
			return wg->addresses[i].ip;
	}
	return (struct ip){.family = AF_UNSPEC};
}

static void describe_guard(struct layout *layout, const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->path_count; i++) {
		const struct conf_tunnel *tunnel = &conf->paths[i].tunnel;
		struct guard_path *path = &layout->guard_paths[i];

		memcpy(path->overlay, tunnel->interface, sizeof(path->overlay));
		path->label = (unsigned int)i + 1;
		path->source4 = first_address(tunnel->wg, AF_INET);
		path->source6 = first_address(tunnel->wg, AF_INET6);
	}
	layout->guard = (struct guard_config){
		.table = conf->network.nft_table,
		.direct = conf->mode == CONF_DIRECT,
		.inner = conf->inner.tunnel.interface,
		.inner_mark = conf->network.mark_inner,
		.steer_mark = conf->network.mark_steer,
		.overlay_mark = conf->network.mark_overlay,
		.exit_port = conf->mode == CONF_NESTED ? conf->inner.tunnel.wg->endpoint.port : 0,
		.paths = layout->guard_paths,
		.path_count = conf->path_count,
		.bypass = conf->bypass,
		.bypass_count = conf->bypass_count,
	};
}

static void claim_numbers(struct layout *layout, const struct conf *conf)
{
	const struct conf_network *network = &conf->network;
	size_t i;

	layout->tables[layout->table_count++] = network->table_overlay;
	layout->marks[layout->mark_count++] = network->mark_overlay;
	if (conf->mode == CONF_NESTED) {
		layout->tables[layout->table_count++] = network->table_inner;
		layout->marks[layout->mark_count++] = network->mark_inner;
		layout->marks[layout->mark_count++] = network->mark_steer;
	}
	for (i = 0; i < conf->path_count; i++)
		layout->tables[layout->table_count++] = network->probe_table + (uint32_t)i;
	layout->claim = (struct conflict_claim){
		.protocol = (uint8_t)network->protocol,
		.tables = layout->tables,
		.table_count = layout->table_count,
		.marks = layout->marks,
		.mark_count = layout->mark_count,
		.priorities = layout->priorities,
		.priority_count = layout->rule_count,
	};
}

int layout_init(struct layout *layout, const struct conf *conf)
{
	size_t rules_max = 2 * (FIXED_RULES + 2 * conf->path_count + conf->bypass_count);

	memset(layout, 0, sizeof(*layout));
	layout->rules = calloc(rules_max, sizeof(*layout->rules));
	layout->priorities = calloc(rules_max, sizeof(*layout->priorities));
	layout->tables = calloc(conf->path_count + 2, sizeof(*layout->tables));
	layout->guard_paths = calloc(conf->path_count, sizeof(*layout->guard_paths));
	if (!layout->rules || !layout->priorities || !layout->tables || !layout->guard_paths) {
		layout_fini(layout);
		return -ENOMEM;
	}
	family_rules(layout, conf, AF_INET);
	family_rules(layout, conf, AF_INET6);
	describe_guard(layout, conf);
	claim_numbers(layout, conf);
	return 0;
}

void layout_fini(struct layout *layout)
{
	free(layout->rules);
	free(layout->priorities);
	free(layout->tables);
	free(layout->guard_paths);
	memset(layout, 0, sizeof(*layout));
}
