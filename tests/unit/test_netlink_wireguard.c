/* WireGuard: what goes over the wire to the kernel and to a userspace implementation, what comes
 * back, and both for real where the machine has them.
 */
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <signal.h>
#include <sodium.h>
#include <sys/mount.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "netlink/wg_genl.h"
#include "netlink/wg_uapi.h"
#include "netlink/wg_uapi_text.h"
#include "netlink/wg_userspace.h"
#include "tests/unit/netlink_world.h"

#define FAMILY 0x21

/* Keys of one byte over and over, in hexadecimal. */
#define K11 "1111111111111111111111111111111111111111111111111111111111111111"
#define K22 "2222222222222222222222222222222222222222222222222222222222222222"
#define K33 "3333333333333333333333333333333333333333333333333333333333333333"
#define K48 "4848484848484848484848484848484848484848484848484848484848484848"
#define K77 "7777777777777777777777777777777777777777777777777777777777777777"
#define K00 "0000000000000000000000000000000000000000000000000000000000000000"

static void assert_text(struct wg_uapi_text *text, const char *wanted)
{
	assert_int_equal(wg_uapi_text_add(text, "", 1), 0);
	assert_string_equal(text->bytes, wanted);
	wg_uapi_text_fini(text);
}

static void key(uint8_t out[WG_KEY_BYTES], uint8_t fill)
{
	memset(out, fill, WG_KEY_BYTES);
}

static struct wg_peer *add_peer(struct wg_device *device, uint8_t fill, const char *at)
{
	struct wg_peer *peer = wg_device_add_peer(device);

	assert_non_null(peer);
	key(peer->public_key, fill);
	if (at)
		peer->endpoint = endpoint(at);
	return peer;
}

static void allow(struct wg_peer *peer, const char *text)
{
	struct ip_prefix allowed = prefix(text);

	assert_int_equal(wg_peer_add_allowed(peer, &allowed), 0);
}

/* One device with two peers of both families. */
static void fill(struct wg_device *device)
{
	struct wg_peer *peer;

	*device = (struct wg_device){.listen_port = 51000, .fwmark = 51820};
	key(device->private_key, 0x48); /* clamped: bits that Curve25519 keeps */
	peer = add_peer(device, 0x11, "192.0.2.9:51820");
	key(peer->preshared_key, 0x77);
	peer->keepalive_s = 25;
	allow(peer, "0.0.0.0/0");
	allow(peer, "::/0");
	peer = add_peer(device, 0x22, "[2001:db8:9::9]:443");
	allow(peer, "10.0.0.0/8");
}

static void assert_same_device(const struct wg_device *a, const struct wg_device *b)
{
	size_t i, j;

	assert_memory_equal(a->private_key, b->private_key, WG_KEY_BYTES);
	assert_int_equal(a->listen_port, b->listen_port);
	assert_int_equal(a->fwmark, b->fwmark);
	assert_int_equal(a->peer_count, b->peer_count);
	for (i = 0; i < a->peer_count; i++) {
		const struct wg_peer *p = &a->peers[i];
		const struct wg_peer *q = wg_device_find_peer(b, p->public_key);

		assert_non_null(q);
		assert_memory_equal(p->preshared_key, q->preshared_key, WG_KEY_BYTES);
		assert_true(endpoint_equal(&p->endpoint, &q->endpoint));
		assert_int_equal(p->keepalive_s, q->keepalive_s);
		assert_int_equal(p->allowed_count, q->allowed_count);
		for (j = 0; j < p->allowed_count; j++) {
			size_t k = 0;

			while (k < q->allowed_count &&
			       !ip_prefix_equal(&p->allowed[j], &q->allowed[k]))
				k++;
			assert_true(k < q->allowed_count);
		}
	}
}

/* --- generic netlink --- */

static void assert_hex(const void *bytes, size_t length, const char *wanted)
{
	char *hex = calloc(1, 2 * length + 1);

	assert_non_null(hex);
	sodium_bin2hex(hex, 2 * length + 1, bytes, length);
	assert_string_equal(hex, wanted);
	free(hex);
}

