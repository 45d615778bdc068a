#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/units.h"

static int address(const char *path, struct sockaddr_un *out, struct err *e)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(out->sun_path))
		return err_set(e, -ENAMETOOLONG, "socket %s: the path is longer than %zu bytes",
			       path, sizeof(out->sun_path) - 1);
	memcpy(out->sun_path, path, strlen(path) + 1);
	return 0;
}

/* connect(2) and send(2) obey it; a full backlog or buffer then gives EAGAIN. */
static void set_send_timeout(int fd, int64_t us)
{
	struct timeval time = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

static int no_answer(int64_t timeout_us, struct err *e)
{
	char time[UNITS_TEXT_BYTES];

	units_format_duration(timeout_us, time);
	return err_set(e, -ETIMEDOUT,
		       "the daemon did not answer within %s; its log may say why (-t waits longer)",
		       time);
}

int client_open(struct client *client, const char *path, int64_t timeout_us, struct err *e)
{
	struct sockaddr_un to;
	int rc = address(path, &to, e);

	*client = (struct client){.fd = -1, .timeout_us = timeout_us};
	jsonl_init(&client->in, JSONL_REPLY_MAX_BYTES);
	if (rc < 0)
		return rc;
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return err_set(e, -errno, "cannot open a socket: %s", strerror(errno));
	set_send_timeout(client->fd, timeout_us);
	if (connect(client->fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return 0;
	if (errno == EAGAIN)
		return no_answer(timeout_us, e);
	return err_set(e, -errno, "cannot connect to %s: %s", path, strerror(errno));
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	jsonl_fini(&client->in);
}

bool client_absent(int result)
{
	return result == -ENOENT || result == -ECONNREFUSED;
}

static int send_all(struct client *client, const char *bytes, size_t count, struct err *e)
{
	while (count > 0) {
		ssize_t sent = send(client->fd, bytes, count, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			return no_answer(client->timeout_us, e);
		if (sent < 0)
			return err_set(e, -errno, "cannot send to the daemon: %s", strerror(errno));
		bytes += sent;
		count -= (size_t)sent;
	}
	return 0;
}

int client_send(struct client *client, const json_t *request, struct err *e)
{
	char *text = json_dumps(request, JSON_COMPACT);
	struct jsonl out;
	const char *bytes;
	size_t count;
	int rc;

	if (!text)
		return err_set(e, -EINVAL, "the request is not valid UTF-8");
	jsonl_init(&out, JSONL_REQUEST_MAX_BYTES);
	rc = jsonl_put(&out, text);
	free(text);
	if (rc < 0) {
		err_set(e, rc, "the request cannot be sent: %s", strerror(-rc));
	} else {
		count = jsonl_peek(&out, &bytes);
		rc = send_all(client, bytes, count, e);
	}
	jsonl_fini(&out);
	return rc;
}

/* Waits until there is something to read. */
static int wait_readable(int fd, struct mono deadline)
{
	for (;;) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		int64_t left_us = mono_diff_us(deadline, clock_now());
		int ready, ms = -1;

		if (left_us < 0)
			return -ETIMEDOUT;
		if (deadline.us != MONO_NEVER.us)
			ms = left_us / 1000 < INT32_MAX ? (int)(left_us / 1000) + 1 : INT32_MAX;
		ready = poll(&wait, 1, ms);
		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -errno;
	}
}

static int read_some(struct client *client, struct mono deadline, struct err *e)
{
	char bytes[16384];
	ssize_t count;
	int rc = wait_readable(client->fd, deadline);

	if (rc < 0)
		return rc;
	count = recv(client->fd, bytes, sizeof(bytes), 0);
	if (count > 0 && jsonl_feed(&client->in, bytes, (size_t)count) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	if (count > 0)
		return 0;
	if (count == 0 || errno == ECONNRESET)
		return err_set(e, -EPIPE, "the daemon closed the connection");
	return err_set(e, -errno, "cannot read from the daemon: %s", strerror(errno));
}

static int not_ours(struct err *e, const char *why)
{
	return err_set(e, -EBADMSG,
		       "what listens there does not speak the control protocol of comps: %s", why);
}

static int parse(const char *line, size_t length, json_t **object, struct err *e)
{
	json_error_t error;
	json_t *value = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);

	if (!value)
		return not_ours(e, error.text);
	if (!json_is_object(value)) {
		json_decref(value);
		return not_ours(e, "its line is no JSON object");
	}
	*object = value;
	return 0;
}

int client_receive(struct client *client, int64_t timeout_us, json_t **object, struct err *e)
{
	struct mono deadline = MONO_NEVER;
	const char *line;
	size_t length;
	int rc;

	if (timeout_us != CLIENT_WAIT_FOREVER)
		deadline = mono_add_us(clock_now(), timeout_us);
	while ((rc = jsonl_take(&client->in, &line, &length)) == 0) {
		rc = read_some(client, deadline, e);
		if (rc == -ETIMEDOUT)
			return no_answer(timeout_us, e);
		if (rc < 0)
			return rc;
	}
	if (rc < 0)
		return not_ours(e, rc == -EMSGSIZE ? "its line is too long" : "NUL in its line");
	return parse(line, length, object, e);
}
