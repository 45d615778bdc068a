/* The TCP modes, both ends. The bytes are a fixed pattern of their offset, so that the receiver can
 * check all of them. */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lab/flow.h"

enum {
	BLOCK = 65536,
	ANSWER_SECONDS = 5,
	UNSENT_MOST = 131072,
	LINE_BYTES = 16
};

struct pattern {
	uint64_t offset; /* of the next byte */
	uint64_t base;	 /* of block */
	bool filled;
	unsigned char block[BLOCK];
};

struct progress {
	uint64_t bytes;
	int64_t last_ns, max_stall_ns;
	bool damaged;
};

static uint64_t mix(uint64_t z)
{
	z = (z + UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
	return z ^ (z >> 29);
}

/* The pattern's bytes at the current offset; *len gets how many are there. */
static const unsigned char *pattern_here(struct pattern *p, size_t *len)
{
	uint64_t base = p->offset & ~(uint64_t)(BLOCK - 1), word;

	if (!p->filled || base != p->base) {
		for (size_t i = 0; i < BLOCK; i += sizeof(word)) {
			word = mix(base + i);
			memcpy(p->block + i, &word, sizeof(word));
		}
		p->base = base;
		p->filled = true;
	}
	*len = BLOCK - (p->offset - base);
	return p->block + (p->offset - base);
}

static bool pattern_check(struct pattern *p, const unsigned char *data, size_t len)
{
	while (len > 0) {
		size_t n;
		const unsigned char *want = pattern_here(p, &n);

		if (n > len)
			n = len;
		if (memcmp(want, data, n))
			return false;
		p->offset += n;
		data += n;
		len -= n;
	}
	return true;
}

bool write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n;

		if (!wait_fd(fd, POLLOUT, now_ns() + ANSWER_SECONDS * NS_PER_SEC))
			return false;
		n = send(fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

bool read_all(int fd, void *data, size_t len)
{
	char *at = data;

	while (len > 0) {
		ssize_t n;

		if (!wait_fd(fd, POLLIN, now_ns() + ANSWER_SECONDS * NS_PER_SEC))
			return false;
		n = recv(fd, at, len, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

static void progress_mark(struct progress *g, int64_t now)
{
	if (now - g->last_ns > g->max_stall_ns)
		g->max_stall_ns = now - g->last_ns;
	g->last_ns = now;
}

enum io {
	IO_MORE,
	IO_END,
	IO_BROKEN
};

static enum io receive_some(int fd, size_t most, struct pattern *p, struct progress *g)
{
	static unsigned char buf[BLOCK];
	ssize_t n = recv(fd, buf, most, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? IO_MORE : IO_BROKEN;
	if (n == 0)
		return IO_END;
	progress_mark(g, now_ns());
	g->bytes += (uint64_t)n;
	if (!g->damaged && !pattern_check(p, buf, (size_t)n))
		g->damaged = true;
	return IO_MORE;
}

static enum io send_some(int fd, size_t most, struct pattern *p)
{
	size_t len;
	const unsigned char *data = pattern_here(p, &len);
	ssize_t n = send(fd, data, len < most ? len : most, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? IO_MORE : IO_BROKEN;
	p->offset += (uint64_t)n;
	return IO_MORE;
}

/* ---- server, in a process of its own; it waits for its client for ever ---- */

static void sink(int fd)
{
	static struct pattern p;
	struct progress g = {.last_ns = now_ns()};
	struct tcp_verdict v = {0};
	enum io io = IO_MORE;

	while (io == IO_MORE)
		if (wait_fd(fd, POLLIN, INT64_MAX))
			io = receive_some(fd, BLOCK, &p, &g);
	v.bytes = g.bytes;
	v.ok = io == IO_END && !g.damaged;
	v.max_stall_ns = g.max_stall_ns;
	write_all(fd, &v, sizeof(v));
}

static void source(int fd)
{
	static struct pattern p;
	char byte;

	for (;;) {
		short ev = wait_fd(fd, POLLIN | POLLOUT, INT64_MAX);

		/* The client says that it has enough by closing its half. */
		if ((ev & POLLIN) && recv(fd, &byte, 1, MSG_DONTWAIT) == 0)
			break;
		if ((ev & (POLLERR | POLLHUP)) ||
		    ((ev & POLLOUT) && send_some(fd, BLOCK, &p) == IO_BROKEN))
			return;
	}
	shutdown(fd, SHUT_WR);
	(void)!recv(fd, &byte, 1, 0);
}

static void echo(int fd)
{
	char buf[4096];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		if (!write_all(fd, buf, (size_t)n))
			return;
}

static void small_queue(int fd)
{
	int one = 1, most = UNSENT_MOST;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	/* Otherwise the end of a run waits for megabytes that nobody needs. */
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof(most));
}

void tcp_serve(int fd, uint64_t what)
{
	small_queue(fd);
	if (what == TCP_UP)
		sink(fd);
	else if (what == TCP_DOWN)
		source(fd);
	else if (what == TCP_IDLE)
		echo(fd);
}

/* ---- client ---- */

static int64_t end_of(const struct options *o, int64_t began)
{
	return o->duration_ns ? began + o->duration_ns : INT64_MAX;
}

/* When a sender limited to rate_kbit may send again. */
static int64_t rate_wait(const struct options *o, int64_t began, uint64_t bytes)
{
	return o->rate_kbit ? began + (int64_t)(bytes * 8000000 / (uint64_t)o->rate_kbit) : 0;
}

/* At a limited rate, what it makes in 10 ms: the stall of a run must not be the size of its own
 * blocks. */
static size_t chunk(const struct options *o)
{
	int64_t bytes = o->rate_kbit * 10 / 8;

	if (bytes == 0 || bytes > BLOCK)
		return BLOCK;
	return bytes < 64 ? 64 : (size_t)bytes;
}

/* ended: when the last byte had arrived, be it after the time was up. */
static void print_result(const struct options *o, int64_t began, int64_t ended,
			 const struct progress *g, bool ok)
{
	double seconds = (double)(ended - began) / 1e9;

	printf("{\"mode\":\"%s\",\"bytes\":%" PRIu64
	       ",\"seconds\":%.3f,\"mbit_s\":%.3f,\"max_stall_ms\":%.3f,\"ok\":%s}\n",
	       o->mode_name, g->bytes, seconds, (double)g->bytes * 8 / 1e6 / seconds,
	       (double)g->max_stall_ns / 1e6, ok ? "true" : "false");
}

/* A sender at a limited rate that was held up must not send all that it missed in one burst, which
 * would be lost in short queues: no more than 60 ms' worth is under way (the kernel doubles the
 * value, tcp(7)). */
static void limit_burst(const struct options *o, int fd)
{
	int bytes = (int)(o->rate_kbit * 1000 / 8 * 30 / 1000);

	if (o->rate_kbit)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static int run_up(const struct options *o, int fd)
{
	static struct pattern p;
	int64_t began = now_ns(), end = end_of(o, began), ended;
	struct tcp_verdict v = {0};
	struct progress g = {0};
	enum io io = IO_MORE;
	bool ok;

	limit_burst(o, fd);
	while (io == IO_MORE && !stopped() && now_ns() < end) {
		int64_t wait = rate_wait(o, began, p.offset);

		if (wait > now_ns())
			wait_fd(fd, 0, wait < end ? wait : end);
		else if (wait_fd(fd, POLLOUT, end))
			io = send_some(fd, chunk(o), &p);
	}
	ended = now_ns();
	shutdown(fd, SHUT_WR);
	ok = io == IO_MORE && wait_fd(fd, POLLIN, ended + o->drain_ns) &&
	     read_all(fd, &v, sizeof(v));
	g.bytes = v.bytes;
	g.max_stall_ns = v.max_stall_ns;
	ok = ok && v.ok && v.bytes == p.offset;
	print_result(o, began, ended, &g, ok);
	return !ok;
}

static int run_down(const struct options *o, int fd)
{
	static struct pattern p;
	int64_t began = now_ns(), end = end_of(o, began), ended;
	struct progress g = {.last_ns = began};
	enum io io = IO_MORE;
	bool ok;

	while (io == IO_MORE && !stopped() && now_ns() < end) {
		int64_t wait = rate_wait(o, began, g.bytes);

		if (wait > now_ns())
			wait_fd(fd, 0, wait < end ? wait : end);
		else if (wait_fd(fd, POLLIN, end))
			io = receive_some(fd, chunk(o), &p, &g);
	}
	ended = now_ns();
	ok = io == IO_MORE;
	progress_mark(&g, ended);
	shutdown(fd, SHUT_WR);
	while (io == IO_MORE && now_ns() < ended + o->drain_ns)
		if (wait_fd(fd, POLLIN, ended + o->drain_ns))
			io = receive_some(fd, BLOCK, &p, &g);
	ok = ok && io == IO_END && !g.damaged && g.bytes > 0;
	print_result(o, began, g.last_ns, &g, ok);
	return !ok;
}

struct idle {
	uint64_t sent, echoed;
	int64_t sent_at[64]; /* of the last lines, by number */
	int64_t max_rtt_ns;
	char part[LINE_BYTES];
	size_t part_len;
	bool damaged;
};

static bool idle_receive(struct idle *s, int fd)
{
	char want[LINE_BYTES + 1];
	ssize_t n = recv(fd, s->part + s->part_len, LINE_BYTES - s->part_len, MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	s->part_len += (size_t)n;
	if (s->part_len < LINE_BYTES)
		return true;
	s->part_len = 0;
	snprintf(want, sizeof(want), "line %010u\n", (unsigned)s->echoed);
	if (memcmp(want, s->part, LINE_BYTES))
		s->damaged = true;
	if (now_ns() - s->sent_at[s->echoed % 64] > s->max_rtt_ns)
		s->max_rtt_ns = now_ns() - s->sent_at[s->echoed % 64];
	s->echoed++;
	return true;
}

static bool idle_send(struct idle *s, int fd)
{
	char line[LINE_BYTES + 1];

	snprintf(line, sizeof(line), "line %010u\n", (unsigned)s->sent);
	s->sent_at[s->sent % 64] = now_ns();
	s->sent++;
	return send(fd, line, LINE_BYTES, MSG_DONTWAIT | MSG_NOSIGNAL) == LINE_BYTES;
}

static int run_idle(const struct options *o, int fd)
{
	int64_t began = now_ns(), end = end_of(o, began), next = began, ended;
	static struct idle s;
	bool alive = true;

	while (alive && !stopped() && now_ns() < end) {
		if (now_ns() >= next) {
			alive = idle_send(&s, fd);
			next += o->interval_ns;
		}
		if (alive && wait_fd(fd, POLLIN, next < end ? next : end))
			alive = idle_receive(&s, fd);
	}
	ended = now_ns();
	while (alive && s.echoed < s.sent && now_ns() < ended + o->drain_ns)
		if (wait_fd(fd, POLLIN, ended + o->drain_ns))
			alive = idle_receive(&s, fd);
	alive = alive && !s.damaged && s.echoed == s.sent;
	printf("{\"mode\":\"%s\",\"seconds\":%.3f,\"lines\":%" PRIu64 ",\"echoed\":%" PRIu64
	       ",\"max_rtt_ms\":%.3f,\"ok\":%s}\n",
	       o->mode_name, (double)(ended - began) / 1e9, s.sent, s.echoed,
	       (double)s.max_rtt_ns / 1e6, alive ? "true" : "false");
	return !alive;
}

int tcp_run(const struct options *o)
{
	struct tcp_hello hello = {.what = o->mode};
	struct sockaddr_storage to;
	socklen_t to_len;
	int fd = dial(o, SOCK_STREAM, &to, &to_len), error = 0;
	socklen_t error_len = sizeof(error);

	connect(fd, (struct sockaddr *)&to, to_len);
	small_queue(fd);
	if (!wait_fd(fd, POLLOUT, now_ns() + ANSWER_SECONDS * NS_PER_SEC) ||
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0 || error ||
	    !write_all(fd, &hello, sizeof(hello))) {
		fprintf(stderr, "flow: %s port %s: %s\n", o->host, o->port,
			error ? strerror(error) : "no answer");
		return 1;
	}
	say_ready(o);
	switch (o->mode) {
	case TCP_UP:
		return run_up(o, fd);
	case TCP_DOWN:
		return run_down(o, fd);
	default:
		return run_idle(o, fd);
	}
}
