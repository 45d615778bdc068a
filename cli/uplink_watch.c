#include "cli/uplink_watch.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"

#define BUFFER_BYTES	     (16 << 20)
#define ADDRESSES_MAX	     16	   /* of one name */
#define PACKETS_PER_READ_MAX 10000 /* so that a flood does not keep the caller from its work */

struct uplink_watch_interface {
	int index;
	char name[IFNAMSIZ];
	bool watched, used;
};

/* --- what may leave --- */

static int add_proxy(struct uplink_watch *w, const struct ip *ip, uint16_t port)
{
	struct endpoint *grown = reallocarray(w->proxies, w->rules.proxy_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	w->proxies = grown;
	w->rules.proxies = grown;
	grown[w->rules.proxy_count++] = (struct endpoint){*ip, port};
	return 0;
}

/* All addresses of a proxy that is given by name: the daemon took one of them. */
static int look_up(struct uplink_watch *w, const struct conf_endpoint *proxy, struct err *e)
{
	struct addrinfo *list, hints = {.ai_socktype = SOCK_DGRAM};
	int rc = getaddrinfo(proxy->host, NULL, &hints, &list), left = ADDRESSES_MAX;

	if (rc != 0)
		return err_set(e, -EHOSTUNREACH, "cannot look up %s: %s", proxy->host,
			       gai_strerror(rc));
	for (const struct addrinfo *i = list; i && left > 0 && rc == 0; i = i->ai_next, left--) {
		struct endpoint found;

		if (endpoint_from_sockaddr(i->ai_addr, i->ai_addrlen, &found) == 0)
			rc = add_proxy(w, &found.ip, proxy->port);
	}
	freeaddrinfo(list);
	return rc ? err_set(e, rc, "out of memory") : 0;
}

static int gather_rules(struct uplink_watch *w, struct err *e)
{
	const struct conf *conf = w->conf;
	int rc = 0;

	w->rules.bypass = conf->bypass;
	w->rules.bypass_count = conf->bypass_count;
	w->names = calloc(conf->path_count, sizeof(*w->names));
	if (!w->names)
		return err_set(e, -ENOMEM, "out of memory");
	w->rules.names = w->names;
	for (size_t i = 0; i < conf->path_count && rc == 0; i++) {
		const struct conf_endpoint *proxy = &conf->paths[i].tunnel.wg->endpoint;

		if (proxy->ip.family != AF_UNSPEC) {
			rc = add_proxy(w, &proxy->ip, proxy->port);
			continue;
		}
		w->names[w->rules.name_count++] = proxy->host;
		rc = look_up(w, proxy, e);
	}
	return rc == -ENOMEM ? err_set(e, rc, "out of memory") : rc;
}

/* --- which interfaces --- */

static bool is_own(const struct conf *conf, const char *name)
{
	if (conf->mode == CONF_NESTED && strcmp(conf->inner.tunnel.interface, name) == 0)
		return true;
	for (size_t i = 0; i < conf->path_count; i++)
		if (strcmp(conf->paths[i].tunnel.interface, name) == 0)
			return true;
	return false;
}

static bool is_watched(const struct uplink_watch *w, const char *name)
{
	for (size_t i = 0; i < w->only_count; i++)
		if (strcmp(w->only[i], name) == 0)
			return true;
	return w->only_count == 0 && !is_own(w->conf, name);
}

static int add_only(struct uplink_watch *w, const char *name, struct err *e)
{
	void *grown;

	if (if_nametoindex(name) == 0)
		return err_set(e, -ENODEV, "--uplink: there is no interface \"%s\"", name);
	if (is_own(w->conf, name))
		return err_set(e, -EINVAL, "--uplink: %s is one of CoMPS' own interfaces", name);
	grown = reallocarray(w->only, w->only_count + 1, sizeof(*w->only));
	if (!grown)
		return err_set(e, -ENOMEM, "out of memory");
	w->only = grown;
	snprintf(w->only[w->only_count++], IFNAMSIZ, "%s", name);
	return 0;
}

static int parse_only(struct uplink_watch *w, const char *only, struct err *e)
{
	char *copy = strdup(only), *rest = copy, *name;
	int rc = copy ? 0 : err_set(e, -ENOMEM, "out of memory");

	while (rc == 0 && (name = strsep(&rest, ",")))
		rc = add_only(w, name, e);
	free(copy);
	return rc;
}

/* NULL without memory. */
static struct uplink_watch_interface *interface_of(struct uplink_watch *w, int index)
{
	struct uplink_watch_interface *grown;

	for (size_t i = 0; i < w->known_count; i++)
		if (w->known[i].index == index)
			return &w->known[i];
	grown = reallocarray(w->known, w->known_count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	w->known = grown;
	grown += w->known_count++;
	*grown = (struct uplink_watch_interface){.index = index};
	if (!if_indextoname((unsigned int)index, grown->name))
		snprintf(grown->name, IFNAMSIZ, "#%d", index);
	grown->watched = is_watched(w, grown->name);
	return grown;
}

/* --- the socket --- */

/* Outgoing packets of all but the loopback. */
static int attach_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_HATYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPHRD_LOOPBACK, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, PACKET_CAPTURE_BYTES),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

static int listen_to_all(struct uplink_watch *w)
{
	const struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	const int buffer = BUFFER_BYTES;
	int rc;

	/* Protocol 0 hears nothing until the filter is there. */
	w->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		return -errno;
	if (setsockopt(w->fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) != 0)
		setsockopt(w->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	rc = attach_filter(w->fd);
	if (rc < 0)
		return rc;
	return bind(w->fd, (const struct sockaddr *)&all, sizeof(all)) ? -errno : 0;
}

int uplink_watch_open(struct uplink_watch *w, const struct conf *conf, const char *only,
		      struct err *e)
{
	int rc;

	*w = (struct uplink_watch){.fd = -1, .conf = conf};
	rc = only ? parse_only(w, only, e) : 0;
	if (rc == 0)
		rc = gather_rules(w, e);
	if (rc < 0)
		return rc;
	rc = listen_to_all(w);
	return rc < 0 ? err_set(e, rc, "cannot listen on the uplink: %s", strerror(-rc)) : 0;
}

void uplink_watch_close(struct uplink_watch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	free(w->only);
	free(w->proxies);
	free(w->names);
	free(w->known);
	*w = (struct uplink_watch){.fd = -1};
}

/* --- packets --- */

static void remember(struct uplink_watch *w, const char *step, const char *interface,
		     enum packet_class class, const struct packet_target *target)
{
	struct uplink_leak *leak;

	if (w->first_count == UPLINK_WATCH_FIRST)
		return;
	leak = &w->first[w->first_count++];
	*leak = (struct uplink_leak){clock_wall_us(), step, "", class, *target};
	memcpy(leak->interface, interface, IFNAMSIZ);
}

static int take(struct uplink_watch *w, const char *step, const struct sockaddr_ll *from,
		const uint8_t *bytes, size_t count)
{
	struct uplink_watch_interface *interface = interface_of(w, from->sll_ifindex);
	const struct packet_view view = {from->sll_hatype == ARPHRD_ETHER,
					 ntohs(from->sll_protocol), bytes, count};
	struct packet_target target;
	enum packet_class class;

	if (!interface)
		return -ENOMEM;
	if (!interface->watched)
		return 0;
	interface->used = true;
	class = packet_class_of(&w->rules, &view, &target);
	w->count[class]++;
	if (packet_class_leaks(class))
		remember(w, step, interface->name, class, &target);
	return 0;
}

/* The kernel counts anew after each reading (packet(7), PACKET_STATISTICS). */
static void count_missed(struct uplink_watch *w)
{
	struct tpacket_stats stats;
	socklen_t length = sizeof(stats);

	if (getsockopt(w->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length) == 0)
		w->missed += stats.tp_drops;
}

int uplink_watch_read(struct uplink_watch *w, const char *step)
{
	uint8_t bytes[PACKET_CAPTURE_BYTES];
	int rc = 0;

	for (int i = 0; i < PACKETS_PER_READ_MAX && rc == 0; i++) {
		struct sockaddr_ll from;
		socklen_t length = sizeof(from);
		ssize_t count = recvfrom(w->fd, bytes, sizeof(bytes), MSG_DONTWAIT,
					 (struct sockaddr *)&from, &length);

		if (count < 0 && errno == EAGAIN)
			break;
		rc = count < 0 ? -errno : take(w, step, &from, bytes, (size_t)count);
	}
	count_missed(w);
	return rc == -EINTR ? 0 : rc;
}

uint64_t uplink_watch_leaked(const struct uplink_watch *w)
{
	uint64_t leaked = 0;

	for (int class = 0; class < PACKET_CLASSES; class ++)
		if (packet_class_leaks((enum packet_class) class))
			leaked += w->count[class];
	return leaked;
}

void uplink_watch_interfaces(const struct uplink_watch *w, char *out, size_t out_bytes)
{
	size_t used = 0;

	*out = '\0';
	for (size_t i = 0; i < w->known_count && used < out_bytes; i++)
		if (w->known[i].watched && w->known[i].used)
			used += (size_t)snprintf(out + used, out_bytes - used, "%s%s",
						 used ? "," : "", w->known[i].name);
}
