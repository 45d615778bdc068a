#include "daemon/endpoints.h"

#include "daemon/announce.h"
#include "daemon/daemon.h"
#include "daemon/links.h"
#include "lib/clock.h"

#define STALE_US       INT64_C(135000000) /* wireguard-tools, contrib/reresolve-dns */
#define RETRY_US       INT64_C(5000000)	  /* while there is no address yet */
#define STALE_RETRY_US INT64_C(30000000)

/* The paths by their index, and then the exit. */
static size_t exit_id(const struct engine *engine)
{
	return engine->conf->path_count;
}

static const struct conf_endpoint *endpoint_of(const struct engine *engine, size_t id)
{
	if (id == exit_id(engine))
		return &engine->conf->inner.tunnel.wg->endpoint;
	return &engine->conf->paths[id].tunnel.wg->endpoint;
}

static bool is_stale(const struct engine *engine, size_t id)
{
	const struct path *path = &engine->machine.paths.path[id];

	if (id == exit_id(engine))
		return paths_common_fault(&engine->machine.paths) == PATH_FAULT_EXIT;
	return path->state == PATH_DOWN && path->link_up &&
	       (path->handshake_age_us < 0 || path->handshake_age_us > STALE_US);
}

/* When name `id` is to be looked up next; MONO_NEVER while it is healthy. */
static struct mono due_at(const struct engine *engine, size_t id)
{
	struct mono asked = engine->looked_up[id];

	if (network_endpoint(&engine->network, id)->ip.family == AF_UNSPEC)
		return asked.us == MONO_LONG_AGO.us ? asked : mono_add_us(asked, RETRY_US);
	return is_stale(engine, id) ? mono_add_us(asked, STALE_RETRY_US) : MONO_NEVER;
}

void endpoints_on_time(struct daemon *daemon, struct mono now)
{
	struct engine *engine = &daemon->engine;
	const struct conf_network *network = &engine->conf->network;
	size_t count = engine->conf->path_count + (engine->conf->mode == CONF_NESTED);
	size_t id;

	resolver_on_time(daemon->resolver);
	for (id = 0; id < count; id++) {
		const struct conf_endpoint *endpoint = endpoint_of(engine, id);

		if (endpoint->ip.family != AF_UNSPEC || !mono_due(due_at(engine, id), now))
			continue;
		engine->looked_up[id] = now;
		resolver_lookup(
			daemon->resolver, id, endpoint->host, network_family(&engine->network, id),
			id == exit_id(engine) ? network->mark_inner : network->mark_overlay);
	}
}

void endpoints_on_answer(void *arg, size_t id, const struct ip *ip, const char *why)
{
	struct daemon *daemon = arg;
	struct engine *engine = &daemon->engine;
	struct mono now = clock_now();
	char text[IP_TEXT_BYTES];
	size_t i;

	if (id > exit_id(engine))
		return; /* of a configuration that had more paths */
	if (!ip) {
		log_warn(&daemon->log, "cannot look up %s: %s; trying again",
			 endpoint_of(engine, id)->host, why);
		return;
	}
	if (ip_equal(ip, &network_endpoint(&engine->network, id)->ip))
		return;
	if (network_set_endpoint(&engine->network, id, ip))
		return;
	log_debug(&daemon->log, "%s is %s", endpoint_of(engine, id)->host, ip_format(ip, text));
	announce(daemon, "endpoint", NULL, "endpoint %s has a new address",
		 endpoint_of(engine, id)->host);
	for (i = 0; i < engine->machine.paths.count; i++) {
		if (i == id || id == exit_id(engine))
			links_set_targets(daemon, i, now);
	}
	prober_burst(engine->prober, now);
}
