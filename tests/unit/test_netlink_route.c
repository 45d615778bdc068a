/* Routes and the swap, on a real kernel. */
#include "tests/unit/netlink_packets.h"

static const struct route_ops *const ops = &route_kernel_ops;

static uint32_t active_of(struct world *w)
{
	uint32_t ifindex = 0;

	return ops->active(&w->kernel, &ifindex) ? 0 : ifindex;
}

static void add(struct world *w, struct route route)
{
	struct err err;

	if (route_apply(&w->nl, ROUTE_ADD, &route, &err))
		fail_msg("%s", err.text);
}

/* The default of one family as the kernel has it at our metric. */
static struct route kernel_default(struct world *w, int family)
{
	uint32_t metric = family == AF_INET ? ROUTE_METRIC4 : ROUTE_METRIC6;
	struct route *routes, found = {0};
	size_t count, i;

	assert_int_equal(route_dump(&w->nl, TABLE, &routes, &count), 0);
	for (i = 0; i < count; i++) {
		if (!routes[i].dst.len && routes[i].dst.ip.family == family &&
		    routes[i].metric == metric)
			found = routes[i];
	}
	free(routes);
	return found;
}

static void assert_verified(struct world *w, const struct route_hop *hop)
{
	struct err err;

	if (ops->verify(&w->kernel, hop, &err))
		fail_msg("%s", err.text);
}

/* --- what is there --- */

static void a_table_that_does_not_exist_is_empty(void **state)
{
	struct world *w = world_or_skip(state);
	struct route *routes;
	size_t count;

	assert_int_equal(route_dump(&w->nl, 4711, &routes, &count), 0);
	assert_int_equal(count, 0);
	assert_null(routes);
}

static void what_is_added_is_dumped_the_same(void **state)
{
	struct world *w = world_or_skip(state);
	struct route_owner *owner = &w->kernel.owner;
	struct ip_prefix net = prefix("192.0.2.77/24"), net6 = prefix("2001:db8:9::/48");
	struct route all[] = {
		route_default(owner, &w->hop[0], AF_INET),
		route_default(owner, &w->hop[0], AF_INET6),
		route_backstop(owner, AF_INET),
		route_backstop(owner, AF_INET6),
		route_pin(owner, &w->hop[1], AF_INET),
		route_pin(owner, &w->hop[1], AF_INET6),
		route_device(owner, &net, w->ifindex[WGT1]),
		route_device(owner, &net6, w->ifindex[WGT1]),
	};
	size_t wanted = sizeof(all) / sizeof(all[0]), count, i, j, found = 0;
	struct route *routes;

	for (i = 0; i < wanted; i++)
		add(w, all[i]);
	assert_int_equal(route_dump(&w->nl, TABLE, &routes, &count), 0);
	assert_int_equal(count, wanted);
	for (i = 0; i < wanted; i++)
		for (j = 0; j < count; j++)
			found += route_same(&all[i], &routes[j]) && routes[j].protocol == OURS;
	assert_int_equal(found, wanted);
	free(routes);
}

static void a_thousand_routes_are_dumped(void **state)
{
	struct world *w = world_or_skip(state);
	struct route_hop hop = w->hop[0];
	struct route *routes;
	size_t count;

	for (hop.label = 1; hop.label <= 1000; hop.label++)
		add(w, route_pin(&w->kernel.owner, &hop, AF_INET));
	assert_int_equal(route_dump(&w->nl, TABLE, &routes, &count), 0);
	assert_int_equal(count, 1000);
	free(routes);
}

static void a_deleted_route_is_gone_and_may_be_deleted_again(void **state)
{
	struct world *w = world_or_skip(state);
	struct route pin4 = route_pin(&w->kernel.owner, &w->hop[0], AF_INET);
	struct route pin6 = route_pin(&w->kernel.owner, &w->hop[0], AF_INET6);
	struct route *routes;
	size_t count;
	int i;

	add(w, pin4);
	add(w, pin6);
	for (i = 0; i < 2; i++) {
		assert_int_equal(route_apply(&w->nl, ROUTE_DELETE, &pin4, NULL), 0);
		assert_int_equal(route_apply(&w->nl, ROUTE_DELETE, &pin6, NULL), 0);
	}
	assert_int_equal(route_dump(&w->nl, TABLE, &routes, &count), 0);
	assert_int_equal(count, 0);
}

