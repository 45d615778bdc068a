/* The client's side of the UDP modes. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "tests/lab/flow.h"

enum {
	BATCH = 64,
	BUFFER = 8 << 20,
	ANSWER_SECONDS = 5,
	LOSSES_SHOWN = 100,
	PROGRESS_MS = 250
};

struct client {
	const struct options *o;
	struct sockaddr_storage addr;
	socklen_t addr_len;
	struct batch_to to;
	uint64_t session;
	struct pacer up;
	uint64_t send_errors;
	int64_t *sent_at; /* by sequence number up */
	size_t sent_room;
	int64_t *down_sent_at; /* by sequence number down, as the packet says */
	size_t down_sent_room;
	struct seqlog down;
	struct seqlog server; /* only its times, fetched at the end */
	struct stat_reply stat;
	bool have_stat, answered;
	int64_t began, ended, began_wall;
	struct progress {
		int fd;
		int64_t next;
		uint64_t judged, lost; /* of the first `judged` packets sent */
	} progress;
};

static bool sends(const struct client *c)
{
	return c->o->mode != UDP_DOWN;
}

static void send_control(struct client *c, enum type type)
{
	struct start m = {.w = {.magic = FLOW_MAGIC, .type = type, .session = c->session},
			  .pps = c->o->pps,
			  .size = c->o->size,
			  .duration_ns = c->o->duration_ns,
			  .down = c->o->mode == UDP_BOTH || c->o->mode == UDP_DOWN};

	sendto(c->to.fd, &m, sizeof(m), MSG_DONTWAIT, c->to.addr, c->to.addr_len);
}

static void on_message(struct client *c, const struct stat_reply *m, size_t len, int64_t now)
{
	if (len < sizeof(m->w) || m->w.magic != FLOW_MAGIC || m->w.session != c->session)
		return;
	c->answered = true;
	if (m->w.type == T_DOWN || m->w.type == T_ECHOED) {
		seqlog_add(&c->down, m->w.seq, now);
		if (c->o->stamps && m->w.type == T_DOWN && m->w.seq < SEQ_MAX)
			times_put(&c->down_sent_at, &c->down_sent_room, m->w.seq, m->w.sent_ns);
	} else if (m->w.type == T_STAT && len >= sizeof(*m)) {
		c->stat = *m;
		c->have_stat = true;
	}
}

static void receive(struct client *c)
{
	static struct stat_reply m[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr msg[BATCH];
	int64_t now;
	int n;

	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){&m[i], sizeof(m[i])};
		msg[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
	}
	n = recvmmsg(c->to.fd, msg, BATCH, MSG_DONTWAIT, NULL);
	now = now_ns();
	for (int i = 0; i < n; i++)
		on_message(c, &m[i], msg[i].msg_len, now);
}

static void receive_until(struct client *c, int64_t wake)
{
	if (wait_fd(c->to.fd, POLLIN, wake))
		receive(c);
}

static void send_due(struct client *c, int64_t now)
{
	struct wire w = {
		.magic = FLOW_MAGIC, .session = c->session, .seq = c->up.sent, .sent_ns = now};
	uint32_t n = pacer_due(&c->up, now);

	w.type = c->o->mode == UDP_ECHO ? T_ECHO : T_UP;
	for (uint32_t i = 0; i < n; i++)
		times_put(&c->sent_at, &c->sent_room, w.seq + i, now);
	c->send_errors += n - send_batch(&c->to, &w, n);
	c->up.sent += n;
}

static bool handshake(struct client *c)
{
	int64_t give_up = now_ns() + ANSWER_SECONDS * NS_PER_SEC;

	while (!c->answered && !stopped() && now_ns() < give_up) {
		int64_t again = now_ns() + 100 * NS_PER_MS;

		send_control(c, T_START);
		while (!c->answered && !stopped() && now_ns() < again)
			receive_until(c, again);
	}
	return c->answered;
}

static void show_progress(struct client *c, int64_t now)
{
	struct progress *p = &c->progress;
	char line[80];
	int n;

	if (!c->o->progress || now < p->next)
		return;
	p->next = now + PROGRESS_MS * NS_PER_MS;
	for (; p->judged < c->up.sent && c->sent_at[p->judged] < now - NS_PER_SEC; p->judged++)
		p->lost += !seqlog_at(&c->down, p->judged);
	/* Of one length, so that a reader never sees half a line. */
	n = snprintf(line, sizeof(line), "%12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n", c->up.sent,
		     c->down.unique, p->lost);
	if (pwrite(p->fd, line, (size_t)n, 0) != n)
		die(c->o->progress);
}

