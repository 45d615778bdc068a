/* The packets inside tunnels, and two tunnels, one in the other, in virtual time. Real peers are in
 * test_provision_tunnel_check.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "provision/nest.h"
#include "provision/packet.h"
#include "tests/unit/noise_responder.h"

#define MS INT64_C(1000)

static struct ip ip(const char *text)
{
	struct ip out;

	assert_int_equal(ip_parse(text, &out), 0);
	return out;
}

static struct endpoint at(const char *text)
{
	struct endpoint out;

	assert_int_equal(endpoint_parse(text, &out), 0);
	return out;
}

/* --- packets ---------------------------------------------------------------------------------- */

static uint32_t sum16(const uint8_t *bytes, size_t count)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Makes the header's and the message's checksum right again. */
static void mend(uint8_t *packet, size_t bytes)
{
	size_t head = (size_t)(packet[0] & 15) * 4;
	uint32_t sum;

	packet[10] = packet[11] = packet[head + 2] = packet[head + 3] = 0;
	sum = ~sum16(packet, head);
	packet[10] = (uint8_t)(sum >> 8);
	packet[11] = (uint8_t)sum;
	sum = ~sum16(packet + head, bytes - head);
	packet[head + 2] = (uint8_t)(sum >> 8);
	packet[head + 3] = (uint8_t)sum;
}

/* The answer of a host to an echo request. */
static void answer_echo(uint8_t packet[PACKET_ECHO_BYTES])
{
	uint8_t from[4];

	memcpy(from, packet + 12, 4);
	memcpy(packet + 12, packet + 16, 4);
	memcpy(packet + 16, from, 4);
	assert_int_equal(packet[20], 8);
	packet[20] = 0;
	mend(packet, PACKET_ECHO_BYTES);
}

static void test_echo(void **state)
{
	struct ip from = ip("10.45.0.5"), to = ip("10.45.0.2");
	uint8_t bytes[PACKET_ECHO_BYTES];
	struct packet packet;

	(void)state;
	packet_echo(&from, &to, 0xabcd, 0x0102, bytes);
	assert_int_equal(sum16(bytes, 20), 0xffff);
	assert_int_equal(sum16(bytes + 20, sizeof(bytes) - 20), 0xffff);
	assert_false(packet_parse(bytes, sizeof(bytes), &packet)); /* a request */
	answer_echo(bytes);
	assert_true(packet_parse(bytes, sizeof(bytes), &packet));
	assert_int_equal(packet.kind, PACKET_ECHO_REPLY);
	assert_true(ip_equal(&packet.from, &to) && ip_equal(&packet.to, &from));
	assert_int_equal(packet.id, 0xabcd);
	assert_int_equal(packet.sequence, 0x0102);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 4;
		assert_false(packet_parse(bytes, sizeof(bytes), &packet));
		bytes[i] ^= 4;
	}
	for (size_t cut = 0; cut < sizeof(bytes); cut++)
		assert_false(packet_parse(bytes, cut, &packet));
}

static void test_udp(void **state)
{
	struct endpoint from = at("10.45.0.5:50000"), to = at("203.0.113.20:51820");
	uint8_t bytes[64] = {0};
	struct packet packet;
	size_t count;

	(void)state;
	assert_int_equal(packet_udp(&from, &to, (const uint8_t *)"hello", 5, bytes, 32), 0);
	count = packet_udp(&from, &to, (const uint8_t *)"hello", 5, bytes, sizeof(bytes));
	assert_int_equal(count, 33);
	/* With padding behind it. */
	assert_true(packet_parse(bytes, 48, &packet));
	assert_int_equal(packet.kind, PACKET_UDP);
	assert_true(ip_equal(&packet.from, &from.ip) && ip_equal(&packet.to, &to.ip));
	assert_int_equal(packet.from_port, 50000);
	assert_int_equal(packet.to_port, 51820);
	assert_int_equal(packet.payload_bytes, 5);
	assert_memory_equal(packet.payload, "hello", 5);
	for (size_t i = 0; i < count; i++) {
		bytes[i] ^= 4;
		assert_false(packet_parse(bytes, count, &packet));
		bytes[i] ^= 4;
	}
	for (size_t cut = 0; cut < count; cut++)
		assert_false(packet_parse(bytes, cut, &packet));
	bytes[26] = bytes[27] = 0; /* no checksum at all */
	assert_true(packet_parse(bytes, count, &packet));
}

/* The header that textbooks calculate. */
static void test_known_header(void **state)
{
	uint8_t bytes[115] = {0x45, 0, 0, 0x73, 0,    0, 0x40, 0, 0x40, 0x11, 0xb8, 0x61, 0xc0,
			      0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7, 0, 53,	0,    53,   0,	  95};
	struct packet packet;

	(void)state;
	assert_true(packet_parse(bytes, sizeof(bytes), &packet));
	assert_int_equal(packet.payload_bytes, 87);
	bytes[11]++;
	assert_false(packet_parse(bytes, sizeof(bytes), &packet));
}

