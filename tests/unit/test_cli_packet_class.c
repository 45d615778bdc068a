/* What is a leak, judged by a packet's bytes alone: built packets of every kind, cut off ones, and
 * random ones. */
#include <net/ethernet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/packet_class.h"
#include "lib/rng.h"
#include "tests/unit/frame.h"

#define PROXY4	  "198.18.1.2"
#define PROXY6	  "2001:db8:1::2"
#define OTHER4	  "203.0.113.9"
#define OTHER6	  "2001:db8:ffff::9"
#define PORT	  51820
#define ROUNDS	  20000
#define QINQ	  0x88a8
#define WIREGUARD "\x04\0\0\0receiver"

/* UDP over the family of `to`, in an Ethernet frame. */
static struct frame udp(const char *to, uint16_t port, const char *payload, size_t bytes)
{
	struct frame f = {.count = 0};

	frame_put(&f, payload, bytes);
	frame_put_udp(&f, 40000, port);
	if (strchr(to, ':'))
		frame_put_ip6(&f, IPPROTO_UDP, to, 64);
	else
		frame_put_ip4(&f, IPPROTO_UDP, to, 0);
	frame_put_ethernet(&f, strchr(to, ':') ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	return f;
}

static struct frame wireguard(const char *to, uint16_t port)
{
	return udp(to, port, WIREGUARD, sizeof(WIREGUARD));
}

/* --- the rules of a configuration --- */

struct world {
	struct endpoint proxies[2];
	struct ip_prefix bypass[2];
	const char *names[2];
	struct packet_rules rules;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(endpoint_parse(PROXY4 ":51820", &w->proxies[0]), 0);
	assert_int_equal(endpoint_parse("[" PROXY6 "]:51820", &w->proxies[1]), 0);
	assert_int_equal(ip_prefix_parse("192.168.0.0/16", &w->bypass[0]), 0);
	assert_int_equal(ip_prefix_parse("fd77::/64", &w->bypass[1]), 0);
	w->names[0] = "fra.Proxies.example";
	w->names[1] = "waw";
	w->rules = (struct packet_rules){w->proxies, 2, w->bypass, 2, w->names, 2};
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* From memory of the exact size, so that a byte read behind it is noticed under ASan. */
static enum packet_class look(void **state, bool ethernet, uint16_t protocol, const uint8_t *bytes,
			      size_t count, struct packet_target *target)
{
	const struct world *w = *state;
	uint8_t *copy = malloc(count ? count : 1);
	struct packet_view view = {ethernet, protocol, copy, count};
	enum packet_class class;

	assert_non_null(copy);
	memcpy(copy, bytes, count);
	class = packet_class_of(&w->rules, &view, target);
	free(copy);
	return class;
}

static enum packet_class class_of(void **state, struct frame f)
{
	struct packet_target target;