static void open_progress(struct client *c)
{
	if (!c->o->progress)
		return;
	c->progress.fd = open(c->o->progress, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
	if (c->progress.fd < 0)
		die(c->o->progress);
}

static int64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

static void measure(struct client *c)
{
	int64_t now = now_ns();
	int64_t end = c->o->duration_ns ? now + c->o->duration_ns : INT64_MAX;

	c->began = now;
	c->began_wall = wall_ns();
	c->up = (struct pacer){.t0 = now, .pps = c->o->pps};
	for (; now < end && !stopped(); now = now_ns()) {
		int64_t wake = end;

		if (sends(c)) {
			send_due(c, now);
			wake = pacer_wake(&c->up, now);
		}
		receive_until(c, wake < end ? wake : end);
		show_progress(c, now);
	}
	c->ended = now;
}

static bool complete(const struct client *c)
{
	if (!c->have_stat || c->down.unique < c->stat.sent_down)
		return false;
	return !sends(c) || c->stat.unique + c->send_errors >= c->up.sent;
}

/* What is in flight at the end is not lost: wait for it. A server that is not heard at all gets a
 * little longer. */
static void drain(struct client *c)
{
	int64_t tail = c->ended + c->o->drain_ns, give_up = tail + ANSWER_SECONDS * NS_PER_SEC;
	int64_t now;

	if (c->o->mode != UDP_UP)
		seqlog_end(&c->down, c->began, c->ended);
	while (!complete(c) && (now = now_ns()) < (c->have_stat ? tail : give_up)) {
		int64_t again = now + 20 * NS_PER_MS;

		send_control(c, T_STOP);
		while (!complete(c) && now_ns() < again)
			receive_until(c, again);
	}
}

static void fetch_times(struct client *c)
{
	struct tcp_hello hello = {.what = TCP_TIMES, .session = c->session};
	struct sockaddr_storage to;
	socklen_t to_len;
	uint64_t n;
	int fd = dial(c->o, SOCK_STREAM, &to, &to_len);

	connect(fd, (struct sockaddr *)&to, to_len);
	if (write_all(fd, &hello, sizeof(hello)) && read_all(fd, &n, sizeof(n)) && n > 0 &&
	    n <= SEQ_MAX) {
		times_put(&c->server.at, &c->server.room, n - 1, 0);
		if (read_all(fd, c->server.at, n * sizeof(*c->server.at)))
			c->server.next = n;
	}
	close(fd);
}

/* ---- results ---- */

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void print_rtt(const struct client *c)
{
	int64_t *rtt = malloc((c->down.unique + 1) * sizeof(*rtt));
	uint64_t n = 0;
	double sum = 0;

	if (!rtt)
		die("rtt");
	for (uint64_t seq = 0; seq < c->down.next && seq < c->up.sent; seq++)
		if (c->down.at[seq]) {
			rtt[n] = c->down.at[seq] - c->sent_at[seq];
			sum += (double)rtt[n++];
		}
	if (n > 0) {
		qsort(rtt, n, sizeof(*rtt), by_value);
		printf(",\"rtt_ms\":{\"min\":%.3f,\"avg\":%.3f,\"p50\":%.3f,\"p95\":%.3f,\"p99\":%."
		       "3f,\"max\":%.3f}",
		       (double)rtt[0] / 1e6, sum / (double)n / 1e6, (double)rtt[n / 2] / 1e6,
		       (double)rtt[n * 95 / 100] / 1e6, (double)rtt[n * 99 / 100] / 1e6,
		       (double)rtt[n - 1] / 1e6);
	}
	free(rtt);
}

static void print_loss(const char *dir, uint64_t seq, int64_t t, unsigned *shown)
{
	if (++*shown <= LOSSES_SHOWN)
		printf("%s{\"dir\":\"%s\",\"seq\":%" PRIu64 ",\"t_ms\":%.3f}",
		       *shown > 1 ? "," : "", dir, seq, (double)t / 1e6);
}

/* t_ms: since the start; when an upward packet was sent, when the one before a downward packet
 * came. */
static void print_losses(const struct client *c)
{
	unsigned shown = 0;
	int64_t last = c->began;

	printf(",\"losses\":[");
	for (uint64_t seq = 0; c->server.next && seq < c->up.sent; seq++)
		if (!seqlog_at(&c->server, seq))
			print_loss("up", seq, c->sent_at[seq] - c->began, &shown);
	for (uint64_t seq = 0; seq < (c->o->mode == UDP_ECHO ? c->up.sent : c->stat.sent_down);
	     seq++) {
		bool echo = c->o->mode == UDP_ECHO;

		if (seqlog_at(&c->down, seq))
			last = c->down.at[seq];
		else if (!echo || seqlog_at(&c->server, seq))
			print_loss("down", seq, (echo ? c->sent_at[seq] : last) - c->began, &shown);
	}
	printf("]");
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void print_result(const struct client *c)
{
	const struct stat_reply *s = &c->stat;

	printf("{\"mode\":\"%s\",\"seconds\":%.3f,\"pps\":%u,\"size\":%u,\"complete\":%s",
	       c->o->mode_name, (double)(c->ended - c->began) / 1e9, c->o->pps, c->o->size,
	       c->have_stat ? "true" : "false");
	/* The instant at which the stamps say began_ns: for comparing with the log of a daemon. */
	printf(",\"began_ns\":%" PRId64 ",\"began_wall_ns\":%" PRId64, c->began, c->began_wall);
	printf(",\"sent\":%" PRIu64 ",\"send_errors\":%" PRIu64
	       ",\"held_back_ms\":%.1f,\"received_down\":%" PRIu64,
	       c->up.sent, c->send_errors, (double)c->up.held_back_ns / 1e6, c->down.unique);
	printf(",\"max_gap_ms_down\":%.3f,\"reordered_down\":%" PRIu64 ",\"dup_down\":%" PRIu64,
	       (double)c->down.max_gap_ns / 1e6, c->down.reordered, c->down.dup);
	if (c->have_stat) {
		printf(",\"received_up\":%" PRIu64 ",\"lost_up\":%" PRIu64 ",\"sent_down\":%" PRIu64
		       ",\"lost_down\":%" PRIu64,
		       s->unique, less(c->up.sent, s->unique), s->sent_down,
		       less(s->sent_down, c->down.unique));
		printf(",\"max_gap_ms_up\":%.3f,\"reordered_up\":%" PRIu64 ",\"dup_up\":%" PRIu64,
		       sends(c) ? (double)s->max_gap_ns / 1e6 : 0.0, s->reordered, s->dup);
		printf(",\"reordered\":%" PRIu64 ",\"dup\":%" PRIu64,
		       s->reordered + c->down.reordered, s->dup + c->down.dup);
		print_losses(c);
	}
	if (c->o->mode == UDP_ECHO)
		print_rtt(c);
	printf("}\n");
}

static void stamp(FILE *f, const char *dir, uint64_t seq, int64_t sent, int64_t received,
		  bool known)
{
	fprintf(f, "%s %" PRIu64 " %" PRId64, dir, seq, sent);
	if (received || !known)
		fprintf(f, " %" PRId64 "\n", received);
	else
		fprintf(f, " lost\n");
}

static void write_stamps(const struct client *c)
{
	FILE *f = fopen(c->o->stamps, "w");
	struct seqlog sent = {.at = c->down_sent_at, .room = c->down_sent_room};

	if (!f)
		die(c->o->stamps);
	for (uint64_t seq = 0; seq < c->up.sent; seq++) {
		stamp(f, "up", seq, c->sent_at[seq], seqlog_at(&c->server, seq),
		      c->server.next > 0);
		if (c->o->mode == UDP_ECHO)
			stamp(f, "echo", seq, c->sent_at[seq], seqlog_at(&c->down, seq), true);
	}
	for (uint64_t seq = 0; c->o->mode != UDP_ECHO && seq < c->stat.sent_down; seq++)
		stamp(f, "down", seq, seqlog_at(&sent, seq), seqlog_at(&c->down, seq), true);
	if (fclose(f))
		die(c->o->stamps);
}

int udp_run(const struct options *o)
{
	struct client c = {.o = o};
	int size = BUFFER;

	c.to.fd = dial(o, SOCK_DGRAM, &c.addr, &c.addr_len);
	c.to.size = o->size;
	setsockopt(c.to.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(c.to.fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (!o->connected) {
		c.to.addr = &c.addr;
		c.to.addr_len = c.addr_len;
	} else if (connect(c.to.fd, (struct sockaddr *)&c.addr, c.addr_len) < 0) {
		die("connect");
	}
	if (getrandom(&c.session, sizeof(c.session), 0) != sizeof(c.session))
		die("getrandom");
	c.session |= 1; /* 0 is no session */
	if (!handshake(&c)) {
		fprintf(stderr, "flow: %s port %s: no answer\n", o->host, o->port);
		return 1;
	}
	open_progress(&c);
	say_ready(o);
	measure(&c);
	drain(&c);
	if (o->stamps || (c.have_stat && c.up.sent > c.stat.unique))
		fetch_times(&c);
	if (o->stamps)
		write_stamps(&c);
	print_result(&c);
	close(c.to.fd);
	free(c.sent_at);
	free(c.down_sent_at);
	free(c.down.at);
	free(c.server.at);
	return c.have_stat ? 0 : 1;
}
