#include "daemon/resolver.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>

#define LOOKUP_FDS	 8    /* sockets that one lookup has open at most: servers x protocols */
#define QUERY_TIMEOUT_MS 1500 /* for the first try; c-ares doubles it */
#define QUERY_TRIES	 3
#define LONGEST_WAIT_US	 INT64_C(1000000)

struct lookup {
	struct resolver *resolver;
	struct lookup *next;
	ares_channel channel;
	struct loop_fd *watch[LOOKUP_FDS];
	int fd[LOOKUP_FDS];
	uint32_t mark;
	size_t id;
	int done; /* a channel must not be destroyed from its own callback */
};

struct resolver {
	struct loop *loop;
	resolver_fn fn;
	void *arg;
	struct lookup *lookups;
};

int resolver_new(struct loop *loop, resolver_fn fn, void *arg, struct resolver **out)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver || ares_library_init(ARES_LIB_INIT_ALL)) {
		free(resolver);
		return -ENOMEM;
	}
	*resolver = (struct resolver){loop, fn, arg, NULL};
	*out = resolver;
	return 0;
}

static void free_lookup(struct lookup *lookup)
{
	size_t i;

	ares_destroy(lookup->channel);
	for (i = 0; i < LOOKUP_FDS; i++)
		loop_remove_fd(lookup->watch[i]);
	free(lookup);
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	resolver->fn = NULL;
	while (resolver->lookups) {
		struct lookup *lookup = resolver->lookups;

		resolver->lookups = lookup->next;
		free_lookup(lookup);
	}
	ares_library_cleanup();
	free(resolver);
}

static void on_readable(void *arg, int fd, bool readable, bool writable)
{
	struct lookup *lookup = arg;

	ares_process_fd(lookup->channel, readable ? fd : ARES_SOCKET_BAD,
			writable ? fd : ARES_SOCKET_BAD);
}

/* c-ares says which of its sockets it waits for. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct lookup *lookup = arg;
	size_t i = 0;

	while (i < LOOKUP_FDS && !(lookup->watch[i] && lookup->fd[i] == fd))
		i++;
	if (i < LOOKUP_FDS && !readable && !writable) {
		loop_remove_fd(lookup->watch[i]);
		lookup->watch[i] = NULL;
		return;
	}
	for (i = i < LOOKUP_FDS ? i : 0; i < LOOKUP_FDS; i++) {
		if (lookup->watch[i] && lookup->fd[i] != fd)
			continue;
		if (!lookup->watch[i])
			lookup->watch[i] =
				loop_add_fd(lookup->resolver->loop, fd, on_readable, lookup);
		lookup->fd[i] = fd;
		if (lookup->watch[i])
			loop_want_write(lookup->watch[i], writable);
		return;
	}
}

static int mark_socket(ares_socket_t fd, int type, void *arg)
{
	const struct lookup *lookup = arg;

	(void)type;
	return setsockopt(fd, SOL_SOCKET, SO_MARK, &lookup->mark, sizeof(lookup->mark)) ? -1 : 0;
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
	struct lookup *lookup = arg;
	const struct ares_addrinfo_node *node = found ? found->nodes : NULL;
	struct endpoint endpoint;

	(void)timeouts;
	lookup->done = 1;
	if (lookup->resolver->fn && node &&
	    !endpoint_from_sockaddr(node->ai_addr, node->ai_addrlen, &endpoint))
		lookup->resolver->fn(lookup->resolver->arg, lookup->id, &endpoint.ip, NULL);
	else if (lookup->resolver->fn)
		lookup->resolver->fn(lookup->resolver->arg, lookup->id, NULL,
				     status ? ares_strerror(status) : "it has no address");
	if (found)
		ares_freeaddrinfo(found);
}

int resolver_lookup(struct resolver *resolver, size_t id, const char *host, int family,
		    uint32_t mark)
{
	struct ares_addrinfo_hints hints = {.ai_family = family, .ai_socktype = SOCK_DGRAM};
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	struct ares_options options = {
		.timeout = QUERY_TIMEOUT_MS,
		.tries = QUERY_TRIES,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = lookup,
	};

	if (!lookup)
		return -ENOMEM;
	*lookup = (struct lookup){.resolver = resolver, .mark = mark, .id = id};
	if (ares_init_options(&lookup->channel, &options,
			      ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB)) {
		free(lookup);
		return -ENOMEM;
	}
	lookup->next = resolver->lookups;
	resolver->lookups = lookup;
	ares_set_socket_configure_callback(lookup->channel, mark_socket, lookup);
	ares_getaddrinfo(lookup->channel, host, NULL, &hints, on_answer, lookup);
	return 0;
}

struct mono resolver_next_deadline(const struct resolver *resolver, struct mono now)
{
	struct mono next = MONO_NEVER;
	const struct lookup *lookup;

	for (lookup = resolver->lookups; lookup; lookup = lookup->next) {
		struct timeval most = {.tv_usec = LONGEST_WAIT_US - 1}, wait;

		if (lookup->done)
			return now;
		wait = *ares_timeout(lookup->channel, &most, &wait);
		next = mono_earlier(next, mono_add_us(now, wait.tv_sec * 1000000 + wait.tv_usec));
	}
	return next;
}

void resolver_on_time(struct resolver *resolver)
{
	struct lookup **link = &resolver->lookups;

	while (*link) {
		struct lookup *lookup = *link;

		if (!lookup->done)
			ares_process_fd(lookup->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
		if (lookup->done) {
			*link = lookup->next;
			free_lookup(lookup);
		} else {
			link = &lookup->next;
		}
	}
}
