#include "daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/jsonl.h"

#define CLIENTS_MAX	  64
#define ADMIN_PLACES	  8	    /* of them: readers cannot lock the administrator out */
#define WAITING_MAX_BYTES (8 << 20) /* of unread output: room for one reply of any size, twice */

struct client {
	struct control *control;
	struct client *next;
	struct loop_fd *watch;
	uint64_t id;
	int fd;
	bool admin, subscribed, broken;
	struct jsonl in, out;
};

struct control {
	struct loop *loop;
	struct loop_fd *watch;
	struct client *clients;
	size_t client_count;
	uint64_t next_id;
	int fd;
	struct sockaddr_un address;
	control_request_fn fn;
	void *arg;
};

static void drop(struct client *client)
{
	struct client **link = &client->control->clients;

	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	client->control->client_count--;
	loop_remove_fd(client->watch);
	close(client->fd);
	jsonl_fini(&client->in);
	jsonl_fini(&client->out);
	free(client);
}

/* Sends what the socket takes now; the rest waits for it to be writable. A client is only marked as
 * broken here, because callers still hold it. */
static void flush(struct client *client)
{
	const char *bytes;
	size_t count;

	while (!client->broken && (count = jsonl_peek(&client->out, &bytes)) > 0) {
		ssize_t sent = send(client->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent >= 0)
			jsonl_drop(&client->out, (size_t)sent);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			break;
		else if (errno != EINTR)
			client->broken = true;
	}
	loop_want_write(client->watch, !client->broken && count > 0);
}

static void put(struct client *client, const char *line)
{
	const char *bytes;

	if (client->broken)
		return;
	if (jsonl_put(&client->out, line) || jsonl_peek(&client->out, &bytes) > WAITING_MAX_BYTES) {
		client->broken = true;
		shutdown(client->fd, SHUT_RDWR); /* readable at once, and dropped there */
		return;
	}
	flush(client);
}

static void refuse_line(struct client *client, int error)
{
	char line[160];

	snprintf(line, sizeof(line),
		 "{\"ok\":false,\"code\":\"usage\",\"error\":\"%s; closing the connection\"}",
		 error == -EMSGSIZE ? "a request is longer than 64 KiB" : "a request holds a NUL");
	put(client, line);
	client->broken = true;
}

static void read_requests(struct client *client)
{
	char bytes[4096];
	const char *line;
	size_t length;
	ssize_t count = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	int ret;

	if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
		client->broken = true;
	if (count <= 0)
		return;
	if (jsonl_feed(&client->in, bytes, (size_t)count)) {
		client->broken = true;
		return;
	}
	while (!client->broken && (ret = jsonl_take(&client->in, &line, &length)) != 0) {
		struct control_request request = {client->control, client->id, client->admin, line};

		if (ret < 0)
			refuse_line(client, ret);
		else
			client->control->fn(client->control->arg, &request);
	}
}

static void on_client(void *arg, int fd, bool readable, bool writable)
{
	struct client *client = arg;

	(void)fd;
	if (readable)
		read_requests(client);
	if (writable && !client->broken)
		flush(client);
	if (client->broken)
		drop(client);
}

static bool is_admin(int fd)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void on_connection(void *arg, int listener, bool readable, bool writable)
{
	struct control *control = arg;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	bool admin = fd >= 0 && is_admin(fd);
	size_t places = admin ? CLIENTS_MAX : CLIENTS_MAX - ADMIN_PLACES;
	struct client *client;

	(void)readable;
	(void)writable;
	if (fd < 0)
		return;
	client = control->client_count < places ? calloc(1, sizeof(*client)) : NULL;
	if (!client) {
		close(fd);
		return;
	}
	client->watch = loop_add_fd(control->loop, fd, on_client, client);
	if (!client->watch) {
		close(fd);
		free(client);
		return;
	}
	client->control = control;
	client->fd = fd;
	client->id = ++control->next_id;
	client->admin = admin;
	jsonl_init(&client->in, JSONL_REQUEST_MAX_BYTES);
	jsonl_init(&client->out, JSONL_REPLY_MAX_BYTES);
	client->next = control->clients;
	control->clients = client;
	control->client_count++;
}

static struct client *find(const struct control *control, uint64_t id)
{
	struct client *client = control->clients;

	while (client && client->id != id)
		client = client->next;
	return client;
}

void control_send(struct control *control, uint64_t id, json_t *object)
{
	struct client *client = find(control, id);
	char *line = object ? json_dumps(object, CONTROL_JSON) : NULL;

	if (client && line)
		put(client, line);
	free(line);
	json_decref(object);
}

void control_subscribe(struct control *control, uint64_t id)
{
	struct client *client = find(control, id);

	if (client)
		client->subscribed = true;
}

void control_publish(struct control *control, const char *line)
{
	struct client *client;

	for (client = control->clients; client; client = client->next) {
		if (client->subscribed)
			put(client, line);
	}
}

/* Whether somebody listens at the address; a left-over socket file refuses. */
static bool is_served(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool served = fd >= 0 && !connect(fd, (const struct sockaddr *)address, sizeof(*address));

	if (fd >= 0)
		close(fd);
	return served;
}

/* chown(2) only where it must be: it may be forbidden. */
static int share_with(const char *path, gid_t group)
{
	struct stat stat;
	int ret = lstat(path, &stat);

	if (!ret && stat.st_gid != group)
		ret = lchown(path, (uid_t)-1, group);
	return ret ? ret : chmod(path, 0660);
}

static int listen_at(struct control *control, bool has_group, gid_t group, struct err *err)
{
	const char *path = control->address.sun_path;
	const struct sockaddr *address = (const struct sockaddr *)&control->address;
	mode_t mask;
	int ret;

	if (is_served(&control->address))
		return err_set(err, -EADDRINUSE, "another compsd serves %s", path);
	unlink(path);
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		return err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	mask = umask(0177);
	ret = bind(control->fd, address, sizeof(control->address));
	umask(mask);
	if (!ret && has_group && share_with(path, group))
		return err_set(err, -errno,
			       "cannot give %s to the group %u: %s; its directory, or compsd, must "
			       "be of that group",
			       path, (unsigned int)group, strerror(errno));
	if (!ret)
		ret = listen(control->fd, 16);
	return ret ? err_set(err, -errno, "cannot listen at %s: %s", path, strerror(errno)) : 0;
}

int control_new(struct loop *loop, const char *path, bool has_group, gid_t group,
		control_request_fn fn, void *arg, struct control **out, struct err *err)
{
	struct control *control;
	int ret;

	if (strlen(path) >= sizeof(control->address.sun_path))
		return err_set(err, -ENAMETOOLONG, "control.socket is longer than %zu bytes",
			       sizeof(control->address.sun_path) - 1);
	control = calloc(1, sizeof(*control));
	if (!control)
		return err_set(err, -ENOMEM, "out of memory");
	*control = (struct control){.loop = loop, .fd = -1, .fn = fn, .arg = arg};
	control->address.sun_family = AF_UNIX;
	strcpy(control->address.sun_path, path);
	ret = listen_at(control, has_group, group, err);
	if (!ret) {
		control->watch = loop_add_fd(loop, control->fd, on_connection, control);
		if (!control->watch)
			ret = err_set(err, -ENOMEM, "out of memory");
	}
	if (ret) {
		if (control->fd >= 0)
			close(control->fd);
		free(control);
		return ret;
	}
	*out = control;
	return 0;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	while (control->clients) {
		flush(control->clients);
		drop(control->clients);
	}
	loop_remove_fd(control->watch);
	close(control->fd);
	unlink(control->address.sun_path);
	free(control);
}
