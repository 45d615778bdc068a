#include "netlink/monitor.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "netlink/nl.h"

#define BUFFER_BYTES  32768
#define RECEIVE_QUEUE (1 << 20)

static int subscribe(struct mnl_socket *socket)
{
	static const int groups[] = {
		RTNLGRP_LINK,	    RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,	 RTNLGRP_IPV6_RULE,
	};
	int queue = RECEIVE_QUEUE;
	size_t i;

	/* A comfort: without it there is a RESYNC sooner. */
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof(queue));
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) <
		    0)
			return -errno;
	}
	return 0;
}

int monitor_open(struct monitor *monitor)
{
	int ret;

	monitor->fd = -1;
	monitor->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!monitor->socket)
		return -errno;
	ret = subscribe(monitor->socket);
	if (ret) {
		monitor_close(monitor);
		return ret;
	}
	monitor->fd = mnl_socket_get_fd(monitor->socket);
	return 0;
}

void monitor_close(struct monitor *monitor)
{
	if (monitor->socket)
		mnl_socket_close(monitor->socket);
	monitor->socket = NULL;
	monitor->fd = -1;
}

static bool read_link(const struct nlmsghdr *message, struct monitor_event *event)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*header))
		return false;
	event->kind = MONITOR_LINK;
	event->deleted = message->nlmsg_type == RTM_DELLINK;
	event->ifindex = (uint32_t)header->ifi_index;
	event->up = header->ifi_flags & IFF_UP;
	event->lower_up = header->ifi_flags & IFF_LOWER_UP;
	mnl_attr_for_each(attr, message, sizeof(*header))
	{
		if (mnl_attr_get_type(attr) == IFLA_IFNAME)
			nl_attr_text(attr, event->name, sizeof(event->name));
	}
	/* A bridge port says "deleted" of its port only (AF_BRIDGE). */
	return header->ifi_family == AF_UNSPEC;
}

static bool read_addr(const struct nlmsghdr *message, struct monitor_event *event)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*header))
		return false;
	event->kind = MONITOR_ADDR;
	event->deleted = message->nlmsg_type == RTM_DELADDR;
	event->family = header->ifa_family;
	event->ifindex = header->ifa_index;
	return true;
}

static bool read_route(const struct nlmsghdr *message, struct monitor_event *event)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*header))
		return false;
	event->kind = MONITOR_ROUTE;
	event->deleted = message->nlmsg_type == RTM_DELROUTE;
	event->family = header->rtm_family;
	event->table = header->rtm_table;
	event->protocol = header->rtm_protocol;
	mnl_attr_for_each(attr, message, sizeof(*header))
	{
		if (mnl_attr_get_type(attr) == RTA_TABLE)
			event->table = nl_attr_u32(attr);
		else if (mnl_attr_get_type(attr) == RTA_OIF)
			event->ifindex = nl_attr_u32(attr);
	}
	return true;
}

static bool read_rule(const struct nlmsghdr *message, struct monitor_event *event)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*header))
		return false;
	event->kind = MONITOR_RULE;
	event->deleted = message->nlmsg_type == RTM_DELRULE;
	event->family = header->family;
	event->table = header->table;
	mnl_attr_for_each(attr, message, sizeof(*header))
	{
		if (mnl_attr_get_type(attr) == FRA_TABLE)
			event->table = nl_attr_u32(attr);
		else if (mnl_attr_get_type(attr) == FRA_PROTOCOL)
			event->protocol = nl_attr_u8(attr);
	}
	return true;
}

static bool decode(const struct nlmsghdr *message, struct monitor_event *event)
{
	*event = (struct monitor_event){.port = message->nlmsg_pid};
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return read_link(message, event);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return read_addr(message, event);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return read_route(message, event);
	case RTM_NEWRULE:
	case RTM_DELRULE:
		return read_rule(message, event);
	}
	return false;
}

int monitor_dispatch(struct monitor *monitor, monitor_event_fn each, void *arg)
{
	static const struct monitor_event resync = {.kind = MONITOR_RESYNC};
	char buffer[BUFFER_BYTES] __attribute__((aligned(4)));
	const struct nlmsghdr *message;
	struct monitor_event event;
	ssize_t received;
	int length;

	for (;;) {
		received = mnl_socket_recvfrom(monitor->socket, buffer, sizeof(buffer));
		if (received < 0 && errno == ENOBUFS) {
			each(arg, &resync);
			continue;
		}
		if (received < 0 && errno == EINTR)
			continue;
		if (received < 0)
			return errno == EAGAIN ? 0 : -errno;
		length = (int)received;
		message = (const struct nlmsghdr *)buffer;
		for (; nl_message_ok(message, length); message = mnl_nlmsg_next(message, &length)) {
			if (decode(message, &event))
				each(arg, &event);
		}
	}
}
