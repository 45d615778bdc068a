/* uplink_watch: every packet that leaves by an interface which is not one of CoMPS' own.
 *
 * One packet(7) socket hears all interfaces, also those that appear later. What it sees has passed
 * every route and every packet filter: it does leave. Needs CAP_NET_RAW.
 */
#ifndef COMPS_CLI_UPLINK_WATCH_H
#define COMPS_CLI_UPLINK_WATCH_H

#include <net/if.h>

#include "cli/packet_class.h"
#include "conf/conf.h"
#include "lib/err.h"

#define UPLINK_WATCH_FIRST 10 /* leaked packets that are remembered */

struct uplink_leak {
	int64_t wall_us;  /* since 1970 */
	const char *step; /* as given to uplink_watch_read */
	char interface[IFNAMSIZ];
	enum packet_class class;
	struct packet_target target;
};

struct uplink_watch {
	int fd;
	const struct conf *conf;
	char (*only)[IFNAMSIZ]; /* the interfaces to watch; count 0: all that are not CoMPS' own */
	size_t only_count;

	struct packet_rules rules; /* its arrays are these, and conf's */
	struct endpoint *proxies;
	const char **names;

	struct uplink_watch_interface *known; /* seen so far */
	size_t known_count;

	uint64_t count[PACKET_CLASSES];
	uint64_t missed; /* packets for which the buffer had no room */
	struct uplink_leak first[UPLINK_WATCH_FIRST];
	size_t first_count;
};

/* Begins to listen. `only` is a list of interfaces with commas between, or NULL; `conf` must
 * outlive `w`. Proxies that are given by name are looked up, which may take as long as the resolver
 * does. Returns 0, or -errno with a sentence in `e`. */
int uplink_watch_open(struct uplink_watch *w, const struct conf *conf, const char *only,
		      struct err *e);

/* Also after a failed uplink_watch_open. */
void uplink_watch_close(struct uplink_watch *w);

/* Counts what has come since the last call, as part of `step`, which must outlive `w`. 0 or
 * -errno. */
int uplink_watch_read(struct uplink_watch *w, const char *step);

/* All leaked packets so far. */
uint64_t uplink_watch_leaked(const struct uplink_watch *w);

/* The interfaces by which packets have left, with commas between. */
void uplink_watch_interfaces(const struct uplink_watch *w, char *out, size_t out_bytes);

#endif
