#include "daemon/uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netlink/link.h"
#include "netlink/sysctl.h"

static void key_of(const char *interface, char *key, size_t key_bytes)
{
	snprintf(key, key_bytes, "net/ipv4/conf/%s/rp_filter", interface);
}

static void file_of(const struct conf *conf, char *file, size_t file_bytes)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", conf->control_socket);
	snprintf(file, file_bytes, "%s/sysctl.saved", dirname(copy));
}

static int filter_of(const char *interface)
{
	char key[SYSCTL_KEY_BYTES], value[SYSCTL_VALUE_BYTES];

	key_of(interface, key, sizeof(key));
	return sysctl_read(SYSCTL_ROOT, key, value, sizeof(value)) ? 0 : atoi(value);
}

static void remember(const struct conf *conf, const struct sysctl_change *change)
{
	char file[PATH_MAX];
	FILE *stream;
	int fd;

	file_of(conf, file, sizeof(file));
	fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	stream = fdopen(fd, "a");
	if (!stream) {
		close(fd);
		return;
	}
	fprintf(stream, "%s %s %s\n", change->key, change->old, change->new);
	fclose(stream);
}

static void loosen(const struct conf *conf, const char *interface, const struct log *log)
{
	char key[SYSCTL_KEY_BYTES];
	struct sysctl_change change;
	int ret;

	key_of(interface, key, sizeof(key));
	ret = sysctl_ensure(SYSCTL_ROOT, key, "2", &change);
	if (ret)
		log_error(log,
			  "uplink %s: %s is strict and cannot be set to 2: %s; no packet will come "
			  "back through the tunnels until it is",
			  interface, key, strerror(-ret));
	else if (change.written) {
		remember(conf, &change);
		log_info(log, "uplink %s: rp_filter was strict, set it to loose", interface);
	}
}

/* Of the interfaces that the configuration names: those that others made are treated like uplinks,
 * because what is changed on them must be put back. */
static const struct conf_tunnel *find_tunnel(const struct conf *conf, const char *interface)
{
	size_t i;

	if (conf->mode == CONF_NESTED && !strcmp(conf->inner.tunnel.interface, interface))
		return &conf->inner.tunnel;
	for (i = 0; i < conf->path_count; i++) {
		if (!strcmp(conf->paths[i].tunnel.interface, interface))
			return &conf->paths[i].tunnel;
	}
	return NULL;
}

static bool is_uplink(const struct conf *conf, const char *interface)
{
	const struct conf_tunnel *tunnel = find_tunnel(conf, interface);
	size_t i;

	if (tunnel)
		return !tunnel->manage;

	for (i = 0; i < conf->network.uplink_count; i++) {
		if (!strcmp(conf->network.uplinks[i], interface))
			return true;
	}
	return !conf->network.uplink_count && strcmp(interface, "lo") != 0;
}

void uplink_loosen(const struct conf *conf, struct nl *nl, const struct log *log)
{
	int all = filter_of("all");
	struct link *links = NULL;
	size_t i, count = 0;

	if (link_dump(nl, &links, &count))
		return;
	for (i = 0; i < count; i++) {
		int own = filter_of(links[i].name);

		/* The kernel takes the larger of the two (ip-sysctl.rst). */
		if (is_uplink(conf, links[i].name) && (own > all ? own : all) == 1)
			loosen(conf, links[i].name, log);
	}
	free(links);
}

/* The file may have been written by a user who has less rights than the one who reads it. */
static bool is_filter_key(const char *key)
{
	int end = 0;

	sscanf(key, "net/ipv4/conf/%*15[^/]/rp_filter%n", &end);
	return end && !key[end];
}

void uplink_restore(const struct conf *conf, const struct log *log)
{
	char file[PATH_MAX], key[SYSCTL_KEY_BYTES];
	char old[SYSCTL_VALUE_BYTES], new[SYSCTL_VALUE_BYTES], now[SYSCTL_VALUE_BYTES];
	struct sysctl_change change;
	FILE *stream;

	file_of(conf, file, sizeof(file));
	stream = fopen(file, "re");
	if (!stream)
		return;
	while (fscanf(stream, "%95s %31s %31s", key, old, new) == 3) {
		if (!is_filter_key(key) || sysctl_read(SYSCTL_ROOT, key, now, sizeof(now)) ||
		    strcmp(now, new) != 0)
			continue;
		if (sysctl_ensure(SYSCTL_ROOT, key, old, &change))
			log_warn(log, "cannot set %s back to %s", key, old);
	}
	fclose(stream);
	unlink(file);
}