	return look(state, true, 0, frame_begin(&f), f.count, &target);
}

#define expect(frame, class) assert_int_equal(class_of(state, frame), class)

/* --- what may be there --- */

static void test_tunnels(void **state)
{
	expect(wireguard(PROXY4, PORT), PACKET_TUNNEL);
	expect(wireguard(PROXY6, PORT), PACKET_TUNNEL);
	expect(udp(PROXY4, PORT, "\x01\0\0\0", 4), PACKET_TUNNEL);
}

static void test_only_wireguard_to_a_proxys_port_is_a_tunnel(void **state)
{
	expect(wireguard(PROXY4, PORT + 1), PACKET_LEAK_IPV4);
	expect(wireguard(PROXY6, PORT - 1), PACKET_LEAK_IPV6);
	expect(wireguard("198.18.1.3", PORT), PACKET_LEAK_IPV4);
	expect(wireguard("2001:db8:1::3", PORT), PACKET_LEAK_IPV6);
	expect(udp(PROXY4, PORT, "\x05\0\0\0", 4), PACKET_LEAK_IPV4);
	expect(udp(PROXY4, PORT, "\0\0\0\0", 4), PACKET_LEAK_IPV4);
	expect(udp(PROXY4, PORT, "\x04\0\0\x01", 4), PACKET_LEAK_IPV4);
	expect(udp(PROXY4, PORT, "\x04\0\0", 3), PACKET_LEAK_IPV4);
	expect(udp(PROXY4, PORT, "", 0), PACKET_LEAK_IPV4);
}

static void test_other_protocols_to_a_proxy_leak(void **state)
{
	struct frame f = {.count = 0};

	frame_put(&f, WIREGUARD, sizeof(WIREGUARD));
	frame_put_udp(&f, PORT, PORT);
	frame_put_ip4(&f, IPPROTO_TCP, PROXY4, 0);
	frame_put_ethernet(&f, ETHERTYPE_IP);
	expect(f, PACKET_LEAK_IPV4);
}

static void test_bypass(void **state)
{
	expect(udp("192.168.7.1", 22, "x", 1), PACKET_BYPASS);
	expect(udp("192.168.7.1", 53, "x", 1), PACKET_BYPASS);
	expect(udp("fd77::1", 22, "x", 1), PACKET_BYPASS);
	expect(udp("192.169.0.1", 22, "x", 1), PACKET_LEAK_IPV4);
	expect(udp("fd77:0:0:1::1", 22, "x", 1), PACKET_LEAK_IPV6);
}

static void test_frames_without_ip(void **state)
{
	static const uint16_t types[] = {ETHERTYPE_ARP, 0x88cc, 0x888e, 0x8809, 0x0026, 0x8863};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct frame f = {.count = 0};

		frame_put(&f, "whatever", 8);
		frame_put_ethernet(&f, types[i]);
		expect(f, PACKET_LINK);
	}
}

static struct frame icmp6(uint8_t type, uint8_t hops, bool router_alert)
{
	const uint8_t message[8] = {type}, alert[8] = {IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0};
	struct frame f = {.count = 0};

	frame_put(&f, message, sizeof(message));
	if (router_alert)
		frame_put(&f, alert, sizeof(alert));
	frame_put_ip6(&f, router_alert ? IPPROTO_HOPOPTS : IPPROTO_ICMPV6, "ff02::16", hops);
	frame_put_ethernet(&f, ETHERTYPE_IPV6);
	return f;
}

static void test_neighbour_discovery_and_mld(void **state)
{
	expect(icmp6(133, 255, false), PACKET_LINK);
	expect(icmp6(135, 255, false), PACKET_LINK);
	expect(icmp6(136, 255, false), PACKET_LINK);
	expect(icmp6(143, 1, true), PACKET_LINK);
	expect(icmp6(131, 1, true), PACKET_LINK);
	/* A hop limit with which it would pass a router; an echo; an advertisement of routes. */
	expect(icmp6(135, 64, false), PACKET_LEAK_IPV6);
	expect(icmp6(143, 64, true), PACKET_LEAK_IPV6);
	expect(icmp6(128, 255, false), PACKET_LEAK_IPV6);
	expect(icmp6(134, 255, false), PACKET_LEAK_IPV6);
}

static void test_igmp(void **state)
{
	struct frame f = {.count = 0};

	frame_put(&f, "\x22\0\0\0\0\0\0\0", 8);
	frame_put_ip4(&f, IPPROTO_IGMP, "224.0.0.22", 0);
	frame_put_ethernet(&f, ETHERTYPE_IP);
	expect(f, PACKET_LINK);
}

static void test_dhcp(void **state)
{
	struct frame v4 = {.count = 0}, v6 = {.count = 0}, server = {.count = 0};

	frame_put_udp(&v4, 68, 67);
	frame_put_ip4(&v4, IPPROTO_UDP, "255.255.255.255", 0);
	frame_put_ethernet(&v4, ETHERTYPE_IP);
	expect(v4, PACKET_LINK);
	frame_put_udp(&v6, 546, 547);
	frame_put_ip6(&v6, IPPROTO_UDP, "ff02::1:2", 1);
	frame_put_ethernet(&v6, ETHERTYPE_IPV6);
	expect(v6, PACKET_LINK);
	frame_put_udp(&server, 67, 68);
	frame_put_ip4(&server, IPPROTO_UDP, "255.255.255.255", 0);
	frame_put_ethernet(&server, ETHERTYPE_IP);
	expect(server, PACKET_LEAK_IPV4);
	expect(udp("255.255.255.255", 67, "", 0), PACKET_LEAK_IPV4);
}

/* --- leaks --- */

static void test_leaks(void **state)
{
	struct frame f = udp(OTHER6, 443, "x", 1);
	struct packet_target target;

	expect(udp(OTHER4, 9, "x", 1), PACKET_LEAK_IPV4);
	assert_int_equal(look(state, true, 0, frame_begin(&f), f.count, &target), PACKET_LEAK_IPV6);
	assert_int_equal(target.to.family, AF_INET6);
	assert_int_equal(target.to.bytes[15], 9);
	assert_int_equal(target.protocol, IPPROTO_UDP);
	assert_int_equal(target.port, 443);
}

static void test_dns_leaks(void **state)
{
	static const uint16_t ports[] = {53, 853, 5353, 5355};

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		expect(udp(OTHER4, ports[i], "x", 1), PACKET_LEAK_DNS);
		expect(udp(OTHER6, ports[i], "x", 1), PACKET_LEAK_DNS);
	}
	/* Not even to a proxy. */
	expect(udp(PROXY4, 53, WIREGUARD, sizeof(WIREGUARD)), PACKET_LEAK_DNS);
}

