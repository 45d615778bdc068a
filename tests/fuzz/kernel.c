#include "tests/fuzz/kernel.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <sanitizer/asan_interface.h>
#include <string.h>

ssize_t mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t count)
{
	struct mnl_socket *kernel = (struct mnl_socket *)socket;
	const struct nlmsghdr *request = bytes;

	kernel->seq = request->nlmsg_seq;
	kernel->received = 0;
	return (ssize_t)count;
}

static size_t put_done(const struct mnl_socket *kernel, void *buffer)
{
	struct nlmsghdr *done = buffer;

	*done = (struct nlmsghdr){
		.nlmsg_len = sizeof(*done),
		.nlmsg_type = NLMSG_DONE,
		.nlmsg_seq = kernel->seq,
	};
	return sizeof(*done);
}

/* Addresses the messages to whoever asked. */
static size_t put_answer(const struct mnl_socket *kernel, void *buffer, size_t size)
{
	size_t count = kernel->count < size ? kernel->count : size;
	struct nlmsghdr *message = buffer;
	int left = (int)count;

	memcpy(buffer, kernel->bytes, count);
	for (; nl_message_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		message->nlmsg_seq += kernel->seq;
		message->nlmsg_pid = 0;
	}
	return count;
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *socket, void *buffer, size_t size)
{
	struct mnl_socket *kernel = (struct mnl_socket *)socket;
	size_t count;

	ASAN_UNPOISON_MEMORY_REGION(buffer, size);
	switch (kernel->received++) {
	case 0:
		count = put_answer(kernel, buffer, size);
		break;
	case 1:
		count = put_done(kernel, buffer);
		break;
	default:
		errno = EAGAIN;
		return -1;
	}
	ASAN_POISON_MEMORY_REGION((char *)buffer + count, size - count);
	return (ssize_t)count;
}

#define GETTER(name, type)                                                                         \
	type name(const struct nlattr *attr)                                                       \
	{                                                                                          \
		type value;                                                                        \
                                                                                                   \
		memcpy(&value, mnl_attr_get_payload(attr), sizeof(value));                         \
		return value;                                                                      \
	}

GETTER(mnl_attr_get_u8, uint8_t)
GETTER(mnl_attr_get_u16, uint16_t)
GETTER(mnl_attr_get_u32, uint32_t)
GETTER(mnl_attr_get_u64, uint64_t)
