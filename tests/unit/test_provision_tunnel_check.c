/* The check of a path against real servers: wireguard-go on a proxy and on an exit, each in a
 * network namespace of its own.
 *
 *   we 192.0.2.1 ---- 192.0.2.2 proxy 198.51.100.1 ---- 198.51.100.2 exit
 *
 * We have no route to the exit, and check as nobody, who may touch nothing. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "provision/tunnel_check.h"

#define MS     INT64_C(1000)
#define SECOND INT64_C(1000000)
#define NOBODY 65534

/* A peer takes one initiation in 20 ms, and is silent to others (the white paper, 5.3). */
#define PEER_RESTS_US (25 * MS)

struct outcome {
	int ret;
	int64_t took_us;
	struct tunnel_check_result result;
	struct err e;
};

struct lab {
	pid_t servers[2];
	struct tunnel_check_peer proxy, exit;
	struct rng rng;
	struct mono checked;	 /* the last time */
	struct outcome *outcome; /* shared with the children */

	/* In a child. */
	int tell; /* is written to once a first answer could have been there; -1: nobody listens */
	unsigned int looks, stop_after;
};

static void shell(const char *format, ...)
{
	char command[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

/* --- the servers ------------------------------------------------------------------------------ */

/* The devices differ, as their sockets lie in one folder. */
static const char *const names[] = {"proxy", "exit"}, *const devices[] = {"wgp", "wge"};

static void start_server(struct lab *lab, size_t i)
{
	pid_t pid = fork();

	if (pid == 0) {
		int log = open("/run/log", O_WRONLY | O_CREAT | O_APPEND, 0600);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(log, STDOUT_FILENO);
		dup2(log, STDERR_FILENO);
		execlp("ip", "ip", "netns", "exec", names[i], "wireguard-go", "-f", devices[i],
		       (char *)NULL);
		_exit(127);
	}
	lab->servers[i] = pid;
}

static void fill_peer(struct lab *lab, struct tunnel_check_peer *peer, size_t i)
{
	uint8_t server[KEY_BYTES], client[KEY_BYTES];
	char text[3][KEY_TEXT_BYTES];
	FILE *out;

	rng_fill(&lab->rng, 0, server, KEY_BYTES);
	rng_fill(&lab->rng, 0, peer->private_key, KEY_BYTES);
	rng_fill(&lab->rng, 0, peer->preshared_key, KEY_BYTES);
	key_public(server, peer->public_key);
	key_public(peer->private_key, client);
	key_format(server, text[0]);
	key_format(client, text[1]);
	key_format(peer->preshared_key, text[2]);
	peer->address = i == 0 ? "192.0.2.2" : "198.51.100.2";
	peer->port = 51820;
	assert_int_equal(ip_parse(i == 0 ? "10.45.0.5" : "10.45.0.100", &peer->own), 0);
	assert_int_equal(ip_parse("10.45.0.2", &peer->peer), 0);
	out = fopen("/run/conf", "w");
	assert_non_null(out);
	fprintf(out,
		"[Interface]\nPrivateKey=%s\nListenPort=51820\n[Peer]\nPublicKey=%s\n"
		"PresharedKey=%s\nAllowedIPs=%s/32\n",
		text[0], text[1], text[2], i == 0 ? "10.45.0.5" : "10.45.0.100");
	fclose(out);
}

static void bring_up(struct lab *lab, struct tunnel_check_peer *peer, size_t i)
{
	struct mono end = mono_add_us(clock_now(), 20 * SECOND);
	char ready[128];

	snprintf(ready, sizeof(ready), "ip netns exec %s wg show %s >/dev/null 2>&1", names[i],
		 devices[i]);
	while (system(ready) != 0)
		assert_true(mono_before(clock_now(), end));
	fill_peer(lab, peer, i);
	shell("ip netns exec %s sh -ec 'wg setconf $0 /run/conf; ip addr add 10.45.0.2/32 dev $0; "
	      "ip link set $0 up; ip route add %s/32 dev $0' %s; rm /run/conf",
	      names[i], i == 0 ? "10.45.0.5" : "10.45.0.100", devices[i]);
}

static void make_network(void)
{
	shell("ip link set lo up; ip netns add proxy; ip netns add exit; "
	      "ip link add c0 type veth peer name p0 netns proxy; "
	      "ip -n proxy link add p1 type veth peer name e0 netns exit; "
	      "ip addr add 192.0.2.1/24 dev c0; ip link set c0 up; "
	      "ip -n proxy addr add 192.0.2.2/24 dev p0; ip -n proxy link set p0 up; "
	      "ip -n proxy addr add 198.51.100.1/24 dev p1; ip -n proxy link set p1 up; "
	      "ip -n exit addr add 198.51.100.2/24 dev e0; ip -n exit link set e0 up");
	shell("ip netns exec proxy sh -ec 'echo 1 >/proc/sys/net/ipv4/ip_forward; "
	      "nft \"table ip t { chain in { type filter hook input priority 0; }; "
	      "chain forward { type filter hook forward priority 0; }; "
	      "chain post { type nat hook postrouting priority 100; oifname p1 masquerade; }; "
	      "}\"'");
}

static bool can_run(void)
{
	return geteuid() == 0 && access("/dev/net/tun", R_OK | W_OK) == 0 &&
	       system("for tool in wireguard-go wg ip nft; do command -v $tool; done >/dev/null") ==
		       0;
}

static int setup(void **state)
{
	struct lab *lab;

	*state = NULL;
	if (!can_run() || unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
		return 0; /* each test skips */
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("none", "/run", "tmpfs", 0, "mode=700"), 0);
	lab = calloc(1, sizeof(*lab));
	assert_non_null(lab);
	lab->tell = -1;
	lab->outcome = mmap(NULL, sizeof(*lab->outcome), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(lab->outcome, MAP_FAILED);
	assert_int_equal(rng_init_system(&lab->rng), 0);
	make_network();
	for (size_t i = 0; i < 2; i++)
		start_server(lab, i);
	bring_up(lab, &lab->proxy, 0);
	bring_up(lab, &lab->exit, 1);
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	for (size_t i = 0; lab && i < 2; i++) {
		kill(lab->servers[i], SIGKILL);
		waitpid(lab->servers[i], NULL, 0);
	}
	free(lab);
	return 0;
}

static struct lab *lab_or_skip(void **state)
{
	if (!*state) {
		print_message("needs root, /dev/net/tun, wireguard-go, wg, ip and nft\n");
		skip();
	}
	return *state;
}

/* --- a check ---------------------------------------------------------------------------------- */

static struct mono now(void *arg)
{
	(void)arg;
	return clock_now();
}

static int64_t wall_us(void *arg)
{
	(void)arg;
	return clock_wall_us();
}

static bool stopped(void *arg)
{
	struct lab *lab = arg;

	if (lab->looks++ == 3 && lab->tell >= 0 && write(lab->tell, "x", 1) != 1)
		return true;
	return lab->stop_after && lab->looks > lab->stop_after;
}

static void check_as_nobody(struct lab *lab, const struct tunnel_check_peer *proxy,
			    const struct tunnel_check_peer *exit, int64_t limit_us)
{
	struct provision_env env = {
		.arg = lab, .now = now, .wall_us = wall_us, .stopped = stopped, .rng = &lab->rng};
	struct outcome *o = lab->outcome;
	struct mono began;

	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		_exit(1);
	began = clock_now();
	o->ret = tunnel_check_run(proxy, exit, &env, mono_add_us(began, limit_us), &o->result,
				  &o->e);
	o->took_us = mono_diff_us(clock_now(), began);
	_exit(0);
}

static pid_t begin_check(struct lab *lab, const struct tunnel_check_peer *proxy,
			 const struct tunnel_check_peer *exit, int64_t limit_us)
{
	int64_t rested_us = mono_diff_us(clock_now(), lab->checked);
	pid_t pid;

	if (rested_us < PEER_RESTS_US)
		usleep((useconds_t)(PEER_RESTS_US - rested_us));
	memset(lab->outcome, 0, sizeof(*lab->outcome));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		check_as_nobody(lab, proxy, exit, limit_us);
	return pid;
}

static struct outcome *end_check(struct lab *lab, pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	lab->checked = clock_now();
	return lab->outcome;
}

static struct outcome *check(struct lab *lab, const struct tunnel_check_peer *proxy,
			     const struct tunnel_check_peer *exit, int64_t limit_us)
{
	return end_check(lab, begin_check(lab, proxy, exit, limit_us));
}

static void assert_says(const struct outcome *o, int ret, const char *words)
{
	if (o->ret != ret || !strstr(o->e.text, words))
		fail_msg("%d: %s", o->ret, o->e.text);
}

static void assert_leg(const struct tunnel_check_leg *leg, bool handshake, bool ping)
{
	assert_int_equal(leg->handshake_us > 0 && leg->handshake_us < 20 * SECOND, handshake);
	assert_int_equal(leg->ping_us > 0 && leg->ping_us < 20 * SECOND, ping);
	assert_true(handshake || leg->handshake_us == -1);
	assert_true(ping || leg->ping_us == -1);
}

static void firewall(const char *rule)
{
	shell("ip netns exec proxy nft 'flush chain ip t in; flush chain ip t forward; %s'", rule);
}

/* --- the tests -------------------------------------------------------------------------------- */

static void test_a_path_works(void **state)
{
	struct lab *lab = lab_or_skip(state);

	for (int i = 0; i < 3; i++) { /* also when it was just checked */
		struct outcome *o = check(lab, &lab->proxy, &lab->exit, 20 * SECOND);

		assert_says(o, 0, "");
		assert_leg(&o->result.proxy, true, true);
		assert_leg(&o->result.exit, true, true);
		print_message("# took %lld us: proxy %lld and %lld, exit %lld and %lld\n",
			      (long long)o->took_us, (long long)o->result.proxy.handshake_us,
			      (long long)o->result.proxy.ping_us,
			      (long long)o->result.exit.handshake_us,
			      (long long)o->result.exit.ping_us);
	}
	/* The exit has heard it from the proxy, and the proxy from us. */
	shell("ip netns exec exit wg show wge endpoints | grep -q '\t198.51.100.1:'");
	shell("ip netns exec proxy wg show wgp endpoints | grep -q '\t192.0.2.1:'");
}

static void test_the_proxy_alone(void **state)
{
	struct lab *lab = lab_or_skip(state);
	struct outcome *o = check(lab, &lab->proxy, NULL, 20 * SECOND);

	assert_says(o, 0, "");
	assert_leg(&o->result.proxy, true, true);
	assert_leg(&o->result.exit, false, false);
}

static void test_wrong_keys(void **state)
{
	struct lab *lab = lab_or_skip(state);
	struct tunnel_check_peer wrong = lab->proxy;
	struct outcome *o;

	memcpy(wrong.public_key, lab->exit.public_key, KEY_BYTES);
	o = check(lab, &wrong, &lab->exit, 700 * MS);
	assert_says(o, -ETIMEDOUT, "no WireGuard handshake with the proxy 192.0.2.2:51820 (udp): ");
	assert_says(o, -ETIMEDOUT, "a wrong key looks the same");
	assert_leg(&o->result.proxy, false, false);
	wrong = lab->proxy;
	wrong.private_key[5] ^= 1;
	assert_says(check(lab, &wrong, &lab->exit, 700 * MS), -ETIMEDOUT, "a wrong key");
	wrong = lab->exit;
	wrong.private_key[5] ^= 1;
	o = check(lab, &lab->proxy, &wrong, 700 * MS);
	assert_says(o, -ETIMEDOUT,
		    "the proxy 192.0.2.2:51820 works, but no WireGuard handshake with the exit "
		    "198.51.100.2:51820 (udp) through it: no answer");
	assert_leg(&o->result.proxy, true, true);
	assert_leg(&o->result.exit, false, false);
}

static void test_wrong_preshared_keys(void **state)
{
	struct lab *lab = lab_or_skip(state);
	struct tunnel_check_peer wrong = lab->proxy;

	wrong.preshared_key[0] ^= 1;
	assert_says(check(lab, &wrong, &lab->exit, 700 * MS), -ETIMEDOUT,
		    "with the proxy 192.0.2.2:51820 (udp): it answers, but the answer cannot be "
		    "opened: the pre-shared keys differ");
	wrong = lab->exit;
	memset(wrong.preshared_key, 0, KEY_BYTES);
	assert_says(check(lab, &lab->proxy, &wrong, 700 * MS), -ETIMEDOUT,
		    "with the exit 198.51.100.2:51820 (udp) through it: it answers, but");
}

static void test_the_exit_is_not_reached(void **state)
{
	struct lab *lab = lab_or_skip(state);
	struct outcome *o;

	firewall("add rule ip t forward drop");
	o = check(lab, &lab->proxy, &lab->exit, 1500 * MS);
	assert_says(o, -ETIMEDOUT, "does the proxy forward");
	assert_leg(&o->result.proxy, true, true);
	assert_leg(&o->result.exit, false, false);
	firewall("add rule ip t forward reject with icmp type admin-prohibited");
	assert_says(check(lab, &lab->proxy, &lab->exit, 700 * MS), -ETIMEDOUT,
		    "a host on the way says that it cannot be reached");
	firewall("");
}

static void test_closed_ports(void **state)
{
	struct lab *lab = lab_or_skip(state);
	struct tunnel_check_peer closed = lab->proxy;
	struct outcome *o;

	closed.port = 51821;
	o = check(lab, &closed, &lab->exit, 1500 * MS);
	assert_says(o, -ECONNREFUSED,
		    "no WireGuard handshake with the proxy 192.0.2.2:51821 (udp): the host says "
		    "that nothing listens on that port");
	assert_true(o->took_us >= 1500 * MS); /* not at once: it may open */
	closed = lab->exit;
	closed.port = 51821;
	assert_says(
		check(lab, &lab->proxy, &closed, 700 * MS), -ECONNREFUSED,
		"with the exit 198.51.100.2:51821 (udp) through it: the host says that nothing");
}

static void test_a_port_opens(void **state)
{
	struct lab *lab = lab_or_skip(state);
	struct tunnel_check_peer closed = lab->proxy;
	char told;
	int ends[2];
	pid_t pid;

	closed.port = 51821;
	assert_int_equal(pipe(ends), 0);
	lab->tell = ends[1];
	pid = begin_check(lab, &closed, &lab->exit, 20 * SECOND);
	lab->tell = -1;
	close(ends[1]);
	assert_int_equal(read(ends[0], &told, 1), 1);
	close(ends[0]);
	shell("ip netns exec proxy wg set wgp listen-port 51821");
	assert_says(end_check(lab, pid), 0, "");
	assert_true(lab->outcome->took_us >= SECOND); /* by the second initiation */
	shell("ip netns exec proxy wg set wgp listen-port 51820");
}

static void test_no_ping_comes_back(void **state)
{
	struct lab *lab = lab_or_skip(state);
	struct tunnel_check_peer wrong = lab->exit;
	struct outcome *o;

	firewall("add rule ip t in iifname wgp drop");
	o = check(lab, &lab->proxy, &lab->exit, 700 * MS);
	assert_says(o, -ETIMEDOUT,
		    "the WireGuard handshake with the proxy 192.0.2.2:51820 worked, but no ping of "
		    "10.45.0.2 came back");
	assert_leg(&o->result.proxy, true, false);
	firewall("");
	wrong.own = lab->proxy.own; /* none of the allowed IPs */
	o = check(lab, &lab->proxy, &wrong, 700 * MS);
	assert_says(o, -ETIMEDOUT,
		    "the WireGuard handshake with the exit 198.51.100.2:51820 worked");
	assert_leg(&o->result.exit, true, false);
}

static void test_a_stop_is_seen(void **state)
{
	struct lab *lab = lab_or_skip(state);
	struct tunnel_check_peer closed = lab->proxy;
	struct outcome *o;

	closed.port = 51821;
	lab->stop_after = 3;
	o = check(lab, &closed, &lab->exit, 600 * SECOND);
	lab->stop_after = 0;
	assert_says(o, -EINTR, "interrupted");
	assert_true(o->took_us < 5 * SECOND);
}

static void test_what_cannot_be(void **state)
{
	struct lab *lab = lab_or_skip(state);
	struct tunnel_check_peer wrong = lab->proxy;

	wrong.address = "198.51.100.2"; /* we have no route */
	assert_says(check(lab, &wrong, NULL, 20 * SECOND), -ENETUNREACH,
		    "no way to the proxy 198.51.100.2:51820: Network is unreachable");
	wrong = lab->exit;
	memset(wrong.public_key, 0, KEY_BYTES);
	assert_says(check(lab, &lab->proxy, &wrong, 20 * SECOND), -EINVAL,
		    "the public key of the exit can be nobody's");
	wrong.address = "exit.example";
	assert_says(check(lab, &lab->proxy, &wrong, 20 * SECOND), -EINVAL, "is no IPv4 address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_path_works),
		cmocka_unit_test(test_the_proxy_alone),
		cmocka_unit_test(test_wrong_keys),
		cmocka_unit_test(test_wrong_preshared_keys),
		cmocka_unit_test(test_the_exit_is_not_reached),
		cmocka_unit_test(test_closed_ports),
		cmocka_unit_test(test_a_port_opens),
		cmocka_unit_test(test_no_ping_comes_back),
		cmocka_unit_test(test_a_stop_is_seen),
		cmocka_unit_test(test_what_cannot_be),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