static void test_which_classes_leak(void **state)
{
	(void)state;
	assert_false(packet_class_leaks(PACKET_LINK));
	assert_false(packet_class_leaks(PACKET_TUNNEL));
	assert_false(packet_class_leaks(PACKET_LOOKUP));
	assert_false(packet_class_leaks(PACKET_BYPASS));
	assert_true(packet_class_leaks(PACKET_LEAK_IPV4));
	assert_true(packet_class_leaks(PACKET_LEAK_IPV6));
	assert_true(packet_class_leaks(PACKET_LEAK_DNS));
}

/* --- lookups of proxies --- */

#define QUERY(labels) "\x12\x34\x01\0\0\x01\0\0\0\0\0\0" labels "\0\0\x01\0\x01"
#define expect_query(labels, class)                                                                \
	expect(udp(OTHER4, 53, QUERY(labels), sizeof(QUERY(labels)) - 1), class)

static void test_lookups_of_proxies(void **state)
{
	expect_query("\x03"
		     "fra\x07proxies\x07"
		     "example",
		     PACKET_LOOKUP);
	expect_query("\x03"
		     "FRA\x07"
		     "pRoXies\x07"
		     "EXAMPLE",
		     PACKET_LOOKUP);
	expect_query("\x03waw", PACKET_LOOKUP);
	expect_query("\x03waw\x03lan", PACKET_LOOKUP);
}

static void test_other_lookups_leak(void **state)
{
	expect_query("\x03"
		     "ams\x07proxies\x07"
		     "example",
		     PACKET_LEAK_DNS);
	expect_query("\x07proxies\x07"
		     "example",
		     PACKET_LEAK_DNS);
	expect_query("\x04wawa", PACKET_LEAK_DNS);
	expect_query("\x02wa", PACKET_LEAK_DNS);
	expect_query("\x05waw\0x", PACKET_LEAK_DNS); /* a NUL inside of a label */
	expect_query("\xc0\x0c", PACKET_LEAK_DNS);   /* compressed: nobody asks that way */
	expect_query("", PACKET_LEAK_DNS);
	expect(udp(OTHER4, 853, QUERY("\x03waw"), sizeof(QUERY("\x03waw"))), PACKET_LEAK_DNS);
	/* Two questions, the second of which could be anything. */
	expect(udp(OTHER4, 53, "\x12\x34\x01\0\0\x02\0\0\0\0\0\0\x03waw\0\0\x01\0\x01", 21),
	       PACKET_LEAK_DNS);
}

/* --- what is around and before IP --- */