static void an_endpoint_message_is_as_the_kernel_wants_it(void **state)
{
	uint8_t bytes[WG_GENL_MESSAGE_BYTES] __attribute__((aligned(4)));
	struct endpoint at = endpoint("192.0.2.9:51820");
	struct nlmsghdr *message;
	uint8_t public_key[WG_KEY_BYTES];

	(void)state;
	key(public_key, 0x11);
	message = wg_genl_encode_endpoint(FAMILY, "wg0", public_key, &at, bytes);
	assert_hex(message, message->nlmsg_len,
		   "64000000210000000000000000000000" /* nlmsghdr */
		   "01010000"			      /* WG_CMD_SET_DEVICE, version 1 */
		   "0800020077673000"		      /* WGDEVICE_A_IFNAME "wg0" */
		   "48000880"
		   "44000080"	      /* WGDEVICE_A_PEERS, one */
		   "24000100" K11     /* WGPEER_A_PUBLIC_KEY */
		   "0800030004000000" /* WGPEER_A_FLAGS: update only */
		   "140004000200ca6cc00002090000000000000000" /* WGPEER_A_ENDPOINT */);
}

static void a_device_survives_the_encoder_and_the_decoder(void **state)
{
	uint8_t bytes[WG_GENL_MESSAGE_BYTES] __attribute__((aligned(4)));
	struct wg_genl_cursor cursor = {0};
	struct wg_device device, back = {0};

	(void)state;
	fill(&device);
	assert_int_equal(
		wg_genl_decode(wg_genl_encode_set(FAMILY, "wg0", &device, &cursor, bytes), &back),
		0);
	assert_true(cursor.done);
	assert_same_device(&device, &back);
	wg_device_fini(&device);
	wg_device_fini(&back);
}

static void a_big_device_takes_several_messages(void **state)
{
	uint8_t bytes[WG_GENL_MESSAGE_BYTES] __attribute__((aligned(4)));
	struct wg_genl_cursor cursor = {0};
	struct wg_device device, back = {0};
	struct nlmsghdr *message;
	int i, messages = 0;
	char text[64];

	(void)state;
	fill(&device);
	for (i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), i % 2 ? "10.%d.%d.0/24" : "fd00:%x:%x::/48", i / 100,
			 i % 100);
		allow(&device.peers[0], text);
	}
	for (i = 0; i < 100; i++)
		add_peer(&device, (uint8_t)(0x80 + i), "192.0.2.9:1");
	do {
		message = wg_genl_encode_set(FAMILY, "wg0", &device, &cursor, bytes);
		assert_true(message->nlmsg_len <= WG_GENL_MESSAGE_BYTES);
		assert_int_equal(wg_genl_decode(message, &back), 0);
		messages++;
	} while (!cursor.done);
	assert_true(messages > 10);
	assert_int_equal(back.peers[0].allowed_count, 1002);
	assert_same_device(&device, &back);
	wg_device_fini(&device);
	wg_device_fini(&back);
}

/* Whatever the bytes are: no crash, no read outside (the sanitizers watch). */
static void no_bytes_confuse_the_netlink_decoder(void **state)
{
	uint8_t bytes[WG_GENL_MESSAGE_BYTES] __attribute__((aligned(4)));
	struct wg_genl_cursor cursor;
	struct wg_device device, back = {0};
	struct nlmsghdr *message, *copy;
	uint32_t seed = randombytes_random();
	int round, i;

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	fill(&device);
	for (round = 0; round < 5000; round++) {
		memset(&cursor, 0, sizeof(cursor));
		message = wg_genl_encode_set(FAMILY, "wg0", &device, &cursor, bytes);
		copy = malloc(message->nlmsg_len);
		assert_non_null(copy);
		memcpy(copy, message, message->nlmsg_len);
		for (i = 0; i < 1 + round % 8; i++)
			((uint8_t *)copy)[16 + (uint32_t)rand() % (message->nlmsg_len - 16)] =
				(uint8_t)rand();
		wg_genl_decode(copy, &back);
		wg_device_fini(&back);
		free(copy);
	}
	wg_device_fini(&device);
}

/* --- userspace text --- */

