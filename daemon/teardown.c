#include "daemon/teardown.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/interfaces.h"
#include "daemon/uplink.h"
#include "netlink/link.h"
#include "netlink/wg_userspace.h"

/* Deletes the interfaces that carry our tag, or only those that `conf` lacks. */
static int remove_interfaces(struct nl *nl, const struct conf *conf, bool strays)
{
	struct link *links = NULL;
	size_t i, count = 0;
	int first = link_dump(nl, &links, &count);

	for (i = 0; i < count; i++) {
		int ret;

		if (!interfaces_path(conf, links[i].alias) ||
		    (strays && interfaces_has(conf, links[i].name)))
			continue;
		ret = strcmp(links[i].kind, "wireguard") != 0 ? wg_userspace_stop(nl, links[i].name)
							      : link_delete(nl, links[i].ifindex);
		if (ret && !first)
			first = ret;
	}
	free(links);
	return first;
}

static void remove_stray_rules(struct network *network)
{
	struct rule *rules = NULL;
	size_t i, j, count = 0;

	if (rule_dump(&network->route_nl, &rules, &count))
		return;
	for (i = 0; i < count; i++) {
		bool wanted = rules[i].protocol != network->conf->network.protocol;

		for (j = 0; !wanted && j < network->layout.rule_count; j++)
			wanted = rule_equal(&rules[i], &network->layout.rules[j]);
		if (!wanted)
			rule_delete(&network->route_nl, &rules[i]);
	}
	free(rules);
}

void teardown_strays(struct network *network)
{
	remove_stray_rules(network);
	remove_interfaces(&network->route_nl, network->conf, true);
}

int teardown_all(const struct conf *conf, const struct log *log, struct err *err)
{
	struct layout layout;
	struct nl nl;
	size_t i;
	int ret = layout_init(&layout, conf);
	int first;

	if (ret)
		return err_set(err, ret, "out of memory");
	ret = nl_open(&nl, NL_ROUTE);
	if (ret) {
		layout_fini(&layout);
		return err_set(err, ret, "cannot open a netlink socket: %s", strerror(-ret));
	}
	/* The inner traffic stops with its interfaces first; the rules that would let it go out by
	 * the uplink are the last to go. */
	first = remove_interfaces(&nl, conf, false);
	for (i = 0; i < layout.table_count; i++) {
		struct route_owner owner = {layout.tables[i], (uint8_t)conf->network.protocol};

		ret = route_remove_all(&nl, &owner);
		first = first ? first : ret;
	}
	ret = rule_remove_all(&nl, (uint8_t)conf->network.protocol);
	first = first ? first : ret;
	if (first)
		err_set(err, first, "cannot remove everything: %s", strerror(-first));
	ret = guard_remove(conf->network.nft_table, first ? NULL : err);
	first = first ? first : ret;
	uplink_restore(conf, log);
	log_info(log, "removed interfaces, rules, routes and the nftables table %s",
		 conf->network.nft_table);
	nl_close(&nl);
	layout_fini(&layout);
	return first;
}
