/* arrivals: by which overlay, and when, the inner tunnel's packets reach the client.
 *
 *   arrivals EXIT-IPV4 LEAST-BYTES INTERFACE...
 *
 * An instrument of its own, apart from compsd: a packet socket (packet(7)) on each overlay takes
 * the UDP packets whose source is the exit's WireGuard port, from LEAST-BYTES on, IP header
 * included. It prints a line whenever one comes in by another interface than the one before:
 *
 *   WALL_NS INTERFACE LAST_NS       LAST_NS: of the packet before it, 0 for none
 *
 * with the kernel's receive times (CLOCK_REALTIME). It runs until it is killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define INTERFACES_MAX	16
#define WIREGUARD_PORT	51820
#define IP_HEADER_BYTES 20
#define BUFFER_BYTES	(4 << 20)

struct arrivals {
	struct in_addr exit;
	ssize_t least_bytes;
	struct pollfd watch[INTERFACES_MAX];
	char *const *names;
	nfds_t count;
	nfds_t current; /* the interface of the last packet; count for none */
	int64_t last_ns;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "arrivals: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_socket(const char *interface)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1, bytes = BUFFER_BYTES;

	if (!address.sll_ifindex || fd < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		die(interface);
	return fd;
}

static int64_t receive_time(struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	struct timespec ts = {0};

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static bool is_wanted(const struct arrivals *a, const struct sockaddr_ll *from,
		      const uint8_t *packet, ssize_t bytes)
{
	return from->sll_pkttype != PACKET_OUTGOING && bytes >= a->least_bytes &&
	       packet[0] == 0x45 && packet[9] == IPPROTO_UDP &&
	       !memcmp(packet + 12, &a->exit, sizeof(a->exit)) &&
	       packet[IP_HEADER_BYTES] == WIREGUARD_PORT >> 8 &&
	       packet[IP_HEADER_BYTES + 1] == (WIREGUARD_PORT & 0xff);
}

static void receive(struct arrivals *a, nfds_t i)
{
	char control[128];
	uint8_t packet[IP_HEADER_BYTES + 8];
	struct sockaddr_ll from = {0};
	struct iovec iov = {packet, sizeof(packet)};
	struct msghdr message = {.msg_name = &from,
				 .msg_namelen = sizeof(from),
				 .msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	ssize_t bytes = recvmsg(a->watch[i].fd, &message, MSG_DONTWAIT | MSG_TRUNC);
	int64_t at;

	if (bytes < (ssize_t)sizeof(packet) || !is_wanted(a, &from, packet, bytes))
		return;
	at = receive_time(&message);
	if (i != a->current) {
		printf("%lld %s %lld\n", (long long)at, a->names[i], (long long)a->last_ns);
		fflush(stdout);
	}
	a->current = i;
	a->last_ns = at;
}

int main(int argc, char **argv)
{
	struct arrivals a = {0};
	nfds_t i;

	if (argc < 4 || argc > 3 + INTERFACES_MAX || inet_pton(AF_INET, argv[1], &a.exit) != 1) {
		fprintf(stderr, "usage: arrivals EXIT-IPV4 LEAST-BYTES INTERFACE...\n");
		return 2;
	}
	a.least_bytes = strtol(argv[2], NULL, 10);
	a.names = argv + 3;
	a.count = a.current = (nfds_t)(argc - 3);
	for (i = 0; i < a.count; i++)
		a.watch[i] = (struct pollfd){.fd = open_socket(a.names[i]), .events = POLLIN};
	for (;;) {
		if (poll(a.watch, a.count, -1) < 0)
			die("poll");
		for (i = 0; i < a.count; i++) {
			if (a.watch[i].revents)
				receive(&a, i);
		}
	}
}
