/* The ICMP transport on a real kernel: two TUN devices in a network namespace of our own, whose far
 * side is this test. Unrouted traffic would leave by wgnet2, the main table's default.
 *
 *   prober -- wgnet1 -- far[0]      oif rule: wgnet1 lookup 61001
 *          \- wgnet2 -- far[1]      oif rule: wgnet2 lookup 61002, and the default of main
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "probes/icmp.h"
#include "probes/prober.h"

#define PATHS	   2
#define TIMEOUT_MS 2000
#define LATE_US	   200000

struct fixture {
	struct rng rng;
	struct icmp icmp;
	struct prober *prober;
	int far[PATHS];
	int ifindex[PATHS];
	int sent, last_error, replies;
	struct prober_reply reply;
};

/* --- the namespace --- */

static int open_tun(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (!ioctl(fd, TUNSETIFF, &request))
		return fd;
	close(fd);
	return -1;
}

/* Runs an ip(8) command line with %1$d, the number of the path, in it. */
static int run_ip(const char *format, int path)
{
	char command[256], line[300];

	snprintf(command, sizeof(command), format, path);
	snprintf(line, sizeof(line), "ip %s", command);
	return system(line); /* NOLINT(cert-env33-c): a fixed command line */
}

static int set_up_paths(struct fixture *f)
{
	static const char *const commands[] = {
		"link set wgnet%1$d up",
		"address add 10.1.%1$d.2/24 dev wgnet%1$d",
		"address add fd10:1:%1$d::2/64 dev wgnet%1$d nodad",
		"route add default dev wgnet%1$d table 6100%1$d",
		"-6 route add default dev wgnet%1$d table 6100%1$d",
		"rule add oif wgnet%1$d lookup 6100%1$d",
		"-6 rule add oif wgnet%1$d lookup 6100%1$d",
	};
	size_t i, path;

	for (path = 0; path < PATHS; path++)
		for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
			if (run_ip(commands[i], (int)path + 1))
				return -1;
	if (run_ip("route add default dev wgnet%1$d", 2) ||
	    run_ip("-6 route add default dev wgnet%1$d", 2))
		return -1;
	f->ifindex[0] = (int)if_nametoindex("wgnet1");
	f->ifindex[1] = (int)if_nametoindex("wgnet2");
	return 0;
}

static void on_sent(void *arg, size_t path, unsigned int target, uint32_t number, struct mono at,
		    int error)
{
	struct fixture *f = arg;

	(void)path, (void)target, (void)number, (void)at;
	f->sent++;
	f->last_error = error;
}

static void on_reply(void *arg, const struct prober_reply *reply)
{
	struct fixture *f = arg;

	f->replies++;
	f->reply = *reply;
}

static int setup(void **state)
{
	static const struct prober_config config = {
		.path_count = PATHS,
		.interval_us = 1000,
		.late_us = LATE_US,
		.burst_count = 3,
		.burst_gap_us = 1000,
		.payload_min_bytes = 64,
		.payload_max_bytes = PROBE_PAYLOAD_MAX,
	};
	struct fixture *f = calloc(1, sizeof(*f));
	struct prober_callbacks callbacks = {on_sent, on_reply, f};

	*state = NULL;
	if (!f || unshare(CLONE_NEWNET))
		goto unable;
	f->far[0] = open_tun("wgnet1");
	f->far[1] = open_tun("wgnet2");
	if (f->far[0] < 0 || f->far[1] < 0 || set_up_paths(f))
		goto unable;
	assert_int_equal(rng_init_system(&f->rng), 0);
	assert_int_equal(icmp_init(&f->icmp, &f->rng, NULL), 0);
	assert_int_equal(prober_new(&config, (struct probe){&icmp_probe_ops, &f->icmp}, callbacks,
				    &f->rng, &f->prober),
			 0);
	*state = f;
	return 0;
unable:
	print_message("no network namespace with TUN devices here: %s\n", strerror(errno));
	free(f);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (!f)
		return 0;
	prober_free(f->prober);
	icmp_fini(&f->icmp);
	close(f->far[0]);
	close(f->far[1]);
	free(f);
	return 0;
}

