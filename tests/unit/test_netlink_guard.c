/* The guard: what it writes, and what it does to real packets. */
#include "netlink/guard.h"
#include "tests/unit/netlink_packets.h"

#define OURTABLE "comps-test"

static const struct guard_path paths4[] = {
	{.overlay = "wgt1", .label = 1, .source4 = {AF_INET, {10, 1, 1, 2}}},
	{.overlay = "wgt2", .label = 2, .source4 = {AF_INET, {10, 1, 2, 2}}},
};

/* --- the script --- */

static void assert_script(const struct guard_config *config, const char *wanted)
{
	char *script = guard_script(config);

	assert_non_null(script);
	assert_string_equal(script, wanted);
	free(script);
}

#define RESET                                                                                      \
	"add table inet t\n"                                                                       \
	"add counter inet t leaked4\n"                                                             \
	"add counter inet t leaked6\n"                                                             \
	"add counter inet t blocked4\n"                                                            \
	"add counter inet t blocked6\n"                                                            \
	"add chain inet t out1\n"                                                                  \
	"flush chain inet t out1\n"                                                                \
	"delete chain inet t out1\n"                                                               \
	"add chain inet t out2\n"                                                                  \
	"flush chain inet t out2\n"                                                                \
	"delete chain inet t out2\n"                                                               \
	"add chain inet t post\n"                                                                  \
	"flush chain inet t post\n"                                                                \
	"delete chain inet t post\n"                                                               \
	"table inet t {\n"

static void the_nested_script_is_as_designed(void **state)
{
	struct guard_config config = {
		.table = "t",
		.inner = "wg0",
		.overlay_mark = 51821,
		.inner_mark = 51820,
		.steer_mark = 51822,
		.exit_port = 443,
		.paths = paths4,
		.path_count = 2,
	};

	(void)state;
	assert_script(&config, RESET
		      "\tchain out1 {\n"
		      "\t\ttype route hook output priority -320; policy accept;\n"
		      "\t\tmeta mark 51820 udp dport 443 meta mark set 51822\n"
		      "\t}\n"
		      "\tchain out2 {\n"
		      "\t\ttype filter hook output priority -310; policy accept;\n"
		      "\t\tmeta mark 51822 meta nfproto ipv4 ip saddr set rt ip nexthop map { "
		      "169.254.128.1 : 10.1.1.2, 169.254.128.2 : 10.1.2.2 }\n"
		      "\t}\n"
		      "\tchain post {\n"
		      "\t\ttype filter hook postrouting priority 110; policy accept;\n"
		      "\t\toifname { \"wgt1\", \"wgt2\" } accept\n"
		      "\t\toifname \"lo\" accept\n"
		      "\t\tmeta mark { 51820, 51822 } meta nfproto ipv4 counter name leaked4 drop\n"
		      "\t\tmeta mark { 51820, 51822 } meta nfproto ipv6 counter name leaked6 drop\n"
		      "\t\toifname \"wg0\" accept\n"
		      "\t\tmeta mark 51821 accept\n"
		      "\t\tip protocol igmp accept\n"
		      "\t\tmeta nfproto ipv4 udp sport 68 udp dport 67 accept\n"
		      "\t\tmeta nfproto ipv6 udp sport 546 udp dport 547 accept\n"
		      "\t\ticmpv6 type { 131, 132, 133, 135, 136, 143 } ip6 hoplimit { 1, 255 } "
		      "accept\n"
		      "\t\tmeta nfproto ipv4 counter name blocked4 drop\n"
		      "\t\tmeta nfproto ipv6 counter name blocked6 drop\n"
		      "\t}\n"
		      "}\n");
}

