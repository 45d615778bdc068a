/* Rules, conflicts, interfaces, addresses and settings, on a real kernel. */
#include "netlink/conflict.h"
#include "tests/unit/netlink_packets.h"

/* --- rules --- */

static struct rule mark_rule(int family, uint32_t priority)
{
	return (struct rule){
		.family = family,
		.priority = priority,
		.protocol = OURS,
		.table = TABLE,
		.mark = INNER,
	};
}

static size_t count_of(struct world *w, uint8_t protocol)
{
	struct rule *rules;
	size_t count, i, found = 0;

	assert_int_equal(rule_dump(&w->nl, &rules, &count), 0);
	for (i = 0; i < count; i++)
		found += rules[i].protocol == protocol;
	free(rules);
	return found;
}

static bool is_there(struct world *w, const struct rule *rule)
{
	struct rule *rules;
	size_t count, i;
	bool found = false;

	assert_int_equal(rule_dump(&w->nl, &rules, &count), 0);
	for (i = 0; i < count; i++)
		found |= rule_equal(&rules[i], rule);
	free(rules);
	return found;
}

static void every_kind_of_rule_comes_back_as_it_was(void **state)
{
	struct world *w = world_or_skip(state);
	struct rule all[] = {
		{.family = AF_INET,
		 .priority = 10000,
		 .protocol = OURS,
		 .table = 254,
		 .mark = OVERLAY},
		{.family = AF_INET6,
		 .priority = 10001,
		 .protocol = OURS,
		 .unreachable = true,
		 .mark = OVERLAY},
		{.family = AF_INET,
		 .priority = 10020,
		 .protocol = OURS,
		 .table = INNER,
		 .mark = INNER,
		 .invert = true},
		{.family = AF_INET6,
		 .priority = 10030,
		 .protocol = OURS,
		 .table = 60001,
		 .oifname = "wgt1"},
		{.family = AF_INET,
		 .priority = 10040,
		 .protocol = OURS,
		 .table = 254,
		 .to = prefix("192.168.0.0/16")},
		{.family = AF_INET6,
		 .priority = 10041,
		 .protocol = OURS,
		 .table = 254,
		 .to = prefix("fd00::/8")},
		{.family = AF_INET,
		 .priority = 10042,
		 .protocol = OURS,
		 .table = 70000,
		 .mark = 1,
		 .oifname = "a.b:c",
		 .to = prefix("203.0.113.7/32")},
	};
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (rule_add(&w->nl, &all[i], &err))
			fail_msg("%s", err.text);
		assert_true(is_there(w, &all[i]));
	}
	assert_int_equal(count_of(w, OURS), i);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_int_equal(rule_delete(&w->nl, &all[i]), 0);
		assert_false(is_there(w, &all[i]));
		assert_int_equal(rule_delete(&w->nl, &all[i]), 0);
	}
	assert_int_equal(count_of(w, OURS), 0);
}

static void adding_twice_makes_one(void **state)
{
	struct world *w = world_or_skip(state);
	struct rule rule = mark_rule(AF_INET6, 10010);

	assert_int_equal(rule_add(&w->nl, &rule, NULL), 0);
	assert_int_equal(rule_add(&w->nl, &rule, NULL), 0);
	assert_int_equal(count_of(w, OURS), 1);
}

static void a_rule_that_is_like_it_but_not_it_is_an_error(void **state)
{
	struct world *w = world_or_skip(state);
	struct rule rule = mark_rule(AF_INET, 10010);
	struct err err;

	run("ip rule add from 10.0.0.0/8 fwmark 51820 lookup 51821 pref 10010 proto 201");
	assert_int_equal(rule_add(&w->nl, &rule, &err), -EEXIST);
	assert_string_equal(err.text, "IPv4 rule 10010: fwmark 51820 lookup 51821: a rule like it "
				      "is there already");
}

