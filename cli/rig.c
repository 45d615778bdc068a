#include "cli/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"

#define LOCAL_US       1000000 /* for the daemon's socket to take a request, or end a reply */
#define PROGRAM_MAX_US 10000000

static int take_signals(struct rig *rig, struct err *e)
{
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGQUIT);
	rig->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (rig->signals < 0)
		return err_set(e, -errno, "cannot watch for signals: %s", strerror(errno));
	sigprocmask(SIG_BLOCK, &wanted, &rig->mask);
	return 0;
}

int rig_open(struct rig *rig, const struct cli *cli, const struct conf *conf, struct err *e)
{
	int rc;

	*rig = (struct rig){.cli = cli, .step = "start", .signals = -1};
	rig->decoy = (struct decoy){.fd4 = -1, .fd6 = -1};
	rc = uplink_watch_open(&rig->watch, conf, cli->uplinks, e);
	if (rc == 0)
		rc = decoy_open(&rig->decoy, e);
	if (rc == 0)
		rc = take_signals(rig, e);
	return rc;
}

void rig_close(struct rig *rig)
{
	uplink_watch_close(&rig->watch);
	decoy_close(&rig->decoy);
	if (rig->signals < 0)
		return;
	close(rig->signals);
	sigprocmask(SIG_SETMASK, &rig->mask, NULL);
}

/* --- waiting --- */

static void work(struct rig *rig, struct mono now)
{
	int rc = uplink_watch_read(&rig->watch, rig->step);

	if (rc < 0 && !rig->watch_error)
		rig->watch_error = rc;
	decoy_on_time(&rig->decoy, now);
}

static void take_signal(struct rig *rig)
{
	struct signalfd_siginfo info;

	if (read(rig->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		rig->interrupted = true;
}

int rig_wait(struct rig *rig, int fd, int64_t us)
{
	struct mono deadline = mono_add_us(clock_now(), us);

	for (;;) {
		struct pollfd wait[2] = {{.fd = fd, .events = POLLIN},
					 {.fd = rig->signals, .events = POLLIN}};
		struct mono now = clock_now();
		int64_t left_us;

		work(rig, now);
		if (rig->interrupted && !rig->restoring)
			return -EINTR;
		if (mono_due(deadline, now))
			return 0;
		left_us = mono_diff_us(mono_earlier(deadline, rig->decoy.due), clock_now());
		if (poll(wait, rig->restoring ? 1 : 2,
			 left_us < 0 ? 0 : (int)(left_us / 1000) + 1) < 0)
			continue;
		if (wait[1].revents)
			take_signal(rig);
		else if (wait[0].revents)
			return 1;
	}
}

/* --- the daemon --- */

/* An answer begins, or none comes. */
static int await(struct rig *rig, int fd, int64_t us, const char *whose, struct err *e)
{
	int rc = rig_wait(rig, fd, us);

	if (rc == 1)
		return 0;
	return rc < 0 ? err_set(e, rc, "interrupted")
		      : err_set(e, -ETIMEDOUT, "%s did not answer within %.0fs", whose,
				(double)us / 1e6);
}

int rig_ask(struct rig *rig, json_t *request, int64_t us, json_t **reply, struct err *e)
{
	struct client client;
	int rc = client_open(&client, rig->cli->socket, LOCAL_US, e);

	if (rc == 0)
		rc = client_send(&client, request, e);
	if (rc == 0)
		rc = await(rig, client.fd, us, "the daemon", e);
	if (rc == 0)
		rc = client_receive(&client, LOCAL_US, reply, e);
	client_close(&client);
	json_decref(request);
	return rc;
}

/* --- programs --- */

static int spawn(const char *const *argv, int output, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none;
	int rc;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attributes, &none);
	/* posix_spawnp(3) does not change the arguments. */
	rc = posix_spawnp(pid, argv[0], &files, &attributes, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return -rc;
}

/* Reads until the other end is closed; what `out` has no room for is dropped. */
static int collect(struct rig *rig, int fd, const char *program, char *out, size_t out_bytes,
		   struct err *e)
{
	struct mono deadline = mono_add_us(clock_now(), PROGRAM_MAX_US);
	size_t used = 0;

	for (;;) {
		char bytes[4096];
		ssize_t count;
		int rc = await(rig, fd, mono_diff_us(deadline, clock_now()), program, e);

		out[used] = '\0';
		if (rc < 0)
			return rc;
		count = read(fd, bytes, sizeof(bytes));
		if (count <= 0)
			return 0;
		if ((size_t)count > out_bytes - 1 - used)
			count = (ssize_t)(out_bytes - 1 - used);
		memcpy(out + used, bytes, (size_t)count);
		used += (size_t)count;
	}
}

int rig_run(struct rig *rig, const char *const *argv, char *out, size_t out_bytes, struct err *e)
{
	int ends[2], status = 0, rc;
	pid_t pid;

	*out = '\0';
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_set(e, -errno, "cannot run %s: %s", argv[0], strerror(errno));
	rc = spawn(argv, ends[1], &pid);
	close(ends[1]);
	if (rc < 0) {
		close(ends[0]);
		return err_set(e, rc, "cannot run %s: %s", argv[0], strerror(-rc));
	}
	rc = collect(rig, ends[0], argv[0], out, out_bytes, e);
	close(ends[0]);
	if (rc < 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (rc == 0 && status != 0)
		rc = err_set(e, -EIO, "%s: %.*s", argv[0], (int)strcspn(out, "\n"), out);
	return rc;
}