static void the_set_text_makes_exactly_the_device(void **state)
{
	struct wg_device device, old = {.listen_port = 51000};
	struct wg_uapi_text text = {0};

	(void)state;
	fill(&device);
	add_peer(&old, 0x22, NULL);
	add_peer(&old, 0x33, NULL);
	assert_int_equal(wg_uapi_encode_set(&old, &device, &text), 0);
	assert_text(&text, "set=1\nprivate_key=" K48 "\nfwmark=51820\npublic_key=" K33
			   "\nremove=true\npublic_key=" K11 "\npreshared_key=" K77
			   "\nendpoint=192.0.2.9:51820\npersistent_keepalive_interval=25\n"
			   "replace_allowed_ips=true\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n"
			   "public_key=" K22 "\npreshared_key=" K00
			   "\nendpoint=[2001:db8:9::9]:443\npersistent_keepalive_interval=0\n"
			   "replace_allowed_ips=true\nallowed_ip=10.0.0.0/8\n\n");
	wg_device_fini(&device);
	wg_device_fini(&old);
}

static void the_endpoint_text_updates_only(void **state)
{
	struct endpoint at = endpoint("[2001:db8:9::9]:443");
	struct wg_uapi_text text = {0};
	uint8_t public_key[WG_KEY_BYTES];

	(void)state;
	key(public_key, 0x11);
	assert_int_equal(wg_uapi_encode_endpoint(public_key, &at, &text), 0);
	assert_text(&text, "set=1\npublic_key=" K11
			   "\nupdate_only=true\nendpoint=[2001:db8:9::9]:443\n\n");
}

static int decode(const char *answer, struct wg_device *out)
{
	memset(out, 0, sizeof(*out));
	return wg_uapi_decode(answer, strlen(answer), out);
}

static void an_answer_is_read_whole(void **state)
{
	struct wg_device device;

	(void)state;
	assert_int_equal(
		decode("private_key=" K48 "\nlisten_port=51000\nfwmark=51820\n"
		       "public_key=" K11 "\npreshared_key=" K77 "\nprotocol_version=1\n"
		       "endpoint=[fe80::1%eth0]:9\nlast_handshake_time_sec=1700000000\n"
		       "last_handshake_time_nsec=5\ntx_bytes=18446744073709551615\nrx_bytes=7\n"
		       "persistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\n"
		       "public_key=" K22 "\nsome_new_key=x=y\nendpoint=192.0.2.9:1\nerrno=0\n\n",
		       &device),
		0);
	assert_int_equal(device.listen_port, 51000);
	assert_int_equal(device.fwmark, 51820);
	assert_int_equal(device.peer_count, 2);
	assert_int_equal(device.peers[0].endpoint.ip.family, AF_UNSPEC);
	assert_int_equal(device.peers[0].handshake_s, 1700000000);
	assert_int_equal(device.peers[0].handshake_ns, 5);
	assert_int_equal(device.peers[0].tx_bytes, UINT64_MAX);
	assert_int_equal(device.peers[0].rx_bytes, 7);
	assert_int_equal(device.peers[0].keepalive_s, 25);
	assert_int_equal(device.peers[0].allowed_count, 1);
	assert_int_equal(device.peers[1].endpoint.port, 1);
	wg_device_fini(&device);
}

static void a_bad_answer_is_an_error(void **state)
{
	static const struct {
		const char *answer;
		int error;
	} cases[] = {
		{"errno=-22\n\n", -EINVAL},
		{"errno=1\n\n", -EPERM},
		{"errno=0\n", -EBADMSG}, /* not ended */
		{"errno=0", -EBADMSG},
		{"", -EBADMSG},
		{"errno=x\n\n", -EBADMSG},
		{"nonsense\n\n", -EBADMSG},
		{"listen_port=65536\n\n", -EBADMSG},
		{"fwmark=-1\n\n", -EBADMSG},
		{"private_key=00\n\n", -EBADMSG},
		{"private_key=" K11 "00\n\n", -EBADMSG},
		{"public_key=zz" K11 "\n\n", -EBADMSG},
		{"public_key=" K11 "\nallowed_ip=10.0.0.0/33\n\n", -EBADMSG},
		{"public_key=" K11 "\nrx_bytes=18446744073709551616\n\n", -EBADMSG},
	};
	struct wg_device device;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(decode(cases[i].answer, &device), cases[i].error);
		wg_device_fini(&device);
	}
}

