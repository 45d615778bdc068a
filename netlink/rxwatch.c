#include "netlink/rxwatch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SNAP_BYTES 64

static int attach(int fd, const struct sock_filter *code, size_t count)
{
	struct sock_fprog program = {.len = (unsigned short)count,
				     .filter = (struct sock_filter *)code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

static int attach_drop_all(int fd)
{
	static const struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};

	return attach(fd, code, 1);
}

static void drain(int fd)
{
	char byte;

	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0 || errno == EINTR)
		;
}

static int set_up(int fd, uint32_t ifindex)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)ifindex,
	};
	int one = 1;
	int ret;

	ret = attach_drop_all(fd);
	if (ret)
		return ret;
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

int rxwatch_open(struct rxwatch *watch, uint32_t ifindex)
{
	int ret;

	/* Protocol 0: nothing is received before the filter is there and bind() says from where. */
	watch->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (watch->fd < 0)
		return -errno;
	ret = set_up(watch->fd, ifindex);
	if (ret)
		rxwatch_close(watch);
	return ret;
}

void rxwatch_close(struct rxwatch *watch)
{
	if (watch->fd >= 0)
		close(watch->fd);
	watch->fd = -1;
}

/* Word `i` of an address, as BPF loads it. */
static uint32_t word(const struct ip *ip, unsigned int i)
{
	uint32_t value;

	memcpy(&value, ip->bytes + 4 * i, sizeof(value));
	return ntohl(value);
}

/* IPv4 (RFC 791): a first fragment of UDP from that address and port, header options or not. */
static int arm4(int fd, const struct endpoint *from)
{
	const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x40, 0, 10),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9), /* protocol */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 8),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6), /* flags, fragment offset */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 6, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 12), /* source address */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(&from->ip, 0), 0, 4),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* X: bytes of the IP header */
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),	/* source port */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, from->port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SNAP_BYTES),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	return attach(fd, code, sizeof(code) / sizeof(code[0]));
}

/* IPv6 (RFC 8200): UDP from that address and port, right behind the fixed header. */
static int arm6(int fd, const struct endpoint *from)
{
	const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x60, 0, 13),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6), /* next header */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 11),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8), /* source address */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(&from->ip, 0), 0, 9),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(&from->ip, 1), 0, 7),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(&from->ip, 2), 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 20),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(&from->ip, 3), 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 40), /* source port */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, from->port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SNAP_BYTES),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	return attach(fd, code, sizeof(code) / sizeof(code[0]));
}

int rxwatch_arm(struct rxwatch *watch, const struct endpoint *from)
{
	rxwatch_disarm(watch);
	if (from->ip.family == AF_INET)
		return arm4(watch->fd, from);
	return from->ip.family == AF_INET6 ? arm6(watch->fd, from) : -EAFNOSUPPORT;
}

int rxwatch_disarm(struct rxwatch *watch)
{
	int ret = attach_drop_all(watch->fd);

	drain(watch->fd);
	return ret;
}

static int64_t timestamp_us(struct msghdr *message)
{
	struct cmsghdr *cmsg;
	struct timespec ts;

	for (cmsg = CMSG_FIRSTHDR(message); cmsg; cmsg = CMSG_NXTHDR(message, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(cmsg), sizeof(ts));
		return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
	}
	return 0;
}

int rxwatch_read(struct rxwatch *watch, int64_t *wall_us)
{
	char control[CMSG_SPACE(sizeof(struct timespec))] __attribute__((aligned(8)));
	struct msghdr message = {.msg_control = control, .msg_controllen = sizeof(control)};

	if (recvmsg(watch->fd, &message, MSG_DONTWAIT) < 0)
		return -errno;
	*wall_us = timestamp_us(&message);
	rxwatch_disarm(watch);
	return 0;
}
