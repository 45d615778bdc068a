/* bench_probes: what probing 1,000 paths 10 times a second costs.
 *
 * In a network namespace of its own (needs root) with one TUN device per path; a child process is
 * their far side. Prints one JSON object: the CPU share is this process's alone, of one core.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "probes/icmp.h"
#include "probes/prober.h"

#define PATHS	     1000
#define INTERVAL_US  100000
#define DURATION_US  5000000
#define RTT_BUCKETS  10000 /* of 10 us */
#define RTT_GRAIN_US 10

struct bench {
	struct rng rng;
	struct icmp icmp;
	struct prober *prober;
	int far[PATHS];
	uint32_t rtt[RTT_BUCKETS];
};

static void die(const char *what)
{
	fprintf(stderr, "bench_probes: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void open_tun(struct bench *bench, int path)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};

	bench->far[path] = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "p%d", path);
	if (bench->far[path] < 0 || ioctl(bench->far[path], TUNSETIFF, &request))
		die("cannot make a TUN device");
}

/* Path i has the network 10.(i / 250).(i % 250).0/24; we are .2, the far side is .1. */
static void set_up_paths(struct bench *bench)
{
	FILE *ip;
	int i;

	if (unshare(CLONE_NEWNET))
		die("cannot make a network namespace");
	for (i = 0; i < PATHS; i++)
		open_tun(bench, i);
	ip = popen("ip -batch -", "w"); /* NOLINT(cert-env33-c): a fixed command line */
	if (!ip)
		die("cannot run ip");
	for (i = 0; i < PATHS; i++)
		fprintf(ip, "link set p%d up\naddress add 10.%d.%d.2/24 dev p%d\n", i, i / 250,
			i % 250, i);
	if (pclose(ip))
		die("ip failed");
}

/* Answers one echo request: addresses swapped, type 8 to 0, checksum by RFC 1624. */
static void answer(int far)
{
	uint8_t packet[2048], address[4];
	ssize_t bytes = read(far, packet, sizeof(packet));
	uint32_t sum;

	if (bytes < 28 || packet[0] != 0x45 || packet[9] != 1 || packet[20] != 8)
		return;
	memcpy(address, packet + 12, 4);
	memcpy(packet + 12, packet + 16, 4);
	memcpy(packet + 16, address, 4);
	sum = (uint32_t)(packet[22] << 8 | packet[23]) + 0x0800;
	sum = (sum & 0xffff) + (sum >> 16);
	packet[20] = 0;
	packet[22] = (uint8_t)(sum >> 8);
	packet[23] = (uint8_t)sum;
	if (write(far, packet, (size_t)bytes) < 0)
		die("cannot answer");
}

static void be_the_far_side(struct bench *bench)
{
	struct epoll_event event = {.events = EPOLLIN}, events[64];
	int i, epoll = epoll_create1(0);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < PATHS; i++) {
		event.data.fd = bench->far[i];
		epoll_ctl(epoll, EPOLL_CTL_ADD, bench->far[i], &event);
	}
	for (;;) {
		int count = epoll_wait(epoll, events, 64, -1);

		for (i = 0; i < count; i++)
			answer(events[i].data.fd);
	}
}

static void on_sent(void *arg, size_t path, unsigned int target, uint32_t number, struct mono at,
		    int error)
{
	(void)arg, (void)path, (void)target, (void)number, (void)at, (void)error;
}

static void on_reply(void *arg, const struct prober_reply *reply)
{
	struct bench *bench = arg;
	int64_t bucket = reply->rtt_us / RTT_GRAIN_US;

	bench->rtt[bucket < RTT_BUCKETS ? bucket : RTT_BUCKETS - 1]++;
}

static void set_up_prober(struct bench *bench)
{
	static const struct prober_config config = {
		.path_count = PATHS,
		.interval_us = INTERVAL_US,
		.late_us = 1000000,
		.burst_count = 3,
		.burst_gap_us = 20000,
		.payload_min_bytes = 64,
		.payload_max_bytes = PROBE_PAYLOAD_MAX,
	};
	struct prober_callbacks callbacks = {on_sent, on_reply, bench};
	struct probe probe = {&icmp_probe_ops, &bench->icmp};
	struct err err = {"cannot make the prober"};
	int i;

	if (rng_init_system(&bench->rng) || icmp_init(&bench->icmp, &bench->rng, &err) ||
	    prober_new(&config, probe, callbacks, &bench->rng, &bench->prober))
		die(err.text);
	for (i = 0; i < PATHS; i++) {
		struct ip to = {AF_INET, {10, (uint8_t)(i / 250), (uint8_t)(i % 250), 1}};
		char name[IF_NAMESIZE];

		snprintf(name, sizeof(name), "p%d", i);
		prober_set_target(bench->prober, (size_t)i, 0, &to, (int)if_nametoindex(name),
				  clock_now());
	}
}

/* Waits as an event loop does: in whole milliseconds, rounded up. */
static void run(struct bench *bench, struct mono end)
{
	struct pollfd watch = {.fd = bench->icmp.fd[ICMP_V4], .events = POLLIN};
	struct mono now = clock_now();

	while (mono_before(now, end)) {
		int64_t wait_us = mono_diff_us(prober_next_deadline(bench->prober), now);

		if (poll(&watch, 1, wait_us > 0 ? (int)((wait_us + 999) / 1000) : 0) < 0)
			die("poll");
		now = clock_now();
		if (watch.revents)
			prober_on_readable(bench->prober, watch.fd, now);
		prober_run(bench->prober, now);
	}
}

static int median_rtt_us(const struct bench *bench, uint64_t replies)
{
	uint64_t seen = 0;
	int i;

	for (i = 0; i < RTT_BUCKETS - 1; i++) {
		seen += bench->rtt[i];
		if (2 * seen >= replies)
			break;
	}
	return i * RTT_GRAIN_US;
}

static double cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

int main(void)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	const struct prober_counters *counters;
	struct mono start;
	double cpu, wall;
	pid_t child;

	if (!bench)
		die("no memory");
	set_up_paths(bench);
	child = fork();
	if (child < 0)
		die("cannot fork");
	if (!child)
		be_the_far_side(bench);
	set_up_prober(bench);
	counters = prober_counters(bench->prober);
	start = clock_now();
	cpu = cpu_us();
	run(bench, mono_add_us(start, DURATION_US));
	cpu = cpu_us() - cpu;
	wall = (double)mono_diff_us(clock_now(), start);
	printf("{\"paths\":%d,\"probes_per_s\":%.0f,\"cpu_share\":%.4f,\"sent\":%llu,"
	       "\"received\":%llu,\"send_errors\":%llu,\"wrong_interface\":%llu,"
	       "\"rtt_median_us\":%d}\n",
	       PATHS, (double)counters->sent / wall * 1e6, cpu / wall,
	       (unsigned long long)counters->sent, (unsigned long long)counters->received,
	       (unsigned long long)counters->send_errors,
	       (unsigned long long)counters->wrong_interface,
	       median_rtt_us(bench, counters->received));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	prober_free(bench->prober);
	icmp_fini(&bench->icmp);
	free(bench);
	return 0;
}
