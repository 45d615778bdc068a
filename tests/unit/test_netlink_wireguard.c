/* WireGuard for real: a userspace implementation, the kernel's where it has one, and sockets that
 * misbehave.
 */
#include <signal.h>
#include <sys/mount.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "netlink/wg_uapi.h"
#include "netlink/wg_userspace.h"
#include "tests/unit/netlink_wg.h"
#include "tests/unit/netlink_world.h"

/* --- sockets that misbehave --- */

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
		cmocka_unit_test(a_process_that_misbehaves_does_not_hang_us),
		TEST(a_userspace_tunnel_is_configured_and_read),
		TEST(it_can_be_started_again_at_once),
		TEST(a_failing_command_says_so),
		TEST(a_kernel_tunnel_is_configured_and_read),
		TEST(an_interface_of_neither_kind_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