static void an_error_names_the_route(void **state)
{
	struct world *w = world_or_skip(state);
	struct route_hop nowhere = {4711, 1, true, true};
	struct route route = route_default(&w->kernel.owner, &nowhere, AF_INET);
	struct err err;

	assert_int_equal(route_apply(&w->nl, ROUTE_ADD, &route, &err), -ENODEV);
	assert_non_null(strstr(err.text, "0.0.0.0/0 via 169.254.128.1 oif 4711"));
	assert_true(strlen(err.text) > strlen("route 0.0.0.0/0 via 169.254.128.1 oif 4711: "));
}

static void remove_all_leaves_what_is_not_ours(void **state)
{
	struct world *w = world_or_skip(state);
	struct route *routes;
	size_t count, i;

	assert_int_equal(ops->repair(&w->kernel, &w->hop[0], NULL), 0);
	add(w, route_pin(&w->kernel.owner, &w->hop[0], AF_INET));
	run("ip route add 203.0.113.0/24 dev wgt1 table 51821 proto 77");
	run("ip -6 route add unreachable 2001:db8:7::/48 table 51821 proto 77");
	run("ip route add 203.0.113.0/24 dev wgt1 table 51899 proto 201");
	assert_int_equal(route_remove_all(&w->nl, &w->kernel.owner), 0);
	assert_int_equal(route_dump(&w->nl, TABLE, &routes, &count), 0);
	assert_int_equal(count, 2);
	for (i = 0; i < count; i++)
		assert_int_equal(routes[i].protocol, FOREIGN);
	free(routes);
	assert_int_equal(route_dump(&w->nl, 51899, &routes, &count), 0);
	assert_int_equal(count, 1);
	free(routes);
}

/* --- swap --- */

static void swap_moves_both_families(void **state)
{
	struct world *w = world_or_skip(state);
	struct route_swap_result result;
	int i;

	assert_int_equal(ops->repair(&w->kernel, NULL, NULL), 0);
	assert_int_equal(active_of(w), 0);
	assert_verified(w, NULL);
	assert_int_equal(ops->swap(&w->kernel, NULL, &w->hop[0], &result), 0);
	assert_verified(w, &w->hop[0]);
	for (i = 0; i < 50; i++) {
		const struct route_hop *from = &w->hop[i % 2], *to = &w->hop[!(i % 2)];

		assert_int_equal(ops->swap(&w->kernel, from, to, &result), 0);
		assert_int_equal(active_of(w), to->ifindex);
		assert_true(result.swap_us >= 0 && !result.reconciled);
		assert_verified(w, to);
	}
}

static void swap_to_the_same_path_is_no_error(void **state)
{
	struct world *w = world_or_skip(state);
	struct route_swap_result result;

	assert_int_equal(ops->repair(&w->kernel, &w->hop[0], NULL), 0);
	assert_int_equal(ops->swap(&w->kernel, &w->hop[0], &w->hop[0], &result), 0);
	assert_verified(w, &w->hop[0]);
}

static void a_family_that_the_target_lacks_is_closed(void **state)
{
	struct world *w = world_or_skip(state);
	struct route_swap_result result;

	assert_int_equal(ops->repair(&w->kernel, &w->hop[0], NULL), 0);
	w->hop[1].v6 = false;
	assert_int_equal(ops->swap(&w->kernel, &w->hop[0], &w->hop[1], &result), 0);
	assert_int_equal(kernel_default(w, AF_INET).oif, w->ifindex[WGT2]);
	assert_int_equal(kernel_default(w, AF_INET6).type, RTN_UNREACHABLE);
	assert_verified(w, &w->hop[1]);
	/* and opens again */
	assert_int_equal(ops->swap(&w->kernel, &w->hop[1], &w->hop[0], &result), 0);
	assert_verified(w, &w->hop[0]);
}

