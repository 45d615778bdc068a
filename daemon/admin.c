#include "daemon/admin.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANCESTORS_MAX 64

/* The client's address of "CLIENT PORT SERVER PORT", from a NUL-separated environment. */
static bool find_client(FILE *environ, struct ip *client)
{
	char *entry = NULL;
	size_t size = 0;
	bool found = false;

	while (!found && getdelim(&entry, &size, '\0', environ) > 0) {
		char address[IP_TEXT_BYTES];

		found = sscanf(entry, "SSH_CONNECTION=%45[0-9a-fA-F.:]", address) == 1 &&
			!ip_parse(address, client);
	}
	free(entry);
	return found;
}

static bool session_of(const char *proc, pid_t pid, struct ip *client)
{
	char path[PATH_MAX];
	FILE *environ;
	bool found;

	snprintf(path, sizeof(path), "%s/%d/environ", proc, (int)pid);
	environ = fopen(path, "re");
	if (!environ)
		return false;
	found = find_client(environ, client);
	fclose(environ);
	return found;
}

/* 0 at the end of the line, and where it cannot be read. */
static pid_t parent_of(const char *proc, pid_t pid)
{
	char path[PATH_MAX];
	FILE *stat;
	int parent = 0;

	snprintf(path, sizeof(path), "%s/%d/stat", proc, (int)pid);
	stat = fopen(path, "re");
	if (!stat)
		return 0;
	/* The name in parentheses may hold anything but a NUL (proc(5)); ours and a shell's do not
	 * hold a parenthesis. */
	if (fscanf(stat, "%*d (%*[^)]) %*c %d", &parent) != 1)
		parent = 0;
	fclose(stat);
	return parent;
}

static bool is_loopback(const struct ip *ip)
{
	struct ip_prefix v4, v6;

	return !ip_prefix_parse("127.0.0.0/8", &v4) && !ip_prefix_parse("::1", &v6) &&
	       (ip_prefix_contains(&v4, ip) || ip_prefix_contains(&v6, ip));
}

static bool is_bypassed(const struct conf *conf, const struct ip *ip)
{
	size_t i;

	for (i = 0; i < conf->bypass_count; i++) {
		if (ip_prefix_contains(&conf->bypass[i], ip))
			return true;
	}
	return false;
}

int admin_check_session(const struct conf *conf, const char *proc, pid_t pid, struct err *err)
{
	char text[IP_TEXT_BYTES];
	struct ip client;
	int i;

	for (i = 0; pid > 0 && i < ANCESTORS_MAX; i++, pid = parent_of(proc, pid)) {
		if (!session_of(proc, pid, &client))
			continue;
		if (is_loopback(&client) || is_bypassed(conf, &client))
			return 0;
		return err_set(err, -EPERM,
			       "your ssh session from %s would be cut; add its network to bypass, "
			       "or start with --force",
			       ip_format(&client, text));
	}
	return 0;
}