static void remove_all_takes_ours_only(void **state)
{
	struct world *w = world_or_skip(state);
	size_t kernels = count_of(w, RTPROT_KERNEL);
	struct rule rule;
	uint32_t i;

	for (i = 0; i < 10; i++) {
		rule = mark_rule(i % 2 ? AF_INET : AF_INET6, 10000 + i);
		assert_int_equal(rule_add(&w->nl, &rule, NULL), 0);
	}
	run("ip rule add fwmark 51820 lookup 51821 pref 9999 proto 77");
	run("ip -6 rule add not fwmark 5 lookup 51821 pref 10010 proto 77");
	assert_int_equal(rule_remove_all(&w->nl, OURS), 0);
	assert_int_equal(count_of(w, OURS), 0);
	assert_int_equal(count_of(w, FOREIGN), 2);
	assert_int_equal(count_of(w, RTPROT_KERNEL), kernels);
}

static void a_rule_with_more_to_it_is_not_ours(void **state)
{
	struct world *w = world_or_skip(state);
	struct rule rule = mark_rule(AF_INET, 10010);

	run("ip rule add from 10.0.0.0/8 fwmark 51820 lookup 51821 pref 10010 proto 201");
	assert_false(is_there(w, &rule));
	run("ip rule add fwmark 51820/0xff lookup 51821 pref 10010 proto 201");
	assert_false(is_there(w, &rule));
	run("ip rule add fwmark 51820 lookup 51821 suppress_prefixlength 0 pref 10010 proto 201");
	assert_false(is_there(w, &rule));
	assert_int_equal(rule_remove_all(&w->nl, OURS), 0);
	assert_int_equal(rule_add(&w->nl, &rule, NULL), 0);
	assert_true(is_there(w, &rule));
}

/* --- conflicts --- */

static int conflict(struct world *w, struct err *err)
{
	static const uint32_t tables[] = {INNER, TABLE}, marks[] = {INNER, OVERLAY},
			      priorities[] = {10000, 10001};
	const struct conflict_claim claim = {
		.protocol = OURS,
		.tables = tables,
		.table_count = 2,
		.marks = marks,
		.mark_count = 2,
		.priorities = priorities,
		.priority_count = 2,
	};

	return conflict_find(&w->nl, &claim, err);
}

static void what_is_ours_or_elsewhere_is_no_conflict(void **state)
{
	struct world *w = world_or_skip(state);
	struct rule rule = mark_rule(AF_INET, 10000);
	struct err err;

	assert_int_equal(conflict(w, &err), 0);
	assert_int_equal(rule_add(&w->nl, &rule, NULL), 0);
	assert_int_equal(route_kernel_ops.repair(&w->kernel, &w->hop[0], NULL), 0);
	run("ip rule add fwmark 7 lookup 7 pref 9000 proto 77");
	run("ip route add 203.0.113.0/24 dev wgt1 table 7 proto 77");
	assert_int_equal(conflict(w, &err), 0);
}

static void every_conflict_is_named(void **state)
{
	static const struct {
		const char *make, *undo, *says;
	} cases[] = {
		{"ip rule add fwmark 51821/0xffff lookup 7 pref 9000",
		 "ip rule del fwmark 51821/0xffff lookup 7 pref 9000", "uses the same mark"},
		{"ip -6 rule add fwmark 9 lookup 51820 pref 9000",
		 "ip -6 rule del fwmark 9 lookup 51820 pref 9000", "uses the same table"},
		{"ip rule add from 10.0.0.1 lookup 7 pref 10001", "ip rule del pref 10001",
		 "IPv4 rule 10001"},
		{"ip route add 203.0.113.0/24 dev wgt1 table 51821",
		 "ip route del 203.0.113.0/24 dev wgt1 table 51821", "203.0.113.0/24"},
		{"ip -6 route add unreachable 2001:db8:7::/48 table 51820",
		 "ip -6 route del unreachable 2001:db8:7::/48 table 51820", "2001:db8:7::/48"},
	};
	struct world *w = world_or_skip(state);
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(cases[i].make);
		assert_int_equal(conflict(w, &err), -EBUSY);
		assert_non_null(strstr(err.text, cases[i].says));
		run(cases[i].undo);
		assert_int_equal(conflict(w, &err), 0);
	}
}

/* --- interfaces and addresses --- */

