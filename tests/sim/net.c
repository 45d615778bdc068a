#include "tests/sim/net.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PACKET_BYTES 500

void net_init(struct net *net, size_t count, uint64_t seed, struct mono now)
{
	size_t i;

	memset(net, 0, sizeof(*net));
	net->noise = seed;
	net->count = count;
	net->route = net->exit_at = POLICY_NONE;
	net->accounted = now;
	for (i = 0; i < count; i++)
		net->path[i] = (struct net_path){
			.rtt_us = 20000 + 10000 * (int64_t)(i % 10),
			.jitter_us = 1000,
			.broken = MONO_LONG_AGO,
			.broken_since = MONO_NEVER,
		};
}

/* splitmix64 (Steele, Lea, Flood 2014): lib/rng draws a cipher block a number, too slow for days of
 * packets. */
static uint64_t next_noise(struct net *net)
{
	uint64_t z = net->noise += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

double net_unit(struct net *net)
{
	return (double)((next_noise(net) >> 11) + 1) * 0x1p-53;
}

static bool reaches_proxy(const struct net *net, size_t path)
{
	return !net->uplink_dead && !net->path[path].link_gone && !net->path[path].proxy_dead;
}

bool net_carries(const struct net *net, size_t path)
{
	return reaches_proxy(net, path) && !net->path[path].leg_dead && !net->exit_dead;
}

static int64_t round_trip_us(struct net *net, size_t path)
{
	const struct net_path *p = &net->path[path];

	return p->rtt_us + p->queue_us + (int64_t)(-log(net_unit(net)) * (double)p->jitter_us);
}

static bool is_lost(struct net *net, size_t path)
{
	return net->path[path].loss > 0 && net_unit(net) <= net->path[path].loss;
}

int64_t net_probe(struct net *net, size_t path, enum path_target target)
{
	bool exit = target == PATH_TARGET_EXIT;

	net->path[path].counters.tx_packets++;
	if (!(exit ? net_carries(net, path) : reaches_proxy(net, path)) || is_lost(net, path))
		return NET_LOST;
	return round_trip_us(net, path) / (exit ? 1 : 2);
}

static void count(uint64_t *packets, uint64_t *bytes, double *rest, double flowed)
{
	uint64_t whole = (uint64_t)(*rest += flowed);

	*rest -= (double)whole;
	*packets += whole;
	*bytes += whole * PACKET_BYTES;
}

static void flow(struct net *net, double seconds)
{
	struct net_path *up, *down;

	if (net->route < 0)
		return;
	up = &net->path[net->route];
	if (!up->link_gone)
		count(&up->counters.tx_packets, &up->counters.tx_bytes, &up->tx,
		      net->up_pps * seconds);
	/* TCP: nothing comes down for long unless the acknowledgements go up. */
	if (net->one_way || net->exit_at < 0 || !net_carries(net, (size_t)net->route))
		return;
	down = &net->path[net->exit_at];
	if (net_carries(net, (size_t)net->exit_at))
		count(&down->counters.rx_packets, &down->counters.rx_bytes, &down->rx,
		      net->down_pps * (1 - down->loss) * seconds);
}

static void note_health(struct net_path *path, bool carries, struct mono now)
{
	if (carries) {
		path->broken_since = MONO_NEVER;
		return;
	}
	path->broken = now;
	path->broken_since = mono_earlier(path->broken_since, now);
}

void net_advance(struct net *net, struct mono now)
{
	int64_t us = mono_diff_us(now, net->accounted);
	size_t i;

	for (i = 0; i < net->count; i++)
		note_health(&net->path[i], net_carries(net, i), now);
	if (us <= 0)
		return;
	if (net->route >= 0 && net_carries(net, (size_t)net->route) && net->exit_at != net->route)
		net->astray_us += us;
	flow(net, (double)us / 1e6);
	net->accounted = now;
}

static void fly(struct net *net, struct mono at, int path, bool at_exit)
{
	assert_true(net->flying_count < NET_FLYING);
	net->flying[net->flying_count++] = (struct net_packet){at, path, at_exit};
}

void net_route(struct net *net, int path, struct mono now)
{
	int64_t old_us, new_us, gap_us;
	int old = net->route;

	net_advance(net, now);
	net->route = path;
	if (net->up_pps == 0 || !net_carries(net, (size_t)path))
		return;
	gap_us = (int64_t)(1e6 / net->up_pps);
	new_us = round_trip_us(net, (size_t)path) / 2;
	fly(net, mono_add_us(now, new_us + gap_us), path, true);
	if (old < 0 || !net_carries(net, (size_t)old))
		return;
	old_us = round_trip_us(net, (size_t)old) / 2;
	fly(net, mono_add_us(now, old_us), old, true);
	if (old_us > new_us + gap_us) /* the first packet on the new path after the late one */
		fly(net, mono_add_us(now, old_us + gap_us), path, true);
}

void net_kick(struct net *net, struct mono now)
{
	int64_t us;

	net_advance(net, now);
	if (net->route < 0 || net->path[net->route].link_gone)
		return;
	net->path[net->route].counters.tx_packets++;
	if (!net_carries(net, (size_t)net->route) || is_lost(net, (size_t)net->route))
		return;
	us = round_trip_us(net, (size_t)net->route);
	fly(net, mono_add_us(now, us / 2), net->route, true);
	fly(net, mono_add_us(now, us), net->route, false);
}

static size_t earliest(const struct net *net)
{
	size_t i, best = 0;

	for (i = 1; i < net->flying_count; i++) {
		if (mono_before(net->flying[i].at, net->flying[best].at))
			best = i;
	}
	return best;
}

struct mono net_next(const struct net *net)
{
	return net->flying_count ? net->flying[earliest(net)].at : MONO_NEVER;
}

int net_arrive(struct net *net, struct mono now)
{
	struct net_packet packet;
	size_t i = earliest(net);

	if (!net->flying_count || !mono_due(net->flying[i].at, now))
		return -1;
	packet = net->flying[i];
	net->flying[i] = net->flying[--net->flying_count];
	net_advance(net, now);
	if (packet.at_exit && net->route >= 0) {
		net->exit_at = packet.path;
		return -1;
	}
	if (net->path[packet.path].link_gone)
		return -1;
	net->path[packet.path].counters.rx_packets++;
	return packet.path;
}
