#include "cli/daemon_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/client.h"

#define CONNECT_US 1000000
#define WORDS_MAX  64
#define DELETED	   " (deleted)" /* a program that was replaced since (proc(5)) */

static int peer_of(const char *socket, pid_t *pid, struct err *e)
{
	struct client client;
	struct ucred peer;
	socklen_t length = sizeof(peer);
	int rc = client_open(&client, socket, CONNECT_US, e);

	if (rc == 0 && getsockopt(client.fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
		rc = err_set(e, -errno, "cannot tell who listens on %s: %s", socket,
			     strerror(errno));
	if (rc == 0 && peer.pid == 0)
		rc = err_set(e, -ESRCH, "the daemon runs in a container; run comps beside it");
	client_close(&client);
	if (rc == 0)
		*pid = peer.pid;
	return rc;
}

static void name_of(pid_t pid, const char *entry, char *out, size_t out_bytes)
{
	snprintf(out, out_bytes, "/proc/%d/%s", (int)pid, entry);
}

static int read_link(pid_t pid, const char *entry, char out[PATH_MAX])
{
	char name[64];
	ssize_t length;

	name_of(pid, entry, name, sizeof(name));
	length = readlink(name, out, PATH_MAX - 1);
	if (length < 0)
		return -errno;
	out[length] = '\0';
	return 0;
}

/* The file as a text. -EFBIG where `out` has no room for it. */
static int read_entry(pid_t pid, const char *entry, char *out, size_t out_bytes, size_t *bytes)
{
	char name[64];
	FILE *file;

	name_of(pid, entry, name, sizeof(name));
	file = fopen(name, "re");
	if (!file)
		return -errno;
	*bytes = fread(out, 1, out_bytes - 1, file);
	fclose(file);
	out[*bytes] = '\0';
	return *bytes < out_bytes - 1 ? 0 : -EFBIG;
}

static bool is_unit(pid_t pid)
{
	char groups[4096];
	size_t bytes;

	return read_entry(pid, "cgroup", groups, sizeof(groups), &bytes) == 0 &&
	       strstr(groups, "/" DAEMON_PROCESS_UNIT "\n");
}

/* A second opening of what its stderr is: a file, a terminal or a pipe. A socket cannot be opened.
 */
static int open_log(pid_t pid)
{
	char name[64];
	int fd;

	name_of(pid, "fd/2", name, sizeof(name));
	fd = open(name, O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		fcntl(fd, F_SETFL, O_APPEND);
	return fd;
}

static int describe(struct daemon_process *d)
{
	size_t length, tail = sizeof(DELETED) - 1;
	int rc = read_link(d->pid, "exe", d->program);

	if (rc == 0)
		rc = read_link(d->pid, "cwd", d->directory);
	if (rc < 0)
		return rc;
	length = strlen(d->program);
	if (length > tail && strcmp(d->program + length - tail, DELETED) == 0)
		d->program[length - tail] = '\0';
	return read_entry(d->pid, "cmdline", d->words, sizeof(d->words), &d->words_bytes);
}

int daemon_process_find(struct daemon_process *d, const char *socket, struct err *e)
{
	int rc;

	*d = (struct daemon_process){.handle = -1, .log = -1};
	rc = peer_of(socket, &d->pid, e);
	if (rc < 0)
		return rc;
	d->handle = pidfd_open(d->pid, 0);
	rc = d->handle < 0 ? -errno : describe(d);
	if (rc < 0) {
		err_set(e, rc, "cannot find out how compsd was started (process %d): %s",
			(int)d->pid, strerror(-rc));
		daemon_process_close(d);
		return rc;
	}
	d->log = open_log(d->pid);
	d->is_unit = is_unit(d->pid);
	return 0;
}

void daemon_process_close(struct daemon_process *d)
{
	if (d->handle >= 0)
		close(d->handle);
	if (d->log >= 0)
		close(d->log);
	*d = (struct daemon_process){.handle = -1, .log = -1};
}

int daemon_process_signal(const struct daemon_process *d, int signal)
{
	return pidfd_send_signal(d->handle, signal, NULL, 0) != 0 ? -errno : 0;
}

static void describe_files(posix_spawn_file_actions_t *files, const struct daemon_process *d)
{
	posix_spawn_file_actions_addchdir_np(files, d->directory);
	posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (d->log >= 0)
		posix_spawn_file_actions_adddup2(files, d->log, STDOUT_FILENO);
	else
		posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(files, STDOUT_FILENO, STDERR_FILENO);
}

int daemon_process_start(const struct daemon_process *d, struct err *e)
{
	char words[DAEMON_PROCESS_WORDS_BYTES], *argv[WORDS_MAX + 1] = {NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	size_t at = 0, count = 0;
	sigset_t none;
	pid_t pid;
	int rc;

	memcpy(words, d->words, sizeof(words));
	for (; at < d->words_bytes && count < WORDS_MAX; at += strlen(argv[count++]) + 1)
		argv[count] = words + at;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	describe_files(&files, d);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attributes, &none);
	rc = posix_spawn(&pid, d->program, &files, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return rc ? err_set(e, -rc, "cannot start %s again: %s", d->program, strerror(rc)) : 0;
}