static void an_interface_is_read_and_changed(void **state)
{
	struct world *w = world_or_skip(state);
	struct link by_name, by_index;

	assert_int_equal(link_get(&w->nl, "wgt1", &by_name), 0);
	assert_int_equal(by_name.ifindex, w->ifindex[WGT1]);
	assert_string_equal(by_name.kind, "tun");
	assert_string_equal(by_name.alias, "");
	assert_true(by_name.flags & IFF_UP);
	assert_int_equal(link_set_mtu(&w->nl, by_name.ifindex, 1420), 0);
	assert_int_equal(link_set_alias(&w->nl, by_name.ifindex, "comps:comps"), 0);
	assert_int_equal(link_set_up(&w->nl, by_name.ifindex, false), 0);
	assert_int_equal(link_get_index(&w->nl, by_name.ifindex, &by_index), 0);
	assert_int_equal(by_index.mtu, 1420);
	assert_string_equal(by_index.name, "wgt1");
	assert_string_equal(by_index.alias, "comps:comps");
	assert_false(by_index.flags & IFF_UP);
}

static void counters_count(void **state)
{
	struct world *w = world_or_skip(state);
	uint8_t packet[28] = {0x45, 0, 0, sizeof(packet), [8] = 64, [9] = IPPROTO_UDP, 10, 11};
	int fd = world_udp_socket(AF_INET, 0, NULL);
	struct link before, after;
	struct seen seen;

	run("ip route add default dev wgt1");
	assert_int_equal(link_get_index(&w->nl, w->ifindex[WGT1], &before), 0);
	assert_int_equal(write(w->far[WGT1], packet, sizeof(packet)), sizeof(packet));
	assert_int_equal(world_send(fd, "192.0.2.9:9"), 0);
	assert_true(world_see(w, WGT1, &seen)); /* TUN counts what was fetched */
	assert_int_equal(link_get_index(&w->nl, w->ifindex[WGT1], &after), 0);
	assert_int_equal(after.rx_packets - before.rx_packets, 1);
	assert_int_equal(after.rx_bytes - before.rx_bytes, sizeof(packet));
	assert_true(after.tx_packets > before.tx_packets);
	assert_true(after.tx_bytes >= before.tx_bytes + 29);
	close(fd);
}

static void what_is_missing_is_enodev(void **state)
{
	struct world *w = world_or_skip(state);
	struct link link;

	assert_int_equal(link_get(&w->nl, "nosuch0", &link), -ENODEV);
	assert_int_equal(link_get(&w->nl, "a-name-that-is-too-long", &link), -ENODEV);
	assert_int_equal(link_get_index(&w->nl, 4711, &link), -ENODEV);
	assert_int_equal(link_set_up(&w->nl, 4711, true), -ENODEV);
	assert_int_equal(link_delete(&w->nl, 4711), -ENODEV);
}

static void all_interfaces_are_listed(void **state)
{
	struct world *w = world_or_skip(state);
	struct link *links;
	size_t count, i, tuns = 0;

	assert_int_equal(link_dump(&w->nl, &links, &count), 0);
	for (i = 0; i < count; i++)
		tuns += !strcmp(links[i].kind, "tun");
	assert_int_equal(tuns, DEVICES);
	free(links);
}

static void a_kind_that_the_kernel_lacks_is_said_so(void **state)
{
	struct world *w = world_or_skip(state);
	struct err err;

	assert_int_equal(link_create(&w->nl, "x0", "no-such-kind", "tag", &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.text, "x0 of kind no-such-kind"));
	assert_int_equal(if_nametoindex("x0"), 0);
}

static void a_made_interface_carries_our_tag(void **state)
{
	struct world *w = world_or_skip(state);
	struct link link;
	struct err err;

	if (link_create(&w->nl, "x0", "bridge", "comps", &err)) {
		print_message("%s: skipped\n", err.text);
		skip();
	}
	assert_int_equal(link_get(&w->nl, "x0", &link), 0);
	assert_string_equal(link.alias, "comps");
	assert_string_equal(link.kind, "bridge");
	assert_int_equal(link_create(&w->nl, "x0", "bridge", "comps", &err), -EEXIST);
	assert_int_equal(link_get(&w->nl, "x0", &link), 0);
	assert_int_equal(link_delete(&w->nl, link.ifindex), 0);
}