/* What a host says that lost `lost`, into `out` (56 bytes). */
static void unreachable(const uint8_t *lost, uint8_t code, uint8_t out[56])
{
	memset(out, 0, 56);
	memcpy(out, lost, 12);
	memcpy(out + 12, lost + 16, 4);
	memcpy(out + 16, lost + 12, 4);
	out[3] = 56;
	out[9] = 1;
	out[20] = 3;
	out[21] = code;
	memcpy(out + 28, lost, 28);
	mend(out, 56);
}

static void test_unreachable(void **state)
{
	struct endpoint from = at("10.45.0.5:50000"), to = at("203.0.113.20:51820");
	uint8_t lost[100], bytes[56];
	struct packet packet;

	(void)state;
	packet_udp(&from, &to, lost + 50, 20, lost, 50);
	unreachable(lost, 3, bytes);
	assert_true(packet_parse(bytes, sizeof(bytes), &packet));
	assert_int_equal(packet.kind, PACKET_UNREACHABLE);
	assert_int_equal(packet.code, 3);
	assert_true(ip_equal(&packet.lost_from, &from.ip) && ip_equal(&packet.lost_to, &to.ip));
	assert_int_equal(packet.lost_from_port, 50000);
	assert_int_equal(packet.lost_to_port, 51820);
	bytes[28] = 0x4f; /* quotes a header that would be longer than what is there */
	mend(bytes, sizeof(bytes));
	assert_false(packet_parse(bytes, sizeof(bytes), &packet));
}

/* --- the two tunnels -------------------------------------------------------------------------- */

struct world {
	struct tunnel_check_peer proxy, exit;
	struct responder at_proxy, at_exit;
	struct rng rng;
	struct nest nest;
	struct mono now;
	bool exit_refuses, exit_silent, no_pings;
	size_t sent;
};

static void peer_init(struct tunnel_check_peer *peer, struct responder *responder, uint8_t seed)
{
	responder_init(responder, seed);
	*peer = (struct tunnel_check_peer){.address = seed == 1 ? "203.0.113.10" : "203.0.113.20",
					   .port = 51820,
					   .private_key = {seed, 1},
					   .own = ip(seed == 1 ? "10.45.0.5" : "10.45.0.100"),
					   .peer = ip("10.45.0.2")};
	memcpy(peer->public_key, responder->public_key, KEY_BYTES);
}

static void world_init(struct world *w, bool with_exit)
{
	struct err e;

	*w = (struct world){.now = {1000000}};
	assert_int_equal(rng_init_seed(&w->rng, 7), 0);
	peer_init(&w->proxy, &w->at_proxy, 1);
	peer_init(&w->exit, &w->at_exit, 2);
	assert_int_equal(
		nest_init(&w->nest, &w->proxy, with_exit ? &w->exit : NULL, &w->rng, w->now, &e),
		0);
}

/* What a server makes of a message: its answer, or 0. A packet that is for another host is handed
 * to `onward`. */
static size_t serve(struct responder *r, bool no_pings, const uint8_t *message, size_t bytes,
		    uint8_t *out, uint8_t *onward, size_t *onward_bytes)
{
	uint8_t packet[NEST_DATAGRAM_BYTES];
	size_t count;

	if (bytes == NOISE_INITIATION_BYTES && responder_take(r, message)) {
		responder_answer(r, message, out);
		return NOISE_RESPONSE_BYTES;
	}
	if (noise_open(&r->session, message, bytes, packet, sizeof(packet), &count))
		return 0;
	if (packet[9] == 17 && onward) {
		memcpy(onward, packet, count);
		*onward_bytes = count;
		return 0;
	}
	if (no_pings)
		return 0;
	answer_echo(packet);
	assert_int_equal(noise_seal(&r->session, packet, PACKET_ECHO_BYTES, out,
				    NEST_DATAGRAM_BYTES, &count),
			 0);
	return count;
}

/* What the exit says to a packet of the proxy's tunnel. */
static size_t serve_exit(struct world *w, const uint8_t *packet, size_t bytes, uint8_t *out)
{
	uint8_t answer[NEST_DATAGRAM_BYTES];
	struct endpoint from, to;
	struct packet p;
	size_t count;

	assert_true(packet_parse(packet, bytes, &p));
	if (w->exit_refuses) {
		unreachable(packet, 3, out);
		return 56;
	}
	count = w->exit_silent ? 0
			       : serve(&w->at_exit, w->no_pings, p.payload, p.payload_bytes, answer,
				       NULL, NULL);
	from = (struct endpoint){p.to, p.to_port};
	to = (struct endpoint){p.from, p.from_port};
	return count ? packet_udp(&from, &to, answer, count, out, NEST_DATAGRAM_BYTES) : 0;
}