static struct fixture *fixture(void **state)
{
	if (!*state)
		skip();
	return *state;
}

/* --- both ends --- */

static struct ip address(const char *text)
{
	struct ip ip;

	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd watch = {.fd = fd, .events = POLLIN};

	return poll(&watch, 1, timeout_ms) > 0;
}

static bool is_echo_request(const uint8_t *packet, ssize_t bytes)
{
	if (bytes > 28 && packet[0] >> 4 == 4)
		return packet[9] == 1 && packet[20] == 8;
	return bytes > 48 && packet[0] >> 4 == 6 && packet[6] == 58 && packet[40] == 128;
}

/* The next echo request that comes out of `far`, passing over neighbour discovery and the like; 0
 * when there is none before the timeout. */
static size_t take_request(int far, int timeout_ms, uint8_t packet[2048])
{
	while (readable(far, timeout_ms)) {
		ssize_t bytes = read(far, packet, 2048);

		if (is_echo_request(packet, bytes))
			return (size_t)bytes;
	}
	return 0;
}

static void swap_addresses(uint8_t *addresses, size_t bytes)
{
	uint8_t source[16];

	memcpy(source, addresses, bytes);
	memcpy(addresses, addresses + bytes, bytes);
	memcpy(addresses + bytes, source, bytes);
}

/* Turns a request into its reply in place. A request's checksum is right (or the kernel would not
 * take the reply), and only the type changes: RFC 1624. */
static void make_reply(uint8_t *packet)
{
	bool v6 = packet[0] >> 4 == 6;
	uint8_t *icmp = packet + (v6 ? 40 : 20);
	uint32_t sum = (uint32_t)(icmp[2] << 8 | icmp[3]);

	swap_addresses(packet + (v6 ? 8 : 12), v6 ? 16 : 4);
	sum = v6 ? sum + 0xffff - 0x0100 : sum + 0x0800;
	sum = (sum & 0xffff) + (sum >> 16);
	icmp[0] = v6 ? 129 : 0;
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
}

static void inject(int far, const uint8_t *packet, size_t bytes)
{
	assert_int_equal(write(far, packet, bytes), bytes);
}

/* Sends exactly one probe to `text` by path `path` and takes away its target again. */
static void send_one(struct fixture *f, size_t path, const char *text)
{
	struct ip to = address(text);
	int sent = f->sent;

	prober_set_target(f->prober, path, 0, &to, f->ifindex[path], (struct mono){0});
	prober_run(f->prober, prober_next_deadline(f->prober));
	prober_set_target(f->prober, path, 0, NULL, 0, (struct mono){0});
	assert_int_equal(f->sent, sent + 1);
}

/* Reads once all that waits on the socket of this address's family, waiting for it at first. */
static void receive(struct fixture *f, const char *text, int timeout_ms)
{
	int fd = f->icmp.fd[strchr(text, ':') ? ICMP_V6 : ICMP_V4];

	if (readable(fd, timeout_ms))
		prober_on_readable(f->prober, fd, clock_now());
}

/* Takes the request out of path `out` and gives the reply to path `back`. */
static void answer(struct fixture *f, size_t out, size_t back)
{
	uint8_t packet[2048];
	size_t bytes = take_request(f->far[out], TIMEOUT_MS, packet);

	assert_int_not_equal(bytes, 0);
	make_reply(packet);
	inject(f->far[back], packet, bytes);
}

static const char *const targets[] = {
	"10.1.1.1", "10.1.2.1", "203.0.113.9", "fd10:1:1::1", "fd10:1:2::1", "2001:db8::9",
};

#define TARGETS (sizeof(targets) / sizeof(targets[0]))

