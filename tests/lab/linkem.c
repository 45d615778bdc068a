/*
 * linkem: cables between network namespaces whose delay, jitter, loss, rate and holes are set while
 * it runs.
 *
 *   linkem [-d] [-s SEED] -S SOCK CABLE...      CABLE = NAME:NSA:IFA:NSB:IFB   (NS: a name, or a
 * path with a '/') linkem -c SOCK "COMMAND[; COMMAND]..."
 *
 *   set NAME up|down|both KEY=VALUE...    up: from end A to end B.  Keys: delay_us jitter_us
 * loss_ppm rate_kbit limit_pkts hole reorder show                                  one JSON object
 * a line and direction quit
 *
 * A cable is two TAP devices; a frame that one end sends, the other end receives. This is the
 * topology of a veth pair with netem at both ends, for kernels that have no netem. The TAPs vanish
 * with the process, however it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/lab/linkem.h"

enum {
	FRAME_MAX = 2048,
	READ_BATCH = 32,
	POOL_CHUNK = 128,
	TX_QUEUE = 4000
};

struct pkt {
	int64_t due;
	uint64_t seq;
	struct dir *dir;
	struct pkt *next_free;
	size_t len;
	unsigned char data[FRAME_MAX];
};

static struct {
	struct cable *cables;
	size_t n_cables;
	struct pkt **heap;
	size_t n_heap, heap_room;
	struct pkt *pool;
	uint64_t seq;
	int64_t armed; /* instant the timer is set to, 0 if it is off */
	int epoll_fd, timer_fd, sock_fd, signal_fd;
	const char *sock_path;
	bool quit;
} em;

