#include "provision/ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provision/pubkey.h"

#define POLL_MS	  100 /* how soon a wish to stop is seen */
#define ARGS_MAX  48
#define SSH_FAILS 255 /* ssh's own status */

extern char **environ;

/* --- the key ---------------------------------------------------------------------------------- */

static int write_key(const struct ssh_host *host, const char *directory, char **file, struct err *e)
{
	FILE *out;
	int fd, ret = 0;

	if (asprintf(file, "%s/%s.known_hosts", directory, host->alias) < 0) {
		*file = NULL;
		return err_set(e, -ENOMEM, "out of memory");
	}
	unlink(*file);
	if (!host->host_key)
		return 0;
	fd = open(*file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out || fprintf(out, "%s %s\n", host->alias, host->host_key) < 0)
		ret = err_set(e, -errno, "%s: %s", *file, strerror(errno));
	if (out && fclose(out) && !ret)
		ret = err_set(e, -errno, "%s: %s", *file, strerror(errno));
	return ret;
}

/* --- the program ------------------------------------------------------------------------------ */

struct arguments {
	const char *list[ARGS_MAX];
	size_t count;
	char options[3][4200], to[320], port[16];
};

static void add(struct arguments *a, const char *text)
{
	a->list[a->count++] = text;
}

static void add_option(struct arguments *a, const char *option)
{
	add(a, "-o");
	add(a, option);
}

/* An RSA key signs by these; its own name stands for SHA-1, which nobody accepts any more. */
static const char *algorithms_of(const char *host_key)
{
	return strncmp(host_key, "ssh-rsa ", 8) == 0 ? "rsa-sha2-512,rsa-sha2-256 " : host_key;
}

static void build(struct arguments *a, const struct ssh_host *host, const char *key_file)
{
	static const char *const fixed[] = {
		"BatchMode=yes",	 "GlobalKnownHostsFile=/dev/null",
		"UpdateHostKeys=no",	 "CheckHostIP=no",
		"ConnectTimeout=8",	 "ServerAliveInterval=10",
		"ServerAliveCountMax=3", "LogLevel=ERROR",
	};
	const char *algorithms;

	a->count = 0;
	add(a, "ssh");
	add(a, "-F");
	add(a, "none");
	add(a, "-T");
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		add_option(a, fixed[i]);
	snprintf(a->options[0], sizeof(a->options[0]), "UserKnownHostsFile=\"%s\"", key_file);
	snprintf(a->options[1], sizeof(a->options[1]), "HostKeyAlias=%s", host->alias);
	snprintf(a->options[2], sizeof(a->options[2]), "StrictHostKeyChecking=accept-new");
	for (size_t i = 0; i < 2; i++)
		add_option(a, a->options[i]);
	if (host->host_key) {
		algorithms = algorithms_of(host->host_key);
		add_option(a, "StrictHostKeyChecking=yes");
		snprintf(a->options[2], sizeof(a->options[2]), "HostKeyAlgorithms=%.*s",
			 (int)strcspn(algorithms, " "), algorithms);
	}
	add_option(a, a->options[2]);
	if (host->identity) {
		add_option(a, "IdentitiesOnly=yes");
		add(a, "-i");
		add(a, host->identity);
	}
	if (host->proxy_jump) {
		add(a, "-J");
		add(a, host->proxy_jump);
	}
	snprintf(a->port, sizeof(a->port), "%u", host->port);
	snprintf(a->to, sizeof(a->to), "%s@%s", host->user, host->address);
	add(a, "-p");
	add(a, a->port);
	add(a, "--");
	add(a, a->to);
	add(a, host->command);
	a->list[a->count] = NULL;
}

struct child {
	pid_t pid;
	int in, out, err;
};

static int open_pipes(int pipes[3][2])
{
	for (int i = 0; i < 3; i++) {
		if (pipe2(pipes[i], O_CLOEXEC)) {
			while (i-- > 0) {
				close(pipes[i][0]);
				close(pipes[i][1]);
			}
			return -errno;
		}
	}
	return 0;
}

/* A process group of its own: a Ctrl-C is for us, and what it starts dies with it. */
static int start(const char *const *arguments, struct child *child)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int pipes[3][2], ret = open_pipes(pipes);
	sigset_t none;

	if (ret)
		return ret;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[0][0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipes[1][1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipes[2][1], STDERR_FILENO);
	posix_spawnattr_init(&attributes);
	sigemptyset(&none); /* we may have some blocked */
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attributes, 0);
	ret = -posix_spawnp(&child->pid, arguments[0], &actions, &attributes,
			    (char *const *)arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	close(pipes[0][0]);
	close(pipes[1][1]);
	close(pipes[2][1]);
	*child = (struct child){child->pid, pipes[0][1], pipes[1][0], pipes[2][0]};
	return ret;
}