/* A socket that something listens on, and that `serve` (in another process) may answer. */
static pid_t fake_socket(struct wg *wg, void (*serve)(int fd))
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	*wg = (struct wg){.ops = &wg_uapi_ops, .ifname = "fake"};
	snprintf(wg->socket, sizeof(wg->socket), "/tmp/comps-uapi-%d.sock", getpid());
	strcpy(address.sun_path, wg->socket);
	unlink(wg->socket);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	pid = fork();
	if (!pid) {
		signal(SIGPIPE, SIG_IGN);
		serve(accept(fd, NULL, NULL));
		_exit(0);
	}
	close(fd);
	return pid;
}

static void serve_nothing(int fd)
{
	(void)fd;
	pause();
}

static void serve_without_end(int fd)
{
	char line[] = "some_key=some_value_that_makes_it_long_enough_to_be_quick\n";

	while (write(fd, line, sizeof(line) - 1) > 0)
		;
}

static void serve_half(int fd)
{
	char request[64];

	if (read(fd, request, sizeof(request)) > 0 && write(fd, "listen_port=1\n", 14) == 14)
		shutdown(fd, SHUT_WR);
}

static void a_process_that_misbehaves_does_not_hang_us(void **state)
{
	static const struct {
		void (*serve)(int fd);
		int error;
	} cases[] = {{serve_nothing, -ETIMEDOUT},
		     {serve_without_end, 0 /* -EMSGSIZE, or -ETIMEDOUT on a slow machine */},
		     {serve_half, -EBADMSG}};
	struct wg_device device;
	struct wg wg;
	pid_t pid;
	size_t i;
	int ret;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pid = fake_socket(&wg, cases[i].serve);
		ret = wg.ops->get(&wg, &device);
		if (cases[i].error)
			assert_int_equal(ret, cases[i].error);
		else
			assert_true(ret == -EMSGSIZE || ret == -ETIMEDOUT);
		assert_int_equal(device.peer_count, 0);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		unlink(wg.socket);
	}
}

/* --- a real userspace implementation --- */

static char *const wireguard_go[] = {"wireguard-go", NULL};

/* A private /run as well, so that two tests at once do not meet at one socket. */
static bool private_run(void)
{
	return !unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("tmpfs", "/run", "tmpfs", 0, NULL);
}

static void run_or_skip(struct world *w, const char *ifname, struct wg *wg)
{
	struct link link;
	struct err err;
	int ret;

	if (!private_run()) {
		print_message("cannot make a mount namespace: skipped\n");
		skip();
	}
	ret = wg_userspace_start(&w->nl, wireguard_go, ifname, 5000000, &err);
	if (ret == -ENOENT) {
		print_message("%s: skipped\n", err.text);
		skip();
	}
	if (ret)
		fail_msg("%s", err.text);
	assert_int_equal(link_get(&w->nl, ifname, &link), 0);
	assert_int_equal(wg_open(wg, ifname, link.kind, &err), 0);
}

static void check_round_trip(struct wg *wg)
{
	struct wg_device device, back;
	struct endpoint moved = endpoint("192.0.2.10:51821");
	struct err err;

	fill(&device);
	if (wg->ops->set(wg, &device, &err))
		fail_msg("%s", err.text);
	assert_int_equal(wg->ops->get(wg, &back), 0);
	assert_same_device(&device, &back);
	assert_int_equal(back.peers[0].handshake_s, 0);
	wg_device_fini(&back);
	/* the endpoint alone */
	assert_int_equal(wg->ops->set_endpoint(wg, device.peers[0].public_key, &moved), 0);
	device.peers[0].endpoint = moved;
	assert_int_equal(wg->ops->get(wg, &back), 0);
	assert_same_device(&device, &back);
	wg_device_fini(&back);
	/* the peer that is no longer wanted goes, what the other had goes too */
	device.peer_count = 1;
	free(device.peers[1].allowed);
	memset(device.peers[0].preshared_key, 0, WG_KEY_BYTES);
	device.peers[0].allowed_count = 1;
	device.fwmark = 0;
	assert_int_equal(wg->ops->set(wg, &device, &err), 0);
	assert_int_equal(wg->ops->get(wg, &back), 0);
	assert_same_device(&device, &back);
	wg_device_fini(&back);
	wg_device_fini(&device);
}

