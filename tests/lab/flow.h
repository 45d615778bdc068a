/* flow: what its parts share. Both ends run on one machine, so messages and times are in host order
 * and one clock. */
#ifndef COMPS_TESTS_LAB_FLOW_H
#define COMPS_TESTS_LAB_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define NS_PER_MS  INT64_C(1000000)
#define NS_PER_SEC INT64_C(1000000000)

enum {
	FLOW_MAGIC = 0x666c6f77,
	SEQ_MAX = 1 << 26,
	SIZE_MIN = 40,
	SIZE_MAX_BYTES = 8192
};

enum mode {
	UDP_BOTH,
	UDP_UP,
	UDP_DOWN,
	UDP_ECHO,
	TCP_UP,
	TCP_DOWN,
	TCP_IDLE,
	N_MODES
};

struct options {
	enum mode mode;
	const char *mode_name;
	const char *host;
	const char *port;
	int family;
	uint32_t pps;
	uint32_t size;
	int64_t duration_ns; /* 0: until a signal */
	int64_t drain_ns;
	int64_t interval_ns;
	int64_t rate_kbit;
	const char *stamps;
	const char *ready;
	const char *progress;
	bool connected;
	bool background;
};

/* flow.c */
_Noreturn void die(const char *what);
int64_t now_ns(void);
bool stopped(void); /* by SIGINT or SIGTERM */
void say_ready(const struct options *o);
int dial(const struct options *o, int socktype, struct sockaddr_storage *to, socklen_t *to_len);

/* Waits for events on fd until the deadline or a signal that stops the run; returns the events, 0
 * for none. */
short wait_fd(int fd, short events, int64_t deadline);

/* flow_seq.c: which sequence numbers arrived, and when */
struct seqlog {
	int64_t *at; /* by sequence number; 0: did not arrive */
	size_t room;
	uint64_t unique, dup, reordered, next; /* next: one more than the highest */
	int64_t last_ns, max_gap_ns;
};

void times_put(int64_t **times, size_t *room, uint64_t seq, int64_t t);
bool seqlog_add(struct seqlog *l, uint64_t seq, int64_t now); /* false: a duplicate */
void seqlog_end(struct seqlog *l, int64_t began, int64_t now);
static inline int64_t seqlog_at(const struct seqlog *l, uint64_t seq)
{
	return seq < l->room ? l->at[seq] : 0;
}

/* Sends at a rate. One that was held up does not send what it missed as a burst, which would be
 * lost in short queues. */
struct pacer {
	int64_t t0;
	int64_t held_back_ns;
	uint32_t pps;
	uint64_t sent;
};

uint32_t pacer_due(struct pacer *p, int64_t now);
int64_t pacer_wake(const struct pacer *p, int64_t now);

/* ---- UDP messages ---- */

enum type {
	T_START,
	T_STARTED,
	T_UP,
	T_ECHO,
	T_ECHOED,
	T_DOWN,
	T_STOP,
	T_STAT
};

struct wire {
	uint32_t magic;
	uint32_t type;
	uint64_t session;
	uint64_t seq;
	int64_t sent_ns;
	int64_t spare;
};

struct start {
	struct wire w;
	uint32_t pps, size;
	int64_t duration_ns;
	uint32_t down; /* shall the server send? */
	uint32_t spare;
};

struct stat_reply {
	struct wire w;
	uint64_t unique, dup, reordered, sent_down;
	int64_t max_gap_ns;
};

/* Sends n messages of one type with the sequence numbers from seq on; returns how many the kernel
 * took. */
struct batch_to {
	int fd;
	const void *addr; /* NULL: the socket is connected */
	socklen_t addr_len;
	uint32_t size;
};

uint32_t send_batch(const struct batch_to *to, const struct wire *w, uint32_t n);

int udp_run(const struct options *o);

/* ---- TCP ---- */

struct tcp_hello {
	uint64_t what; /* TCP_UP, TCP_DOWN, TCP_IDLE, or TCP_TIMES */
	uint64_t session;
};

enum {
	TCP_TIMES = N_MODES
};

struct tcp_verdict {
	uint64_t bytes;
	uint64_t ok;
	int64_t max_stall_ns;
};

int tcp_run(const struct options *o);
void tcp_serve(int fd, uint64_t what);

bool write_all(int fd, const void *data, size_t len);
bool read_all(int fd, void *data, size_t len);

/* flow_server.c */
int serve(const struct options *o);

#endif
