#include "probes/icmp.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/clock.h"

/* Replies that wait while the daemon is busy: the default size holds some 250. */
#define RECEIVE_BUFFER_BYTES (1 << 22)

/* A reply can wait this long to be read; an older timestamp is a step of the wall clock. */
#define TIMESTAMP_AGE_MAX_US 1000000

#define TOKEN_OFFSET	    ICMP_ECHO_HEADER_BYTES
#define IPV4_HEADER_MAX	    60
#define RECEIVED_BYTES	    (IPV4_HEADER_MAX + TOKEN_OFFSET + sizeof(uint32_t))
#define KICK_PAYLOAD_SPREAD 128

static const struct {
	int domain, protocol;
	int pktinfo_level, pktinfo_option;
	uint8_t echo, echo_reply; /* types: RFC 792, RFC 4443 §4 */
} families[ICMP_FAMILIES] = {
	[ICMP_V4] = {AF_INET, IPPROTO_ICMP, IPPROTO_IP, IP_PKTINFO, 8, 0},
	[ICMP_V6] = {AF_INET6, IPPROTO_ICMPV6, IPPROTO_IPV6, IPV6_RECVPKTINFO, 128, 129},
};

/* --- packets --- */

static uint16_t get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void put16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

static uint16_t checksum(const uint8_t *bytes, size_t count)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < count; i += 2)
		sum += get16(bytes + i);
	if (i < count)
		sum += (uint32_t)bytes[i] << 8;
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

void icmp_build(enum icmp_family family, uint16_t id, uint16_t sequence, uint8_t *packet,
		size_t payload_bytes)
{
	packet[0] = families[family].echo;
	packet[1] = 0;
	put16(packet + 2, 0);
	put16(packet + 4, id);
	put16(packet + 6, sequence);
	if (family == ICMP_V4)
		put16(packet + 2, checksum(packet, ICMP_ECHO_HEADER_BYTES + payload_bytes));
}

bool icmp_parse(enum icmp_family family, uint16_t id, const uint8_t *packet, size_t bytes,
		struct probe_reply *reply)
{
	size_t header = 0;

	if (family == ICMP_V4 && bytes)
		header = (size_t)(packet[0] & 0x0f) * 4;
	if (bytes < header + TOKEN_OFFSET + sizeof(reply->token))
		return false;
	packet += header;
	if (packet[0] != families[family].echo_reply || packet[1] || get16(packet + 4) != id)
		return false;
	reply->sequence = get16(packet + 6);
	memcpy(&reply->token, packet + TOKEN_OFFSET, sizeof(reply->token));
	return true;
}

/* --- sockets --- */

/* Passes echo replies with our identifier. X is where ICMP begins: behind the IP header for IPv4,
 * at once for IPv6. */