static void a_userspace_tunnel_is_configured_and_read(void **state)
{
	struct world *w = world_or_skip(state);
	struct link link;
	struct err err;
	struct wg wg;

	run_or_skip(w, "wgu7", &wg);
	check_round_trip(&wg);
	assert_int_equal(wg_userspace_start(&w->nl, wireguard_go, "wgu7", 1000000, &err), -EEXIST);
	assert_int_equal(wg_userspace_stop(&w->nl, "wgu7"), 0);
	assert_int_equal(link_get(&w->nl, "wgu7", &link), -ENODEV);
	assert_int_not_equal(access("/run/wireguard/wgu7.sock", F_OK), 0);
	assert_int_equal(wg_userspace_stop(&w->nl, "wgu7"), 0);
	assert_int_equal(wg.ops->set_endpoint(&wg, (uint8_t[WG_KEY_BYTES]){0},
					      &(struct endpoint){{AF_INET, {127, 0, 0, 1}}, 1}),
			 -ENODEV);
	wg_close(&wg);
}

static void it_can_be_started_again_at_once(void **state)
{
	struct world *w = world_or_skip(state);
	struct err err;
	struct wg wg;
	int i;

	run_or_skip(w, "wgu8", &wg);
	for (i = 0; i < 3; i++) {
		assert_int_equal(wg_userspace_stop(&w->nl, "wgu8"), 0);
		if (wg_userspace_start(&w->nl, wireguard_go, "wgu8", 5000000, &err))
			fail_msg("%s", err.text);
	}
	assert_int_equal(wg_userspace_stop(&w->nl, "wgu8"), 0);
	wg_close(&wg);
}

static void a_failing_command_says_so(void **state)
{
	static char *const missing[] = {"no-such-wireguard", NULL},
			   *const fails[] = {"false", NULL},
			   *const idle[] = {"sh", "-c", "exec sleep 1000", NULL};
	struct world *w = world_or_skip(state);
	struct err err;

	assert_int_equal(wg_userspace_start(&w->nl, missing, "wgu9", 1000000, &err), -ENOENT);
	assert_string_equal(err.text, "cannot run no-such-wireguard: No such file or directory");
	assert_int_equal(wg_userspace_start(&w->nl, fails, "wgu9", 5000000, &err), -ECHILD);
	assert_int_equal(wg_userspace_start(&w->nl, idle, "wgu9", 20000, &err), -ETIMEDOUT);
}

/* --- the kernel's --- */

static void a_kernel_tunnel_is_configured_and_read(void **state)
{
	struct world *w = world_or_skip(state);
	struct link link;
	struct err err;
	struct wg wg;
	int ret;

	ret = link_create(&w->nl, "wgk7", "wireguard", "comps", &err);
	if (ret == -EOPNOTSUPP) {
		print_message("%s: skipped\n", err.text);
		skip();
	}
	assert_int_equal(ret, 0);
	assert_int_equal(link_get(&w->nl, "wgk7", &link), 0);
	assert_int_equal(wg_open(&wg, "wgk7", link.kind, &err), 0);
	check_round_trip(&wg);
	assert_int_equal(link_delete(&w->nl, link.ifindex), 0);
	assert_int_equal(wg.ops->get(&wg, &(struct wg_device){0}), -ENODEV);
	wg_close(&wg);
}

static void an_interface_of_neither_kind_is_refused(void **state)
{
	struct err err;
	struct wg wg;

	world_or_skip(state);
	assert_int_equal(wg_open(&wg, "wgt1", "tun", &err), -ENOENT);
	assert_non_null(strstr(err.text, "/run/wireguard/wgt1.sock"));
	wg_close(&wg);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_endpoint_message_is_as_the_kernel_wants_it),
		cmocka_unit_test(a_device_survives_the_encoder_and_the_decoder),
		cmocka_unit_test(a_big_device_takes_several_messages),
		cmocka_unit_test(no_bytes_confuse_the_netlink_decoder),
		cmocka_unit_test(the_set_text_makes_exactly_the_device),
		cmocka_unit_test(the_endpoint_text_updates_only),
		cmocka_unit_test(an_answer_is_read_whole),
		cmocka_unit_test(a_bad_answer_is_an_error),
		cmocka_unit_test(a_process_that_misbehaves_does_not_hang_us),
		TEST(a_userspace_tunnel_is_configured_and_read),
		TEST(it_can_be_started_again_at_once),
		TEST(a_failing_command_says_so),
		TEST(a_kernel_tunnel_is_configured_and_read),
		TEST(an_interface_of_neither_kind_is_refused),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
