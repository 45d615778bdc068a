#include "netlink/link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "netlink/batch.h"
#include "netlink/nl.h"

/* --- read --- */

static void read_kind(const struct nlattr *info, struct link *out)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info)
	{
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			nl_attr_text(attr, out->kind, sizeof(out->kind));
	}
}

static void read_counters(const struct nlattr *attr, struct link *out)
{
	struct rtnl_link_stats64 stats = {0};
	size_t length = mnl_attr_get_payload_len(attr);

	memcpy(&stats, mnl_attr_get_payload(attr), length < sizeof(stats) ? length : sizeof(stats));
	out->rx_packets = stats.rx_packets;
	out->tx_packets = stats.tx_packets;
	out->rx_bytes = stats.rx_bytes;
	out->tx_bytes = stats.tx_bytes;
}

static void read_attr(const struct nlattr *attr, struct link *out)
{
	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		nl_attr_text(attr, out->name, sizeof(out->name));
		break;
	case IFLA_IFALIAS:
		nl_attr_text(attr, out->alias, sizeof(out->alias));
		break;
	case IFLA_MTU:
		out->mtu = nl_attr_u32(attr);
		break;
	case IFLA_LINKINFO:
		read_kind(attr, out);
		break;
	case IFLA_STATS64:
		read_counters(attr, out);
		break;
	}
}

/* An nl_decode_fn without a filter. */
static int decode(const struct nlmsghdr *message, const void *filter, void *item)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;
	struct link *out = item;

	(void)filter;
	if (message->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*header))
		return 0;
	*out = (struct link){.ifindex = (uint32_t)header->ifi_index, .flags = header->ifi_flags};
	mnl_attr_for_each(attr, message, sizeof(*header)) read_attr(attr, out);
	return 1;
}

/* An nl_message_fn whose arg is the link. */
static int decode_one(const struct nlmsghdr *message, void *arg)
{
	return decode(message, NULL, arg) ? 0 : -EBADMSG;
}

static struct nlmsghdr *begin_get(void *bytes, uint32_t ifindex)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(bytes);
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = RTM_GETLINK;
	header->ifi_index = (int)ifindex;
	/* Leaves the per-family counters out, not IFLA_STATS64. */
	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return request;
}

int link_get_index(struct nl *nl, uint32_t ifindex, struct link *out)
{
	char bytes[128] __attribute__((aligned(4)));

	return nl_ask(nl, begin_get(bytes, ifindex), decode_one, out);
}

int link_get(struct nl *nl, const char *name, struct link *out)
{
	char bytes[128] __attribute__((aligned(4)));
	struct nlmsghdr *request = begin_get(bytes, 0);

	if (strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	mnl_attr_put_strz(request, IFLA_IFNAME, name);
	return nl_ask(nl, request, decode_one, out);
}

int link_dump(struct nl *nl, struct link **links, size_t *count)
{
	char bytes[128] __attribute__((aligned(4)));
	void *items;
	int ret;

	ret = nl_dump(nl, begin_get(bytes, 0), decode, NULL, sizeof(**links), &items, count);
	*links = items;
	return ret;
}

/* --- change --- */

/* Begins an RTM_NEWLINK for an interface that is there, by index or by name. */
static struct nlmsghdr *begin_change(struct batch *batch, uint32_t ifindex, const char *name,
				     uint32_t flags, uint32_t change)
{
	struct nlmsghdr *message = batch_begin(batch, RTM_NEWLINK, 0);
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->ifi_index = (int)ifindex;
	header->ifi_flags = flags;
	header->ifi_change = change;
	if (name)
		mnl_attr_put_strz(message, IFLA_IFNAME, name);
	return message;
}

static void build_create(struct batch *batch, const char *name, const char *kind)
{
	struct nlmsghdr *message = batch_begin(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info;

	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(message, info);
	batch_end(batch, message);
}

static void build_alias(struct batch *batch, uint32_t ifindex, const char *name, const char *alias)
{
	struct nlmsghdr *message = begin_change(batch, ifindex, name, 0, 0);

	mnl_attr_put_str(message, IFLA_IFALIAS, alias);
	batch_end(batch, message);
}

int link_create(struct nl *nl, const char *name, const char *kind, const char *alias,
		struct err *err)
{
	struct batch batch;
	struct link link;
	int ret;

	if (strlen(name) >= IFNAMSIZ || strlen(alias) >= LINK_ALIAS_BYTES)
		return err_set(err, -EINVAL, "interface %s: name or alias is too long", name);
	batch_init(&batch);
	build_create(&batch, name, kind);
	/* Kernels take no alias at creation. */
	build_alias(&batch, 0, name, alias);
	ret = batch_send(&batch, nl);
	if (!ret)
		return 0;
	if (!batch.results[0].error && !link_get(nl, name, &link))
		link_delete(nl, link.ifindex);
	return err_set(err, ret, "cannot create interface %s of kind %s: %s", name, kind,
		       batch.results[0].text[0] ? batch.results[0].text : strerror(-ret));
}

int link_set_up(struct nl *nl, uint32_t ifindex, bool up)
{
	struct batch batch;

	batch_init(&batch);
	batch_end(&batch, begin_change(&batch, ifindex, NULL, up ? IFF_UP : 0, IFF_UP));
	return batch_send(&batch, nl);
}

int link_set_mtu(struct nl *nl, uint32_t ifindex, uint32_t mtu)
{
	struct nlmsghdr *message;
	struct batch batch;

	batch_init(&batch);
	message = begin_change(&batch, ifindex, NULL, 0, 0);
	mnl_attr_put_u32(message, IFLA_MTU, mtu);
	batch_end(&batch, message);
	return batch_send(&batch, nl);
}

int link_set_alias(struct nl *nl, uint32_t ifindex, const char *alias)
{
	struct batch batch;

	if (strlen(alias) >= LINK_ALIAS_BYTES)
		return -EINVAL;
	batch_init(&batch);
	build_alias(&batch, ifindex, NULL, alias);
	return batch_send(&batch, nl);
}

int link_delete(struct nl *nl, uint32_t ifindex)
{
	struct nlmsghdr *message;
	struct ifinfomsg *header;
	struct batch batch;

	batch_init(&batch);
	message = batch_begin(&batch, RTM_DELLINK, 0);
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->ifi_index = (int)ifindex;
	batch_end(&batch, message);
	return batch_send(&batch, nl);
}
