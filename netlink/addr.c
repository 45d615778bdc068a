#include "netlink/addr.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/batch.h"
#include "netlink/nl.h"

static int change(struct nl *nl, uint16_t type, uint16_t flags, uint32_t ifindex,
		  const struct ip_prefix *prefix)
{
	size_t bytes = ip_bytes(prefix->ip.family);
	struct nlmsghdr *message;
	struct ifaddrmsg *header;
	struct batch batch;

	batch_init(&batch);
	message = batch_begin(&batch, type, flags);
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->ifa_family = (uint8_t)prefix->ip.family;
	header->ifa_prefixlen = (uint8_t)prefix->len;
	header->ifa_index = ifindex;
	mnl_attr_put(message, IFA_LOCAL, bytes, prefix->ip.bytes);
	mnl_attr_put(message, IFA_ADDRESS, bytes, prefix->ip.bytes);
	if (prefix->ip.family == AF_INET6 && type == RTM_NEWADDR)
		mnl_attr_put_u32(message, IFA_FLAGS, IFA_F_NODAD);
	batch_end(&batch, message);
	return batch_send(&batch, nl);
}

int addr_add(struct nl *nl, uint32_t ifindex, const struct ip_prefix *prefix)
{
	int ret = change(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, prefix);

	return ret == -EEXIST ? 0 : ret;
}

int addr_delete(struct nl *nl, uint32_t ifindex, const struct ip_prefix *prefix)
{
	int ret = change(nl, RTM_DELADDR, 0, ifindex, prefix);

	return ret == -EADDRNOTAVAIL ? 0 : ret;
}

static void read_ip(const struct nlattr *attr, int family, struct ip *ip)
{
	if (mnl_attr_get_payload_len(attr) == ip_bytes(family))
		memcpy(ip->bytes, mnl_attr_get_payload(attr), ip_bytes(family));
}

/* An nl_decode_fn; the filter is the interface's index, or 0. */
static int decode(const struct nlmsghdr *message, const void *filter, void *item)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
	uint32_t wanted = *(const uint32_t *)filter;
	const struct nlattr *attr, *local = NULL;
	struct addr *out = item;

	if (message->nlmsg_type != RTM_NEWADDR ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*header) ||
	    (wanted && header->ifa_index != wanted))
		return 0;
	*out = (struct addr){
		.ifindex = header->ifa_index,
		.prefix = {.ip = {.family = header->ifa_family}, .len = header->ifa_prefixlen},
		.scope = header->ifa_scope,
		.flags = header->ifa_flags,
	};
	mnl_attr_for_each(attr, message, sizeof(*header))
	{
		if (mnl_attr_get_type(attr) == IFA_LOCAL)
			local = attr;
		else if (mnl_attr_get_type(attr) == IFA_ADDRESS)
			read_ip(attr, header->ifa_family, &out->prefix.ip);
		else if (mnl_attr_get_type(attr) == IFA_FLAGS)
			out->flags = nl_attr_u32(attr);
	}
	/* On a point-to-point link IFA_ADDRESS is the other end. */
	if (local)
		read_ip(local, header->ifa_family, &out->prefix.ip);
	return 1;
}

int addr_dump(struct nl *nl, uint32_t ifindex, struct addr **addrs, size_t *count)
{
	char bytes[64] __attribute__((aligned(4)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(bytes);
	struct ifaddrmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	void *items;
	int ret;

	request->nlmsg_type = RTM_GETADDR;
	header->ifa_index = ifindex;
	ret = nl_dump(nl, request, decode, &ifindex, sizeof(**addrs), &items, count);
	*addrs = items;
	return ret;
}

int addr_retain(struct nl *nl, uint32_t ifindex, const struct ip_prefix *wanted,
		size_t wanted_count)
{
	struct addr *addrs = NULL;
	size_t i, j, count = 0;
	int ret = addr_dump(nl, ifindex, &addrs, &count);

	for (i = 0; !ret && i < count; i++) {
		for (j = 0; j < wanted_count && !ip_prefix_equal(&addrs[i].prefix, &wanted[j]); j++)
			;
		if (j == wanted_count && addrs[i].scope != RT_SCOPE_LINK)
			ret = addr_delete(nl, ifindex, &addrs[i].prefix);
	}
	free(addrs);
	return ret;
}

int addr_families(struct nl *nl, uint32_t ifindex, bool *v4, bool *v6)
{
	struct addr *addrs;
	size_t count, i;
	int ret;

	*v4 = false;
	*v6 = false;
	ret = addr_dump(nl, ifindex, &addrs, &count);
	for (i = 0; i < count; i++) {
		if (addrs[i].prefix.ip.family == AF_INET)
			*v4 = true;
		else if (addrs[i].scope != RT_SCOPE_LINK && !(addrs[i].flags & IFA_F_TENTATIVE))
			*v6 = true;
	}
	free(addrs);
	return ret;
}
