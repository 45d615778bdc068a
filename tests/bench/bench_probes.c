/* bench_probes: what probing 1,000 paths 10 times a second costs; and, with the name of a trace as
 * argument, how long the loop takes for a round of it, with and without recording (in turns).
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

#include "conf/machine.h"
#include "daemon/recorder.h"
#include "lib/clock.h"
#include "policies/registry.h"
#include "probes/icmp.h"
#include "probes/prober.h"

#define PATHS	     1000
#define INTERVAL_US  100000
#define DURATION_US  5000000
#define RTT_BUCKETS  10000 /* of 10 us */
#define RTT_GRAIN_US 10
#define TURNS	     6
#define ROUND_MAX_US 100000

struct bench {
	struct rng rng;
	struct icmp icmp;
	struct prober *prober;
	int far[PATHS];
	uint32_t rtt[RTT_BUCKETS];
	struct machine machine; /* fed when a trace is wanted */
	struct recorder *recorder;
	machine_tap_fn tap;
	uint32_t rounds[2][ROUND_MAX_US]; /* of so many microseconds, without and with recording */
	int recording;
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
	struct bench *bench = arg;
	struct machine_result result;

	(void)error;
	if (bench->recorder)
		machine_feed(&bench->machine,
			     (struct input){.kind = INPUT_SENT,
					    .path = (int16_t)path,
					    .target = (uint8_t)target,
					    .number = number,
					    .at = at},
			     &result);
}

static void on_reply(void *arg, const struct prober_reply *reply)
{
	struct bench *bench = arg;
	int64_t bucket = reply->rtt_us / RTT_GRAIN_US;

	struct machine_result result;

	bench->rtt[bucket < RTT_BUCKETS ? bucket : RTT_BUCKETS - 1]++;
	if (bench->recorder)
		machine_feed(&bench->machine,
			     (struct input){.kind = INPUT_REPLY,
					    .path = (int16_t)reply->path,
					    .target = (uint8_t)reply->target,
					    .number = reply->number,
					    .at = clock_now(),
					    .value = reply->rtt_us},
			     &result);
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
		int64_t wait_us = mono_diff_us(prober_next_deadline(bench->prober), now), spent_us;

		if (poll(&watch, 1, wait_us > 0 ? (int)((wait_us + 999) / 1000) : 0) < 0)
			die("poll");
		now = clock_now();
		if (watch.revents)
			prober_on_readable(bench->prober, watch.fd, now);
		prober_run(bench->prober, now);
		spent_us = mono_diff_us(clock_now(), now);
		bench->rounds[bench->recording]
			     [spent_us < ROUND_MAX_US ? spent_us : ROUND_MAX_US - 1]++;
	}
}

/* --- with a recorder --- */

static void set_up_recorder(struct bench *bench, const char *file)
{
	struct conf_trace conf = {(char *)(uintptr_t)file, INT64_MAX / 2, UINT32_MAX};
	struct policy_rng none = {NULL, NULL};
	static char names[PATHS][8];
	struct machine_config config;
	struct err err;
	int i;

	conf_machine_defaults(PATHS, &config);
	if (recorder_new(&conf, &bench->recorder, &err) ||
	    machine_init(&bench->machine, &config, registry_find("hold"), NULL, none, clock_now(),
			 &err))
		die(err.text);
	for (i = 0; i < PATHS; i++) {
		snprintf(names[i], sizeof(names[i]), "p%d", i);
		bench->machine.paths.path[i].name = bench->machine.paths.path[i].interface =
			names[i];
		bench->machine.paths.path[i].link_up = true;
		bench->machine.paths.path[i].probed[PATH_TARGET_PROXY] = true;
	}
	recorder_begin(bench->recorder, &bench->machine, "direct", clock_now(), clock_wall_us());
	bench->tap = bench->machine.tap;
}

static int p99_us(const uint32_t *rounds)
{
	uint64_t total = 0, seen = 0;
	int us;

	for (us = 0; us < ROUND_MAX_US; us++)
		total += rounds[us];
	for (us = 0; us < ROUND_MAX_US - 1; us++) {
		seen += rounds[us];
		if (100 * seen >= 99 * total)
			break;
	}
	return us;
}

static void compare(struct bench *bench)
{
	struct recorder_status status;
	int turn;

	for (turn = 0; turn < TURNS; turn++) {
		bench->recording = turn % 2;
		bench->machine.tap = bench->recording ? bench->tap : NULL;
		run(bench, mono_add_us(clock_now(), DURATION_US));
	}
	recorder_read_status(bench->recorder, &status);
	printf("{\"round_p99_us\":%d,\"round_p99_recording_us\":%d,\"records\":%llu,\"lost\":%llu}"
	       "\n",
	       p99_us(bench->rounds[0]), p99_us(bench->rounds[1]),
	       (unsigned long long)status.records, (unsigned long long)status.lost);
	recorder_free(bench->recorder, clock_now());
	machine_fini(&bench->machine);
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

static void measure(struct bench *bench)
{
	const struct prober_counters *counters = prober_counters(bench->prober);
	struct mono start = clock_now();
	double cpu = cpu_us(), wall;

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
}

int main(int argc, char **argv)
{
	struct bench *bench = calloc(1, sizeof(*bench));
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
	if (argc > 1) {
		set_up_recorder(bench, argv[1]);
		compare(bench);
	} else {
		measure(bench);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	prober_free(bench->prober);
	icmp_fini(&bench->icmp);
	free(bench);
	return 0;
}
