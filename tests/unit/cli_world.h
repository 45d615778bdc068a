/* cli_world: runs the built `comps` against a scripted daemon.
 *
 * The test itself is the daemon: it listens on a socket in a directory of its own, starts `comps`,
 * answers what comes, and collects the exit status and both outputs.
 */
#ifndef COMPS_TESTS_CLI_WORLD_H
#define COMPS_TESTS_CLI_WORLD_H

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WORLD_DEADLINE_MS 20000
#define WORLD_ARGS_MAX	  16

struct world {
	char dir[64], socket[96];
	char comps[PATH_MAX]; /* the program under test: build/comps */
	int listener;
	pid_t child;
	int peer; /* the connection that comps made, or -1 */

	char request[70000]; /* the last one, without its newline */
	char out[70000], err[8192];
	int status; /* exit status */
};

static inline void world_listen(struct world *w)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", w->socket);
	w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(w->listener >= 0);
	assert_int_equal(bind(w->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(w->listener, 8), 0);
}

static inline int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char self[PATH_MAX] = "";

	assert_non_null(w);
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	/* build/tests/unit/test_x */
	snprintf(w->comps, sizeof(w->comps), "%.4000s/comps", dirname(dirname(dirname(self))));
	strcpy(w->dir, "/tmp/comps-test-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->socket, sizeof(w->socket), "%s/sock", w->dir);
	w->peer = -1;
	world_listen(w);
	*state = w;
	return 0;
}

static inline void world_hang_up(struct world *w)
{
	if (w->peer >= 0)
		close(w->peer);
	w->peer = -1;
}

static inline int world_teardown(void **state)
{
	struct world *w = *state;
	char command[128];

	world_hang_up(w);
	close(w->listener);
	snprintf(command, sizeof(command), "rm -rf '%s'", w->dir);
	assert_int_equal(system(command), 0);
	free(w);
	return 0;
}

static inline void world_redirect(const struct world *w, const char *name, int fd)
{
	char file[128];
	int to;

	snprintf(file, sizeof(file), "%s/%s", w->dir, name);
	to = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (to < 0 || dup2(to, fd) < 0)
		_exit(99);
}

/* Starts comps with these words (separated by spaces), with its socket in the environment. */
static inline void world_start(struct world *w, const char *words)
{
	char copy[1024], *argv[WORLD_ARGS_MAX] = {w->comps}, *rest = copy;
	size_t count = 1;

	snprintf(copy, sizeof(copy), "%s", words);
	while (count + 1 < WORLD_ARGS_MAX && (argv[count] = strsep(&rest, " ")))
		count++;
	setenv("COMPS_SOCKET", w->socket, 1);
	w->child = fork();
	assert_true(w->child >= 0);
	if (w->child)
		return;
	world_redirect(w, "out", STDOUT_FILENO);
	world_redirect(w, "err", STDERR_FILENO);
	execv(w->comps, argv);
	_exit(98);
}

static inline void world_wait_readable(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	if (poll(&wait, 1, WORLD_DEADLINE_MS) != 1)
		fail_msg("comps did nothing for %d ms", WORLD_DEADLINE_MS);
}

/* Accepts the connection and reads one request. */
static inline void world_expect_request(struct world *w)
{
	size_t length = 0;

	world_hang_up(w);
	world_wait_readable(w->listener);
	w->peer = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(w->peer >= 0);
	while (!memchr(w->request, '\n', length)) {
		ssize_t count;

		world_wait_readable(w->peer);
		count = read(w->peer, w->request + length, sizeof(w->request) - length);
		assert_true(count > 0);
		length += (size_t)count;
	}
	assert_int_equal(w->request[length - 1], '\n');
	w->request[length - 1] = '\0';
}

static inline void world_send(struct world *w, const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t sent = send(w->peer, bytes, count, MSG_NOSIGNAL);

		assert_true(sent > 0);
		bytes += sent;
		count -= (size_t)sent;
	}
}

static inline void world_slurp(const struct world *w, const char *name, char *out, size_t out_bytes)
{
	char file[128];
	ssize_t count;
	int from;

	snprintf(file, sizeof(file), "%s/%s", w->dir, name);
	from = open(file, O_RDONLY | O_CLOEXEC);
	assert_true(from >= 0);
	count = read(from, out, out_bytes - 1);
	assert_true(count >= 0);
	out[count] = '\0';
	close(from);
}

/* Waits for the end of comps and collects what it said. */
static inline void world_finish(struct world *w)
{
	int status;

	assert_int_equal(waitpid(w->child, &status, 0), w->child);
	assert_true(WIFEXITED(status));
	w->status = WEXITSTATUS(status);
	world_slurp(w, "out", w->out, sizeof(w->out));
	world_slurp(w, "err", w->err, sizeof(w->err));
}

/* Runs comps with no answer from any daemon. */
static inline void world_run(struct world *w, const char *words)
{
	world_start(w, words);
	world_finish(w);
}

/* Runs comps and answers its request with these bytes, then hangs up. */
static inline void world_run_reply(struct world *w, const char *words, const char *reply)
{
	world_start(w, words);
	world_expect_request(w);
	world_send(w, reply, strlen(reply));
	world_hang_up(w);
	world_finish(w);
}

#endif