static void the_direct_script_is_as_designed(void **state)
{
	struct ip_prefix bypass[] = {prefix("192.168.7.9/16"), prefix("fd00::/8")};
	struct guard_config config = {
		.table = "t",
		.direct = true,
		.overlay_mark = 51821,
		.paths = paths4,
		.path_count = 2,
		.bypass = bypass,
		.bypass_count = 2,
	};

	(void)state;
	assert_script(&config, RESET
		      "\tchain post {\n"
		      "\t\ttype filter hook postrouting priority 110; policy accept;\n"
		      "\t\toifname { \"wgt1\", \"wgt2\" } accept\n"
		      "\t\toifname \"lo\" accept\n"
		      "\t\tmeta mark 51821 accept\n"
		      "\t\tip daddr 192.168.0.0/16 accept\n"
		      "\t\tip6 daddr fd00::/8 accept\n"
		      "\t\tip protocol igmp accept\n"
		      "\t\tmeta nfproto ipv4 udp sport 68 udp dport 67 accept\n"
		      "\t\tmeta nfproto ipv6 udp sport 546 udp dport 547 accept\n"
		      "\t\ticmpv6 type { 131, 132, 133, 135, 136, 143 } ip6 hoplimit { 1, 255 } "
		      "accept\n"
		      "\t\tmeta nfproto ipv4 counter name leaked4 drop\n"
		      "\t\tmeta nfproto ipv6 counter name leaked6 drop\n"
		      "\t}\n"
		      "}\n");
}

/* --- on the wire --- */

struct guard_world {
	struct world *w;
	struct nl filter;
	struct guard_path paths[2];
	struct guard_config config;
};

static void add_rules(struct world *w)
{
	static const uint32_t marks[] = {INNER, STEER};
	static const int families[] = {AF_INET, AF_INET6};
	size_t m, f;

	for (m = 0; m < 2; m++) {
		for (f = 0; f < 2; f++) {
			struct rule rule = {
				.family = families[f],
				.priority = 10010 + (uint32_t)m,
				.protocol = OURS,
				.table = TABLE,
				.mark = marks[m],
			};

			assert_int_equal(rule_add(&w->nl, &rule, NULL), 0);
		}
	}
}

static void guard_world_init(void **state, struct guard_world *g)
{
	struct err err;

	memset(g, 0, sizeof(*g));
	g->w = world_or_skip(state);
	g->paths[0] = (struct guard_path){"wgt1", 1, address("10.1.1.2"), address("fd10:1:1::2")};
	g->paths[1] = (struct guard_path){"wgt2", 2, address("10.1.2.2"), address("fd10:1:2::2")};
	g->config = (struct guard_config){
		.table = OURTABLE,
		.inner = "wg0",
		.inner_mark = INNER,
		.steer_mark = STEER,
		.exit_port = EXIT_PORT,
		.overlay_mark = OVERLAY,
		.paths = g->paths,
		.path_count = 2,
	};
	assert_int_equal(nl_open(&g->filter, NL_NETFILTER), 0);
	if (guard_install(&g->config, &err))
		fail_msg("%s", err.text);
	run("ip route add default dev upl0 && ip -6 route add default dev upl0");
	add_rules(g->w);
	assert_int_equal(route_kernel_ops.repair(&g->w->kernel, &g->w->hop[0], &err), 0);
}

static struct guard_counters counters(struct guard_world *g)
{
	struct guard_counters out;

	assert_int_equal(guard_read(&g->filter, OURTABLE, &out), 0);
	return out;
}

static uint64_t leaked(struct guard_world *g)
{
	return counters(g).leaked;
}

static uint64_t blocked(struct guard_world *g)
{
	return counters(g).blocked;
}

/* The next UDP packet out of `device` has that source and goes to the exit. */
static void assert_seen(struct guard_world *g, int device, const char *source)
{
	struct ip wanted = address(source);
	struct seen seen;

	assert_true(world_see(g->w, device, &seen));
	assert_true(ip_equal(&seen.source, &wanted));
	assert_int_equal(seen.to_port, EXIT_PORT);
}

/* Sends from a socket that insists on path 1's address, as WireGuard does once it has received
 * something there, and expects the packet on the path that the route names, with its source. */
