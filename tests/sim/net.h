/* net: the network that a simulated client lives in.
 *
 *   client --- uplink --- proxy of path i --- leg of path i --- exit
 *
 * Each path has a round trip, jitter and loss; every part can be dead. Traffic is a fluid: packets
 * per second up by the path that the route names, and down by the path that the exit last heard
 * the client on. Kicks and late packets, which move the exit, are single packets in flight.
 */
#ifndef COMPS_TESTS_SIM_NET_H
#define COMPS_TESTS_SIM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/path.h"
#include "lib/mono.h"

#define NET_PATHS_MAX 100
#define NET_FLYING    1024
#define NET_LOST      (-1)

struct net_path {
	int64_t rtt_us;	   /* client to exit and back; half of it to the proxy */
	int64_t jitter_us; /* every round trip takes longer by an exponential of this mean */
	int64_t queue_us;  /* and by this */
	double loss;	   /* of a packet and its answer together */
	bool proxy_dead, leg_dead, link_gone;
	struct mono broken;	  /* the last instant at which it carried nothing */
	struct mono broken_since; /* MONO_NEVER while it carries */
	struct path_counters counters;
	double tx, rx; /* parts of a packet that were not counted yet */
};

struct net_packet {
	struct mono at;
	int path;
	bool at_exit; /* it reaches the exit; else the client */
};

struct net {
	uint64_t noise;
	struct net_path path[NET_PATHS_MAX];
	size_t count;
	bool uplink_dead, exit_dead;
	bool one_way;		 /* the peers never answer the traffic */
	double up_pps, down_pps; /* of the traffic */
	int route;		 /* POLICY_NONE before the first */
	int exit_at;		 /* the path that the exit sends to */
	struct mono accounted;	 /* counters stand as of then */
	int64_t astray_us;	 /* for so long the exit sent to another path than the route's */
	struct net_packet flying[NET_FLYING];
	size_t flying_count;
};

void net_init(struct net *net, size_t count, uint64_t seed, struct mono now);

/* Uniform in (0, 1]. */
double net_unit(struct net *net);

/* True when packets of the inner tunnel get through on `path` now. */
bool net_carries(const struct net *net, size_t path);

/* The round trip of a probe that leaves now, or NET_LOST. */
int64_t net_probe(struct net *net, size_t path, enum path_target target);

/* Lets the traffic flow up to `now`. Call it before anything in `net` changes. */
void net_advance(struct net *net, struct mono now);

/* The route now names `path`; what is under way on the old one still arrives. */
void net_route(struct net *net, int path, struct mono now);

/* One packet through the inner tunnel, which the exit answers. */
void net_kick(struct net *net, struct mono now);

/* When net_arrive() next has something to do. */
struct mono net_next(const struct net *net);

/* Takes one packet that is due at `now`. Returns the path by which it reached the client, or -1
 * where it reached the exit or none is due. */
int net_arrive(struct net *net, struct mono now);

#endif
