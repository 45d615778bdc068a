/* monitor and rxwatch: what the kernel tells, and when the first packet came. */
#include "lib/clock.h"
#include "netlink/monitor.h"
#include "netlink/rxwatch.h"
#include "tests/unit/netlink_packets.h"

/* --- monitor --- */

struct expected {
	struct monitor_event like; /* kind and the fields that are not zero */
	bool seen;
};

static void match(void *arg, const struct monitor_event *event)
{
	struct expected *expected = arg;
	const struct monitor_event *like = &expected->like;

	expected->seen |= event->kind == like->kind && event->deleted == like->deleted &&
			  (!like->family || event->family == like->family) &&
			  (!like->ifindex || event->ifindex == like->ifindex) &&
			  (!like->table || event->table == like->table) &&
			  (!like->protocol || event->protocol == like->protocol) &&
			  (!like->port || event->port == like->port) &&
			  (event->kind != MONITOR_LINK || event->up == like->up);
}

static void assert_event(struct monitor *monitor, struct monitor_event like)
{
	struct pollfd item = {.fd = monitor->fd, .events = POLLIN};
	struct expected expected = {.like = like};

	while (!expected.seen && poll(&item, 1, PATIENCE_MS) > 0)
		assert_int_equal(monitor_dispatch(monitor, match, &expected), 0);
	assert_true(expected.seen);
}

static void every_kind_of_change_is_told(void **state)
{
	struct world *w = world_or_skip(state);
	uint32_t device = w->ifindex[WGT1];
	struct monitor monitor;

	assert_int_equal(monitor_open(&monitor), 0);
	run("ip route add 203.0.113.0/24 dev wgt1 table 51821 proto 201");
	assert_event(&monitor, (struct monitor_event){.kind = MONITOR_ROUTE,
						      .family = AF_INET,
						      .ifindex = device,
						      .table = TABLE,
						      .protocol = OURS});
	run("ip -6 route add 2001:db8:7::/48 dev wgt1 table 51821 proto 201");
	run("ip -6 route del 2001:db8:7::/48 dev wgt1 table 51821");
	assert_event(&monitor, (struct monitor_event){.kind = MONITOR_ROUTE,
						      .deleted = true,
						      .family = AF_INET6,
						      .ifindex = device,
						      .table = TABLE});
	run("ip rule add fwmark 5 lookup 51820 pref 9 proto 77");
	assert_event(&monitor, (struct monitor_event){.kind = MONITOR_RULE,
						      .family = AF_INET,
						      .table = INNER,
						      .protocol = FOREIGN});
	run("ip -6 rule add fwmark 5 lookup 51820 pref 9 && ip -6 rule del pref 9");
	assert_event(&monitor, (struct monitor_event){.kind = MONITOR_RULE,
						      .deleted = true,
						      .family = AF_INET6,
						      .table = INNER});
	run("ip address add 10.7.7.7/32 dev wgt1");
	assert_event(&monitor, (struct monitor_event){
				       .kind = MONITOR_ADDR, .family = AF_INET, .ifindex = device});
	run("ip address del fd10:1:1::2/128 dev wgt1");
	assert_event(&monitor, (struct monitor_event){.kind = MONITOR_ADDR,
						      .deleted = true,
						      .family = AF_INET6,
						      .ifindex = device});
	run("ip link set wgt1 down");
	assert_event(&monitor, (struct monitor_event){.kind = MONITOR_LINK, .ifindex = device});
	run("ip link set wgt1 up");
	assert_event(&monitor,
		     (struct monitor_event){.kind = MONITOR_LINK, .ifindex = device, .up = true});
	close(w->far[WGT1]);
	w->far[WGT1] = -1;
	assert_event(&monitor, (struct monitor_event){
				       .kind = MONITOR_LINK, .deleted = true, .ifindex = device});
	monitor_close(&monitor);
}