static void when_one_family_fails_the_other_goes_back(void **state)
{
	struct world *w = world_or_skip(state);
	struct route_swap_result result;
	struct sysctl_change change;

	assert_int_equal(ops->repair(&w->kernel, &w->hop[0], NULL), 0);
	assert_int_equal(
		sysctl_ensure(SYSCTL_ROOT, "net/ipv6/conf/wgt2/disable_ipv6", "1", &change), 0);
	assert_int_equal(ops->swap(&w->kernel, &w->hop[0], &w->hop[1], &result), -EACCES);
	assert_int_equal(result.error4, 0);
	assert_int_equal(result.error6, -EACCES);
	assert_true(result.restored);
	assert_non_null(strstr(result.text, "::/0 via fe80::c0:2"));
	assert_verified(w, &w->hop[0]);
	/* Without IPv6 the same path will do. */
	w->hop[1].v6 = false;
	assert_int_equal(ops->swap(&w->kernel, &w->hop[0], &w->hop[1], &result), 0);
	assert_verified(w, &w->hop[1]);
}

static void where_there_is_no_way_back_it_closes(void **state)
{
	struct world *w = world_or_skip(state);
	struct route_swap_result result;
	struct sysctl_change change;

	assert_int_equal(ops->repair(&w->kernel, &w->hop[0], NULL), 0);
	assert_int_equal(
		sysctl_ensure(SYSCTL_ROOT, "net/ipv6/conf/wgt2/disable_ipv6", "1", &change), 0);
	assert_int_equal(link_delete(&w->nl, w->ifindex[WGT1]), 0);
	assert_int_equal(ops->swap(&w->kernel, &w->hop[0], &w->hop[1], &result), -EACCES);
	assert_false(result.restored);
	assert_int_equal(kernel_default(w, AF_INET).type, RTN_UNREACHABLE);
}

static void swap_to_a_missing_or_downed_device_changes_nothing(void **state)
{
	struct world *w = world_or_skip(state);
	struct route_swap_result result;

	assert_int_equal(ops->repair(&w->kernel, &w->hop[0], NULL), 0);
	assert_int_equal(link_set_up(&w->nl, w->ifindex[WGT2], false), 0);
	assert_int_equal(ops->swap(&w->kernel, &w->hop[0], &w->hop[1], &result), -ENETDOWN);
	assert_true(result.restored);
	assert_verified(w, &w->hop[0]);
	assert_int_equal(link_delete(&w->nl, w->ifindex[WGT2]), 0);
	assert_int_equal(ops->swap(&w->kernel, &w->hop[0], &w->hop[1], &result), -ENODEV);
	assert_true(result.restored);
	assert_verified(w, &w->hop[0]);
}

static void a_deleted_device_leaves_the_backstop(void **state)
{
	struct world *w = world_or_skip(state);
	struct route_swap_result result;
	struct err err;
	int fd4, fd6;

	assert_int_equal(ops->repair(&w->kernel, &w->hop[0], NULL), 0);
	run("ip route add default dev upl0 && ip -6 route add default dev upl0");
	run("ip rule add fwmark 51820 lookup 51821 && ip -6 rule add fwmark 51820 lookup 51821");
	assert_int_equal(link_delete(&w->nl, w->ifindex[WGT1]), 0);
	assert_int_equal(active_of(w), 0);
	assert_int_equal(ops->verify(&w->kernel, &w->hop[0], &err), -ENOENT);
	fd4 = world_udp_socket(AF_INET, INNER, NULL);
	fd6 = world_udp_socket(AF_INET6, INNER, NULL);
	assert_int_equal(world_send(fd4, "192.0.2.9:51820"), -EHOSTUNREACH);
	assert_int_equal(world_send(fd6, "[2001:db8:9::9]:51820"), -EHOSTUNREACH);
	assert_int_equal(ops->swap(&w->kernel, &w->hop[0], &w->hop[1], &result), 0);
	assert_int_equal(world_send(fd4, "192.0.2.9:51820"), 0);
	assert_int_equal(world_send(fd6, "[2001:db8:9::9]:51820"), 0);
	assert_verified(w, &w->hop[1]);
	close(fd4);
	close(fd6);
}

static void a_stray_alias_is_cleared_away(void **state)
{
	struct world *w = world_or_skip(state);
	struct route_swap_result result;

	assert_int_equal(ops->repair(&w->kernel, &w->hop[0], NULL), 0);
	/* The very route that the swap will ask for, as a later alias: the kernel says EEXIST. */
	run("ip route append default via 169.254.128.2 dev wgt2 onlink table 51821 proto 201");
	assert_int_equal(ops->swap(&w->kernel, &w->hop[0], &w->hop[1], &result), 0);
	assert_true(result.reconciled);
	assert_verified(w, &w->hop[1]);
}

