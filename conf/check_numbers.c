#include <stdio.h>
#include <string.h>

#include "conf/check.h"

#define RESERVED_MIN 253 /* default, main and local: rt_tables, linux/rtnetlink.h */
#define RESERVED_MAX 255

/* linux/rtnetlink.h, RTPROT_*: those in use elsewhere. */
static const struct {
	uint32_t number;
	const char *name;
} protocols[] = {
	{8, "gated"},	    {9, "ra"},	   {10, "mrt"},	 {11, "zebra"},	 {12, "bird"},
	{13, "dnrouted"},   {14, "xorp"},  {15, "ntk"},	 {16, "dhcp"},	 {17, "mrouted"},
	{18, "keepalived"}, {42, "babel"}, {84, "ovn"},	 {99, "openr"},	 {186, "bgp"},
	{187, "isis"},	    {188, "ospf"}, {189, "rip"}, {192, "eigrp"},
};

/* The value of a key of the section, or the section, or the root: whichever is there. */
static const struct conf_node *place(const struct conf_node *root, const char *section,
				     const char *key)
{
	const struct conf_node *above = conf_node_get(root, section);
	const struct conf_node *node = conf_node_get(above, key);

	return node ? node : above ? above : root;
}

/* " (line 7)", or " (the default)" for a key that is not there. */
static void whereabouts(const struct conf_node *root, const char *key, char *out, size_t out_bytes)
{
	const struct conf_node *node = conf_node_get(conf_node_get(root, "network"), key);

	if (node)
		snprintf(out, out_bytes, "line %d", node->line);
	else
		snprintf(out, out_bytes, "the default");
}

static void complain_equal(struct conf_reader *r, const struct conf_node *root, const char *key,
			   const char *other, uint32_t number)
{
	/* The one that is written down is at fault, not the other's default. */
	const struct conf_node *section = conf_node_get(root, "network");
	bool swap = !conf_node_get(section, key) && conf_node_get(section, other);
	const char *culprit = swap ? other : key, *rest = swap ? key : other;
	char where[32];

	whereabouts(root, rest, where, sizeof(where));
	schema_error(r, place(root, "network", culprit), "%u is also %s (%s)", number, rest, where);
}

static void check_marks(struct conf_reader *r, const struct conf_node *root,
			const struct conf_network *n)
{
	if (n->mark_overlay == n->mark_inner)
		complain_equal(r, root, "mark_overlay", "mark_inner", n->mark_overlay);
	if (n->mark_steer == n->mark_inner)
		complain_equal(r, root, "mark_steer", "mark_inner", n->mark_steer);
	if (n->mark_steer == n->mark_overlay)
		complain_equal(r, root, "mark_steer", "mark_overlay", n->mark_steer);
}

static bool is_reserved(uint32_t table)
{
	return table >= RESERVED_MIN && table <= RESERVED_MAX;
}

static void check_table(struct conf_reader *r, const struct conf_node *root, const char *key,
			uint32_t table)
{
	if (is_reserved(table))
		schema_error(r, place(root, "network", key),
			     "table %u belongs to the system (253 default, 254 main, 255 local)",
			     table);
}

static void check_probe_tables(struct conf_reader *r, const struct conf_node *root,
			       const struct conf *conf)
{
	const struct conf_network *n = &conf->network;
	uint64_t first = n->probe_table, last = first + conf->path_count - 1;
	const struct conf_node *at = place(root, "network", "probe_table");

	if (conf->path_count == 0)
		return;
	if (last > UINT32_MAX)
		schema_error(r, at, "%zu tables from %u on do not fit below 2^32", conf->path_count,
			     n->probe_table);
	else if (first <= RESERVED_MAX && last >= RESERVED_MIN)
		schema_error(r, at, "tables %u..%u, one per path, include the system's 253..255",
			     n->probe_table, (uint32_t)last);
	if (n->table_inner >= first && n->table_inner <= last)
		schema_error(r, at, "tables %u..%u, one per path, include table_inner %u",
			     n->probe_table, (uint32_t)last, n->table_inner);
	if (n->table_overlay >= first && n->table_overlay <= last)
		schema_error(r, at, "tables %u..%u, one per path, include table_overlay %u",
			     n->probe_table, (uint32_t)last, n->table_overlay);
}

static void check_protocol(struct conf_reader *r, const struct conf_node *root, uint32_t protocol)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (protocols[i].number == protocol)
			schema_error(
				r, place(root, "network", "protocol"),
				"%u is the number of %s, which would take our routes for its own",
				protocol, protocols[i].name);
}

static void check_uplinks(struct conf_reader *r, const struct conf_node *root,
			  const struct conf *conf)
{
	const struct conf_node *list = conf_node_get(conf_node_get(root, "network"), "uplink");

	for (size_t i = 0; i < conf->network.uplink_count; i++) {
		const char *name = conf->network.uplinks[i];
		bool own = strcmp(name, conf->inner.tunnel.interface) == 0;

		for (size_t p = 0; p < conf->path_count && !own; p++)
			own = strcmp(name, conf->paths[p].tunnel.interface) == 0;
		if (own && name[0])
			schema_error(r, schema_item(list, i),
				     "%s is a tunnel of CoMPS, not an uplink", name);
	}
}

void check_numbers(struct conf_reader *r, const struct conf_node *root, const struct conf *conf)
{
	const struct conf_network *n = &conf->network;

	check_table(r, root, "table_inner", n->table_inner);
	check_table(r, root, "table_overlay", n->table_overlay);
	if (n->table_overlay == n->table_inner)
		complain_equal(r, root, "table_overlay", "table_inner", n->table_overlay);
	check_probe_tables(r, root, conf);
	check_marks(r, root, n);
	check_protocol(r, root, n->protocol);
	check_uplinks(r, root, conf);
	if (n->nft_table[0] >= '0' && n->nft_table[0] <= '9')
		schema_error(r, place(root, "network", "nft_table"),
			     "\"%s\" begins with a digit, which nftables does not take",
			     n->nft_table);
	if (conf->probe.timeout_min_us > conf->probe.timeout_max_us)
		schema_error(r, place(root, "probe", "timeout_min"),
			     "is longer than probe.timeout_max (line %d)",
			     place(root, "probe", "timeout_max")->line);
	/* What leaves the window before its answer was due is never missed. */
	if (conf->probe.window < conf->probe.burst)
		schema_error(r, place(root, "probe", "window"), "%u is less than probe.burst, %u",
			     conf->probe.window, conf->probe.burst);
}
