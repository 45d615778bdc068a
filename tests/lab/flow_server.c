/* The server: UDP sessions in one loop; a TCP connection gets a process. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/lab/flow.h"

enum {
	N_SESSIONS = 16,
	BATCH = 64,
	BUFFER = 8 << 20
};

struct session {
	uint64_t id;
	struct sockaddr_in6 peer;
	struct seqlog up;
	struct pacer down;
	uint32_t size;
	bool sending, stopped;
	uint64_t echoed;
	int64_t began, ends, touched;
};

static struct session sessions[N_SESSIONS];

static struct session *session_find(uint64_t id)
{
	for (int i = 0; i < N_SESSIONS; i++)
		if (sessions[i].id == id)
			return &sessions[i];
	return NULL;
}

/* Takes the place of the one that was silent longest. */
static struct session *session_new(const struct start *m, int64_t now)
{
	struct session *s = &sessions[0];

	for (int i = 1; i < N_SESSIONS; i++)
		if (sessions[i].touched < s->touched)
			s = &sessions[i];
	free(s->up.at);
	*s = (struct session){.id = m->w.session, .size = m->size, .began = now};
	s->sending = m->down && m->pps > 0;
	s->down = (struct pacer){.t0 = now, .pps = m->pps};
	s->ends = m->duration_ns ? now + m->duration_ns : INT64_MAX;
	return s;
}

static void answer(int fd, const struct session *s, void *msg, size_t len)
{
	sendto(fd, msg, len, MSG_DONTWAIT, (const struct sockaddr *)&s->peer, sizeof(s->peer));
}

static void on_stop(int fd, struct session *s, int64_t now)
{
	struct stat_reply r = {.w = {.magic = FLOW_MAGIC, .type = T_STAT, .session = s->id}};

	if (!s->stopped)
		seqlog_end(&s->up, s->began, now);
	s->stopped = true;
	s->sending = false;
	r.unique = s->up.unique;
	r.dup = s->up.dup;
	r.reordered = s->up.reordered;
	r.max_gap_ns = s->up.max_gap_ns;
	r.sent_down = s->down.sent + s->echoed;
	answer(fd, s, &r, sizeof(r));
}

static void on_message(int fd, const struct start *m, size_t len, const struct sockaddr_in6 *from)
{
	struct session *s;
	struct wire w = m->w;
	int64_t now = now_ns();
	bool fresh;

	if (len < sizeof(w) || w.magic != FLOW_MAGIC || !w.session)
		return;
	s = session_find(w.session);
	if (!s && w.type == T_START && len >= sizeof(*m) && m->size >= SIZE_MIN &&
	    m->size <= SIZE_MAX_BYTES)
		s = session_new(m, now);
	if (!s)
		return;
	s->touched = now;
	/* The newest packet says where the client is now: behind a proxy's NAT, its address moves.
	 */
	if ((w.type != T_UP && w.type != T_ECHO) || w.seq >= s->up.next)
		s->peer = *from;
	switch (w.type) {
	case T_START:
		w.type = T_STARTED;
		answer(fd, s, &w, sizeof(w));
		break;
	case T_UP:
		seqlog_add(&s->up, w.seq, now);
		break;
	case T_ECHO:
		fresh = seqlog_add(&s->up, w.seq, now);
		w.type = T_ECHOED;
		if (send_batch(&(struct batch_to){fd, &s->peer, sizeof(s->peer), s->size}, &w, 1) &&
		    fresh)
			s->echoed++;
		break;
	case T_STOP:
		on_stop(fd, s, now);
		break;
	default:
		break;
	}
}

static void receive(int fd)
{
	static struct start m[BATCH];
	struct sockaddr_in6 from[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr msg[BATCH];
	int n;

	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){&m[i], sizeof(m[i])};
		msg[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &from[i],
						      .msg_namelen = sizeof(from[i]),
						      .msg_iov = &iov[i],
						      .msg_iovlen = 1}};
	}
	n = recvmmsg(fd, msg, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		on_message(fd, &m[i], msg[i].msg_len, &from[i]);
}

/* Sends what is due; returns when it wants to be called again. */
static int64_t send_due(int fd)
{
	int64_t now = now_ns(), wake = now + 3600 * NS_PER_SEC, w;

	for (struct session *s = sessions; s < sessions + N_SESSIONS; s++) {
		struct wire m = {
			.magic = FLOW_MAGIC, .type = T_DOWN, .session = s->id, .sent_ns = now};
		uint32_t n;

		if (s->sending && now >= s->ends)
			s->sending = false;
		if (!s->sending)
			continue;
		n = pacer_due(&s->down, now);
		m.seq = s->down.sent;
		/* One that the kernel did not take counts as sent, and so as lost, like everywhere.
		 */
		send_batch(&(struct batch_to){fd, &s->peer, sizeof(s->peer), s->size}, &m, n);
		s->down.sent += n;
		w = pacer_wake(&s->down, now);
		if (w < wake)
			wake = w;
	}
	return wake;
}

static void send_times(int fd, uint64_t id)
{
	const struct session *s = session_find(id);
	uint64_t n = s ? s->up.next : 0;

	if (write_all(fd, &n, sizeof(n)) && n > 0)
		write_all(fd, s->up.at, n * sizeof(*s->up.at));
}

static void accept_tcp(int listen_fd)
{
	struct tcp_hello hello;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (fork() == 0) {
		close(listen_fd);
		if (read_all(fd, &hello, sizeof(hello))) {
			if (hello.what == TCP_TIMES)
				send_times(fd, hello.session);
			else
				tcp_serve(fd, hello.what);
		}
		_exit(0);
	}
	close(fd);
}

static int open_socket(int type, const char *port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6,
				   .sin6_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, zero = 0, size = BUFFER;

	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (type == SOCK_STREAM) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	} else {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	}
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		die(port);
	if (type == SOCK_STREAM && listen(fd, 64) < 0)
		die("listen");
	return fd;
}

int serve(const struct options *o)
{
	struct pollfd p[2] = {{.events = POLLIN}, {.events = POLLIN}};

	p[0].fd = open_socket(SOCK_DGRAM, o->port);
	p[1].fd = open_socket(SOCK_STREAM, o->port);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (o->background && daemon(1, 0) < 0)
		die("daemon");
	for (;;) {
		int64_t left = send_due(p[0].fd) - now_ns();
		struct timespec ts = {0};

		if (left > 0) {
			ts.tv_sec = left / NS_PER_SEC;
			ts.tv_nsec = left % NS_PER_SEC;
		}
		if (ppoll(p, 2, &ts, NULL) < 0 && errno != EINTR)
			die("ppoll");
		if (p[0].revents)
			receive(p[0].fd);
		if (p[1].revents)
			accept_tcp(p[1].fd);
	}
}
