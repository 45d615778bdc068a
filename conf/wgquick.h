/* wgquick: reads a wg-quick(8) .conf file, the form in which every WireGuard provider hands out a
 * tunnel.
 *
 * A tunnel of CoMPS has exactly one peer. The keys by which wg-quick(8) would route or run commands
 * (Table, FwMark, PreUp, PostUp, PreDown, PostDown, SaveConfig) are ignored with a note, because
 * CoMPS does its own routing and runs nothing from a file that a provider wrote.
 */
#ifndef COMPS_CONF_WGQUICK_H
#define COMPS_CONF_WGQUICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/diag.h"
#include "lib/ip.h"
#include "lib/key.h"

/* Where the peer is. A host name is looked up by the daemon, not here. */
struct conf_endpoint {
	char host[256]; /* as written, without the brackets of an IPv6 address */
	uint16_t port;
	struct ip ip; /* AF_UNSPEC where `host` is a name */
};

/* A place in the file, for messages about values that are right by themselves. Line 0: the key is
 * not there. */
struct wgquick_place {
	int line, column;
};

struct wgquick {
	char *file; /* its name */

	/* [Interface] */
	uint8_t private_key[KEY_BYTES];
	uint8_t public_key[KEY_BYTES]; /* derived from private_key */
	struct ip_prefix *addresses;   /* an address with the length of its subnet */
	size_t address_count;	       /* at least 1 */
	uint16_t listen_port;	       /* 0: any */
	uint32_t mtu;		       /* 0: not given */
	char **dns;		       /* servers and search domains, as written */
	size_t dns_count;

	/* [Peer] */
	uint8_t peer_key[KEY_BYTES];
	bool has_preshared_key;
	uint8_t preshared_key[KEY_BYTES];
	struct ip_prefix *allowed_ips;
	size_t allowed_ip_count;
	struct conf_endpoint endpoint;
	uint16_t keepalive_s; /* 0: off */

	struct wgquick_place private_key_at, address_at, listen_port_at, mtu_at;
	struct wgquick_place allowed_ips_at, endpoint_at, keepalive_at;
};

/* Reads `text`, which need not end in a NUL; `file` is its name in messages. Every finding goes to
 * `d`. Returns 0 with *out to be freed by wgquick_free; -EINVAL after errors, with *out untouched;
 * -ENOMEM. */
int wgquick_parse(const char *file, const char *text, size_t text_bytes, struct diags *d,
		  struct wgquick **out);

/* True when the tunnel has an address of `family` (AF_INET, AF_INET6). */
bool wgquick_has_family(const struct wgquick *wg, int family);

/* Wipes the keys and frees. NULL is allowed. */
void wgquick_free(struct wgquick *wg);

#endif
