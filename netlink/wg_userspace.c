#include "netlink/wg_userspace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "netlink/link.h"
#include "netlink/wg_uapi.h"

#define COMMAND_WORDS	   31
#define POLL_US		   2000
#define BACKGROUND_WAIT_US 200000
#define STOP_WAIT_US	   500000

static void pause_briefly(void)
{
	struct timespec ts = {.tv_nsec = POLL_US * 1000};

	nanosleep(&ts, NULL);
}

/* True when somebody listens on the interface's socket. */
static bool answers(struct wg *wg, const char *ifname)
{
	memset(wg, 0, sizeof(*wg));
	snprintf(wg->ifname, sizeof(wg->ifname), "%s", ifname);
	return !wg_uapi_open(wg);
}

/* One that has just begun listens a while before it answers. */
static bool is_ready(struct wg *wg)
{
	struct wg_device device;
	bool ready = !wg->ops->get(wg, &device);

	wg_device_fini(&device);
	return ready;
}

/* Its own session, default signals, nothing of ours open. Returns 0 or a positive errno. */
static int set_up_spawn(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int ret;

	sigemptyset(&none);
	sigfillset(&all);
	ret = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(actions, 0, 1);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(actions, 0, 2);
	if (!ret)
		ret = posix_spawn_file_actions_addclosefrom_np(actions, 3);
	if (!ret)
		ret = posix_spawnattr_setsigmask(attr, &none);
	if (!ret)
		ret = posix_spawnattr_setsigdefault(attr, &all);
	if (!ret)
		ret = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
							     POSIX_SPAWN_SETSIGDEF);
	return ret;
}

static int spawn(char *const *command, const char *ifname, pid_t *pid)
{
	char *argv[COMMAND_WORDS + 2] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	size_t i;
	int ret;

	for (i = 0; command[i]; i++) {
		if (i == COMMAND_WORDS)
			return -E2BIG;
		argv[i] = command[i];
	}
	argv[i] = (char *)ifname;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	ret = set_up_spawn(&actions, &attr);
	if (!ret)
		ret = posix_spawnp(pid, argv[0], &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -ret;
}

/* Reaps `pid`, the foreground part, if it has ended. Returns 0; -EAGAIN while it runs; -ECHILD when
 * it failed. */
static int reap(pid_t *pid)
{
	int status;

	if (!*pid)
		return 0;
	if (waitpid(*pid, &status, WNOHANG) != *pid)
		return -EAGAIN;
	*pid = 0;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECHILD;
}

/* Waits for link and socket while the foreground part runs or has ended well. */
static int wait_for_both(struct nl *nl, pid_t *pid, const char *ifname, struct mono deadline)
{
	struct link link;
	struct wg wg;

	while (!mono_due(deadline, clock_now())) {
		if (reap(pid) == -ECHILD)
			return -ECHILD;
		if (!link_get(nl, ifname, &link) && answers(&wg, ifname) && is_ready(&wg))
			return 0;
		pause_briefly();
	}
	return -ETIMEDOUT;
}

/* One that goes into the background ends now; one that does not is left to run. */
static void wait_for_background(pid_t *pid)
{
	struct mono deadline = mono_add_us(clock_now(), BACKGROUND_WAIT_US);

	while (reap(pid) == -EAGAIN && !mono_due(deadline, clock_now()))
		pause_briefly();
}

static void end(pid_t pid)
{
	if (!pid)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int wg_userspace_start(struct nl *nl, char *const *command, const char *ifname, int64_t timeout_us,
		       struct err *err)
{
	struct mono deadline = mono_add_us(clock_now(), timeout_us);
	struct link link;
	struct wg wg;
	pid_t pid = 0;
	int ret;

	if (!link_get(nl, ifname, &link))
		return err_set(err, -EEXIST, "interface %s is there already", ifname);
	if (!answers(&wg, ifname))
		unlink(wg.socket);
	ret = spawn(command, ifname, &pid);
	if (ret)
		return err_set(err, ret, "cannot run %s: %s", command[0], strerror(-ret));
	ret = wait_for_both(nl, &pid, ifname, deadline);
	if (!ret) {
		wait_for_background(&pid);
		return 0;
	}
	end(pid);
	wg_userspace_stop(nl, ifname);
	return err_set(err, ret, "%s %s: %s", command[0], ifname,
		       ret == -ECHILD
			       ? "it failed; run it by hand with LOG_LEVEL=verbose to see why"
			       : "interface or socket did not appear in time");
}

int wg_userspace_stop(struct nl *nl, const char *ifname)
{
	struct mono deadline = mono_add_us(clock_now(), STOP_WAIT_US);
	struct link link;
	struct wg wg;
	int ret;

	ret = link_get(nl, ifname, &link);
	if (!ret)
		ret = link_delete(nl, link.ifindex);
	/* A process that ends later would take the socket of its successor with it. */
	while (answers(&wg, ifname) && !mono_due(deadline, clock_now()))
		pause_briefly();
	unlink(wg.socket);
	return ret == -ENODEV ? 0 : ret;
}
