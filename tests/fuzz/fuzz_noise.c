/* What comes from the network while a path is checked. The first byte says how far the check is and
 * who speaks; the rest is
 *
 *   0  a datagram, while the proxy's handshake waits
 *   1  a datagram, with both sessions there
 *   2  a packet of the proxy's tunnel, while the exit's handshake waits
 *   3  a packet of the exit's tunnel
 *   4  what comes from the exit's port, while its handshake waits
 */
#include "provision/nest.h"
#include "provision/packet.h"
#include "tests/fuzz/fuzz.h"

#define WAYS	 5
#define ROOM	 4096
#define WALL_US	 INT64_C(1700000000000000)
#define START_US INT64_C(1000000)

struct check {
	struct tunnel_check_peer proxy, exit;
	struct rng rng;
	struct nest nest;
	struct noise servers[2]; /* their transports */
};

static void peer_init(struct tunnel_check_peer *peer, uint8_t number)
{
	*peer = (struct tunnel_check_peer){.address = number == 1 ? "192.0.2.2" : "198.51.100.2",
					   .port = 51820,
					   .public_key = {9, number},
					   .private_key = {number, 8}};
	MUST(ip_parse(number == 1 ? "10.45.0.5" : "10.45.0.100", &peer->own) == 0);
	MUST(ip_parse("10.45.0.2", &peer->peer) == 0);
}

/* As after a handshake. */
static void open_leg(struct check *c, size_t i)
{
	struct nest_leg *leg = &c->nest.legs[i];
	struct mono now = {START_US};

	leg->noise.ready = leg->open = true;
	leg->noise.index = 0x11111111;
	memset(leg->noise.receive_key, 0x22, KEY_BYTES);
	leg->opened = leg->send_at = now;
	leg->result.handshake_us = 1;
	c->servers[i] = (struct noise){.ready = true, .peer_index = 0x11111111};
	memset(c->servers[i].send_key, 0x22, KEY_BYTES);
}

static void send_one(struct check *c)
{
	uint8_t datagram[NEST_DATAGRAM_BYTES];
	size_t bytes;

	MUST(nest_send(&c->nest, nest_due(&c->nest), WALL_US, datagram, &bytes) == 0);
	MUST(bytes > 0 && bytes <= sizeof(datagram));
}

static void begin(struct check *c, unsigned int way)
{
	struct err e;

	peer_init(&c->proxy, 1);
	peer_init(&c->exit, 2);
	MUST(rng_init_seed(&c->rng, 1) == 0);
	MUST(nest_init(&c->nest, &c->proxy, &c->exit, &c->rng, (struct mono){START_US}, &e) == 0);
	if (way != 0) {
		open_leg(c, 0);
		send_one(c); /* a ping */
	}
	if (way == 1 || way == 3)
		open_leg(c, 1);
	if (way != 0)
		c->nest.legs[0].result.ping_us = way == 2 ? -1 : 1;
	send_one(c);
	if (way == 2) { /* the exit's initiation too */
		c->nest.legs[0].result.ping_us = 1;
		send_one(c);
		c->nest.legs[0].result.ping_us = -1;
	}
}

/* The packet as it goes over the network, made by the servers. */
static size_t dress(struct check *c, unsigned int way, const uint8_t *data, size_t size,
		    uint8_t *out)
{
	uint8_t message[ROOM], packet[ROOM];
	size_t bytes = size;

	memcpy(message, data, size);
	if (way == 3)
		MUST(noise_seal(&c->servers[1], data, size, message, sizeof(message), &bytes) == 0);
	memcpy(packet, message, bytes);
	if (way == 3 || way == 4)
		bytes = packet_udp(&c->nest.legs[1].at, &c->nest.inner, message, bytes, packet,
				   sizeof(packet));
	if (way < 2)
		memcpy(out, packet, bytes);
	else
		MUST(noise_seal(&c->servers[0], packet, bytes, out, ROOM, &bytes) == 0);
	return bytes;
}

/* Of the exact size, so that a byte read behind it is noticed. */
static uint8_t *exact(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size);

	MUST(copy || size == 0);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

static void parse(const uint8_t *data, size_t size)
{
	uint8_t *copy = exact(data, size), again[ROOM];
	struct packet packet, same;
	size_t bytes;

	if (packet_parse(copy, size, &packet) && packet.kind == PACKET_UDP) {
		struct endpoint from = {packet.from, packet.from_port},
				to = {packet.to, packet.to_port};

		MUST(packet.payload >= copy &&
		     packet.payload + packet.payload_bytes <= copy + size);
		bytes = packet_udp(&from, &to, packet.payload, packet.payload_bytes, again,
				   sizeof(again));
		MUST(bytes && bytes <= size && packet_parse(again, bytes, &same));
		MUST(same.payload_bytes == packet.payload_bytes && same.to_port == packet.to_port &&
		     ip_equal(&same.to, &packet.to));
	}
	free(copy);
}

/* Nobody can make a session without the keys. */
static void take(unsigned int way, const uint8_t *data, size_t size)
{
	uint8_t datagram[ROOM], *copy;
	struct check c;
	size_t bytes;

	begin(&c, way);
	bytes = dress(&c, way, data, size, datagram);
	copy = exact(datagram, bytes);
	if (bytes <= NEST_DATAGRAM_BYTES)
		nest_receive(&c.nest, (struct mono){START_US + 5000}, copy, bytes);
	MUST(c.nest.legs[0].open == (way != 0));
	MUST(c.nest.legs[1].open == (way == 1 || way == 3));
	MUST(!nest_done(&c.nest) || way == 3);
	for (size_t i = 0; i < 2; i++)
		MUST(c.nest.legs[i].result.ping_us >= -1 &&
		     c.nest.legs[i].result.ping_us <= 1000000);
	if (!nest_done(&c.nest))
		send_one(&c);
	nest_fini(&c.nest);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > NEST_DATAGRAM_BYTES)
		return 0;
	parse(data + 1, size - 1);
	take(data[0] % WAYS, data + 1, size - 1);
	return 0;
}
