#include "netlink/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/nl.h"

/* --- install and remove, by libnftables --- */

static int run(const char *script, struct err *err)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	int ret = 0;

	if (!nft)
		return err_set(err, -ENOMEM, "cannot start libnftables");
	/* Buffered, or libnftables prints. */
	if (nft_ctx_buffer_output(nft) || nft_ctx_buffer_error(nft))
		ret = err_set(err, -ENOMEM, "cannot start libnftables");
	else if (nft_run_cmd_from_buffer(nft, script))
		ret = err_set(err, -EINVAL, "nftables: %s", nft_ctx_get_error_buffer(nft));
	nft_ctx_free(nft);
	return ret;
}

int guard_install(const struct guard_config *config, struct err *err)
{
	char *script = guard_script(config);
	int ret;

	if (!script)
		return err_set(err, -ENOMEM, "out of memory");
	ret = run(script, err);
	free(script);
	return ret;
}

int guard_remove(const char *table, struct err *err)
{
	char script[256];

	/* "add" first: deleting what is not there is an error. */
	snprintf(script, sizeof(script), "add table inet %s\ndelete table inet %s\n", table, table);
	return run(script, err);
}

/* --- read, by netlink: the daemon does it all the time --- */

static struct nlmsghdr *begin(void *bytes, uint16_t type)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(bytes);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	message->nlmsg_type = (NFNL_SUBSYS_NFTABLES << 8) | type;
	header->nfgen_family = NFPROTO_INET;
	header->version = NFNETLINK_V0;
	return message;
}

static void read_counter(const struct nlattr *data, uint64_t *packets)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, data)
	{
		if (mnl_attr_get_type(attr) == NFTA_COUNTER_PACKETS &&
		    mnl_attr_get_payload_len(attr) == sizeof(uint64_t))
			*packets += be64toh(mnl_attr_get_u64(attr));
	}
}

/* An nl_message_fn whose arg is the number of packets to add to. */
static int add_counter(const struct nlmsghdr *message, void *arg)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == NFTA_OBJ_DATA)
			read_counter(attr, arg);
	}
	return 0;
}

static int ask_counter(struct nl *nl, const char *table, const char *name, uint64_t *packets)
{
	char bytes[256] __attribute__((aligned(4)));
	struct nlmsghdr *request = begin(bytes, NFT_MSG_GETOBJ);

	mnl_attr_put_strz(request, NFTA_OBJ_TABLE, table);
	mnl_attr_put_strz(request, NFTA_OBJ_NAME, name);
	mnl_attr_put_u32(request, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	return nl_ask(nl, request, add_counter, packets);
}

static int ask_pair(struct nl *nl, const char *table, const char *v4, const char *v6,
		    uint64_t *packets)
{
	int ret;

	*packets = 0;
	ret = ask_counter(nl, table, v4, packets);
	return ret ? ret : ask_counter(nl, table, v6, packets);
}

int guard_read(struct nl *nl, const char *table, struct guard_counters *out)
{
	int ret = ask_pair(nl, table, "leaked4", "leaked6", &out->leaked);

	return ret ? ret : ask_pair(nl, table, "blocked4", "blocked6", &out->blocked);
}

/* An nl_message_fn whose arg is the number of rules seen. */
static int count_rule(const struct nlmsghdr *message, void *arg)
{
	size_t *count = arg;

	(void)message;
	++*count;
	return 0;
}

/* 0 as well when the table cannot be read. */
static size_t count_rules(struct nl *nl, const char *table)
{
	char bytes[256] __attribute__((aligned(4)));
	struct nlmsghdr *request = begin(bytes, NFT_MSG_GETRULE);
	size_t count = 0;

	request->nlmsg_flags = NLM_F_DUMP;
	mnl_attr_put_strz(request, NFTA_RULE_TABLE, table);
	return nl_ask(nl, request, count_rule, &count) ? 0 : count;
}

/* How many rules guard_script() makes. */
static size_t expected_rules(const struct guard_config *config)
{
	bool v4 = false, v6 = false;
	size_t i;

	/* overlays, lo, overlay mark, four exceptions, two drops */
	if (config->direct)
		return 9 + config->bypass_count;
	for (i = 0; i < config->path_count; i++) {
		v4 |= config->paths[i].source4.family;
		v6 |= config->paths[i].source6.family;
	}
	/* and the inner tunnel, two drops of its packets, out1, out2 per family */
	return 13 + config->bypass_count + v4 + v6;
}

bool guard_verify(struct nl *nl, const struct guard_config *config)
{
	struct guard_counters counters;

	return !guard_read(nl, config->table, &counters) &&
	       count_rules(nl, config->table) == expected_rules(config);
}
