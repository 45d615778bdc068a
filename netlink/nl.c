#include "netlink/nl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "lib/clock.h"

#define ANSWER_BYTES  32768
#define DUMP_ATTEMPTS 5
#define ERRNO_MAX     4095 /* MAX_ERRNO of the kernel (linux/err.h) */

/* What an older kernel does not know of these is a comfort lost, not an error. */
static void set_options(const struct mnl_socket *socket)
{
	static const int options[] = {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK};
	int one = 1;
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		mnl_socket_setsockopt(socket, options[i], &one, sizeof(one));
}

int nl_open(struct nl *nl, enum nl_bus bus)
{
	struct timeval timeout = {.tv_usec = NL_TIMEOUT_MS * 1000};
	int ret;

	memset(nl, 0, sizeof(*nl));
	nl->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!nl->socket)
		return -errno;
	set_options(nl->socket);
	if (setsockopt(mnl_socket_get_fd(nl->socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) < 0 ||
	    mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		ret = -errno;
		nl_close(nl);
		return ret;
	}
	nl->seq = (uint32_t)(clock_wall_us() / 1000000);
	nl->portid = mnl_socket_get_portid(nl->socket);
	return 0;
}

void nl_close(struct nl *nl)
{
	if (nl->socket)
		mnl_socket_close(nl->socket);
	nl->socket = NULL;
}

int nl_send(struct nl *nl, const void *messages, size_t bytes)
{
	return mnl_socket_sendto(nl->socket, messages, bytes) < 0 ? -errno : 0;
}

long nl_receive(struct nl *nl, void *buffer, size_t buffer_bytes)
{
	ssize_t length;

	do {
		length = mnl_socket_recvfrom(nl->socket, buffer, buffer_bytes);
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return length;
}

bool nl_message_ok(const struct nlmsghdr *message, int left)
{
	/* Attributes are walked to the aligned end. The kernel pads each, so none is cut off here.
	 */
	return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= (uint32_t)left &&
	       NLMSG_ALIGN(message->nlmsg_len) <= (uint32_t)left;
}

uint32_t nl_attr_u32(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) >= sizeof(uint32_t) ? mnl_attr_get_u32(attr) : 0;
}

uint8_t nl_attr_u8(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) >= sizeof(uint8_t) ? mnl_attr_get_u8(attr) : 0;
}

void nl_attr_text(const struct nlattr *attr, char *text, size_t text_bytes)
{
	snprintf(text, text_bytes, "%.*s", (int)mnl_attr_get_payload_len(attr),
		 mnl_attr_get_str(attr));
}

static void copy_ack_text(const struct nlmsghdr *message, char *text, size_t text_bytes)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;
	size_t skip = sizeof(*error);

	if (!(message->nlmsg_flags & NLM_F_CAPPED))
		skip += error->msg.nlmsg_len - sizeof(error->msg);
	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS) || skip > mnl_nlmsg_get_payload_len(message))
		return;
	mnl_attr_for_each(attr, message, skip)
	{
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			nl_attr_text(attr, text, text_bytes);
	}
}

/* Anything that is no errno must not become one that a caller negates. */
static int to_errno(int error)
{
	if (error > 0)
		error = -error;
	return error < -ERRNO_MAX ? -EBADMSG : error;
}

int nl_error(const struct nlmsghdr *message, char *text, size_t text_bytes)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);

	if (text)
		text[0] = '\0';
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*error))
		return -EBADMSG;
	if (text)
		copy_ack_text(message, text, text_bytes);
	return to_errno(error->error);
}

struct answer {
	nl_message_fn each;
	void *arg;
	int ret;
	bool interrupted;
	bool complete;
};

/* The end of a dump; its payload may carry an error. */
static int done_error(const struct nlmsghdr *message)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(message), sizeof(error));
	return to_errno(error);
}

static void take_message(struct answer *answer, const struct nlmsghdr *message)
{
	int ret = 0;

	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		answer->interrupted = true;
	switch (message->nlmsg_type) {
	case NLMSG_NOOP:
		return;
	case NLMSG_ERROR:
		ret = nl_error(message, NULL, 0);
		answer->complete = true;
		break;
	case NLMSG_DONE:
		ret = done_error(message);
		answer->complete = true;
		break;
	default:
		/* After an error the rest is still read, so that the kernel's dump comes to an
		 * end. */
		if (answer->each && !answer->ret)
			ret = answer->each(message, answer->arg);
	}
	if (ret && !answer->ret)
		answer->ret = ret;
}

static void take_datagram(struct nl *nl, struct answer *answer, const void *bytes, int length)
{
	const struct nlmsghdr *message = bytes;

	for (; nl_message_ok(message, length); message = mnl_nlmsg_next(message, &length)) {
		/* A late answer to an earlier request that timed out is nobody's any more. */
		if (message->nlmsg_seq == nl->seq && message->nlmsg_pid == nl->portid)
			take_message(answer, message);
	}
}

int nl_ask(struct nl *nl, struct nlmsghdr *request, nl_message_fn each, void *arg)
{
	char buffer[ANSWER_BYTES] __attribute__((aligned(4)));
	struct answer answer = {.each = each, .arg = arg};
	long length;
	int ret;

	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	request->nlmsg_seq = ++nl->seq;
	ret = nl_send(nl, request, request->nlmsg_len);
	if (ret)
		return ret;
	while (!answer.complete) {
		length = nl_receive(nl, buffer, sizeof(buffer));
		if (length < 0)
			return (int)length;
		take_datagram(nl, &answer, buffer, (int)length);
		sodium_memzero(buffer, (size_t)length); /* it may hold keys */
	}
	if (answer.interrupted && !answer.ret)
		return -EINTR;
	return answer.ret;
}

struct list {
	nl_decode_fn decode;
	const void *filter;
	size_t item_bytes;
	char *items;
	size_t count, size;
};

static int append(const struct nlmsghdr *message, void *arg)
{
	struct list *list = arg;
	size_t size = list->size ? 2 * list->size : 16;
	char *grown;

	if (list->count == list->size) {
		grown = realloc(list->items, size * list->item_bytes);
		if (!grown)
			return -ENOMEM;
		list->items = grown;
		list->size = size;
	}
	if (list->decode(message, list->filter, list->items + list->count * list->item_bytes))
		list->count++;
	return 0;
}

int nl_dump(struct nl *nl, struct nlmsghdr *request, nl_decode_fn decode, const void *filter,
	    size_t item_bytes, void **items, size_t *count)
{
	struct list list = {.decode = decode, .filter = filter, .item_bytes = item_bytes};
	int attempts = DUMP_ATTEMPTS;
	int ret;

	request->nlmsg_flags |= NLM_F_DUMP;
	do {
		list.count = 0;
		ret = nl_ask(nl, request, append, &list);
	} while (ret == -EINTR && --attempts);
	if (ret || !list.count) {
		free(list.items);
		list.items = NULL;
		list.count = 0;
	}
	*items = list.items;
	*count = list.count;
	return ret;
}
