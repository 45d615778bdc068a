/* conf: comps.yaml and the .conf files that it names, as one checked struct.
 *
 * Everything is in its final form: durations in microseconds, defaults filled in, names unique,
 * every rule of comps.yaml(5) kept. A configuration that breaks one rule gives no struct at all,
 * but a list of everything that is wrong with it.
 */
#ifndef COMPS_CONF_H
#define COMPS_CONF_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/diag.h"
#include "conf/plugins.h"
#include "conf/wgquick.h"
#include "core/shadows.h"
#include "lib/ip.h"
#include "lib/log.h"
#include "policies/policy.h"

#define CONF_PATHS_MAX	     1000
#define CONF_SHADOWS_MAX     16
#define CONF_PATH_NAME_BYTES 16	 /* with its NUL */
#define CONF_RULE_BLOCK	     100 /* rule priorities from network.rule_priority are CoMPS' own */
#define CONF_OVERHEAD_BYTES  80	 /* of one tunnel inside another: IPv6 40 + UDP 8 + WireGuard 32 */

enum conf_mode {
	CONF_NESTED, /* an inner tunnel runs inside the active overlay */
	CONF_DIRECT, /* traffic goes straight into the active overlay */
};

enum conf_backend {
	CONF_BACKEND_AUTO, /* the kernel's where there is one, else userspace */
	CONF_BACKEND_KERNEL,
	CONF_BACKEND_USERSPACE,
};

/* One WireGuard interface. */
struct conf_tunnel {
	char interface[IFNAMSIZ];
	bool placed;  /* comps.yaml names no interface: `interface` is the one of the position */
	bool manage;  /* false: it is there already; adopt it, and never create or delete it */
	uint32_t mtu; /* from the .conf, else the default; never 0 */
	struct wgquick *wg; /* keys, addresses, peer; never NULL */
};

struct conf_inner {
	struct conf_tunnel tunnel;
	struct ip ping; /* the exit's address inside the tunnel; the kick goes there */
};

struct conf_path {
	char name[CONF_PATH_NAME_BYTES];
	struct conf_tunnel tunnel;
	struct ip proxy4, proxy6; /* the proxy inside the overlay (first segment's probe target);
				     AF_UNSPEC: not given */
	uint32_t priority;	  /* lower is preferred */
	bool drained;		  /* administratively out of use from the start */
};

/* What holds for every policy. */
struct conf_guards {
	int64_t min_dwell_us;		 /* between two migrations that a policy wants */
	uint32_t max_migrations_per_min; /* failover is not limited */
	int64_t settle_timeout_us;	 /* the least time a migration gets to settle */
	int64_t hold_down_us;		 /* hold-down of a path that failed once */
	int64_t hold_down_half_life_us;	 /* of what earlier failures add to it */
	uint32_t share_cap_percent;	 /* of the bytes within share_window_us; 0: no limit */
	int64_t share_window_us;
};

struct conf_probe {
	int64_t interval_us;			/* mean time between two probes of one path */
	uint32_t burst;				/* probes of the fast burst at a suspicion */
	int64_t burst_gap_us;			/* between two of them */
	int64_t timeout_min_us, timeout_max_us; /* bounds of the adaptive timeout */
	uint32_t up_after;			/* good replies that bring a path up */
	uint32_t window;			/* probes that the statistics look back on */
	uint32_t size_bytes;			/* payload of a probe */
};

struct conf_network {
	uint32_t table_inner, table_overlay;
	uint32_t mark_inner, mark_overlay, mark_steer;
	uint32_t rule_priority;	   /* first of CONF_RULE_BLOCK */
	uint32_t probe_table;	   /* + index of the path */
	uint32_t protocol;	   /* rtm_protocol of all that is CoMPS' own */
	char nft_table[IFNAMSIZ];  /* its name in nftables, family inet */
	char (*uplinks)[IFNAMSIZ]; /* count 0: every interface that is not CoMPS' own */
	size_t uplink_count;
};

struct conf_trace {
	char *file; /* NULL: nothing is recorded */
	int64_t keep_us;
	uint32_t max_bytes;
};

struct conf {
	char *file; /* the comps.yaml */
	enum conf_mode mode;
	struct conf_inner inner; /* CONF_NESTED only */
	struct conf_path *paths;
	size_t path_count; /* 1 .. CONF_PATHS_MAX */

	struct plugins plugins; /* all policies that may be chosen */
	int profile; /* index into profiles_names; what it stands for is in the rest already */
	const struct policy_ops *policy;
	union policy_value *policy_values; /* policy->param_count of them */

	struct shadows_policy *shadows; /* shadow_count of them */
	size_t shadow_count;

	struct conf_guards guards;
	struct conf_probe probe;
	struct conf_network network;
	struct ip_prefix *bypass; /* go by the main table, outside every tunnel */
	size_t bypass_count;

	enum conf_backend backend;
	char **userspace; /* NULL-ended argv of the userspace WireGuard; the interface is added */

	char *control_socket;
	bool has_control_group;
	gid_t control_group; /* members may read status, not change it */
	enum log_level log_level;
	struct conf_trace trace;
};

/* Reads and checks `file` and every .conf that it names. `policies` (NULL-ended) are those that the
 * configuration may choose from; they must outlive the result. Errors and notes are added to `d`,
 * sorted by place. Returns 0 with *out to be freed by conf_free; -EINVAL when `d` has errors, with
 * *out untouched; -ENOMEM. Nothing outside is changed either way. */
int conf_load(const char *file, const struct policy_ops *const *policies, struct diags *d,
	      struct conf **out);

/* "nested", "direct". */
const char *conf_mode_name(enum conf_mode mode);

/* Wipes the keys and frees. NULL is allowed. */
void conf_free(struct conf *conf);

#endif