/* --- talking to it ---------------------------------------------------------------------------- */

struct talk {
	struct child child;
	const char *left; /* of the script */
	size_t out_bytes, err_bytes;
	struct ssh_result *result;
};

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void give(struct talk *t)
{
	ssize_t written = write(t->child.in, t->left, strlen(t->left));

	if (written > 0)
		t->left += written;
	if ((written < 0 && errno != EAGAIN && errno != EINTR) || !*t->left)
		shut(&t->child.in);
}

/* The beginning is kept. */
static void take_out(struct talk *t)
{
	char *to = t->result->out + t->out_bytes, rest[4096];
	size_t room = SSH_OUT_MAX - 1 - t->out_bytes;
	ssize_t got = room ? read(t->child.out, to, room) : read(t->child.out, rest, sizeof(rest));

	if (got > 0 && room)
		t->out_bytes += (size_t)got;
	else if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		shut(&t->child.out);
}

/* The end is kept. */
static void take_err(struct talk *t)
{
	char text[1024], *kept = t->result->err;
	ssize_t got = read(t->child.err, text, sizeof(text));
	size_t drop;

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		shut(&t->child.err);
	if (got <= 0)
		return;
	if (t->err_bytes + (size_t)got >= SSH_ERR_MAX) {
		drop = t->err_bytes + (size_t)got - SSH_ERR_MAX + 1;
		memmove(kept, kept + drop, t->err_bytes - drop);
		t->err_bytes -= drop;
	}
	memcpy(kept + t->err_bytes, text, (size_t)got);
	t->err_bytes += (size_t)got;
}

/* Until it has said all that it will. -EINTR, -ETIMEDOUT. */
static int talk_to(struct talk *t, const struct provision_env *env, struct mono deadline)
{
	struct child *c = &t->child;

	while (c->out >= 0 || c->err >= 0) {
		struct pollfd fds[3] = {
			{.fd = c->in, .events = POLLOUT},
			{.fd = c->out, .events = POLLIN},
			{.fd = c->err, .events = POLLIN},
		};

		if (env->stopped(env->arg))
			return -EINTR;
		if (mono_due(deadline, env->now(env->arg)))
			return -ETIMEDOUT;
		if (poll(fds, 3, POLL_MS) <= 0)
			continue;
		if (fds[0].revents)
			give(t);
		if (fds[1].revents)
			take_out(t);
		if (fds[2].revents)
			take_err(t);
	}
	return 0;
}

/* --- what came of it -------------------------------------------------------------------------- */

static enum ssh_outcome judge(const char *said)
{
	static const struct {
		const char *words;
		enum ssh_outcome outcome;
	} signs[] = {
		{"IDENTIFICATION HAS CHANGED", SSH_WRONG_KEY},
		{"Host key verification failed", SSH_WRONG_KEY},
		{"no matching host key type", SSH_WRONG_KEY},
		{"Permission denied", SSH_DENIED},
		{"Too many authentication failures", SSH_DENIED},
		{"Connection refused", SSH_NO_ANSWER},
		{"onnection timed out", SSH_NO_ANSWER},
		{"No route to host", SSH_NO_ANSWER},
		{"Network is unreachable", SSH_NO_ANSWER},
		{"Connection reset by", SSH_NO_ANSWER},
		{"Connection closed by", SSH_NO_ANSWER},
		{"banner exchange", SSH_NO_ANSWER},
		{"Could not resolve hostname", SSH_NO_ANSWER},
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		if (strstr(said, signs[i].words))
			return signs[i].outcome;
	}
	return SSH_BROKE;
}

static void finish(struct talk *t, int ret)
{
	struct ssh_result *result = t->result;
	int status;

	shut(&t->child.in);
	shut(&t->child.out);
	shut(&t->child.err);
	if (ret)
		kill(-t->child.pid, SIGKILL);
	while (waitpid(t->child.pid, &status, 0) < 0 && errno == EINTR)
		;
	result->out[t->out_bytes] = result->err[t->err_bytes] = '\0';
	result->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	result->outcome = ret || result->status < 0 ? SSH_BROKE : SSH_RAN;
	if (result->status == SSH_FAILS)
		result->outcome = judge(result->err);
}