static int attach_filter(int fd, enum icmp_family family, uint16_t id)
{
	struct sock_filter code[] = {
		family == ICMP_V4 ? (struct sock_filter)BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0)
				  : (struct sock_filter)BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, families[family].echo_reply, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, id, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

static int set_options(int fd, enum icmp_family family, uint16_t id)
{
	int bytes = RECEIVE_BUFFER_BYTES;
	int on = 1;

	/* Without CAP_NET_ADMIN: as much as the kernel allows. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
	    setsockopt(fd, families[family].pktinfo_level, families[family].pktinfo_option, &on,
		       sizeof(on)))
		return -errno;
	return attach_filter(fd, family, id);
}

static int open_family(struct icmp *icmp, enum icmp_family family)
{
	int type = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;

	icmp->id[family] = (uint16_t)rng_next(icmp->rng, PROBE_RNG_STREAM);
	icmp->fd[family] = socket(families[family].domain, type, families[family].protocol);
	if (icmp->fd[family] < 0)
		return -errno;
	return set_options(icmp->fd[family], family, icmp->id[family]);
}

int icmp_init(struct icmp *icmp, struct rng *rng, struct err *err)
{
	int ret;

	*icmp = (struct icmp){.rng = rng, .fd = {-1, -1}};
	ret = open_family(icmp, ICMP_V4);
	if (!ret)
		ret = open_family(icmp, ICMP_V6);
	if (!ret || ret == -EAFNOSUPPORT)
		return 0;
	icmp_fini(icmp);
	return err_set(err, ret, "icmp: cannot open a raw socket (needs CAP_NET_RAW): %s",
		       strerror(-ret));
}

void icmp_fini(struct icmp *icmp)
{
	int family;

	for (family = 0; family < ICMP_FAMILIES; family++) {
		if (icmp->fd[family] >= 0)
			close(icmp->fd[family]);
		icmp->fd[family] = -1;
	}
}

static size_t icmp_fds(void *self, int fds[PROBE_FDS])
{
	const struct icmp *icmp = self;
	size_t family, count = 0;

	for (family = 0; family < ICMP_FAMILIES; family++)
		if (icmp->fd[family] >= 0)
			fds[count++] = icmp->fd[family];
	return count;
}

/* --- sending --- */

struct outgoing {
	struct sockaddr_storage to;
	struct iovec iov;
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	uint8_t packet[ICMP_ECHO_HEADER_BYTES + PROBE_PAYLOAD_MAX];
};

/* The interface to leave by, the source left to the kernel. */
static void put_pktinfo(struct msghdr *message, enum icmp_family family, int ifindex)
{
	struct in_pktinfo v4 = {.ipi_ifindex = ifindex};
	struct in6_pktinfo v6 = {.ipi6_ifindex = (unsigned int)ifindex};
	size_t bytes = family == ICMP_V4 ? sizeof(v4) : sizeof(v6);
	struct cmsghdr *header;

	message->msg_controllen = CMSG_SPACE(bytes);
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = families[family].pktinfo_level;
	header->cmsg_type = family == ICMP_V4 ? IP_PKTINFO : IPV6_PKTINFO;
	header->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(header), family == ICMP_V4 ? (void *)&v4 : (void *)&v6, bytes);
}

static void prepare(const struct icmp *icmp, enum icmp_family family, uint16_t id,
		    const struct probe_packet *packet, struct outgoing *out, struct msghdr *message)
{
	struct endpoint to = {.ip = packet->to};
	uint8_t *payload = out->packet + ICMP_ECHO_HEADER_BYTES;

	rng_fill(icmp->rng, PROBE_RNG_STREAM, payload, packet->payload_bytes);
	memcpy(payload, &packet->token, sizeof(packet->token));
	icmp_build(family, id, packet->sequence, out->packet, packet->payload_bytes);

	memset(out->control, 0, sizeof(out->control));
	out->iov = (struct iovec){out->packet, ICMP_ECHO_HEADER_BYTES + packet->payload_bytes};
	*message = (struct msghdr){
		.msg_name = &out->to,
		.msg_namelen = endpoint_to_sockaddr(&to, &out->to),
		.msg_iov = &out->iov,
		.msg_iovlen = 1,
		.msg_control = out->control,
	};
	put_pktinfo(message, family, packet->ifindex);
}

/* A message that fails ends sendmmsg(2)'s batch before it; the next call tells why. */
static void send_all(int fd, struct mmsghdr *messages, struct probe_packet *const *packets,
		     unsigned int count)
{
	struct mono now = clock_now();
	unsigned int i, done = 0;

	for (i = 0; i < count; i++)
		packets[i]->sent = now;
	while (done < count) {
		int sent = sendmmsg(fd, messages + done, count - done, 0);

		if (sent > 0)
			done += (unsigned int)sent;
		else if (errno != EINTR)
			packets[done++]->error = -errno;
	}
}

/* Sends those of `packets` that are of this family and have an interface. */
static void send_family(const struct icmp *icmp, enum icmp_family family, uint16_t id,
			struct probe_packet *packets, size_t count)
{
	struct outgoing out[PROBE_BATCH];
	struct mmsghdr messages[PROBE_BATCH];
	struct probe_packet *chosen[PROBE_BATCH];
	unsigned int chosen_count = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		struct probe_packet *packet = &packets[i];

		if (packet->to.family != families[family].domain || packet->error)
			continue;
		prepare(icmp, family, id, packet, &out[chosen_count],
			&messages[chosen_count].msg_hdr);
		chosen[chosen_count++] = packet;
	}
	send_all(icmp->fd[family], messages, chosen, chosen_count);
}

/* Why a probe cannot even be handed to the kernel: -errno, or 0. */
static int check(const struct icmp *icmp, const struct probe_packet *packet)
{
	int family;

	if (packet->ifindex <= 0)
		return -ENODEV;
	for (family = 0; family < ICMP_FAMILIES; family++)
		if (packet->to.family == families[family].domain && icmp->fd[family] >= 0)
			return 0;
	return -EAFNOSUPPORT;
}

static void transmit(const struct icmp *icmp, const uint16_t ids[ICMP_FAMILIES],
		     struct probe_packet *packets, size_t count, struct mono now)
{
	size_t i;

	for (i = 0; i < count; i++) {
		packets[i].sent = now;
		packets[i].error = check(icmp, &packets[i]);
	}
	send_family(icmp, ICMP_V4, ids[ICMP_V4], packets, count);
	send_family(icmp, ICMP_V6, ids[ICMP_V6], packets, count);
}

static void icmp_send(void *self, struct probe_packet *packets, size_t count, struct mono now)
{
	const struct icmp *icmp = self;

	transmit(icmp, icmp->id, packets, count, now);
}

