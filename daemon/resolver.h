/* resolver: looks host names up without blocking the loop (c-ares).
 *
 * Every query carries a firewall mark, so that the rules of layout.h decide where it goes: the
 * names of proxies go out by the uplink like the overlays' own packets, the name of the exit goes
 * into the active overlay like the inner tunnel's. /etc/hosts is asked first.
 */
#ifndef COMPS_DAEMON_RESOLVER_H
#define COMPS_DAEMON_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/loop.h"
#include "lib/ip.h"
#include "lib/mono.h"

struct resolver;

/* `id` is the asker's. `ip` is NULL when nothing was found, `why` then says so. */
typedef void (*resolver_fn)(void *arg, size_t id, const struct ip *ip, const char *why);

/* Returns 0 or -ENOMEM. */
int resolver_new(struct loop *loop, resolver_fn fn, void *arg, struct resolver **out);

/* Drops all lookups without answers. NULL is allowed. */
void resolver_free(struct resolver *resolver);

/* Begins a lookup for addresses of `family` (AF_UNSPEC: either); answers once, later. Returns 0 or
 * -errno. */
int resolver_lookup(struct resolver *resolver, size_t id, const char *host, int family,
		    uint32_t mark);

/* Retries and time-outs: call resolver_on_time() then, and after every batch of events. */
struct mono resolver_next_deadline(const struct resolver *resolver, struct mono now);
void resolver_on_time(struct resolver *resolver);

#endif