static void check_steering(void **state, int family, const char *exit_text, const char *own1,
			   const char *own2)
{
	struct route_swap_result result;
	struct guard_world g;
	int fd, i;

	guard_world_init(state, &g);
	fd = world_udp_socket(family, INNER, own1);
	for (i = 0; i < 6; i++) {
		assert_int_equal(world_send(fd, exit_text), 0);
		assert_seen(&g, i % 2 ? WGT2 : WGT1, i % 2 ? own2 : own1);
		assert_int_equal(route_kernel_ops.swap(&g.w->kernel, &g.w->hop[i % 2],
						       &g.w->hop[!(i % 2)], &result),
				 0);
	}
	assert_int_equal(leaked(&g), 0);
	close(fd);
	nl_close(&g.filter);
}

static void an_ipv4_packet_gets_the_source_of_its_path(void **state)
{
	check_steering(state, AF_INET, "192.0.2.9:51820", "10.1.1.2", "10.1.2.2");
}

static void an_ipv6_packet_gets_the_source_of_its_path(void **state)
{
	check_steering(state, AF_INET6, "[2001:db8:9::9]:51820", "fd10:1:1::2", "fd10:1:2::2");
}

static void a_pinned_interface_is_overruled(void **state)
{
	struct guard_world g;
	uint32_t pinned;
	int fd;

	guard_world_init(state, &g);
	pinned = htonl(g.w->ifindex[WGT2]);
	fd = world_udp_socket(AF_INET, INNER, NULL);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_UNICAST_IF, &pinned, sizeof(pinned)), 0);
	assert_int_equal(world_send(fd, "192.0.2.9:51820"), 0);
	assert_seen(&g, WGT1, "10.1.1.2");
	close(fd);
	nl_close(&g.filter);
}

static void what_passes_the_inner_tunnel_is_dropped_and_counted(void **state)
{
	struct ip_prefix bypass[] = {prefix("203.0.113.0/24")};
	struct guard_world g;
	int plain, overlay;
	struct err err;

	guard_world_init(state, &g);
	plain = world_udp_socket(AF_INET, 0, NULL);
	overlay = world_udp_socket(AF_INET, OVERLAY, NULL);
	world_send(plain, "192.0.2.9:51820");
	assert_int_equal(blocked(&g), 1);
	assert_int_equal(world_send(overlay, "192.0.2.9:51820"), 0);
	assert_seen(&g, UPL0, "198.51.100.2");
	g.config.bypass = bypass;
	g.config.bypass_count = 1;
	assert_int_equal(guard_install(&g.config, &err), 0);
	assert_true(guard_verify(&g.filter, &g.config));
	assert_int_equal(world_send(plain, "203.0.113.200:51820"), 0);
	assert_seen(&g, UPL0, "198.51.100.2");
	assert_int_equal(blocked(&g), 1);
	assert_int_equal(leaked(&g), 0);
	close(plain);
	close(overlay);
	nl_close(&g.filter);
}

static void what_would_leak_is_dropped_and_counted(void **state)
{
	struct guard_world g;
	int fd4, fd6;

	guard_world_init(state, &g);
	fd4 = world_udp_socket(AF_INET, INNER, NULL);
	fd6 = world_udp_socket(AF_INET6, INNER, NULL);
	/* Now only the guard is left. */
	assert_int_equal(rule_remove_all(&g.w->nl, OURS), 0);
	world_send(fd4, "192.0.2.9:51820");
	assert_int_equal(leaked(&g), 1);
	world_send(fd6, "[2001:db8:9::9]:51820");
	assert_int_equal(leaked(&g), 2);
	world_send(fd4, "192.0.2.9:53"); /* another port is no way round it */
	assert_int_equal(leaked(&g), 3);
	assert_int_equal(blocked(&g), 0);
	close(fd4);
	close(fd6);
	nl_close(&g.filter);
}

static void a_new_install_keeps_the_count(void **state)
{
	struct guard_world g;
	struct err err;
	int fd;

	guard_world_init(state, &g);
	fd = world_udp_socket(AF_INET, STEER, NULL);
	assert_int_equal(rule_remove_all(&g.w->nl, OURS), 0);
	world_send(fd, "192.0.2.9:51820");
	assert_int_equal(leaked(&g), 1);
	g.config.direct = true;
	assert_int_equal(guard_install(&g.config, &err), 0);
	assert_true(guard_verify(&g.filter, &g.config));
	assert_int_equal(leaked(&g), 1);
	g.config.direct = false;
	g.config.path_count = 1;
	assert_int_equal(guard_install(&g.config, &err), 0);
	assert_int_equal(leaked(&g), 1);
	world_send(fd, "192.0.2.9:51820");
	assert_int_equal(leaked(&g), 2);
	close(fd);
	nl_close(&g.filter);
}

