#include "provision/bundle_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provision/bundle.h"
#include "provision/bundle_mark.h"

#define TUNNEL_BYTES 1024

static void write_paths(FILE *out, const struct provision_config *config,
			const struct tunnels *tunnels)
{
	char text[IP_TEXT_BYTES];

	fputs("paths:\n", out);
	for (size_t i = 0; i < tunnels->count; i++) {
		const char *name = tunnels->proxies[i].path;

		fprintf(out,
			"  - name: \"%s\"\n"
			"    interface: wg-%s\n" /* not by position: that changes */
			"    config: " BUNDLE_TUNNELS "/%s.conf\n"
			"    proxy: %s\n",
			name, name, name, ip_format(&config->gateway.ip, text));
	}
}

static void write_yaml(FILE *out, const struct provision_config *config,
		       const struct tunnels *tunnels)
{
	char text[IP_TEXT_BYTES];

	fprintf(out,
		"# The client of network %s, by `comps provision`, which replaces this part.\n"
		"mode: nested\n"
		"inner:\n"
		"  config: " BUNDLE_TUNNELS "/wg0.conf\n"
		"  ping: %s\n",
		config->network, ip_format(&config->gateway.ip, text));
	write_paths(out, config, tunnels);
	fputs("\n" BUNDLE_MARK_YOURS "# comps.yaml(5) has every key.\n\n"
	      "# It migrates by itself: quiet, every 10 s in the mean, at random. Others: balanced "
	      "and\n"
	      "# comps (quicker, against traffic analysis), mtd (every 10 min), perf (the fastest "
	      "path).\n"
	      "profile: quiet\n"
	      "\n"
	      "# Prefixes that stay outside the tunnels, such as your local network.\n"
	      "bypass: []\n",
	      out);
}

char *bundle_conf_yaml(const struct provision_config *config, const struct tunnels *tunnels)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	if (out)
		write_yaml(out, config, tunnels);
	if (!out || fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static void write_key(FILE *out, const char *name, const uint8_t key[KEY_BYTES])
{
	char text[KEY_TEXT_BYTES];

	key_format(key, text);
	fprintf(out, "%s = %s\n", name, text);
	key_wipe(text, sizeof(text));
}

static void write_tunnel(FILE *out, const struct provision_config *config,
			 const struct tunnel *tunnel)
{
	static const uint8_t none[KEY_BYTES];
	const struct tunnel_check_peer *end = &tunnel->end;
	bool inner = tunnel->node->role == PROVIDER_COMP;
	char text[IP_TEXT_BYTES];

	fprintf(out, "# Of network %s, to %s.\n[Interface]\n", config->network, tunnel->node->name);
	write_key(out, "PrivateKey", end->private_key);
	fprintf(out, "Address = %s/32\nMTU = %u\n\n[Peer]\n", ip_format(&end->own, text),
		config->mtu - (inner ? TUNNELS_INNER_BYTES : 0));
	write_key(out, "PublicKey", end->public_key);
	if (memcmp(end->preshared_key, none, KEY_BYTES) != 0)
		write_key(out, "PresharedKey", end->preshared_key);
	fprintf(out, "AllowedIPs = 0.0.0.0/0\nEndpoint = %s:%u\n", end->address, end->port);
}

char *bundle_conf_tunnel(const struct provision_config *config, const struct tunnel *tunnel)
{
	/* Of a fixed size: one that grows would leave keys behind wherever it was. */
	char *text = calloc(1, TUNNEL_BYTES);
	FILE *out = text ? fmemopen(text, TUNNEL_BYTES, "w") : NULL;

	if (!out) {
		free(text);
		return NULL;
	}
	setvbuf(out, NULL, _IONBF, 0); /* for the same reason */
	write_tunnel(out, config, tunnel);
	fclose(out);
	return text;
}