static void an_event_tells_whose_doing_it_was(void **state)
{
	struct world *w = world_or_skip(state);
	struct rule rule = {
		.family = AF_INET, .priority = 9, .protocol = OURS, .table = TABLE, .mark = INNER};
	struct route pin = route_pin(&w->kernel.owner, &w->hop[0], AF_INET);
	struct monitor monitor;

	assert_int_equal(monitor_open(&monitor), 0);
	assert_int_equal(rule_add(&w->nl, &rule, NULL), 0);
	assert_event(&monitor, (struct monitor_event){.kind = MONITOR_RULE, .port = w->nl.portid});
	assert_int_equal(route_apply(&w->nl, ROUTE_ADD, &pin, NULL), 0);
	assert_event(&monitor, (struct monitor_event){.kind = MONITOR_ROUTE, .port = w->nl.portid});
	assert_int_equal(rule_delete(&w->nl, &rule), 0);
	assert_event(&monitor, (struct monitor_event){.kind = MONITOR_RULE,
						      .deleted = true,
						      .port = w->nl.portid});
	monitor_close(&monitor);
}

static void lost_events_ask_for_a_resync(void **state)
{
	struct world *w = world_or_skip(state);
	struct route_hop hop = w->hop[0];
	struct monitor monitor;
	int queue = 2048;

	assert_int_equal(monitor_open(&monitor), 0);
	assert_int_equal(setsockopt(monitor.fd, SOL_SOCKET, SO_RCVBUF, &queue, sizeof(queue)), 0);
	for (hop.label = 1; hop.label <= 100; hop.label++) {
		struct route pin = route_pin(&w->kernel.owner, &hop, AF_INET);

		assert_int_equal(route_apply(&w->nl, ROUTE_ADD, &pin, NULL), 0);
	}
	assert_event(&monitor, (struct monitor_event){.kind = MONITOR_RESYNC});
	monitor_close(&monitor);
	monitor_close(&monitor);
}

/* --- rxwatch --- */

/* A UDP packet to this host; `words` is the length of an IPv4 header in words of 4 bytes. */
static void receive(struct world *w, int device, const char *from, unsigned int words,
		    uint16_t fragment)
{
	struct endpoint source = endpoint(from);
	uint8_t packet[128] = {0};
	bool v4 = source.ip.family == AF_INET;
	size_t header = v4 ? 4 * words : 40, length = header + 8 + 20;

	if (v4) {
		packet[0] = (uint8_t)(0x40 | words);
		packet[3] = (uint8_t)length;
		packet[6] = (uint8_t)(fragment >> 8);
		packet[7] = (uint8_t)fragment;
		packet[8] = 64;
		packet[9] = IPPROTO_UDP;
		memcpy(packet + 12, source.ip.bytes, 4);
	} else {
		packet[0] = 0x60;
		packet[5] = 28;
		packet[6] = IPPROTO_UDP;
		packet[7] = 64;
		memcpy(packet + 8, source.ip.bytes, 16);
	}
	packet[header] = (uint8_t)(source.port >> 8);
	packet[header + 1] = (uint8_t)source.port;
	assert_int_equal(write(w->far[device], packet, length), length);
}

static bool arrived(struct rxwatch *watch, int64_t *wall_us)
{
	struct pollfd item = {.fd = watch->fd, .events = POLLIN};

	return poll(&item, 1, PATIENCE_MS) > 0 && !rxwatch_read(watch, wall_us);
}

static void check_watch(struct world *w, const char *exit_text, const char *const *others,
			size_t other_count, unsigned int words)
{
	struct endpoint from = endpoint(exit_text);
	struct rxwatch watch;
	int64_t wall_us, before_us;
	size_t i;

	assert_int_equal(rxwatch_open(&watch, w->ifindex[WGT2]), 0);
	receive(w, WGT2, exit_text, words, 0);
	assert_int_equal(rxwatch_read(&watch, &wall_us), -EAGAIN); /* not armed */
	assert_int_equal(rxwatch_arm(&watch, &from), 0);
	receive(w, WGT1, exit_text, words, 0);	 /* another interface */
	receive(w, WGT2, exit_text, words, 100); /* no first fragment: it has no ports */
	for (i = 0; i < other_count; i++)
		receive(w, WGT2, others[i], words, 0);
	before_us = clock_wall_us();
	receive(w, WGT2, exit_text, words, 0);
	receive(w, WGT2, exit_text, words, 0);
	assert_true(arrived(&watch, &wall_us));
	/* Had one of the wrong ones passed, it would have been before. */
	assert_true(wall_us >= before_us && wall_us <= clock_wall_us());
	receive(w, WGT2, exit_text, words, 0);
	assert_int_equal(rxwatch_read(&watch, &wall_us), -EAGAIN); /* disarmed */
	assert_int_equal(rxwatch_arm(&watch, &from), 0);
	receive(w, WGT2, exit_text, words, 0);
	assert_true(arrived(&watch, &wall_us));
	rxwatch_close(&watch);
}

