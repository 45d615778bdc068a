/* bench_swap: what becomes of the packets that are sent while the route is swapped.
 *
 *   bench_swap route_ops|ip 4|6 SWAPS PPS      prints one JSON object
 *
 * In a network namespace of its own (needs root): three "overlays" and an "uplink", all TUN
 * devices, whose far sides are read and counted here. A thread sends numbered UDP packets with the
 * inner tunnel's mark at PPS a second, as WireGuard does: not connected, so that each packet looks
 * its route up. The mark's table names one overlay; the main table behind it the uplink. There are
 * no guards and no backstop: every gap that a swap leaves shows as a packet on the uplink, or as a
 * refusal.
 *
 * `route_ops` is CoMPS' own swap. `ip` is what the original CoMPS does for each migration: `ip
 * route delete` and `ip route add`, one after the other.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "netlink/nl.h"
#include "netlink/route_ops.h"

#define TABLE	 51821
#define MARK	 51820
#define PORT	 51820
#define PROTOCOL 201
#define OVERLAYS 3
#define UPLINK	 OVERLAYS
#define DEVICES	 (OVERLAYS + 1)

#define GAP_US	      5000   /* between the end of one swap and the beginning of the next */
#define QUIET_US      300000 /* after so long without a packet none is on its way any more */
#define SWAPS_MAX     1000000
#define PACKET_BYTES  100
#define QUEUE_PACKETS "20000" /* more than any pause of the reader */

extern char **environ;

struct bench {
	bool by_ip;
	int family;
	unsigned long swaps;
	int64_t pps;
	int far[DEVICES];
	struct nl nl;
	struct route_kernel kernel;
	struct route_hop hop[OVERLAYS];
	int64_t *swap_us;
	_Atomic bool stop_sending, stop_reading;
	_Atomic uint64_t received[DEVICES];
	_Atomic int64_t last_received_us;
	uint64_t sent, refused;
	double send_s;
};

static const char *const names[DEVICES] = {"wgnet1", "wgnet2", "wgnet3", "uplink"};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench_swap: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- the namespace ---------------------------------------------------------------------------- */

static void open_tun(struct bench *bench, int device)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", names[device]);
	bench->far[device] = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (bench->far[device] < 0 || ioctl(bench->far[device], TUNSETIFF, &request))
		die("cannot make a TUN device");
}

static FILE *open_ip(const char *command)
{
	FILE *ip = popen(command, "w"); /* NOLINT(cert-env33-c): fixed command lines */

	if (!ip)
		die("cannot run ip");
	return ip;
}

static void close_ip(FILE *ip)
{
	errno = ECHILD;
	if (pclose(ip))
		die("ip failed");
}

static void set_up_namespace(struct bench *bench)
{
	static const char *const families[] = {"ip -4 -batch -", "ip -6 -batch -"};
	FILE *ip;
	size_t i;

	if (unshare(CLONE_NEWNET))
		die("cannot make a network namespace");
	for (i = 0; i < DEVICES; i++)
		open_tun(bench, (int)i);
	ip = open_ip("ip -batch -");
	for (i = 0; i < DEVICES; i++)
		fprintf(ip,
			"link set %s txqueuelen " QUEUE_PACKETS "\nlink set %s up\n"
			"addr add 10.1.%zu.2/32 dev %s\naddr add fd10:1:%zu::2/128 dev %s nodad\n",
			names[i], names[i], i + 1, names[i], i + 1, names[i]);
	close_ip(ip);
	for (i = 0; i < sizeof(families) / sizeof(*families); i++) {
		ip = open_ip(families[i]);
		fprintf(ip, "route add default dev uplink\n"
			    "rule add pref 100 fwmark 51820 lookup 51821\n");
		close_ip(ip);
	}
}

/* --- swaps ------------------------------------------------------------------------------------ */