static void test_vlan_tags(void **state)
{
	struct frame f = {.count = 0}, leak = {.count = 0};

	frame_put(&f, WIREGUARD, sizeof(WIREGUARD));
	frame_put_udp(&f, 1, PORT);
	frame_put_ip4(&f, IPPROTO_UDP, PROXY4, 0);
	frame_put_vlan(&f, ETHERTYPE_IP);
	frame_put_vlan(&f, ETHERTYPE_VLAN);
	frame_put_ethernet(&f, QINQ);
	expect(f, PACKET_TUNNEL);
	frame_put_udp(&leak, 1, 9);
	frame_put_ip6(&leak, IPPROTO_UDP, OTHER6, 64);
	frame_put_vlan(&leak, ETHERTYPE_IPV6);
	frame_put_ethernet(&leak, ETHERTYPE_VLAN);
	expect(leak, PACKET_LEAK_IPV6);
}

static void test_pppoe(void **state)
{
	struct frame f = {.count = 0}, echo = {.count = 0};

	frame_put_udp(&f, 1, 9);
	frame_put_ip4(&f, IPPROTO_UDP, OTHER4, 0);
	frame_put(&f, "\x11\0\0\x01\0\0\0\x21", 8);
	frame_put_ethernet(&f, 0x8864);
	expect(f, PACKET_LEAK_IPV4);
	frame_put(&echo, "\x11\0\0\x01\0\0\xc0\x21", 8);
	frame_put_ethernet(&echo, 0x8864);
	expect(echo, PACKET_LINK);
}

static void test_links_without_ethernet(void **state)
{
	struct frame f = {.count = 0};
	struct packet_target target;

	frame_put(&f, WIREGUARD, sizeof(WIREGUARD));
	frame_put_udp(&f, 1, PORT);
	frame_put_ip4(&f, IPPROTO_UDP, PROXY4, 0);
	assert_int_equal(look(state, false, ETHERTYPE_IP, frame_begin(&f), f.count, &target),
			 PACKET_TUNNEL);
	assert_int_equal(look(state, false, ETHERTYPE_IPV6, frame_begin(&f), f.count, &target),
			 PACKET_LEAK_IPV6);
	assert_int_equal(look(state, false, 0x00fb, frame_begin(&f), f.count, &target),
			 PACKET_LINK);
}

static void test_fragments(void **state)
{
	static const uint16_t offsets[] = {0x2000, 0x2001, 185};

	for (size_t i = 0; i < 3; i++) {
		struct frame f = {.count = 0}, other;

		frame_put(&f, WIREGUARD, sizeof(WIREGUARD));
		frame_put_udp(&f, 1, PORT);
		other = f;
		frame_put_ip4(&f, IPPROTO_UDP, PROXY4, offsets[i]);
		frame_put_ethernet(&f, ETHERTYPE_IP);
		expect(f, PACKET_TUNNEL);
		frame_put_ip4(&other, IPPROTO_UDP, OTHER4, offsets[i]);
		frame_put_ethernet(&other, ETHERTYPE_IP);
		expect(other, PACKET_LEAK_IPV4);
	}
}

static struct frame fragment6(const char *to, uint16_t offset, uint16_t port)
{
	uint8_t header[8] = {IPPROTO_UDP, 0, (uint8_t)(offset >> 8), (uint8_t)offset};
	struct frame f = {.count = 0};

	frame_put(&f, WIREGUARD, sizeof(WIREGUARD));
	frame_put_udp(&f, 1, port);
	frame_put(&f, header, sizeof(header));
	frame_put_ip6(&f, IPPROTO_FRAGMENT, to, 64);
	frame_put_ethernet(&f, ETHERTYPE_IPV6);
	return f;
}

static void test_fragments_of_ipv6(void **state)
{
	expect(fragment6(PROXY6, 1, PORT), PACKET_TUNNEL);
	expect(fragment6(PROXY6, 1, 9), PACKET_LEAK_IPV6);
	expect(fragment6(PROXY6, 8, 9), PACKET_TUNNEL); /* these bytes are no port */
	expect(fragment6(OTHER6, 8, PORT), PACKET_LEAK_IPV6);
	/* Nor is it a question when the port cannot be read. */
	expect(fragment6(OTHER6, 8, 53), PACKET_LEAK_IPV6);
	expect(fragment6(OTHER6, 1, 53), PACKET_LEAK_DNS);
}

/* --- hostile --- */

