#include "core/traffic.h"

#include "policies/policy.h"

#define PAUSE_US INT64_C(5000000)

/* Keepalives and handshakes of WireGuard are no traffic. */
#define PAUSE_PACKETS 10

void traffic_init(struct traffic *traffic)
{
	*traffic = (struct traffic){.path = POLICY_NONE, .since = MONO_LONG_AGO};
}

bool traffic_on_packets(struct traffic *traffic, int path, uint64_t packets, struct mono now)
{
	if (path != traffic->path || packets < traffic->base) {
		traffic->path = path;
		traffic->base = packets;
	}
	if (packets - traffic->base > PAUSE_PACKETS) {
		traffic->base = packets;
		traffic->since = now;
		traffic->busy = true;
	}
	if (!traffic->busy || mono_diff_us(now, traffic->since) < PAUSE_US)
		return false;
	traffic->busy = false;
	return true;
}