static void run_ip(const struct bench *bench, const char *verb, int overlay)
{
	char device[16], family[3];
	char *const argv[] = {"ip",  family, "route", (char *)verb, "default",
			      "dev", device, "table", "51821",	    NULL};
	pid_t child;
	int status;

	snprintf(device, sizeof(device), "%s", names[overlay]);
	snprintf(family, sizeof(family), "%s", bench->family == AF_INET ? "-4" : "-6");
	errno = posix_spawnp(&child, "ip", NULL, NULL, argv, environ);
	if (errno || waitpid(child, &status, 0) < 0)
		die("cannot run ip");
	if (status) {
		errno = ECHILD;
		die("ip route failed");
	}
}

static void swap(struct bench *bench, int from, int to)
{
	struct route_swap_result result;

	if (bench->by_ip) {
		if (from >= 0)
			run_ip(bench, "delete", from);
		run_ip(bench, "add", to);
		return;
	}
	errno = -route_kernel_ops.swap(&bench->kernel, from < 0 ? NULL : &bench->hop[from],
				       &bench->hop[to], &result);
	if (errno)
		die(result.text);
}

static void set_up_route(struct bench *bench)
{
	int i;

	errno = -nl_open(&bench->nl, NETLINK_ROUTE);
	if (errno)
		die("cannot open a netlink socket");
	bench->kernel = (struct route_kernel){&bench->nl, {TABLE, PROTOCOL}};
	for (i = 0; i < OVERLAYS; i++)
		bench->hop[i] = (struct route_hop){if_nametoindex(names[i]), (unsigned int)i + 1,
						   true, true};
	swap(bench, -1, 0);
}

static void swap_all(struct bench *bench)
{
	unsigned long i;

	for (i = 0; i < bench->swaps; i++) {
		struct mono began;

		usleep(GAP_US);
		began = clock_now();
		swap(bench, (int)(i % OVERLAYS), (int)((i + 1) % OVERLAYS));
		bench->swap_us[i] = mono_diff_us(clock_now(), began);
	}
	usleep(GAP_US);
}

/* --- the inner tunnel's packets --------------------------------------------------------------- */

static int open_sender(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), mark = MARK;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)))
		die("cannot make the sender's socket");
	return fd;
}

static void *send_packets(void *arg)
{
	static const struct sockaddr_in to4 = {.sin_family = AF_INET};
	static const struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
	struct bench *bench = arg;
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to;
	socklen_t to_bytes = bench->family == AF_INET ? sizeof(to4) : sizeof(to6);
	char packet[PACKET_BYTES] = {0};
	int fd = open_sender(bench->family);
	struct mono start = clock_now();
	int64_t elapsed_us = 0;

	if (bench->family == AF_INET) {
		to.v4 = to4;
		to.v4.sin_port = htons(PORT);
		inet_pton(AF_INET, "198.51.100.2", &to.v4.sin_addr);
	} else {
		to.v6 = to6;
		to.v6.sin6_port = htons(PORT);
		inet_pton(AF_INET6, "2001:db8:e::2", &to.v6.sin6_addr);
	}
	prctl(PR_SET_TIMERSLACK, 1UL);
	while (!bench->stop_sending) {
		elapsed_us = mono_diff_us(clock_now(), start);
		while ((int64_t)(bench->sent + bench->refused) <
		       elapsed_us * bench->pps / 1000000) {
			if (sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&to,
				   to_bytes) == sizeof(packet))
				bench->sent++;
			else
				bench->refused++;
		}
		usleep(50);
	}
	bench->send_s = (double)elapsed_us / 1e6;
	close(fd);
	return NULL;
}

/* The kernel's own packets (neighbour and multicast messages) are not ours to count. */
static bool is_ours(const uint8_t *packet, ssize_t bytes)
{
	bool v6 = bytes > 0 && packet[0] >> 4 == 6;
	ssize_t header = v6 ? 40 : 20;

	return bytes == header + 8 + PACKET_BYTES && packet[v6 ? 6 : 9] == IPPROTO_UDP &&
	       packet[header + 2] == PORT >> 8 && packet[header + 3] == (PORT & 0xff);
}