/* A packet to a proxy whose IP header begins with this byte. */
static struct frame begins_with(const char *to, uint8_t version_and_length)
{
	struct frame f = wireguard(to, PORT);

	frame_begin(&f)[ETHER_HDR_LEN] = version_and_length;
	return f;
}

static void test_bad_headers_leak(void **state)
{
	struct frame endless = {.count = 0};

	expect(begins_with(PROXY4, 0x44), PACKET_LEAK_IPV4); /* a header of 16 bytes */
	expect(begins_with(PROXY4, 0x4f), PACKET_LEAK_IPV4); /* of more than there is */
	expect(begins_with(PROXY4, 0x65), PACKET_LEAK_IPV4);
	expect(begins_with(PROXY6, 0x45), PACKET_LEAK_IPV6);
	for (int i = 0; i < 100; i++)
		frame_put(&endless, "\0\0\0\0\0\0\0\0", 8);
	frame_put_ip6(&endless, IPPROTO_HOPOPTS, PROXY6, 255);
	frame_put_ethernet(&endless, ETHERTYPE_IPV6);
	expect(endless, PACKET_LEAK_IPV6);
}

/* However short: an IP packet to nobody that is known leaks. */
static void test_cut_off(void **state)
{
	const struct frame frames[] = {wireguard(PROXY4, PORT), wireguard(PROXY6, PORT),
				       udp(OTHER4, 9, "x", 1),	udp(OTHER6, 53, "x", 1),
				       fragment6(OTHER6, 8, 9), icmp6(143, 1, true)};

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		for (size_t count = 0; count < frames[i].count; count++) {
			struct frame f = frames[i];
			struct packet_target target;
			enum packet_class class =
				look(state, true, 0, frame_begin(&f), count, &target);

			if (count < 14)
				assert_int_equal(class, PACKET_LINK);
			else if (count < 34 || i == 2 || i == 3 || i == 4)
				assert_true(packet_class_leaks(class));
		}
	}
}

/* Random changes: no crash, and what is not to a proxy or exempt is never taken for it. */
static void test_random(void **state)
{
	uint64_t seed = (uint64_t)time(NULL);
	struct rng rng;

	print_message("seed %llu\n", (unsigned long long)seed);
	assert_int_equal(rng_init_seed(&rng, seed), 0);
	for (int round = 0; round < ROUNDS; round++) {
		struct frame f = round & 1 ? wireguard(PROXY4, PORT) : fragment6(PROXY6, 1, PORT);
		struct packet_target target;
		enum packet_class class;

		for (uint32_t i = 1 + rng_below(&rng, 0, 6); i; i--)
			frame_begin(&f)[rng_below(&rng, 0, (uint32_t)f.count)] =
				(uint8_t)rng_next(&rng, 0);
		class = look(state, true, 0, frame_begin(&f),
			     rng_below(&rng, 0, (uint32_t)f.count + 1), &target);
		if (class == PACKET_TUNNEL)
			assert_int_equal(target.protocol, IPPROTO_UDP);
		if (class == PACKET_TUNNEL && target.port)
			assert_int_equal(target.port, PORT);
		if (class != PACKET_LINK && !packet_class_leaks(class))
			assert_int_not_equal(target.to.family, AF_UNSPEC);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_only_wireguard_to_a_proxys_port_is_a_tunnel),
		cmocka_unit_test(test_other_protocols_to_a_proxy_leak),
		cmocka_unit_test(test_bypass),
		cmocka_unit_test(test_frames_without_ip),
		cmocka_unit_test(test_neighbour_discovery_and_mld),
		cmocka_unit_test(test_igmp),
		cmocka_unit_test(test_dhcp),
		cmocka_unit_test(test_leaks),
		cmocka_unit_test(test_dns_leaks),
		cmocka_unit_test(test_which_classes_leak),
		cmocka_unit_test(test_lookups_of_proxies),
		cmocka_unit_test(test_other_lookups_leak),
		cmocka_unit_test(test_vlan_tags),
		cmocka_unit_test(test_pppoe),
		cmocka_unit_test(test_links_without_ethernet),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_fragments_of_ipv6),
		cmocka_unit_test(test_bad_headers_leak),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
