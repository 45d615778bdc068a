#include "provision/tunnel_check.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "provision/nest.h"

#define POLL_US 100000 /* how soon a wish to stop is seen */
#define AT_ONCE 64     /* datagrams, before the clock is looked at again */

struct check {
	struct nest nest;
	const struct provision_env *env;
	int fd;
	int trouble; /* -errno of the socket since something was sent */
};

/* --- the socket ------------------------------------------------------------------------------- */

static int connect_to(const struct endpoint *proxy, int *fd, struct err *e)
{
	struct sockaddr_storage to;
	socklen_t length = endpoint_to_sockaddr(proxy, &to);
	char text[ENDPOINT_TEXT_BYTES];
	int ret;

	*fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0) {
		ret = -errno;
		return err_set(e, ret, "no socket: %s", strerror(-ret));
	}
	if (connect(*fd, (const struct sockaddr *)&to, length)) {
		ret = -errno;
		return err_set(e, ret, "no way to the proxy %s: %s", endpoint_format(proxy, text),
			       strerror(-ret));
	}
	return 0;
}

static void note(struct check *c, int error)
{
	if (error == EAGAIN || error == EINTR)
		return;
	if (error == ECONNREFUSED)
		c->nest.legs[0].hint = NEST_REFUSED;
	else
		c->trouble = -error;
}

static int send_next(struct check *c, struct mono now)
{
	uint8_t datagram[NEST_DATAGRAM_BYTES];
	size_t bytes;
	int ret = nest_send(&c->nest, now, c->env->wall_us(c->env->arg), datagram, &bytes);

	/* The first call may do no more than tell what became of an earlier datagram. */
	for (int i = 0; !ret && i < 2; i++) {
		if (send(c->fd, datagram, bytes, 0) >= 0) {
			c->trouble = 0;
			break;
		}
		note(c, errno);
	}
	return ret;
}

static void receive_all(struct check *c)
{
	uint8_t datagram[NEST_DATAGRAM_BYTES];

	for (int i = 0; i < AT_ONCE && !nest_done(&c->nest); i++) {
		ssize_t got = recv(c->fd, datagram, sizeof(datagram), MSG_TRUNC);

		if (got < 0 && errno == EAGAIN)
			return;
		if (got < 0)
			note(c, errno);
		else if ((size_t)got <= sizeof(datagram))
			nest_receive(&c->nest, c->env->now(c->env->arg), datagram, (size_t)got);
	}
}

/* At most a slice of the time until there is something to do. */
static void wait_for(struct check *c, struct mono now, struct mono deadline)
{
	int64_t us = mono_diff_us(mono_earlier(nest_due(&c->nest), deadline), now);
	struct pollfd fd = {.fd = c->fd, .events = POLLIN};

	if (us > POLL_US)
		us = POLL_US;
	poll(&fd, 1, us > 0 ? (int)((us + 999) / 1000) : 0);
}

static int talk(struct check *c, struct mono deadline)
{
	while (!nest_done(&c->nest)) {
		struct mono now = c->env->now(c->env->arg);
		int ret = 0;

		if (c->env->stopped(c->env->arg))
			return -EINTR;
		if (mono_due(deadline, now))
			return -ETIMEDOUT;
		if (mono_due(nest_due(&c->nest), now))
			ret = send_next(c, now);
		if (ret)
			return ret;
		wait_for(c, now, deadline);
		receive_all(c);
	}
	return 0;
}

/* --- what came of it -------------------------------------------------------------------------- */

static int no_handshake(const struct check *c, const struct nest_leg *leg, const char *what,
			struct err *e)
{
	switch (leg->hint == NEST_SILENT ? leg->hint_before : leg->hint) {
	case NEST_REFUSED:
		return err_set(e, -ECONNREFUSED,
			       "%s: the host says that nothing listens on that port: is WireGuard "
			       "running there, and is it this port?",
			       what);
	case NEST_UNREACHABLE:
		return err_set(e, -ETIMEDOUT,
			       "%s: a host on the way says that it cannot be reached", what);
	case NEST_BUSY:
		return err_set(e, -ETIMEDOUT,
			       "%s: it answers that it is under load, and wants to be asked later",
			       what);
	case NEST_UNREADABLE:
		return err_set(e, -ETIMEDOUT,
			       "%s: it answers, but the answer cannot be opened: the pre-shared "
			       "keys differ",
			       what);
	case NEST_SILENT:
		break;
	}
	if (leg == &c->nest.legs[0] && c->trouble)
		return err_set(e, -ETIMEDOUT, "%s: %s", what, strerror(-c->trouble));
	return err_set(
		e, -ETIMEDOUT,
		"%s: no answer. Is the port open%s, is WireGuard running there, are the keys "
		"right, and the clock of this machine? WireGuard is silent to whom it does "
		"not know, so a wrong key looks the same as a closed port",
		what, leg == &c->nest.legs[0] ? "" : " to the proxy, does the proxy forward");
}

static int explain_leg(const struct check *c, size_t i, struct err *e)
{
	const struct nest_leg *leg = &c->nest.legs[i];
	const char *name = i == 0 ? "proxy" : "exit";
	char at[ENDPOINT_TEXT_BYTES], proxy[ENDPOINT_TEXT_BYTES], ip[IP_TEXT_BYTES], what[256];

	endpoint_format(&leg->at, at);
	endpoint_format(&c->nest.legs[0].at, proxy);
	if (leg->result.handshake_us >= 0)
		return err_set(e, -ETIMEDOUT,
			       "the WireGuard handshake with the %s %s worked, but no ping of %s "
			       "came back through the tunnel: is that its tunnel address, are ours "
			       "its allowed IPs, and does its firewall let pings in?",
			       name, at, ip_format(&leg->peer->peer, ip));
	if (i == 0)
		snprintf(what, sizeof(what), "no WireGuard handshake with the proxy %s (udp)", at);
	else
		snprintf(what, sizeof(what),
			 "the proxy %s works, but no WireGuard handshake with the exit %s (udp) "
			 "through it",
			 proxy, at);
	return no_handshake(c, leg, what, e);
}

static int explain(const struct check *c, int ret, struct err *e)
{
	const struct nest *nest = &c->nest;

	if (ret == -EINTR)
		return err_set(e, ret, "interrupted");
	if (ret == -EINVAL)
		return err_set(e, ret, "the public key of the %s can be nobody's",
			       nest->legs[0].result.ping_us < 0 ? "proxy" : "exit");
	if (ret && ret != -ETIMEDOUT)
		return err_set(e, ret, "OpenSSL cannot do what WireGuard needs (BLAKE2s): %s",
			       strerror(-ret));
	return ret ? explain_leg(c, nest->legs[0].result.ping_us < 0 ? 0 : nest->count - 1, e) : 0;
}

int tunnel_check_run(const struct tunnel_check_peer *proxy, const struct tunnel_check_peer *exit,
		     const struct provision_env *env, struct mono deadline,
		     struct tunnel_check_result *out, struct err *e)
{
	struct check c = {.env = env, .fd = -1};
	int ret = nest_init(&c.nest, proxy, exit, env->rng, env->now(env->arg), e);

	if (!ret)
		ret = connect_to(&c.nest.legs[0].at, &c.fd, e);
	if (!ret)
		ret = explain(&c, talk(&c, deadline), e);
	*out = (struct tunnel_check_result){.proxy = {-1, -1}, .exit = {-1, -1}};
	out->proxy = c.nest.legs[0].result;
	if (c.nest.count == 2)
		out->exit = c.nest.legs[1].result;
	if (c.fd >= 0)
		close(c.fd);
	nest_fini(&c.nest);
	return ret;
}