static void *read_packets(void *arg)
{
	struct bench *bench = arg;
	struct pollfd watch[DEVICES];
	uint8_t packet[2048];
	ssize_t bytes;
	int i;

	for (i = 0; i < DEVICES; i++)
		watch[i] = (struct pollfd){.fd = bench->far[i], .events = POLLIN};
	while (!bench->stop_reading) {
		if (poll(watch, DEVICES, 50) < 0)
			die("poll");
		for (i = 0; i < DEVICES; i++) {
			while ((bytes = read(bench->far[i], packet, sizeof(packet))) > 0) {
				if (!is_ours(packet, bytes))
					continue;
				bench->received[i]++;
				bench->last_received_us = clock_now().us;
			}
		}
	}
	return NULL;
}

/* --- the run ---------------------------------------------------------------------------------- */

static void run(struct bench *bench)
{
	pthread_t reader, sender;

	if (pthread_create(&reader, NULL, read_packets, bench) ||
	    pthread_create(&sender, NULL, send_packets, bench))
		die("cannot make a thread");
	usleep(100000);
	swap_all(bench);
	bench->stop_sending = true;
	pthread_join(sender, NULL);
	bench->last_received_us = clock_now().us;
	while (clock_now().us - bench->last_received_us < QUIET_US)
		usleep(10000);
	bench->stop_reading = true;
	pthread_join(reader, NULL);
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void print_result(struct bench *bench)
{
	uint64_t received = 0;
	int i;

	qsort(bench->swap_us, bench->swaps, sizeof(*bench->swap_us), by_value);
	printf("{\"method\":\"%s\",\"family\":%d,\"swaps\":%lu,\"pps\":%.0f,\"sent\":%llu,"
	       "\"refused\":%llu,\"per_overlay\":[",
	       bench->by_ip ? "ip" : "route_ops", bench->family == AF_INET ? 4 : 6, bench->swaps,
	       (double)bench->sent / bench->send_s, (unsigned long long)bench->sent,
	       (unsigned long long)bench->refused);
	for (i = 0; i < OVERLAYS; i++) {
		received += bench->received[i];
		printf("%s%llu", i ? "," : "", (unsigned long long)bench->received[i]);
	}
	printf("],\"leaked\":%llu,\"lost\":%lld,\"swap_us_p50\":%lld,\"swap_us_p99\":%lld}\n",
	       (unsigned long long)bench->received[UPLINK],
	       (long long)(bench->sent - received - bench->received[UPLINK]),
	       (long long)bench->swap_us[bench->swaps / 2],
	       (long long)bench->swap_us[bench->swaps * 99 / 100]);
}

int main(int argc, char **argv)
{
	static struct bench bench;

	if (argc != 5 || (strcmp(argv[1], "route_ops") != 0 && strcmp(argv[1], "ip") != 0)) {
		fprintf(stderr, "usage: bench_swap route_ops|ip 4|6 SWAPS PPS\n");
		return 2;
	}
	bench.by_ip = !strcmp(argv[1], "ip");
	bench.family = !strcmp(argv[2], "6") ? AF_INET6 : AF_INET;
	bench.swaps = strtoul(argv[3], NULL, 10);
	bench.pps = strtol(argv[4], NULL, 10);
	if (bench.swaps < 1 || bench.swaps > SWAPS_MAX || bench.pps < 1 || bench.pps > 1000000) {
		fprintf(stderr, "bench_swap: SWAPS is 1..%d, PPS 1..1000000\n", SWAPS_MAX);
		return 2;
	}
	bench.swap_us = calloc(bench.swaps, sizeof(*bench.swap_us));
	if (!bench.swap_us)
		die("no memory");
	set_up_namespace(&bench);
	set_up_route(&bench);
	run(&bench);
	print_result(&bench);
	nl_close(&bench.nl);
	free(bench.swap_us);
	return 0;
}
