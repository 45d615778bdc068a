#include "cli/decoy.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/ip.h"

#define INTERVAL_US  5000
#define PORT_DISCARD 9 /* RFC 863 */
#define PORT_DNS     53

/* "leaktest.invalid IN A?" (RFC 1035; .invalid: RFC 6761). */
static const uint8_t question[] =
	"\x13\x05\x01\0\0\x01\0\0\0\0\0\0\x08leaktest\x07invalid\0\0\x01\0";

#define QUESTION_BYTES sizeof(question) /* with the literal's NUL, the last byte of the class */

static int open_socket(int family, int level, int hops_option)
{
	const int hops = 1;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0)
		setsockopt(fd, level, hops_option, &hops, sizeof(hops));
	return fd;
}

int decoy_open(struct decoy *decoy, struct err *e)
{
	*decoy = (struct decoy){
		.fd4 = open_socket(AF_INET, IPPROTO_IP, IP_TTL),
		.fd6 = open_socket(AF_INET6, IPPROTO_IPV6, IPV6_UNICAST_HOPS),
		.due = MONO_LONG_AGO,
	};
	if (decoy->fd4 < 0 && decoy->fd6 < 0)
		return err_set(e, -errno, "cannot send packets: %s", strerror(errno));
	return 0;
}

void decoy_close(struct decoy *decoy)
{
	if (decoy->fd4 >= 0)
		close(decoy->fd4);
	if (decoy->fd6 >= 0)
		close(decoy->fd6);
	decoy->fd4 = decoy->fd6 = -1;
}

static void send_one(struct decoy *decoy, int fd, const char *address, uint16_t port)
{
	struct endpoint to = {.port = port};
	struct sockaddr_storage sockaddr;
	socklen_t length;

	if (fd < 0 || ip_parse(address, &to.ip) < 0)
		return;
	length = endpoint_to_sockaddr(&to, &sockaddr);
	/* Refused by a rule or the guard: as it should be. */
	if (sendto(fd, question, QUESTION_BYTES, 0, (const struct sockaddr *)&sockaddr, length) > 0)
		decoy->sent++;
}

void decoy_on_time(struct decoy *decoy, struct mono now)
{
	static const uint16_t ports[] = {PORT_DISCARD, PORT_DNS};

	if (!mono_due(decoy->due, now))
		return;
	decoy->due = mono_add_us(now, INTERVAL_US);
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		send_one(decoy, decoy->fd4, DECOY_ADDRESS4, ports[i]);
		send_one(decoy, decoy->fd6, DECOY_ADDRESS6, ports[i]);
	}
}
