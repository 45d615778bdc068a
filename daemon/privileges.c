#include "daemon/privileges.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static const cap_value_t kept[] = {CAP_NET_ADMIN, CAP_NET_RAW};

#define KEPT_COUNT ((int)(sizeof(kept) / sizeof(kept[0])))

void privileges_forbid_dumps(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

static bool has(cap_value_t capability)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t value = CAP_CLEAR;

	if (caps)
		cap_get_flag(caps, capability, CAP_EFFECTIVE, &value);
	cap_free(caps);
	return value == CAP_SET;
}

int privileges_check(bool probing, struct err *err)
{
	bool admin = has(CAP_NET_ADMIN), raw = !probing || has(CAP_NET_RAW);

	if (admin && raw)
		return 0;
	return err_set(err, -EPERM,
		       "missing:%s%s; run it as root, or with AmbientCapabilities=CAP_NET_ADMIN "
		       "CAP_NET_RAW (systemd), or with --cap-add NET_ADMIN --cap-add NET_RAW (a "
		       "container)",
		       admin ? "" : " CAP_NET_ADMIN (for interfaces, routes, rules and nftables)",
		       raw ? "" : " CAP_NET_RAW (for probes)");
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Under a limit every later allocation could fail: better not to begin. */
static bool lock_all(void)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_MEMLOCK, &limit);
	return !getrlimit(RLIMIT_MEMLOCK, &limit) && limit.rlim_cur == RLIM_INFINITY &&
	       !mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

static bool lock_keys(const struct conf *conf)
{
	bool locked = true;
	size_t i;

	for (i = 0; i < conf->path_count; i++)
		locked &= !sodium_mlock(conf->paths[i].tunnel.wg, sizeof(struct wgquick));
	if (conf->mode == CONF_NESTED)
		locked &= !sodium_mlock(conf->inner.tunnel.wg, sizeof(struct wgquick));
	return locked;
}

void privileges_lock_memory(const struct conf *conf, const struct log *log)
{
	if (!lock_all() && !lock_keys(conf))
		log_warn(log,
			 "cannot lock the keys in memory (%s), they may be swapped out; raise "
			 "RLIMIT_MEMLOCK",
			 strerror(errno));
}

/* --- capabilities ----------------------------------------------------------------------------- */

/* Who may not do this has nothing to gain from what is left: PR_SET_NO_NEW_PRIVS. */
static void shrink_bounding_set(void)
{
	cap_value_t capability;

	for (capability = 0; capability < cap_max_bits(); capability++) {
		if (capability != CAP_NET_ADMIN && capability != CAP_NET_RAW)
			cap_drop_bound(capability);
	}
}

/* A filter of system calls may forbid capset(2), so it is not called in vain. */
static int shrink_to_kept(void)
{
	cap_t have = cap_get_proc(), want = cap_init();
	int ret = have && want ? 0 : -ENOMEM;

	if (!ret && (cap_set_flag(want, CAP_EFFECTIVE, KEPT_COUNT, kept, CAP_SET) ||
		     cap_set_flag(want, CAP_PERMITTED, KEPT_COUNT, kept, CAP_SET) ||
		     cap_set_flag(want, CAP_INHERITABLE, KEPT_COUNT, kept, CAP_SET)))
		ret = -errno;
	if (!ret && cap_compare(have, want) && cap_set_proc(want))
		ret = -errno;
	cap_free(want);
	cap_free(have);
	return ret;
}

int privileges_drop(struct err *err)
{
	int ret = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;

	shrink_bounding_set();
	if (!ret)
		ret = shrink_to_kept();
	if (!ret &&
	    (cap_set_ambient(CAP_NET_ADMIN, CAP_SET) || cap_set_ambient(CAP_NET_RAW, CAP_CLEAR)))
		ret = -errno;
	return ret ? err_set(err, ret, "cannot give up privileges: %s", strerror(-ret)) : 0;
}
