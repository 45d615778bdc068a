/* comps audit: what links the paths to each other, whatever the policy. */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/audit_routes.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/view.h"
#include "conf/conf.h"
#include "policies/registry.h"

#define PHASE_S 2.0

enum severity {
	HIGH,	/* whoever sees both paths knows that they are one user's */
	MEDIUM, /* it makes linking them easier */
	NOTE,
};

static const char *const severities[] = {"high", "medium", "note"};

struct audit {
	json_t *findings;
	size_t count[3];
};

static void find(struct audit *audit, enum severity severity, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void find(struct audit *audit, enum severity severity, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(audit->findings, json_pack("{s:s, s:s}", "severity",
							 severities[severity], "text", text));
	audit->count[severity]++;
}

/* --- keys ------------------------------------------------------------------------------------- */

/* The i-th tunnel: the paths, then the inner one. */
static const struct conf_tunnel *tunnel(const struct conf *conf, size_t i, const char **name)
{
	*name = i < conf->path_count ? conf->paths[i].name : "the inner tunnel";
	return i < conf->path_count ? &conf->paths[i].tunnel : &conf->inner.tunnel;
}

static size_t tunnel_count(const struct conf *conf)
{
	return conf->path_count + (conf->mode == CONF_NESTED);
}

static void look_at_keys(const struct conf *conf, struct audit *audit)
{
	const char *a, *b;

	for (size_t i = 0; i < tunnel_count(conf); i++) {
		const struct wgquick *x = tunnel(conf, i, &a)->wg;

		for (size_t j = i + 1; j < tunnel_count(conf); j++) {
			const struct wgquick *y = tunnel(conf, j, &b)->wg;

			if (!memcmp(x->public_key, y->public_key, KEY_BYTES))
				find(audit, HIGH,
				     "%s and %s have the same key of ours: their servers know each "
				     "other's user; give each its own (wg genkey)",
				     a, b);
			if (!memcmp(x->peer_key, y->peer_key, KEY_BYTES))
				find(audit, HIGH, "%s and %s lead to the same server's key", a, b);
		}
		if (!x->has_preshared_key)
			find(audit, NOTE, "%s has no PresharedKey", a);
	}
}

/* --- addresses -------------------------------------------------------------------------------- */

static bool same_bits(const struct ip *a, const struct ip *b, unsigned int bits)
{
	struct ip_prefix x = {*a, bits}, y = {*b, bits};

	x = ip_prefix_masked(&x);
	y = ip_prefix_masked(&y);
	return a->family == b->family && ip_equal(&x.ip, &y.ip);
}

static void look_at_addresses(const struct conf *conf, struct audit *audit)
{
	const char *a, *b;

	for (size_t i = 0; i < tunnel_count(conf); i++) {
		const struct ip *x = &tunnel(conf, i, &a)->wg->endpoint.ip;

		for (size_t j = i + 1; j < tunnel_count(conf) && x->family != AF_UNSPEC; j++) {
			const struct ip *y = &tunnel(conf, j, &b)->wg->endpoint.ip;
			bool v4 = x->family == AF_INET;

			if (y->family == AF_UNSPEC)
				continue;
			if (same_bits(x, y, v4 ? 32 : 128))
				find(audit, HIGH, "%s and %s have one server's address", a, b);
			else if (same_bits(x, y, v4 ? 24 : 48))
				find(audit, MEDIUM,
				     "the servers of %s and %s are in one /%d: most likely one "
				     "provider, which sees both",
				     a, b, v4 ? 24 : 48);
		}
	}
}

/* --- what shows on the wire ------------------------------------------------------------------- */

static void look_at_shape(const struct conf *conf, struct audit *audit)
{
	const struct conf_path *paths = conf->paths;
	bool same_port = conf->path_count > 1;

	for (size_t i = 0; i < conf->path_count; i++) {
		const struct wgquick *wg = paths[i].tunnel.wg;

		if (wg->keepalive_s)
			find(audit, MEDIUM,
			     "%s has PersistentKeepalive = %u: a beat that is always there; the "
			     "probes keep a NAT open as well",
			     paths[i].name, wg->keepalive_s);
		if (paths[i].tunnel.mtu != paths[0].tunnel.mtu)
			find(audit, MEDIUM,
			     "%s has MTU %u, %s %u: the largest packets tell the paths apart",
			     paths[0].name, paths[0].tunnel.mtu, paths[i].name,
			     paths[i].tunnel.mtu);
		if (wg->listen_port)
			find(audit, NOTE, "%s has a fixed port of ours, %u", paths[i].name,
			     wg->listen_port);
		same_port &= wg->endpoint.port == paths[0].tunnel.wg->endpoint.port;
	}
	if (same_port)
		find(audit, NOTE, "all proxies listen on port %u",
		     paths[0].tunnel.wg->endpoint.port);
	if (conf->path_count < 3)
		find(audit, MEDIUM, "%zu path%s: from 3 on one path sees little of a session",
		     conf->path_count, conf->path_count == 1 ? "" : "s");
	if (conf->mode == CONF_NESTED)
		find(audit, NOTE,
		     "every proxy reads the header of the inner tunnel: one receiver index for all "
		     "paths, and a counter that tells how many packets went elsewhere");
}

static void look_at_uplink(const struct conf *conf, struct audit *audit)
{
	char first[AUDIT_ROUTE_BYTES] = "", route[AUDIT_ROUTE_BYTES];

	for (size_t i = 0; i < conf->path_count; i++) {
		if (audit_route(&conf->paths[i].tunnel.wg->endpoint.ip, route))
			return;
		if (i == 0)
			strcpy(first, route);
		if (strcmp(first, route) != 0)
			return;
	}
	find(audit, NOTE, "all paths leave by %s: whoever sits there sees all of them at once",
	     first);
}

/* --- handshakes ------------------------------------------------------------------------------- */

static void look_at_handshakes(const json_t *status, struct audit *audit)
{
	const json_t *paths = json_object_get(status, "paths"), *a, *b;
	size_t i, j;

	json_array_foreach(paths, i, a)
	{
		double x = format_number(a, "handshake_age_s");

		for (j = i + 1; j < json_array_size(paths); j++) {
			b = json_array_get(paths, j);
			if (fabs(x - format_number(b, "handshake_age_s")) < PHASE_S)
				find(audit, MEDIUM,
				     "%s and %s shake hands within %g s of each other, every two "
				     "minutes",
				     format_string(a, "name"), format_string(b, "name"), PHASE_S);
		}
	}
}

/* --- the command ------------------------------------------------------------------------------ */

static void print(const struct cli *cli, const struct audit *audit)
{
	static const enum view_style styles[] = {VIEW_BAD, VIEW_WARN, VIEW_PLAIN};
	struct view view = {.out = cli->out, .color = cli->color};
	const json_t *finding;
	size_t i;

	if (cli->json) {
		cli_print_json(cli, audit->findings);
		return;
	}
	for (int s = HIGH; s <= NOTE; s++) {
		json_array_foreach(audit->findings, i, finding)
		{
			if (!strcmp(format_string(finding, "severity"), severities[s]))
				view_line(&view, styles[s], "%-7s %s", severities[s],
					  format_string(finding, "text"));
		}
	}
	if (!json_array_size(audit->findings))
		view_line(&view, VIEW_GOOD, "nothing was found");
}

static int load(struct cli *cli, struct conf **out)
{
	const char *file = cli->word_count	 ? cli->words[0]
			   : cli->config != NULL ? cli->config
						 : CLI_CONFIG_DEFAULT;
	struct diags d = DIAGS_INIT;
	int rc = conf_load(file, registry_all(), &d, out);

	if (rc)
		cli_error(cli, CLI_FAILED, "%s has errors; comps check %s shows them", file, file);
	diags_fini(&d);
	return rc ? CLI_FAILED : CLI_OK;
}

int audit_run(struct cli *cli)
{
	struct audit audit = {.findings = json_array()};
	struct conf *conf;
	json_t *reply;
	int rc = load(cli, &conf);

	if (rc == CLI_OK) {
		look_at_keys(conf, &audit);
		look_at_addresses(conf, &audit);
		look_at_shape(conf, &audit);
		look_at_uplink(conf, &audit);
		/* Without a daemon that is all there is to look at. */
		if (cli_ask(cli, json_pack("{s:s}", "cmd", "status"), "status", &reply) == CLI_OK) {
			look_at_handshakes(json_object_get(reply, "status"), &audit);
			json_decref(reply);
		}
		print(cli, &audit);
		rc = audit.count[HIGH] ? CLI_FAILED : CLI_OK;
		conf_free(conf);
	}
	json_decref(audit.findings);
	return rc;
}
