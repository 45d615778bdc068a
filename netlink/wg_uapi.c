#include "netlink/wg_uapi.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "netlink/wg_uapi_text.h"

/* --- one request, one connection --- */

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

/* Waits until the socket is ready. Returns 0, -ETIMEDOUT or -errno. */
static int wait_ready(int fd, short events, struct mono deadline)
{
	struct pollfd item = {.fd = fd, .events = events};
	int64_t left_us = mono_diff_us(deadline, clock_now());
	int ready;

	ready = poll(&item, 1, left_us > 0 ? (int)((left_us + 999) / 1000) : 0);
	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	return ready ? 0 : -ETIMEDOUT;
}

static int send_all(int fd, const struct wg_uapi_text *request, struct mono deadline)
{
	size_t sent = 0;
	ssize_t n;
	int ret = 0;

	while (sent < request->used && !ret) {
		n = send(fd, request->bytes + sent, request->used - sent, MSG_NOSIGNAL);
		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EAGAIN || errno == EINTR)
			ret = wait_ready(fd, POLLOUT, deadline);
		else
			ret = -errno;
	}
	return ret;
}

static bool is_complete(const struct wg_uapi_text *answer)
{
	return answer->used >= 2 && !memcmp(answer->bytes + answer->used - 2, "\n\n", 2);
}

/* Reads until the empty line that ends an answer. */
static int receive_all(int fd, struct wg_uapi_text *answer, struct mono deadline)
{
	char chunk[4096];
	ssize_t n;
	int ret = 0;

	while (!is_complete(answer) && !ret) {
		n = recv(fd, chunk, sizeof(chunk), 0);
		if (n > 0 && answer->used + (size_t)n > WG_UAPI_ANSWER_BYTES)
			ret = -EMSGSIZE;
		else if (n > 0)
			ret = wg_uapi_text_add(answer, chunk, (size_t)n);
		else if (!n)
			ret = -EBADMSG;
		else if (errno == EAGAIN || errno == EINTR)
			ret = wait_ready(fd, POLLIN, deadline);
		else
			ret = -errno;
	}
	sodium_memzero(chunk, sizeof(chunk));
	return ret;
}

/* Sends a request and decodes the answer into `out`, which begins empty. */
static int ask(const struct wg *wg, const struct wg_uapi_text *request, int64_t timeout_ms,
	       struct wg_device *out)
{
	struct mono deadline = mono_add_us(clock_now(), timeout_ms * 1000);
	struct wg_uapi_text answer = {0};
	int fd, ret;

	fd = connect_to(wg->socket);
	if (fd < 0)
		return fd == -ENOENT || fd == -ECONNREFUSED ? -ENODEV : fd;
	ret = send_all(fd, request, deadline);
	if (!ret)
		ret = receive_all(fd, &answer, deadline);
	if (!ret)
		ret = wg_uapi_decode(answer.bytes, answer.used, out);
	wg_uapi_text_fini(&answer);
	close(fd);
	return ret;
}

/* --- the back end --- */

int wg_uapi_open(struct wg *wg)
{
	int fd;

	wg->ops = &wg_uapi_ops;
	snprintf(wg->socket, sizeof(wg->socket), WG_UAPI_DIRECTORY "/%s.sock", wg->ifname);
	fd = connect_to(wg->socket);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int get_within(const struct wg *wg, int64_t timeout_ms, struct wg_device *out)
{
	char text[] = "get=1\n\n";
	struct wg_uapi_text request = {.bytes = text, .used = sizeof(text) - 1};
	int ret;

	memset(out, 0, sizeof(*out));
	ret = ask(wg, &request, timeout_ms, out);
	if (ret)
		wg_device_fini(out);
	return ret;
}

static int get(struct wg *wg, struct wg_device *out)
{
	return get_within(wg, WG_UAPI_TIMEOUT_MS, out);
}

/* Sends a `set` request, whose answer has nothing but the error. */
static int set_text(const struct wg *wg, const struct wg_uapi_text *request, int64_t timeout_ms)
{
	struct wg_device none = {0};
	int ret;

	ret = ask(wg, request, timeout_ms, &none);
	wg_device_fini(&none);
	return ret;
}

static int set(struct wg *wg, const struct wg_device *device, struct err *err)
{
	struct wg_uapi_text request = {0};
	struct wg_device old;
	int ret;

	ret = get_within(wg, WG_UAPI_SET_MS, &old);
	if (!ret)
		ret = wg_uapi_encode_set(&old, device, &request);
	if (!ret)
		ret = set_text(wg, &request, WG_UAPI_SET_MS);
	wg_uapi_text_fini(&request);
	wg_device_fini(&old);
	if (ret)
		return err_set(err, ret, "interface %s: cannot configure WireGuard: %s", wg->ifname,
			       strerror(-ret));
	return 0;
}

static int set_endpoint(struct wg *wg, const uint8_t public_key[WG_KEY_BYTES],
			const struct endpoint *endpoint)
{
	struct wg_uapi_text request = {0};
	int ret;

	ret = wg_uapi_encode_endpoint(public_key, endpoint, &request);
	if (!ret)
		ret = set_text(wg, &request, WG_UAPI_TIMEOUT_MS);
	wg_uapi_text_fini(&request);
	return ret;
}

const struct wg_ops wg_uapi_ops = {
	.set = set,
	.get = get,
	.set_endpoint = set_endpoint,
};