static void addresses_come_and_go(void **state)
{
	struct world *w = world_or_skip(state);
	struct ip_prefix v4 = prefix("10.9.9.2/24"), v6 = prefix("fd09::2/64");
	struct addr *addrs;
	size_t count, i, found = 0;

	assert_int_equal(addr_add(&w->nl, w->ifindex[WGT1], &v4), 0);
	assert_int_equal(addr_add(&w->nl, w->ifindex[WGT1], &v4), 0);
	assert_int_equal(addr_add(&w->nl, w->ifindex[WGT1], &v6), 0);
	assert_int_equal(addr_dump(&w->nl, w->ifindex[WGT1], &addrs, &count), 0);
	for (i = 0; i < count; i++) {
		assert_int_equal(addrs[i].ifindex, w->ifindex[WGT1]);
		found += ip_prefix_equal(&addrs[i].prefix, &v4) ||
			 ip_prefix_equal(&addrs[i].prefix, &v6);
	}
	free(addrs);
	assert_int_equal(found, 2);
	for (i = 0; i < 2; i++) {
		assert_int_equal(addr_delete(&w->nl, w->ifindex[WGT1], &v4), 0);
		assert_int_equal(addr_delete(&w->nl, w->ifindex[WGT1], &v6), 0);
	}
	assert_int_equal(addr_add(&w->nl, 4711, &v4), -ENODEV);
}

static void families_are_those_of_usable_addresses(void **state)
{
	struct world *w = world_or_skip(state);
	struct ip_prefix v4 = prefix("10.1.1.2/32"), v6 = prefix("fd10:1:1::2/128");
	bool has4, has6;

	assert_int_equal(addr_families(&w->nl, w->ifindex[WGT1], &has4, &has6), 0);
	assert_true(has4 && has6);
	assert_int_equal(addr_delete(&w->nl, w->ifindex[WGT1], &v4), 0);
	assert_int_equal(addr_families(&w->nl, w->ifindex[WGT1], &has4, &has6), 0);
	assert_true(!has4 && has6);
	assert_int_equal(addr_delete(&w->nl, w->ifindex[WGT1], &v6), 0);
	assert_int_equal(addr_families(&w->nl, w->ifindex[WGT1], &has4, &has6), 0);
	assert_true(!has4 && !has6);
}

/* --- settings (plain files will do) --- */

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void only_what_differs_is_written(void **state)
{
	char root[] = "/tmp/comps-sysctl-XXXXXX", path[64], value[SYSCTL_VALUE_BYTES];
	struct sysctl_change change;

	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/rp_filter", root);
	write_file(path, "2\n");
	assert_int_equal(sysctl_ensure(root, "rp_filter", "2", &change), 0);
	assert_false(change.written);
	assert_string_equal(change.old, "2");
	assert_int_equal(sysctl_ensure(root, "rp_filter", "0", &change), 0);
	assert_true(change.written);
	assert_string_equal(change.key, "rp_filter");
	assert_string_equal(change.old, "2");
	assert_string_equal(change.new, "0");
	assert_int_equal(sysctl_read(root, "rp_filter", value, sizeof(value)), 0);
	assert_string_equal(value, "0");
	assert_int_equal(sysctl_ensure(root, "no_such", "0", &change), -ENOENT);
	assert_false(change.written);
	unlink(path);
	rmdir(root);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_kind_of_rule_comes_back_as_it_was),
		TEST(adding_twice_makes_one),
		TEST(a_rule_that_is_like_it_but_not_it_is_an_error),
		TEST(remove_all_takes_ours_only),
		TEST(a_rule_with_more_to_it_is_not_ours),
		TEST(what_is_ours_or_elsewhere_is_no_conflict),
		TEST(every_conflict_is_named),
		TEST(an_interface_is_read_and_changed),
		TEST(counters_count),
		TEST(what_is_missing_is_enodev),
		TEST(all_interfaces_are_listed),
		TEST(a_kind_that_the_kernel_lacks_is_said_so),
		TEST(a_made_interface_carries_our_tag),
		TEST(addresses_come_and_go),
		TEST(families_are_those_of_usable_addresses),
		cmocka_unit_test(only_what_differs_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
