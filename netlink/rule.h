/* rule: FIB rules (ip-rule(8)) of both families, with explicit priority and our own protocol.
 *
 * The kernel takes a second identical rule at another priority without a word, so a rule without
 * an explicit priority is never added.
 */
#ifndef COMPS_NETLINK_RULE_H
#define COMPS_NETLINK_RULE_H

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/ip.h"

struct batch;
struct nl;

struct rule {
	int family; /* AF_INET or AF_INET6 */
	uint32_t priority;
	uint8_t protocol;
	bool unreachable;	/* the action; else: look `table` up */
	uint32_t table;		/* 0 with `unreachable` */
	uint32_t mark;		/* fwmark, under the mask 0xffffffff; 0: not asked for */
	bool invert;		/* "not" */
	char oifname[IFNAMSIZ]; /* "": any */
	struct ip_prefix to;	/* AF_UNSPEC: any */
	uint16_t port_first;	/* of the destination; 0: any. At most 65534, says the kernel. */
	uint16_t port_last;
	bool no_default;    /* a default route that the lookup finds does not count */
	bool foreign_parts; /* from a dump: it has selectors or an action that are not above */
};

/* Appends one RTM_NEWRULE (`add`) or RTM_DELRULE. Returns 0, or -ENOBUFS when the batch is full. */
int rule_build(struct batch *batch, bool add, const struct rule *rule);

/* Adds a rule; 0 as well when the same rule (protocol included) is there already. Returns 0 or
 * -errno with a sentence in `err` (may be NULL); -EEXIST when a rule with these and more selectors
 * has the priority. */
int rule_add(struct nl *nl, const struct rule *rule, struct err *err);

/* Removes the first rule with all of these (the kernel does not compare what is not given; the
 * protocol is). Returns 0, also when there is none, or -errno. */
int rule_delete(struct nl *nl, const struct rule *rule);

/* All IPv4 and IPv6 rules, each family in order of priority; the caller frees `*rules`, NULL where
 * there is none. Returns 0 or -errno. */
int rule_dump(struct nl *nl, struct rule **rules, size_t *count);

/* Removes every rule of both families with this protocol, and no other. Returns 0, or the first
 * -errno (and has tried all). */
int rule_remove_all(struct nl *nl, uint8_t protocol);

/* Equal in every field; a rule with foreign parts equals none. */
bool rule_equal(const struct rule *a, const struct rule *b);

/* "IPv4 rule 10020: not fwmark 51820 lookup 51820", into `text`; returns it. */
const char *rule_format(const struct rule *rule, char *text, size_t text_bytes);

#endif
