/* firewall: the rules of a cloud firewall, in a form that can be compared.
 *
 * Outbound everything is allowed; only inbound rules are ours to choose.
 */
#ifndef COMPS_PROVISION_FIREWALL_H
#define COMPS_PROVISION_FIREWALL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/ip.h"

enum firewall_protocol {
	FIREWALL_TCP,
	FIREWALL_UDP,
	FIREWALL_ICMP,
};

struct firewall_rule {
	enum firewall_protocol protocol;
	unsigned int port_first, port_last; /* 0 and 65535: all; also with ICMP */
	struct ip_prefix *sources;
	size_t source_count;
};

struct firewall {
	char id[64], name[128];
	bool pending; /* the provider is still applying it */
	bool failed;
	bool open_out; /* lets everything out, as ours must */
	struct firewall_rule *rules;
	size_t rule_count;
};

void firewall_fini(struct firewall *firewall);

/* Adds a rule with no source yet; ports are 0..65535. Returns 0 or -ENOMEM. */
int firewall_add_rule(struct firewall *firewall, enum firewall_protocol protocol,
		      unsigned int port_first, unsigned int port_last);

/* Adds a source to the last rule, if it is not there yet. Returns 0 or -ENOMEM. */
int firewall_add_source(struct firewall *firewall, const struct ip_prefix *source);

/* Reads what providers write for ports: "22", "8000-9000", and "0", "all", "1-65535" or nothing for
 * all. Returns 0 or -EINVAL. */
int firewall_parse_ports(const char *text, unsigned int *first, unsigned int *last);

/* Same rules with the same sources, in whatever order; both let everything out. */
bool firewall_same(const struct firewall *a, const struct firewall *b);

#endif
