#include "daemon/links.h"

#include <string.h>

#include "daemon/announce.h"
#include "daemon/daemon.h"
#include "daemon/engine.h"

/* Whoever deletes an interface often makes it again at once: leave them the time. */
#define REOPEN_DELAY_US INT64_C(100000)
#define REOPEN_RETRY_US INT64_C(1000000)

static void set_target(struct daemon *daemon, size_t index, enum path_target target,
		       const struct ip *to, int ifindex, struct mono now)
{
	bool probed = to && to->family != AF_UNSPEC;

	engine_feed(daemon, (struct input){.kind = INPUT_TARGET,
					   .path = (int16_t)index,
					   .target = (uint8_t)target,
					   .at = now,
					   .value = probed});
	prober_set_target(daemon->engine.prober, index, target, probed ? to : NULL, ifindex, now);
}

void links_set_targets(struct daemon *daemon, size_t index, struct mono now)
{
	struct engine *engine = &daemon->engine;
	const struct conf_path *conf = &engine->conf->paths[index];
	const struct ip *proxy = conf->proxy4.family != AF_UNSPEC ? &conf->proxy4 : &conf->proxy6;
	const struct ip *exit = &engine->network.inner.endpoint.ip;
	int ifindex = (int)engine->network.path[index].tunnel.ifindex;
	/* A probe without a peer to send it to would start WireGuard's handshake timer in vain. */
	bool known = network_endpoint(&engine->network, index)->ip.family != AF_UNSPEC;

	set_target(daemon, index, PATH_TARGET_PROXY, known ? proxy : NULL, ifindex, now);
	set_target(daemon, index, PATH_TARGET_EXIT, known ? exit : NULL, ifindex, now);
}

static void reopen_soon(struct engine *engine, int64_t delay_us, struct mono now)
{
	engine->reopen_at = mono_earlier(engine->reopen_at, mono_add_us(now, delay_us));
}

/* Takes over what the network says of path `index` now; `before` is what it said before. */
static void update_path(struct daemon *daemon, size_t index, const struct tunnel *before,
			struct mono now)
{
	struct engine *engine = &daemon->engine;
	const struct tunnel *tunnel = &engine->network.path[index].tunnel;
	bool usable = network_is_usable(&engine->network, index);

	if (tunnel->ifindex != before->ifindex)
		links_set_targets(daemon, index, now);
	if (usable != engine->machine.paths.path[index].link_up)
		engine_feed(daemon, (struct input){.kind = INPUT_LINK,
						   .path = (int16_t)index,
						   .at = now,
						   .value = usable});
}

static bool concerns(const struct monitor_event *event, const struct tunnel *tunnel,
		     const char *interface)
{
	return event->kind == MONITOR_RESYNC || event->ifindex == tunnel->ifindex ||
	       !strcmp(event->name, interface);
}

void links_on_event(struct daemon *daemon, const struct monitor_event *event, struct mono now)
{
	struct engine *engine = &daemon->engine;
	struct network *network = &engine->network;
	size_t i;

	for (i = 0; i < engine->machine.paths.count; i++) {
		struct tunnel before = network->path[i].tunnel;

		if (!concerns(event, &before, engine->machine.paths.path[i].interface))
			continue;
		network_refresh_path(network, i);
		update_path(daemon, i, &before, now);
		if (!tunnel_is_open(&network->path[i].tunnel) &&
		    engine->conf->paths[i].tunnel.manage)
			reopen_soon(engine, REOPEN_DELAY_US, now);
	}
	if (engine->conf->mode == CONF_NESTED &&
	    concerns(event, &network->inner, engine->conf->inner.tunnel.interface)) {
		network_refresh_inner(network);
		if (!tunnel_is_open(&network->inner) && engine->conf->inner.tunnel.manage)
			reopen_soon(engine, REOPEN_DELAY_US, now);
	}
}

static bool reopen_inner(struct daemon *daemon)
{
	struct engine *engine = &daemon->engine;
	struct err err;

	if (engine->conf->mode != CONF_NESTED || tunnel_is_open(&engine->network.inner) ||
	    !engine->conf->inner.tunnel.manage)
		return true;
	if (network_reopen_inner(&engine->network, &err)) {
		log_warn(&daemon->log, "inner tunnel: %s; trying again", err.text);
		return false;
	}
	announce(daemon, "interface", NULL, "inner tunnel: interface %s was gone, made it again",
		 engine->conf->inner.tunnel.interface);
	return true;
}

static bool reopen_path(struct daemon *daemon, size_t index, struct mono now)
{
	struct engine *engine = &daemon->engine;
	struct tunnel before = engine->network.path[index].tunnel;
	struct err err;
	int ret;

	if (tunnel_is_open(&before) || !engine->conf->paths[index].tunnel.manage)
		return true;
	ret = network_reopen_path(&engine->network, index, &err);
	if (ret)
		log_warn(&daemon->log, "%s; trying again", err.text);
	else
		announce(daemon, "interface", NULL, "path %s: interface %s was gone, made it again",
			 engine->machine.paths.path[index].name,
			 engine->machine.paths.path[index].interface);
	update_path(daemon, index, &before, now);
	return !ret;
}

void links_reopen(struct daemon *daemon, struct mono now)
{
	struct engine *engine = &daemon->engine;
	bool all;
	size_t i;

	if (!mono_due(engine->reopen_at, now))
		return;
	engine->reopen_at = MONO_NEVER;
	all = reopen_inner(daemon);
	for (i = 0; i < engine->machine.paths.count; i++)
		all &= reopen_path(daemon, i, now);
	if (!all)
		reopen_soon(engine, REOPEN_RETRY_US, now);
}