static void a_probe_leaves_by_its_own_path_only(void **state)
{
	struct fixture *f = fixture(state);
	uint8_t packet[2048];
	size_t i, path;

	for (i = 0; i < TARGETS; i++) {
		for (path = 0; path < PATHS; path++) {
			send_one(f, path, targets[i]);
			assert_int_equal(f->last_error, 0);
			assert_int_not_equal(take_request(f->far[path], TIMEOUT_MS, packet), 0);
			assert_int_equal(take_request(f->far[!path], 0, packet), 0);
		}
	}
}

static void a_probe_has_the_source_of_its_path(void **state)
{
	struct fixture *f = fixture(state);
	struct ip source[] = {address("10.1.1.2"), address("fd10:1:1::2")};
	uint8_t packet[2048];

	send_one(f, 0, "203.0.113.9");
	assert_int_not_equal(take_request(f->far[0], TIMEOUT_MS, packet), 0);
	assert_memory_equal(packet + 12, source[0].bytes, 4);
	send_one(f, 0, "2001:db8::9");
	assert_int_not_equal(take_request(f->far[0], TIMEOUT_MS, packet), 0);
	assert_memory_equal(packet + 8, source[1].bytes, 16);
}

static void a_reply_is_matched(void **state)
{
	struct fixture *f = fixture(state);
	size_t i;

	for (i = 0; i < TARGETS; i++) {
		send_one(f, 1, targets[i]);
		answer(f, 1, 1);
		receive(f, targets[i], TIMEOUT_MS);
		assert_int_equal(f->replies, i + 1);
		assert_int_equal(f->reply.path, 1);
		assert_false(f->reply.duplicate);
	}
}

static void a_reply_by_the_other_path_is_refused(void **state)
{
	struct fixture *f = fixture(state);
	size_t i;

	for (i = 0; i < TARGETS; i++) {
		send_one(f, 0, targets[i]);
		answer(f, 0, 1);
		receive(f, targets[i], TIMEOUT_MS);
		assert_int_equal(prober_counters(f->prober)->wrong_interface, i + 1);
	}
	assert_int_equal(f->replies, 0);
}

static void duplicate_and_late_replies_are_flagged(void **state)
{
	struct fixture *f = fixture(state);
	uint8_t packet[2048];
	size_t bytes;

	send_one(f, 0, "10.1.1.1");
	bytes = take_request(f->far[0], TIMEOUT_MS, packet);
	make_reply(packet);
	inject(f->far[0], packet, bytes);
	inject(f->far[0], packet, bytes);
	while (f->replies < 2 && readable(f->icmp.fd[ICMP_V4], TIMEOUT_MS))
		receive(f, "10.1.1.1", TIMEOUT_MS);
	assert_int_equal(f->replies, 2);
	assert_true(f->reply.duplicate);
	poll(NULL, 0, LATE_US / 1000 + 1); /* the reply is to be late, not the test to be right */
	inject(f->far[0], packet, bytes);
	receive(f, "10.1.1.1", TIMEOUT_MS);
	assert_int_equal(f->replies, 3);
	assert_true(f->reply.late);
}

/* A reply waits 50 ms to be read; true when its RTT knows nothing of that. */
static bool rtt_ends_at_arrival(struct fixture *f, const char *target)
{
	struct mono arrived, start = clock_now();

	send_one(f, 0, target);
	answer(f, 0, 0);
	assert_true(readable(f->icmp.fd[strchr(target, ':') ? ICMP_V6 : ICMP_V4], TIMEOUT_MS));
	arrived = clock_now();
	poll(NULL, 0, 50);
	receive(f, target, 0);
	assert_true(f->reply.rtt_us > 0);
	return f->reply.rtt_us <= mono_diff_us(arrived, start);
}

/* The kernel turns timestamps on some time after the first socket asks for them (net/core/dev.c,
 * netstamp_work); until then it stamps a packet when it is read. */
static void the_rtt_ends_at_the_kernels_timestamp(void **state)
{
	struct fixture *f = fixture(state);
	struct mono deadline = mono_add_us(clock_now(), TIMEOUT_MS * 1000);

	while (!rtt_ends_at_arrival(f, "10.1.1.1"))
		assert_true(mono_before(clock_now(), deadline));
	assert_true(rtt_ends_at_arrival(f, "fd10:1:1::1"));
}