static int run(const char *const *arguments, const char *input, const struct provision_env *env,
	       struct mono deadline, struct ssh_result *out, struct err *e)
{
	struct talk talk = {.left = input, .result = out};
	sigset_t pipe, before;
	int ret = start(arguments, &talk.child);

	if (ret)
		return err_set(e, ret, "cannot run %s: %s", arguments[0], strerror(-ret));
	/* Of this thread alone: others talk to ssh at the same time. */
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	fcntl(talk.child.in, F_SETFL, O_NONBLOCK);
	ret = talk_to(&talk, env, deadline);
	finish(&talk, ret);
	while (sigtimedwait(&pipe, NULL, &(struct timespec){0, 0}) == SIGPIPE)
		;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret == -EINTR ? err_set(e, ret, "interrupted") : 0;
}

int ssh_run(const struct ssh_host *host, const char *directory, const char *script,
	    const struct provision_env *env, struct mono deadline, struct ssh_result *out,
	    struct err *e)
{
	struct arguments arguments;
	char *key_file;
	int ret = write_key(host, directory, &key_file, e);

	if (!ret) {
		build(&arguments, host, key_file);
		ret = run(arguments.list, script, env, deadline, out, e);
	}
	if (key_file)
		unlink(key_file);
	free(key_file);
	return ret;
}

/* --- keys of hosts ---------------------------------------------------------------------------- */

/* "NAMES TYPE BLOB ..." of known_hosts; ed25519 before others. Returns how good it is, 0: no key.
 */
static int read_line(char *line, char *out, size_t out_bytes)
{
	char text[4096], *rest;
	const char *names = strtok_r(line, " \t", &rest), *type = strtok_r(NULL, " \t", &rest);
	const char *blob = strtok_r(NULL, " \t", &rest);

	if (!names || *names == '#' || *names == '@' || !type || !blob)
		return 0;
	snprintf(text, sizeof(text), "%s %s", type, blob);
	if (strlen(text) >= out_bytes || pubkey_check(text, NULL))
		return 0;
	strcpy(out, text);
	return strcmp(type, "ssh-ed25519") == 0 ? 2 : 1;
}

static int read_lines(char *text, char *out, size_t out_bytes)
{
	int best = 0, rank;
	char found[4096];

	for (char *line = text, *next; line && best < 2; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		rank = read_line(line, found,
				 sizeof(found) < out_bytes ? sizeof(found) : out_bytes);
		if (rank > best) {
			strcpy(out, found);
			best = rank;
		}
	}
	return best ? 0 : -ENOENT;
}

static int read_file(const char *file, char *text, size_t text_bytes)
{
	FILE *in = fopen(file, "re");
	size_t got = in ? fread(text, 1, text_bytes - 1, in) : 0;

	text[got] = '\0';
	if (in)
		fclose(in);
	return in ? 0 : -errno;
}

int ssh_shown_key(const struct ssh_host *host, const char *directory,
		  const struct provision_env *env, struct mono deadline, char *out,
		  size_t out_bytes, struct err *e)
{
	struct ssh_host stranger = *host;
	struct ssh_result *result = calloc(1, sizeof(*result));
	struct arguments arguments;
	char *key_file = NULL;
	int ret;

	if (!result)
		return err_set(e, -ENOMEM, "out of memory");
	stranger.host_key = NULL;
	stranger.command = "true";
	ret = write_key(&stranger, directory, &key_file, e);
	if (!ret) {
		build(&arguments, &stranger, key_file);
		ret = run(arguments.list, "", env, deadline, result, e);
	}
	if (!ret && (read_file(key_file, result->out, sizeof(result->out)) ||
		     read_lines(result->out, out, out_bytes)))
		ret = err_set(e, -ENOENT, "ssh: %s",
			      *result->err ? result->err : "it shows no host key");
	if (key_file)
		unlink(key_file);
	free(key_file);
	free(result);
	return ret;
}

int ssh_known_key(const char *address, uint32_t port, const struct provision_env *env,
		  struct mono deadline, char *out, size_t out_bytes, struct err *e)
{
	char name[320];
	const char *const arguments[] = {"ssh-keygen", "-F", name, NULL};
	struct ssh_result *result = calloc(1, sizeof(*result));
	int ret;

	if (!result)
		return err_set(e, -ENOMEM, "out of memory");
	snprintf(name, sizeof(name), port == 22 ? "%s" : "[%s]:%u", address, port);
	ret = run(arguments, "", env, deadline, result, e);
	if (!ret && read_lines(result->out, out, out_bytes))
		ret = err_set(e, -ENOENT, "ssh does not know %s", name);
	free(result);
	return ret;
}