static void the_first_ipv4_packet_from_the_exit_is_timed(void **state)
{
	static const char *const others[] = {"192.0.2.8:51820", "192.0.2.9:51821"};

	check_watch(world_or_skip(state), "192.0.2.9:51820", others, 2, 5);
}

static void ip_options_do_not_hide_the_port(void **state)
{
	static const char *const others[] = {"192.0.2.9:51821"};

	check_watch(world_or_skip(state), "192.0.2.9:51820", others, 1, 8);
}

static void our_own_packets_do_not_count(void **state)
{
	struct world *w = world_or_skip(state);
	struct endpoint own = endpoint("10.1.2.2:4444");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage sockaddr;
	struct rxwatch watch;
	int64_t wall_us;
	struct seen seen;

	run("ip route add default dev wgt2");
	assert_int_equal(
		bind(fd, (struct sockaddr *)&sockaddr, endpoint_to_sockaddr(&own, &sockaddr)), 0);
	assert_int_equal(rxwatch_open(&watch, w->ifindex[WGT2]), 0);
	assert_int_equal(rxwatch_arm(&watch, &own), 0);
	assert_int_equal(world_send(fd, "192.0.2.9:9"), 0);
	assert_true(world_see(w, WGT2, &seen));
	assert_int_equal(rxwatch_read(&watch, &wall_us), -EAGAIN);
	rxwatch_close(&watch);
	close(fd);
}

static void the_first_ipv6_packet_from_the_exit_is_timed(void **state)
{
	struct world *w = world_or_skip(state);
	static const char *const others[] = {"[2001:db8:9::8]:51820", "[2001:db8:8::9]:51820",
					     "[2001:db8:9::9]:51821", "[2001:db8:9:0:1::9]:51820"};
	struct endpoint from = endpoint("[2001:db8:9::9]:51820");
	struct rxwatch watch;
	int64_t wall_us, before_us;
	size_t i;

	assert_int_equal(rxwatch_open(&watch, w->ifindex[WGT2]), 0);
	assert_int_equal(rxwatch_arm(&watch, &from), 0);
	for (i = 0; i < 4; i++)
		receive(w, WGT2, others[i], 0, 0);
	before_us = clock_wall_us();
	receive(w, WGT2, "[2001:db8:9::9]:51820", 0, 0);
	assert_true(arrived(&watch, &wall_us));
	assert_true(wall_us >= before_us);
	rxwatch_close(&watch);
}

static void a_vanished_interface_is_an_error(void **state)
{
	struct world *w = world_or_skip(state);
	struct endpoint from = endpoint("192.0.2.9:51820");
	struct rxwatch watch;
	int64_t wall_us;

	assert_int_equal(rxwatch_open(&watch, 4711), -ENODEV);
	assert_int_equal(watch.fd, -1);
	assert_int_equal(rxwatch_open(&watch, w->ifindex[WGT1]), 0);
	assert_int_equal(rxwatch_arm(&watch, &from), 0);
	assert_int_equal(link_delete(&w->nl, w->ifindex[WGT1]), 0);
	assert_int_equal(rxwatch_read(&watch, &wall_us), -ENETDOWN);
	rxwatch_close(&watch);
	rxwatch_close(&watch);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_kind_of_change_is_told),
		TEST(an_event_tells_whose_doing_it_was),
		TEST(lost_events_ask_for_a_resync),
		TEST(the_first_ipv4_packet_from_the_exit_is_timed),
		TEST(ip_options_do_not_hide_the_port),
		TEST(our_own_packets_do_not_count),
		TEST(the_first_ipv6_packet_from_the_exit_is_timed),
		TEST(a_vanished_interface_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
