/*
 * flow: exact traffic measurement between two hosts of the lab.
 *
 *   flow serve [-d] [-p PORT]                 UDP and TCP, IPv4 and IPv6; -d: in the background,
 * once it listens flow run MODE [option...] HOST            prints one JSON object at the end
 *
 *   udp-both udp-up udp-down   numbered packets at --pps each way; lost, reordered, duplicate,
 * longest silence echo                       the server answers each packet: RTT as well, and which
 * way a packet was lost tcp-up tcp-down            a byte pattern, checked at the receiver; bytes,
 * longest stall tcp-idle                   a line each --interval ms, which must come back
 *
 * A run ends after -t SECONDS or at SIGINT or SIGTERM, and then waits up to --drain seconds for
 * what is still in flight. Exit status: 0 measured (whatever was lost), 1 could not measure or the
 * data was damaged, 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/lab/flow.h"

static const char *const mode_names[N_MODES] = {
	[UDP_BOTH] = "udp-both", [UDP_UP] = "udp-up", [UDP_DOWN] = "udp-down",
	[UDP_ECHO] = "echo",	 [TCP_UP] = "tcp-up", [TCP_DOWN] = "tcp-down",
	[TCP_IDLE] = "tcp-idle",
};

static volatile sig_atomic_t stop_flag;

void die(const char *what)
{
	fprintf(stderr, "flow: %s: %s\n", what, strerror(errno));
	exit(1);
}

int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

static void on_signal(int sig)
{
	(void)sig;
	stop_flag = 1;
}

bool stopped(void)
{
	return stop_flag;
}

/* The signals are delivered only inside ppoll, so that none slips in between the look at the flag
 * and the wait. */
static void catch_signals(void)
{
	struct sigaction sa = {.sa_handler = on_signal};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

short wait_fd(int fd, short events, int64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left = deadline - now_ns();
	struct timespec ts = {0};
	sigset_t none;

	if (left > 0) {
		ts.tv_sec = left / NS_PER_SEC;
		ts.tv_nsec = left % NS_PER_SEC;
	}
	sigemptyset(&none);
	return ppoll(&p, 1, &ts, &none) > 0 ? p.revents : 0;
}

void say_ready(const struct options *o)
{
	int fd;

	if (!o->ready)
		return;
	fd = open(o->ready, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0)
		die(o->ready);
	close(fd);
}

int dial(const struct options *o, int socktype, struct sockaddr_storage *to, socklen_t *to_len)
{
	struct addrinfo hints = {.ai_family = o->family, .ai_socktype = socktype}, *ai;
	int rc = getaddrinfo(o->host, o->port, &hints, &ai);
	int fd;

	if (rc) {
		fprintf(stderr, "flow: %s: %s\n", o->host, gai_strerror(rc));
		exit(1);
	}
	fd = socket(ai->ai_family, socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		die("socket");
	memcpy(to, ai->ai_addr, ai->ai_addrlen);
	*to_len = ai->ai_addrlen;
	freeaddrinfo(ai);
	return fd;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: flow serve [-d] [-p PORT]\n"
		"       flow run MODE [-4|-6] [-p PORT] [-t SECONDS] [--drain SECONDS] [--ready "
		"FILE]\n"
		"                [--pps N] [--size BYTES] [--stamps FILE] [--connect]   udp-*, "
		"echo\n"
		"                [--progress FILE]                                      echo\n"
		"                [--rate KBIT] [--interval MS]                          tcp-*\n"
		"                HOST\n"
		"       MODE: udp-both udp-up udp-down echo tcp-up tcp-down tcp-idle\n"
		"       --ready FILE is made when the server has answered; --stamps FILE gets a "
		"line per packet:\n"
		"       up|down|echo SEQ SENT_NS RECEIVED_NS (0: unknown, lost: lost)\n"
		"       --progress FILE holds SENT ANSWERED LOST, the last after a second's "
		"wait\n");
	return 2;
}

static int64_t number(const char *text, double unit, double max)
{
	char *end;
	double v = strtod(text, &end);

	if (*end || end == text || !(v >= 0 && v <= max)) {
		fprintf(stderr, "flow: %s: not a number from 0 to %.0f\n", text, max);
		exit(2);
	}
	return (int64_t)(v * unit);
}

static bool set_option(struct options *o, int opt, const char *arg)
{
	switch (opt) {
	case '4':
	case '6':
		o->family = opt == '4' ? AF_INET : AF_INET6;
		return true;
	case 'd':
		o->background = true;
		return true;
	case 'p':
		o->port = arg;
		return true;
	case 't':
		o->duration_ns = number(arg, 1e9, 1e6);
		return true;
	case 'w':
		o->drain_ns = number(arg, 1e9, 1e4);
		return true;
	case 'n':
		o->pps = (uint32_t)number(arg, 1, 1e6);
		return o->pps > 0;
	case 's':
		o->size = (uint32_t)number(arg, 1, SIZE_MAX_BYTES);
		return o->size >= SIZE_MIN;
	case 'S':
		o->stamps = arg;
		return true;
	case 'R':
		o->ready = arg;
		return true;
	case 'P':
		o->progress = arg;
		return true;
	case 'b':
		o->rate_kbit = number(arg, 1, 1e9);
		return true;
	case 'i':
		o->interval_ns = number(arg, 1e6, 1e7);
		return o->interval_ns > 0;
	case 'c':
		o->connected = true;
		return true;
	default:
		return false;
	}
}

static bool set_mode(struct options *o, const char *name)
{
	for (int m = 0; m < N_MODES; m++) {
		if (strcmp(name, mode_names[m]))
			continue;
		o->mode = (enum mode)m;
		o->mode_name = mode_names[m];
		if (m >= TCP_UP)
			o->drain_ns = 30 * NS_PER_SEC;
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"pps", 1, NULL, 'n'},	   {"size", 1, NULL, 's'},  {"stamps", 1, NULL, 'S'},
		{"ready", 1, NULL, 'R'},   {"rate", 1, NULL, 'b'},  {"interval", 1, NULL, 'i'},
		{"connect", 0, NULL, 'c'}, {"drain", 1, NULL, 'w'}, {"progress", 1, NULL, 'P'},
		{NULL, 0, NULL, 0},
	};
	struct options o = {.port = "9000",
			    .family = AF_UNSPEC,
			    .pps = 100,
			    .size = 200,
			    .drain_ns = NS_PER_SEC,
			    .interval_ns = NS_PER_SEC};
	bool server = argc > 1 && !strcmp(argv[1], "serve");
	int skip = server ? 1 : 2, opt;

	if (!server && (argc < 4 || strcmp(argv[1], "run") || !set_mode(&o, argv[2])))
		return usage();
	argc -= skip;
	argv += skip;
	while ((opt = getopt_long(argc, argv, "46dp:t:", longs, NULL)) != -1)
		if (!set_option(&o, opt, optarg))
			return usage();
	if (server)
		return optind == argc ? serve(&o) : usage();
	if (optind != argc - 1)
		return usage();
	o.host = argv[optind];
	catch_signals();
	return o.mode >= TCP_UP ? tcp_run(&o) : udp_run(&o);
}