static void what_is_no_reply_of_ours_is_not_even_read(void **state)
{
	struct fixture *f = fixture(state);
	uint8_t packet[2048];
	size_t i;

	for (i = 0; i < TARGETS; i += 3) {
		struct ip to = address(targets[i]);

		assert_int_equal(icmp_kick(&f->icmp, f->ifindex[0], &to), 0);
		answer(f, 0, 0);
		assert_false(readable(f->icmp.fd[i ? ICMP_V6 : ICMP_V4], 50));
	}
	assert_int_equal(take_request(f->far[1], 0, packet), 0);
}

static void a_send_error_is_reported(void **state)
{
	struct fixture *f = fixture(state);
	struct ip to = address("10.1.1.1");

	assert_int_equal(icmp_kick(&f->icmp, 0, &to), -ENODEV);
	assert_int_equal(icmp_kick(&f->icmp, f->ifindex[0], &(struct ip){0}), -EAFNOSUPPORT);
	assert_int_equal(run_ip("link set wgnet%1$d down", 1), 0);
	send_one(f, 0, "10.1.1.1");
	assert_true(f->last_error < 0);
	send_one(f, 0, "2001:db8::9");
	assert_true(f->last_error < 0);
	close(f->far[0]);
	f->far[0] = open("/dev/null", O_RDONLY);
	send_one(f, 0, "10.1.1.1");
	assert_int_equal(f->last_error, -ENODEV);
	assert_int_equal(prober_send_error(f->prober, 0, 0), -ENODEV);
	assert_int_equal(prober_counters(f->prober)->send_errors, 3);
	send_one(f, 1, "10.1.1.1");
	assert_int_equal(f->last_error, 0);
}

/* One bad probe in a batch does not keep the others from leaving. */
static void an_error_spoils_no_other_probe_of_its_batch(void **state)
{
	struct fixture *f = fixture(state);
	struct probe_packet packets[PROBE_BATCH];
	uint8_t packet[2048];
	int i, ones = 0;

	for (i = 0; i < PROBE_BATCH; i++)
		packets[i] = (struct probe_packet){
			.to = address(i % 2 ? "203.0.113.9" : "2001:db8::9"),
			.ifindex = i % 5 ? f->ifindex[i % 3 == 0] : 99999,
			.payload_bytes = 64,
		};
	icmp_probe_ops.send(&f->icmp, packets, PROBE_BATCH, (struct mono){0});
	for (i = 0; i < PROBE_BATCH; i++) {
		assert_int_equal(packets[i].error != 0, i % 5 == 0);
		ones += !packets[i].error;
	}
	while (take_request(f->far[0], 0, packet) || take_request(f->far[1], 0, packet))
		ones--;
	assert_int_equal(ones, 0);
}

static void replies_wait_for_a_busy_reader(void **state)
{
	enum {
		REPLIES = 1000
	};
	struct fixture *f = fixture(state);
	uint8_t packet[2048];
	size_t bytes;
	int i;

	send_one(f, 0, "10.1.1.1");
	bytes = take_request(f->far[0], TIMEOUT_MS, packet);
	make_reply(packet);
	for (i = 0; i < REPLIES; i++)
		inject(f->far[0], packet, bytes);
	while (f->replies < REPLIES && readable(f->icmp.fd[ICMP_V4], TIMEOUT_MS))
		receive(f, "10.1.1.1", 0);
	assert_int_equal(f->replies, REPLIES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_probe_leaves_by_its_own_path_only),
		TEST(a_probe_has_the_source_of_its_path),
		TEST(a_reply_is_matched),
		TEST(a_reply_by_the_other_path_is_refused),
		TEST(duplicate_and_late_replies_are_flagged),
		TEST(the_rtt_ends_at_the_kernels_timestamp),
		TEST(what_is_no_reply_of_ours_is_not_even_read),
		TEST(a_send_error_is_reported),
		TEST(an_error_spoils_no_other_probe_of_its_batch),
		TEST(replies_wait_for_a_busy_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