int icmp_kick(struct icmp *icmp, int ifindex, const struct ip *to)
{
	uint32_t shift = 1 + rng_below(icmp->rng, PROBE_RNG_STREAM, UINT16_MAX);
	uint32_t length = rng_below(icmp->rng, PROBE_RNG_STREAM, KICK_PAYLOAD_SPREAD);
	uint64_t bits = rng_next(icmp->rng, PROBE_RNG_STREAM);
	const uint16_t other_ids[ICMP_FAMILIES] = {
		[ICMP_V4] = (uint16_t)(icmp->id[ICMP_V4] + shift),
		[ICMP_V6] = (uint16_t)(icmp->id[ICMP_V6] + shift),
	};
	struct probe_packet packet = {
		.to = *to,
		.ifindex = ifindex,
		.sequence = (uint16_t)(bits >> 32),
		.token = (uint32_t)bits,
		.payload_bytes = (uint16_t)(PROBE_PAYLOAD_MIN + length),
	};

	transmit(icmp, other_ids, &packet, 1, MONO_NEVER);
	return packet.error;
}

/* --- receiving --- */

struct incoming {
	struct iovec iov;
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
						 CMSG_SPACE(sizeof(struct timespec))];
	uint8_t packet[RECEIVED_BYTES];
};

static bool is_kind(const struct cmsghdr *header, int level, int type, size_t bytes)
{
	return header->cmsg_level == level && header->cmsg_type == type &&
	       header->cmsg_len >= CMSG_LEN(bytes);
}

/* The kernel's timestamp on our time line, given both clocks' present; `now` where the timestamp
 * cannot be true because the wall clock was stepped. */
static struct mono arrival(const struct timespec *stamp, int64_t wall_us, struct mono now)
{
	int64_t age_us = wall_us - ((int64_t)stamp->tv_sec * 1000000 + stamp->tv_nsec / 1000);

	return age_us >= 0 && age_us <= TIMESTAMP_AGE_MAX_US ? mono_add_us(now, -age_us) : now;
}

static void read_control(struct msghdr *message, int64_t wall_us, struct mono now,
			 struct probe_reply *reply)
{
	struct cmsghdr *header;

	for (header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		const void *data = CMSG_DATA(header);
		struct timespec stamp;
		struct in_pktinfo v4;
		struct in6_pktinfo v6;

		if (is_kind(header, SOL_SOCKET, SCM_TIMESTAMPNS, sizeof(stamp))) {
			memcpy(&stamp, data, sizeof(stamp));
			reply->received = arrival(&stamp, wall_us, now);
		} else if (is_kind(header, IPPROTO_IP, IP_PKTINFO, sizeof(v4))) {
			memcpy(&v4, data, sizeof(v4));
			reply->ifindex = v4.ipi_ifindex;
		} else if (is_kind(header, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(v6))) {
			memcpy(&v6, data, sizeof(v6));
			reply->ifindex = (int)v6.ipi6_ifindex;
		}
	}
}

static int read_messages(int fd, struct mmsghdr *messages, struct incoming *in, size_t max)
{
	size_t i;
	int count;

	for (i = 0; i < max; i++) {
		in[i].iov = (struct iovec){in[i].packet, sizeof(in[i].packet)};
		messages[i].msg_hdr = (struct msghdr){
			.msg_iov = &in[i].iov,
			.msg_iovlen = 1,
			.msg_control = in[i].control,
			.msg_controllen = sizeof(in[i].control),
		};
	}
	count = recvmmsg(fd, messages, (unsigned int)max, 0, NULL);
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return count < 0 ? -errno : count;
}

static int icmp_receive(void *self, int fd, struct probe_reply *replies, size_t max,
			struct mono now)
{
	const struct icmp *icmp = self;
	enum icmp_family family = fd == icmp->fd[ICMP_V6] ? ICMP_V6 : ICMP_V4;
	struct incoming in[PROBE_REPLIES];
	struct mmsghdr messages[PROBE_REPLIES];
	int64_t wall_us;
	int i, count, kept = 0;

	count = read_messages(fd, messages, in, max < PROBE_REPLIES ? max : PROBE_REPLIES);
	/* In this order: an interruption in between lengthens an RTT, at most to the user's time,
	 * and never shortens it. */
	wall_us = clock_wall_us();
	now = clock_now();
	for (i = 0; i < count; i++) {
		struct probe_reply reply = {.received = now};

		if (!icmp_parse(family, icmp->id[family], in[i].packet, messages[i].msg_len,
				&reply))
			continue;
		read_control(&messages[i].msg_hdr, wall_us, now, &reply);
		replies[kept++] = reply;
	}
	return count < 0 ? count : kept;
}

const struct probe_ops icmp_probe_ops = {
	.fds = icmp_fds,
	.send = icmp_send,
	.receive = icmp_receive,
};