/* One datagram there, and, 10 ms later, what comes back. */
static void exchange(struct world *w, int64_t wall_us)
{
	uint8_t out[NEST_DATAGRAM_BYTES], answer[NEST_DATAGRAM_BYTES], packet[NEST_DATAGRAM_BYTES];
	size_t bytes, onward = 0;

	w->now = nest_due(&w->nest);
	assert_int_equal(nest_send(&w->nest, w->now, wall_us, out, &bytes), 0);
	w->sent++;
	w->now = mono_add_us(w->now, 10 * MS);
	bytes = serve(&w->at_proxy, w->no_pings, out, bytes, answer, packet, &onward);
	if (onward)
		onward = serve_exit(w, packet, onward, out);
	if (onward)
		assert_int_equal(noise_seal(&w->at_proxy.session, out, onward, answer,
					    sizeof(answer), &bytes),
				 0);
	if (bytes)
		nest_receive(&w->nest, w->now, answer, bytes);
}

static void test_both_legs(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, true);
	for (int i = 0; i < 4; i++) {
		assert_false(nest_done(&w.nest));
		exchange(&w, w.now.us);
	}
	assert_true(nest_done(&w.nest));
	assert_int_equal(w.now.us, 1000000 + 40 * MS);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(w.nest.legs[i].result.handshake_us, 10 * MS);
		assert_int_equal(w.nest.legs[i].result.ping_us, 10 * MS);
	}
	nest_fini(&w.nest);
}

static void test_proxy_alone(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, false);
	exchange(&w, 1);
	exchange(&w, 1);
	assert_true(nest_done(&w.nest));
	nest_fini(&w.nest);
}

/* 1, 2, 3, 4, 5, 5 s between initiations. */
static void test_initiations_again(void **state)
{
	static const int64_t at_s[] = {0, 1, 3, 6, 10, 15, 20};
	struct world w;

	(void)state;
	world_init(&w, true);
	w.at_proxy.public_key[0] ^= 1; /* hears nothing */
	for (size_t i = 0; i < sizeof(at_s) / sizeof(*at_s); i++) {
		assert_int_equal(nest_due(&w.nest).us, 1000000 + at_s[i] * 1000000);
		exchange(&w, 1);
	}
	w.at_proxy.public_key[0] ^= 1;
	exchange(&w, 1);
	assert_int_equal(w.nest.legs[0].result.handshake_us, 10 * MS);
	nest_fini(&w.nest);
}

/* Pings every 500 ms; after 15 s, another handshake, as the server may have been set up anew. */
static void test_pings_again(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, true);
	w.no_pings = true;
	exchange(&w, 1);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(nest_due(&w.nest).us, 1010000 + i * 500 * MS);
		exchange(&w, 1);
	}
	w.at_proxy.session = (struct noise){.ready = false};
	w.no_pings = false;
	exchange(&w, 1);
	assert_true(w.at_proxy.session.ready);
	exchange(&w, 1);
	assert_int_equal(w.nest.legs[0].result.ping_us, 10 * MS);
	exchange(&w, 1);
	exchange(&w, 1);
	assert_true(nest_done(&w.nest));
	nest_fini(&w.nest);
}

/* The proxy's tunnel is kept fresh while the exit is silent. */
static void test_exit_comes_late(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, true);
	w.exit_silent = true;
	while (w.now.us < 60000000)
		exchange(&w, 1);
	assert_int_equal(w.nest.legs[1].hint, NEST_SILENT);
	assert_int_equal(w.nest.legs[1].result.handshake_us, -1);
	w.exit_silent = false;
	while (!nest_done(&w.nest) && w.now.us < 80000000)
		exchange(&w, 1);
	assert_true(nest_done(&w.nest));
	nest_fini(&w.nest);
}

static void test_hints(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, true);
	w.exit_refuses = true;
	for (int i = 0; i < 3; i++)
		exchange(&w, 1);
	assert_int_equal(w.nest.legs[1].hint, NEST_REFUSED);
	w.exit_refuses = false;
	w.at_exit.preshared_key[0] = 1;
	exchange(&w, 1);
	assert_int_equal(w.nest.legs[1].hint_before, NEST_REFUSED);
	assert_int_equal(w.nest.legs[1].hint, NEST_UNREADABLE);
	nest_fini(&w.nest);
}

static void test_bad_peers(void **state)
{
	struct world w;
	struct err e;

	(void)state;
	world_init(&w, true);
	nest_fini(&w.nest);
	w.exit.address = "exit.example";
	assert_int_equal(nest_init(&w.nest, &w.proxy, &w.exit, &w.rng, w.now, &e), -EINVAL);
	assert_string_equal(e.text, "the exit's address \"exit.example\" is no IPv4 address");
	nest_fini(&w.nest);
	w.proxy.own = ip("fd00::1");
	assert_int_equal(nest_init(&w.nest, &w.proxy, NULL, &w.rng, w.now, &e), -EINVAL);
	assert_string_equal(e.text, "the tunnel addresses of the proxy are not IPv4");
	nest_fini(&w.nest);
	w.proxy.port = 0;
	assert_int_equal(nest_init(&w.nest, &w.proxy, NULL, &w.rng, w.now, &e), -EINVAL);
	assert_string_equal(e.text, "the proxy's port is 0");
	nest_fini(&w.nest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_known_header),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_both_legs),
		cmocka_unit_test(test_proxy_alone),
		cmocka_unit_test(test_initiations_again),
		cmocka_unit_test(test_pings_again),
		cmocka_unit_test(test_exit_comes_late),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_bad_peers),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
