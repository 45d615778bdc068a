/* Answers of the kernel: dumps of routes, rules, links and addresses, a WireGuard device, the
 * guard's counters, and the acks of a batch. The input is one datagram; everybody gets it.
 */
#include <linux/rtnetlink.h>

#include "netlink/addr.h"
#include "netlink/batch.h"
#include "netlink/guard.h"
#include "netlink/link.h"
#include "netlink/route.h"
#include "netlink/rule.h"
#include "netlink/wg_genl.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/kernel.h"

static void read_routes(struct nl *nl)
{
	struct route *routes;
	size_t count, i;
	char text[160];

	if (!route_dump(nl, RT_TABLE_MAIN, &routes, &count)) {
		for (i = 0; i < count; i++) {
			MUST(routes[i].table == RT_TABLE_MAIN);
			MUST(route_same(&routes[i], &routes[i]));
			route_format(&routes[i], text, sizeof(text));
		}
	}
	free(routes);
}

static void read_rules(struct nl *nl)
{
	struct rule *rules;
	size_t count, i;
	char text[160];

	if (!rule_dump(nl, &rules, &count)) {
		for (i = 0; i < count; i++) {
			MUST(rules[i].foreign_parts || rule_equal(&rules[i], &rules[i]));
			rule_format(&rules[i], text, sizeof(text));
		}
	}
	free(rules);
}

static void read_links(struct nl *nl)
{
	struct link *links, link;
	size_t count, i;

	if (!link_dump(nl, &links, &count)) {
		for (i = 0; i < count; i++) {
			MUST(strlen(links[i].name) < sizeof(links[i].name));
			MUST(strlen(links[i].kind) < sizeof(links[i].kind));
			MUST(strlen(links[i].alias) < sizeof(links[i].alias));
		}
	}
	free(links);
	link_get(nl, "wg0", &link);
}

static void read_addresses(struct nl *nl)
{
	char text[IP_PREFIX_TEXT_BYTES];
	struct addr *addrs;
	size_t count, i;
	bool v4, v6;

	if (!addr_dump(nl, 0, &addrs, &count)) {
		for (i = 0; i < count; i++)
			ip_prefix_format(&addrs[i].prefix, text);
	}
	free(addrs);
	addr_families(nl, 1, &v4, &v6);
}

static void read_device(const struct nl *nl)
{
	struct wg wg = {.ops = &wg_genl_ops, .ifname = "wg0", .nl = *nl, .family = 0x21};
	struct wg_device device;
	size_t i, j;

	if (!wg.ops->get(&wg, &device)) {
		for (i = 0; i < device.peer_count; i++) {
			const struct wg_peer *peer = &device.peers[i];

			for (j = 0; j < peer->allowed_count; j++)
				MUST(peer->allowed[j].len <=
				     8 * ip_bytes(peer->allowed[j].ip.family));
		}
	}
	wg_device_fini(&device);
}

static void read_guard(struct nl *nl)
{
	const struct guard_path path = {.overlay = "wgnet1", .source4 = {.family = AF_INET}};
	const struct guard_config config = {.table = "comps", .paths = &path, .path_count = 1};

	guard_verify(nl, &config);
}

static void read_acks(struct nl *nl)
{
	const struct route_owner owner = {.table = 51821, .protocol = 188};
	const struct route route = route_backstop(&owner, AF_INET);
	struct batch batch;
	struct err err;
	size_t i;

	batch_init(&batch);
	route_build(&batch, ROUTE_ADD, &route);
	route_build(&batch, ROUTE_REPLACE, &route);
	batch_send(&batch, nl);
	for (i = 0; i < batch.count; i++) {
		MUST(batch.results[i].error <= 0);
		MUST(strlen(batch.results[i].text) < sizeof(batch.results[i].text));
	}
	MUST(route_apply(nl, ROUTE_DELETE, &route, &err) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mnl_socket kernel = {.bytes = data, .count = size};
	struct nl nl = kernel_nl(&kernel);

	read_routes(&nl);
	read_rules(&nl);
	read_links(&nl);
	read_addresses(&nl);
	read_device(&nl);
	read_guard(&nl);
	read_acks(&nl);
	return 0;
}