void die(const char *what)
{
	fprintf(stderr, "linkem: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static uint64_t rng_next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Uniform in [0, n), biased by at most n / 2^32: far below what a test could see. */
static int64_t rng_below(uint64_t *state, int64_t n)
{
	return (int64_t)(((rng_next(state) >> 32) * (uint64_t)n) >> 32);
}

/* ---- packets and the queue ---- */

static struct pkt *pkt_get(void)
{
	struct pkt *p;

	if (!em.pool) {
		p = malloc(POOL_CHUNK * sizeof(*p));
		if (!p)
			die("packet pool");
		for (int i = 0; i < POOL_CHUNK; i++) {
			p[i].next_free = em.pool;
			em.pool = &p[i];
		}
	}
	p = em.pool;
	em.pool = p->next_free;
	return p;
}

static void pkt_put(struct pkt *p)
{
	p->next_free = em.pool;
	em.pool = p;
}

static bool pkt_before(const struct pkt *a, const struct pkt *b)
{
	return a->due != b->due ? a->due < b->due : a->seq < b->seq;
}

static void heap_push(struct pkt *p)
{
	size_t i = em.n_heap++;

	if (em.n_heap > em.heap_room) {
		em.heap_room = em.heap_room ? 2 * em.heap_room : 1024;
		em.heap = realloc(em.heap, em.heap_room * sizeof(*em.heap));
		if (!em.heap)
			die("queue");
	}
	while (i > 0 && pkt_before(p, em.heap[(i - 1) / 2])) {
		em.heap[i] = em.heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	em.heap[i] = p;
}

static struct pkt *heap_pop(void)
{
	struct pkt *top = em.heap[0], *last = em.heap[--em.n_heap];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < em.n_heap) {
		if (child + 1 < em.n_heap && pkt_before(em.heap[child + 1], em.heap[child]))
			child++;
		if (!pkt_before(em.heap[child], last))
			break;
		em.heap[i] = em.heap[child];
		i = child;
	}
	em.heap[i] = last;
	return top;
}

static void pkt_send(struct pkt *p)
{
	struct dir *d = p->dir;

	if (write(d->out_fd, p->data, p->len) == (ssize_t)p->len)
		d->out++;
	else
		d->write_errors++; /* the device at the other end is down: a real cable would lose
				      the frame too */
	pkt_put(p);
}

static void run_due(int64_t now)
{
	while (em.n_heap > 0 && em.heap[0]->due <= now) {
		struct pkt *p = heap_pop();
		int64_t late = now - p->due;

		p->dir->queued--;
		p->dir->late_n++;
		p->dir->late_sum += late;
		if (late > p->dir->late_max)
			p->dir->late_max = late;
		pkt_send(p);
	}
}

static void arm_timer(void)
{
	int64_t due = em.n_heap > 0 ? em.heap[0]->due : 0;
	struct itimerspec it = {
		.it_value = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000}};

	if (due == em.armed)
		return;
	if (timerfd_settime(em.timer_fd, TFD_TIMER_ABSTIME, &it, NULL) < 0)
		die("timerfd_settime");
	em.armed = due;
}

/* ---- what a cable does to a packet ---- */

static int64_t due_time(struct dir *d, int64_t now, size_t len)
{
	int64_t due = now, jitter = d->set[JITTER_US] * 1000;

	if (d->set[RATE_KBIT] > 0) {
		if (d->line_free < now)
			d->line_free = now;
		d->line_free += (int64_t)len * 8 * 1000000 / d->set[RATE_KBIT];
		due = d->line_free;
	}
	due += d->set[DELAY_US] * 1000;
	if (jitter > 0)
		due += rng_below(&d->jitter_rng, 2 * jitter + 1) - jitter;
	if (due < now)
		due = now;
	if (!d->set[REORDER] && due < d->last_due)
		due = d->last_due;
	d->last_due = due;
	return due;
}

static void forward(struct dir *d, struct pkt *p)
{
	int64_t now;

	d->in++;
	if (d->set[HOLE]) {
		d->holed++;
		pkt_put(p);
		return;
	}
	if (d->set[LOSS_PPM] > 0 && rng_below(&d->loss_rng, 1000000) < d->set[LOSS_PPM]) {
		d->lost++;
		pkt_put(p);
		return;
	}
	if (d->queued >= (uint64_t)d->set[LIMIT_PKTS]) {
		d->overlimit++;
		pkt_put(p);
		return;
	}
	p->dir = d;
	now = now_ns();
	p->due = due_time(d, now, p->len);
	if (p->due <= now && d->queued == 0) {
		pkt_send(p);
		return;
	}
	p->seq = em.seq++;
	d->queued++;
	heap_push(p);
}

static void read_end(struct cable *c, int end)
{
	for (int i = 0; i < READ_BATCH; i++) {
		struct pkt *p = pkt_get();
		ssize_t n = read(c->fd[end], p->data, sizeof(p->data));

		if (n <= 0) {
			pkt_put(p);
			/* Somebody deleted the device: the other cables must not suffer. */
			if (n < 0 && errno != EAGAIN && errno != EINTR)
				epoll_ctl(em.epoll_fd, EPOLL_CTL_DEL, c->fd[end], NULL);
			return;
		}
		p->len = (size_t)n;
		forward(&c->dir[end], p);
	}
}

/* ---- set-up ---- */

static int ns_open(const char *ns)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s%s", strchr(ns, '/') ? "" : "/run/netns/", ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

static int tap_open(const char *ns, const char *ifname)
{
	int ns_fd = ns_open(ns), ctl, fd;
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	if (setns(ns_fd, CLONE_NEWNET) < 0)
		die(ns);
	close(ns_fd);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		die("/dev/net/tun");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		die(ifname);
	ctl = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ifr.ifr_qlen = TX_QUEUE;
	if (ctl < 0 || ioctl(ctl, SIOCSIFTXQLEN, &ifr) < 0)
		die("txqueuelen");
	close(ctl);
	return fd;
}

static void watch(int fd, uint64_t tag)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = tag};

	if (epoll_ctl(em.epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("epoll_ctl");
}

static void cable_open(struct cable *c, char *spec, uint64_t *seed)
{
	char *save, *f[5];

	for (int i = 0; i < 5; i++) {
		f[i] = strtok_r(i ? NULL : spec, ":", &save);
		if (!f[i]) {
			fprintf(stderr, "linkem: a cable is NAME:NSA:IFA:NSB:IFB\n");
			exit(2);
		}
	}
	c->name = f[0];
	c->fd[0] = tap_open(f[1], f[2]);
	c->fd[1] = tap_open(f[3], f[4]);
	for (int i = 0; i < 2; i++) {
		c->dir[i].out_fd = c->fd[!i];
		c->dir[i].set[LIMIT_PKTS] = 10000;
		c->dir[i].loss_rng = rng_next(seed);
		c->dir[i].jitter_rng = rng_next(seed);
	}
}

/* Tags below 3 are the sockets of our own; from 3 on, two for each cable. */
static void set_up(char **specs, size_t n, uint64_t seed)
{
	int home = ns_open("/proc/self/ns/net");
	struct sockaddr_un sun = control_address(em.sock_path);
	sigset_t sigs;

	em.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	em.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	em.sock_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	sigemptyset(&sigs);
	sigaddset(&sigs, SIGINT);
	sigaddset(&sigs, SIGTERM);
	sigprocmask(SIG_BLOCK, &sigs, NULL);
	em.signal_fd = signalfd(-1, &sigs, SFD_CLOEXEC);
	em.cables = calloc(n, sizeof(*em.cables));
	if (em.epoll_fd < 0 || em.timer_fd < 0 || em.sock_fd < 0 || em.signal_fd < 0 || !em.cables)
		die("set-up");
	watch(em.timer_fd, 0);
	watch(em.sock_fd, 1);
	for (em.n_cables = 0; em.n_cables < n; em.n_cables++) {
		cable_open(&em.cables[em.n_cables], specs[em.n_cables], &seed);
		for (size_t e = 0; e < 2; e++)
			watch(em.cables[em.n_cables].fd[e], 3 + 2 * em.n_cables + e);
	}
	if (setns(home, CLONE_NEWNET) < 0)
		die("return to the first namespace");
	close(home);
	unlink(em.sock_path);
	if (bind(em.sock_fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    listen(em.sock_fd, 64) < 0)
		die(em.sock_path);
}

static void run(void)
{
	struct epoll_event ev[64];

	/* Not in set_up: epoll watches the signals of the process that adds the descriptor, and
	 * daemon() makes another. */
	watch(em.signal_fd, 2);
	while (!em.quit) {
		int n = epoll_wait(em.epoll_fd, ev, 64, -1);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		run_due(now_ns());
		for (int i = 0; i < n; i++) {
			uint64_t tag = ev[i].data.u64, ticks;

			if (tag == 0) {
				(void)!read(em.timer_fd, &ticks, sizeof(ticks));
				em.armed = 0;
			} else if (tag == 1) {
				em.quit = control_serve(em.sock_fd, em.cables, em.n_cables);
			} else if (tag == 2) {
				em.quit = true;
			} else {
				read_end(&em.cables[(tag - 3) / 2], (int)((tag - 3) % 2));
				run_due(now_ns());
			}
		}
		arm_timer();
	}
	unlink(em.sock_path);
}

int main(int argc, char **argv)
{
	bool background = false;
	uint64_t seed = 1;
	int opt;

	while ((opt = getopt(argc, argv, "c:ds:S:")) != -1) {
		if (opt == 'c' && optind == argc - 1)
			return control_client(optarg, argv[optind]);
		if (opt == 'd')
			background = true;
		else if (opt == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 'S')
			em.sock_path = optarg;
		else
			em.sock_path = NULL, optind = argc;
	}
	if (!em.sock_path || optind == argc) {
		fprintf(stderr, "usage: linkem [-d] [-s SEED] -S SOCK NAME:NSA:IFA:NSB:IFB...\n"
				"       linkem -c SOCK \"set NAME up|down|both KEY=VALUE... | show "
				"| quit\"\n");
		return 2;
	}
	set_up(argv + optind, (size_t)(argc - optind), seed);
	/* Only now, so that whoever started us may use the devices as soon as we return. */
	if (background && daemon(1, 0) < 0)
		die("daemon");
	run();
	return 0;
}
