#include "daemon/interfaces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct links {
	const struct link *items;
	size_t count;
};

void interfaces_alias(const struct conf *conf, const char *path, char out[LINK_ALIAS_BYTES])
{
	snprintf(out, LINK_ALIAS_BYTES, "comps %u%s%s", conf->network.protocol, path ? " " : "",
		 path ? path : "");
}

const char *interfaces_path(const struct conf *conf, const char *alias)
{
	char tag[LINK_ALIAS_BYTES];
	size_t length;

	interfaces_alias(conf, NULL, tag);
	length = strlen(tag);
	if (strncmp(alias, tag, length) != 0 || (alias[length] && alias[length] != ' '))
		return NULL;
	return alias[length] ? alias + length + 1 : "";
}

bool interfaces_has(const struct conf *conf, const char *interface)
{
	if (conf->mode == CONF_NESTED && strcmp(conf->inner.tunnel.interface, interface) == 0)
		return true;
	for (size_t i = 0; i < conf->path_count; i++)
		if (strcmp(conf->paths[i].tunnel.interface, interface) == 0)
			return true;
	return false;
}

static const char *made_for(const struct conf *conf, const struct links *links, const char *path)
{
	for (size_t i = 0; i < links->count; i++) {
		const char *of = interfaces_path(conf, links->items[i].alias);

		if (of && strcmp(of, path) == 0)
			return links->items[i].name;
	}
	return NULL;
}

static bool is_made_for_one(const struct conf *conf, const struct links *links, const char *name)
{
	for (size_t i = 0; i < links->count; i++)
		if (strcmp(links->items[i].name, name) == 0) {
			const char *of = interfaces_path(conf, links->items[i].alias);

			return of && *of;
		}
	return false;
}

static void take_own(struct conf *conf, const struct links *links)
{
	for (size_t i = 0; i < conf->path_count; i++) {
		struct conf_tunnel *tunnel = &conf->paths[i].tunnel;
		const char *own = made_for(conf, links, conf->paths[i].name);

		if (tunnel->placed && own && !interfaces_has(conf, own))
			strcpy(tunnel->interface, own);
	}
}

static void take_free(struct conf *conf, const struct links *links, size_t path)
{
	unsigned int number = (unsigned int)path + 1, next = 1;
	char name[IFNAMSIZ];

	do {
		snprintf(name, sizeof(name), "wgnet%u", number);
		number = next++;
	} while (interfaces_has(conf, name) || is_made_for_one(conf, links, name));
	strcpy(conf->paths[path].tunnel.interface, name);
}

void interfaces_assign(const struct link *links, size_t count, struct conf *conf)
{
	const struct links there = {links, count};

	for (size_t i = 0; i < conf->path_count; i++)
		if (conf->paths[i].tunnel.placed)
			conf->paths[i].tunnel.interface[0] = '\0';
	take_own(conf, &there);
	for (size_t i = 0; i < conf->path_count; i++)
		if (!conf->paths[i].tunnel.interface[0])
			take_free(conf, &there, i);
}

int interfaces_keep(struct nl *nl, struct conf *conf)
{
	struct link *links = NULL;
	size_t count = 0;
	int ret = link_dump(nl, &links, &count);

	if (!ret)
		interfaces_assign(links, count, conf);
	free(links);
	return ret;
}
