#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "netlink/guard.h"
#include "netlink/route.h"

/* Before connection tracking (-200), so that it sees only the final mark and source. */
#define OUT1_PRIORITY (-320)
#define OUT2_PRIORITY (-310)
#define POST_PRIORITY 110 /* after source NAT: nothing behind it changes the packet's way */

static const char *const chains[] = {"out1", "out2", "post"};
static const char *const counters[] = {"leaked4", "leaked6", "blocked4", "blocked6"};

/* Takes chains that may have rules, or may not exist, out of the table. */
static void put_reset(FILE *out, const char *table)
{
	size_t i;

	fprintf(out, "add table inet %s\n", table);
	for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		fprintf(out, "add counter inet %s %s\n", table, counters[i]);
	for (i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		fprintf(out, "add chain inet %s %s\n", table, chains[i]);
		fprintf(out, "flush chain inet %s %s\n", table, chains[i]);
		fprintf(out, "delete chain inet %s %s\n", table, chains[i]);
	}
}

static void put_chain(FILE *out, const char *name, const char *type, const char *hook, int priority)
{
	fprintf(out, "\tchain %s {\n\t\ttype %s hook %s priority %d; policy accept;\n", name, type,
		hook, priority);
}

/* Drops what the chain has let through so far, and counts it in `counter`4 or 6. */
static void put_drop(FILE *out, const char *condition, const char *counter)
{
	fprintf(out, "\t\t%smeta nfproto ipv4 counter name %s4 drop\n", condition, counter);
	fprintf(out, "\t\t%smeta nfproto ipv6 counter name %s6 drop\n", condition, counter);
}

/* --- steering --- */

/* One rule: the label that the route names -> the source address of that path. */
static void put_source_map(FILE *out, const struct guard_config *config, int family)
{
	const char *match = family == AF_INET ? "ip" : "ip6";
	char label[IP_TEXT_BYTES], source[IP_TEXT_BYTES];
	const char *separator = "";
	const struct ip *own;
	struct ip hop;
	size_t i;

	for (i = 0; i < config->path_count; i++) {
		own = family == AF_INET ? &config->paths[i].source4 : &config->paths[i].source6;
		if (!own->family)
			continue;
		hop = family == AF_INET ? route_label4(config->paths[i].label)
					: route_label6(config->paths[i].label);
		if (!*separator)
			fprintf(out,
				"\t\tmeta mark %" PRIu32
				" meta nfproto %s %s saddr set rt %s nexthop map { ",
				config->steer_mark, family == AF_INET ? "ipv4" : "ipv6", match,
				match);
		fprintf(out, "%s%s : %s", separator, ip_format(&hop, label),
			ip_format(own, source));
		separator = ", ";
	}
	if (*separator)
		fprintf(out, " }\n");
}

static void put_steering(FILE *out, const struct guard_config *config)
{
	put_chain(out, "out1", "route", "output", OUT1_PRIORITY);
	fprintf(out, "\t\tmeta mark %" PRIu32 " udp dport %u meta mark set %" PRIu32 "\n\t}\n",
		config->inner_mark, config->exit_port, config->steer_mark);
	put_chain(out, "out2", "filter", "output", OUT2_PRIORITY);
	put_source_map(out, config, AF_INET);
	put_source_map(out, config, AF_INET6);
	fprintf(out, "\t}\n");
}

/* --- what may leave, and by what --- */

static void put_overlays(FILE *out, const struct guard_config *config)
{
	size_t i;

	fprintf(out, "\t\toifname { ");
	for (i = 0; i < config->path_count; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "", config->paths[i].overlay);
	fprintf(out, " } accept\n");
}

static void put_exceptions(FILE *out, const struct guard_config *config)
{
	char text[IP_PREFIX_TEXT_BYTES];
	struct ip_prefix prefix;
	size_t i;

	for (i = 0; i < config->bypass_count; i++) {
		prefix = ip_prefix_masked(&config->bypass[i]);
		fprintf(out, "\t\t%s daddr %s accept\n", prefix.ip.family == AF_INET ? "ip" : "ip6",
			ip_prefix_format(&prefix, text));
	}
	fprintf(out, "\t\tip protocol igmp accept\n"
		     "\t\tmeta nfproto ipv4 udp sport 68 udp dport 67 accept\n"
		     "\t\tmeta nfproto ipv6 udp sport 546 udp dport 547 accept\n"
		     "\t\ticmpv6 type { 131, 132, 133, 135, 136, 143 } ip6 hoplimit { 1, 255 } "
		     "accept\n");
}

static void put_post(FILE *out, const struct guard_config *config)
{
	char inner[64];

	put_chain(out, "post", "filter", "postrouting", POST_PRIORITY);
	put_overlays(out, config);
	fprintf(out, "\t\toifname \"lo\" accept\n");
	if (!config->direct) {
		snprintf(inner, sizeof(inner), "meta mark { %" PRIu32 ", %" PRIu32 " } ",
			 config->inner_mark, config->steer_mark);
		put_drop(out, inner, "leaked");
		fprintf(out, "\t\toifname \"%s\" accept\n", config->inner);
	}
	fprintf(out, "\t\tmeta mark %" PRIu32 " accept\n", config->overlay_mark);
	put_exceptions(out, config);
	put_drop(out, "", config->direct ? "leaked" : "blocked");
	fprintf(out, "\t}\n");
}

char *guard_script(const struct guard_config *config)
{
	char *text = NULL;
	size_t bytes;
	FILE *out;

	out = open_memstream(&text, &bytes);
	if (!out)
		return NULL;
	put_reset(out, config->table);
	fprintf(out, "table inet %s {\n", config->table);
	if (!config->direct)
		put_steering(out, config);
	put_post(out, config);
	fprintf(out, "}\n");
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
