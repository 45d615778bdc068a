#include "provision/nest.h"

#include <errno.h>
#include <string.h>

#include "provision/packet.h"

#define STREAM	      3
#define MS	      INT64_C(1000)
#define INITIATE_US   (1000 * MS) /* once more each time: an answer may be slower */
#define INITIATE_MOST 5
#define PING_US	      (500 * MS)
#define SESSION_US                                                                                 \
	(15000 * MS)	    /* without a word, a server has forgotten it: WireGuard's own figure */
#define FIRST_PORT    49152 /* of those that are nobody's (RFC 6335) */
#define CODE_PORT     3
#define CODE_FRAGMENT 4

/* --- the legs --------------------------------------------------------------------------------- */

static int check_peer(const struct tunnel_check_peer *peer, struct endpoint *at, const char *name,
		      struct err *e)
{
	at->port = peer->port;
	if (ip_parse(peer->address, &at->ip) || at->ip.family != AF_INET)
		return err_set(e, -EINVAL, "the %s's address \"%s\" is no IPv4 address", name,
			       peer->address);
	if (peer->port == 0)
		return err_set(e, -EINVAL, "the %s's port is 0", name);
	if (peer->own.family != AF_INET || peer->peer.family != AF_INET)
		return err_set(e, -EINVAL, "the tunnel addresses of the %s are not IPv4", name);
	return 0;
}

static int leg_init(struct nest *nest, const struct tunnel_check_peer *peer, const char *name,
		    struct mono now, struct err *e)
{
	struct nest_leg *leg = &nest->legs[nest->count++];
	int ret;

	*leg = (struct nest_leg){.peer = peer, .send_at = now, .result = {-1, -1}};
	leg->echo_id = (uint16_t)rng_below(nest->rng, STREAM, UINT16_MAX + 1);
	ret = check_peer(peer, &leg->at, name, e);
	if (!ret &&
	    noise_init(&leg->noise, peer->private_key, peer->public_key, peer->preshared_key))
		ret = err_set(e, -EIO, "libsodium does not start");
	return ret;
}

int nest_init(struct nest *nest, const struct tunnel_check_peer *proxy,
	      const struct tunnel_check_peer *exit, struct rng *rng, struct mono now, struct err *e)
{
	int ret;

	*nest = (struct nest){.rng = rng};
	nest->inner.ip = proxy->own;
	nest->inner.port =
		(uint16_t)(FIRST_PORT + rng_below(rng, STREAM, UINT16_MAX + 1 - FIRST_PORT));
	ret = leg_init(nest, proxy, "proxy", now, e);
	return ret || !exit ? ret : leg_init(nest, exit, "exit", now, e);
}

void nest_fini(struct nest *nest)
{
	for (size_t i = 0; i < nest->count; i++)
		noise_fini(&nest->legs[i].noise);
}

static bool leg_done(const struct nest_leg *leg)
{
	return leg->open && leg->result.ping_us >= 0;
}

/* The leg to work on: the exit's needs the proxy's. */
static size_t turn(const struct nest *nest)
{
	return nest->count == 2 && leg_done(&nest->legs[0]) ? 1 : 0;
}

bool nest_done(const struct nest *nest)
{
	return leg_done(&nest->legs[nest->count - 1]) && leg_done(&nest->legs[0]);
}