static void direct_mode_lets_only_overlays_out(void **state)
{
	struct ip_prefix bypass[] = {prefix("203.0.113.0/24"), prefix("203.0.113.128/25")};
	int plain, overlay;
	struct guard_world g;
	struct err err;

	guard_world_init(state, &g);
	g.config.direct = true;
	g.config.bypass = bypass;
	g.config.bypass_count = 2;
	if (guard_install(&g.config, &err))
		fail_msg("%s", err.text);
	assert_true(guard_verify(&g.filter, &g.config));
	plain = world_udp_socket(AF_INET, 0, NULL);
	overlay = world_udp_socket(AF_INET, OVERLAY, NULL);
	world_send(plain, "192.0.2.9:51820");
	assert_int_equal(leaked(&g), 1);
	assert_int_equal(world_send(overlay, "192.0.2.9:51820"), 0);
	assert_seen(&g, UPL0, "198.51.100.2");
	assert_int_equal(world_send(plain, "203.0.113.200:51820"), 0);
	assert_seen(&g, UPL0, "198.51.100.2");
	run("ip route replace default dev wgt1");
	assert_int_equal(world_send(plain, "192.0.2.9:51820"), 0);
	assert_seen(&g, WGT1, "10.1.1.2");
	assert_int_equal(leaked(&g), 1);
	close(plain);
	close(overlay);
	nl_close(&g.filter);
}

static void what_others_do_to_it_is_noticed(void **state)
{
	struct guard_world g;
	struct guard_counters out;
	struct err err;

	guard_world_init(state, &g);
	assert_true(guard_verify(&g.filter, &g.config));
	run("nft flush chain inet " OURTABLE " out1");
	assert_false(guard_verify(&g.filter, &g.config));
	assert_int_equal(guard_install(&g.config, &err), 0);
	assert_true(guard_verify(&g.filter, &g.config));
	run("nft delete table inet " OURTABLE);
	assert_false(guard_verify(&g.filter, &g.config));
	assert_int_equal(guard_read(&g.filter, OURTABLE, &out), -ENOENT);
	nl_close(&g.filter);
}

static void remove_takes_our_table_only_and_may_be_repeated(void **state)
{
	struct guard_world g;
	struct err err;

	guard_world_init(state, &g);
	run("nft add table inet other");
	assert_int_equal(guard_remove(OURTABLE, &err), 0);
	assert_int_equal(guard_remove(OURTABLE, &err), 0);
	run("nft list table inet other > /dev/null");
	run("! nft list table inet " OURTABLE " 2> /dev/null");
	nl_close(&g.filter);
}

static void a_bad_script_says_why_and_changes_nothing(void **state)
{
	struct guard_world g;
	struct err err;

	guard_world_init(state, &g);
	strcpy(g.paths[1].overlay, "wgt\"2");
	assert_int_not_equal(guard_install(&g.config, &err), 0);
	assert_non_null(strstr(err.text, "nftables: "));
	strcpy(g.paths[1].overlay, "wgt2");
	assert_true(guard_verify(&g.filter, &g.config));
	nl_close(&g.filter);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nested_script_is_as_designed),
		cmocka_unit_test(the_direct_script_is_as_designed),
		TEST(an_ipv4_packet_gets_the_source_of_its_path),
		TEST(an_ipv6_packet_gets_the_source_of_its_path),
		TEST(a_pinned_interface_is_overruled),
		TEST(what_passes_the_inner_tunnel_is_dropped_and_counted),
		TEST(what_would_leak_is_dropped_and_counted),
		TEST(a_new_install_keeps_the_count),
		TEST(direct_mode_lets_only_overlays_out),
		TEST(what_others_do_to_it_is_noticed),
		TEST(remove_takes_our_table_only_and_may_be_repeated),
		TEST(a_bad_script_says_why_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