static void repair_undoes_what_others_did(void **state)
{
	struct world *w = world_or_skip(state);
	struct err err;

	assert_int_equal(ops->repair(&w->kernel, &w->hop[0], NULL), 0);
	run("ip route prepend default dev upl0 table 51821 proto 77");
	run("ip route append default dev upl0 table 51821 metric 5");
	run("ip -6 route add default dev upl0 table 51821 metric 1");
	run("ip -6 route del unreachable default table 51821 metric 4294967295");
	assert_int_not_equal(ops->verify(&w->kernel, &w->hop[0], &err), 0);
	assert_int_equal(ops->repair(&w->kernel, &w->hop[0], &err), 0);
	assert_verified(w, &w->hop[0]);
}

static void verify_says_what_is_wrong(void **state)
{
	struct world *w = world_or_skip(state);
	struct err err;

	assert_int_equal(ops->verify(&w->kernel, NULL, &err), -ENOENT);
	assert_non_null(strstr(err.text, "missing: unreachable 0.0.0.0/0"));
	assert_int_equal(ops->repair(&w->kernel, &w->hop[0], NULL), 0);
	run("ip -6 route add default dev upl0 table 51821 metric 7 proto 77");
	assert_int_equal(ops->verify(&w->kernel, &w->hop[0], &err), -EEXIST);
	assert_non_null(strstr(err.text, "stray: ::/0"));
	assert_non_null(strstr(err.text, "protocol 77"));
	/* The same route, but somebody else's: nobody would remove it. */
	run("ip -6 route del default dev upl0 table 51821 metric 7");
	run("ip route replace default via 169.254.128.1 dev wgt1 onlink table 51821 proto 77");
	assert_int_equal(ops->verify(&w->kernel, &w->hop[0], &err), -ENOENT);
	assert_int_equal(ops->repair(&w->kernel, &w->hop[0], NULL), 0);
	assert_verified(w, &w->hop[0]);
}

static void a_pin_shares_the_next_hop_and_survives_the_swap(void **state)
{
	struct world *w = world_or_skip(state);
	struct route_swap_result result;
	struct route *routes;
	size_t count, i, pins = 0;

	assert_int_equal(ops->repair(&w->kernel, &w->hop[0], NULL), 0);
	for (i = 0; i < 2; i++) {
		add(w, route_pin(&w->kernel.owner, &w->hop[i], AF_INET));
		add(w, route_pin(&w->kernel.owner, &w->hop[i], AF_INET6));
	}
	assert_int_equal(ops->swap(&w->kernel, &w->hop[0], &w->hop[1], &result), 0);
	assert_verified(w, &w->hop[1]);
	assert_int_equal(route_dump(&w->nl, TABLE, &routes, &count), 0);
	for (i = 0; i < count; i++)
		pins += routes[i].dst.len == 8 * ip_bytes(routes[i].dst.ip.family) &&
			ip_equal(&routes[i].dst.ip, &routes[i].gateway);
	assert_int_equal(pins, 4);
	free(routes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_table_that_does_not_exist_is_empty),
		TEST(what_is_added_is_dumped_the_same),
		TEST(a_thousand_routes_are_dumped),
		TEST(a_deleted_route_is_gone_and_may_be_deleted_again),
		TEST(an_error_names_the_route),
		TEST(remove_all_leaves_what_is_not_ours),
		TEST(swap_moves_both_families),
		TEST(swap_to_the_same_path_is_no_error),
		TEST(a_family_that_the_target_lacks_is_closed),
		TEST(when_one_family_fails_the_other_goes_back),
		TEST(where_there_is_no_way_back_it_closes),
		TEST(swap_to_a_missing_or_downed_device_changes_nothing),
		TEST(a_deleted_device_leaves_the_backstop),
		TEST(a_stray_alias_is_cleared_away),
		TEST(repair_undoes_what_others_did),
		TEST(verify_says_what_is_wrong),
		TEST(a_pin_shares_the_next_hop_and_survives_the_swap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