struct mono nest_due(const struct nest *nest)
{
	return nest->legs[turn(nest)].send_at;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* A server that was set up anew meanwhile knows nothing of the session. */
static void close_old(struct nest *nest, struct mono now)
{
	for (size_t i = 0; i < nest->count; i++) {
		struct nest_leg *leg = &nest->legs[i];

		if (leg->open && mono_diff_us(now, leg->opened) >= SESSION_US) {
			leg->open = false;
			leg->attempts = 0;
			leg->send_at = now;
		}
	}
}

static int initiate(struct nest *nest, struct nest_leg *leg, struct mono now, int64_t wall_us,
		    uint8_t *out, size_t *bytes)
{
	uint8_t ephemeral[KEY_BYTES];
	uint32_t index = (uint32_t)rng_next(nest->rng, STREAM);
	int ret;

	rng_fill(nest->rng, STREAM, ephemeral, sizeof(ephemeral));
	ret = noise_initiate(&leg->noise, index, ephemeral, wall_us, out);
	key_wipe(ephemeral, sizeof(ephemeral));
	if (leg->attempts < INITIATE_MOST)
		leg->attempts++;
	leg->initiated = now;
	leg->hint_before = leg->hint;
	leg->hint = NEST_SILENT;
	leg->send_at = mono_add_us(now, leg->attempts * INITIATE_US);
	*bytes = NOISE_INITIATION_BYTES;
	return ret;
}

static int ping(struct nest_leg *leg, struct mono now, uint8_t *out, size_t *bytes)
{
	uint8_t packet[PACKET_ECHO_BYTES];

	packet_echo(&leg->peer->own, &leg->peer->peer, leg->echo_id, leg->echo_sequence, packet);
	leg->echo_at[leg->echo_sequence++ % NEST_ECHOES] = now;
	leg->send_at = mono_add_us(now, PING_US);
	return noise_seal(&leg->noise, packet, sizeof(packet), out, NEST_DATAGRAM_BYTES, bytes);
}

/* Puts a message for the exit into the proxy's tunnel. */
static int wrap(struct nest *nest, uint8_t *message, size_t *bytes)
{
	uint8_t packet[NEST_DATAGRAM_BYTES];
	size_t packed = packet_udp(&nest->inner, &nest->legs[1].at, message, *bytes, packet,
				   sizeof(packet));

	return packed ? noise_seal(&nest->legs[0].noise, packet, packed, message,
				   NEST_DATAGRAM_BYTES, bytes)
		      : -EMSGSIZE;
}

int nest_send(struct nest *nest, struct mono now, int64_t wall_us, uint8_t out[NEST_DATAGRAM_BYTES],
	      size_t *bytes)
{
	struct nest_leg *leg;
	size_t i;
	int ret;

	close_old(nest, now);
	i = turn(nest);
	leg = &nest->legs[i];
	ret = leg->open ? ping(leg, now, out, bytes)
			: initiate(nest, leg, now, wall_us, out, bytes);
	return ret || i == 0 ? ret : wrap(nest, out, bytes);
}

/* --- receiving -------------------------------------------------------------------------------- */

static void opened(struct nest *nest, struct nest_leg *leg, struct mono now)
{
	leg->open = true;
	leg->opened = leg->send_at = now;
	if (leg->result.handshake_us < 0)
		leg->result.handshake_us = mono_diff_us(now, leg->initiated);
	/* The exit's turn is now, if it was only the proxy's session that had got old. */
	if (leg_done(leg) && nest->count == 2)
		nest->legs[1].send_at = now;
}

/* The packet in a message of a leg, if there is one. */
static bool take_message(struct nest *nest, size_t i, struct mono now, const uint8_t *message,
			 size_t bytes, uint8_t packet[NEST_DATAGRAM_BYTES], size_t *packet_bytes)
{
	struct nest_leg *leg = &nest->legs[i];
	int ret =
		noise_open(&leg->noise, message, bytes, packet, NEST_DATAGRAM_BYTES, packet_bytes);

	if (!ret)
		return true;
	ret = noise_finish(&leg->noise, message, bytes);
	if (!ret)
		opened(nest, leg, now);
	else if (ret == -EBADMSG)
		leg->hint = NEST_UNREADABLE;
	else if (noise_is_cookie(&leg->noise, message, bytes))
		leg->hint = NEST_BUSY;
	return false;
}

static void take_reply(struct nest *nest, struct nest_leg *leg, struct mono now,
		       const struct packet *packet)
{
	uint16_t age = (uint16_t)(leg->echo_sequence - packet->sequence);

	if (packet->id != leg->echo_id || age == 0 || age > NEST_ECHOES ||
	    age > leg->echo_sequence || !ip_equal(&packet->from, &leg->peer->peer) ||
	    !ip_equal(&packet->to, &leg->peer->own) || leg->result.ping_us >= 0)
		return;
	leg->result.ping_us = mono_diff_us(now, leg->echo_at[packet->sequence % NEST_ECHOES]);
	if (leg == &nest->legs[0] && nest->count == 2)
		nest->legs[1].send_at = now;
}

static bool is_at(const struct endpoint *end, const struct ip *ip, uint16_t port)
{
	return ip_equal(&end->ip, ip) && end->port == port;
}

static void take_unreachable(struct nest *nest, const struct packet *packet)
{
	struct nest_leg *leg = &nest->legs[1];

	if (nest->count < 2 || leg->hint == NEST_UNREADABLE || packet->code == CODE_FRAGMENT ||
	    !is_at(&nest->inner, &packet->lost_from, packet->lost_from_port) ||
	    !is_at(&leg->at, &packet->lost_to, packet->lost_to_port))
		return;
	leg->hint = packet->code == CODE_PORT ? NEST_REFUSED : NEST_UNREACHABLE;
}

void nest_receive(struct nest *nest, struct mono now, const uint8_t *datagram, size_t bytes)
{
	uint8_t outer[NEST_DATAGRAM_BYTES], inner[NEST_DATAGRAM_BYTES];
	struct packet packet;
	size_t count;

	if (!take_message(nest, 0, now, datagram, bytes, outer, &count) ||
	    !packet_parse(outer, count, &packet))
		return;
	if (packet.kind == PACKET_ECHO_REPLY)
		take_reply(nest, &nest->legs[0], now, &packet);
	if (packet.kind == PACKET_UNREACHABLE)
		take_unreachable(nest, &packet);
	if (packet.kind != PACKET_UDP || nest->count < 2 ||
	    !is_at(&nest->legs[1].at, &packet.from, packet.from_port) ||
	    !is_at(&nest->inner, &packet.to, packet.to_port))
		return;
	if (take_message(nest, 1, now, packet.payload, packet.payload_bytes, inner, &count) &&
	    packet_parse(inner, count, &packet) && packet.kind == PACKET_ECHO_REPLY)
		take_reply(nest, &nest->legs[1], now, &packet);
}
