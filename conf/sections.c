#include "conf/sections.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/file.h"
#include "conf/keys.h"
#include "conf/policy_params.h"

#define CONF_WGQUICK_MAX_BYTES (1 << 20)

/* An array of `count` zeroed items; NULL for none, or when out of memory, which is noted. */
static void *new_array(struct conf_reader *r, size_t count, size_t item_bytes)
{
	void *array = count ? calloc(count, item_bytes) : NULL;

	if (count && !array)
		r->d->out_of_memory = true;
	return array;
}

VALUE_READER(section_inner)
{
	struct conf *conf = field;

	if (conf->mode == CONF_DIRECT) {
		schema_error(r, node,
			     "mode direct has no inner tunnel; remove it, or write mode: nested");
		return;
	}
	schema_read(r, key->section, node, &conf->inner);
}

VALUE_READER(section_paths)
{
	size_t count = node->kind == CONF_NODE_SEQUENCE ? node->count : 0;
	struct conf *conf = field;

	if (node->kind != CONF_NODE_SEQUENCE && !schema_is_empty(node)) {
		schema_error(r, node, "a list of paths is wanted here, each beginning with \"-\"");
		return;
	}
	if (count < 1 || count > CONF_PATHS_MAX) {
		schema_error(r, node, "%zu paths; 1 to %d are accepted", count, CONF_PATHS_MAX);
		return;
	}
	conf->paths = new_array(r, count, sizeof(*conf->paths));
	if (!conf->paths)
		return;
	conf->path_count = count;
	for (size_t i = 0; i < count; i++) {
		struct conf_path *path = &conf->paths[i];

		path->priority = (uint32_t)i + 1;
		schema_read(r, key->section, node->children[i], path);
		path->tunnel.placed = !*path->tunnel.interface;
		if (path->tunnel.placed)
			snprintf(path->tunnel.interface, sizeof(path->tunnel.interface), "wgnet%u",
				 (unsigned int)i + 1);
	}
}

/* A path in the comps.yaml starts at the folder of the comps.yaml. */
static char *beside(const char *yaml, const char *name)
{
	const char *slash = strrchr(yaml, '/');
	char *file;
	int rc;

	if (name[0] == '/' || !slash)
		return strdup(name);
	rc = asprintf(&file, "%.*s/%s", (int)(slash - yaml), yaml, name);
	return rc < 0 ? NULL : file;
}

VALUE_READER(section_plugins)
{
	struct conf *conf = field;
	const char *text;
	char *file;
	struct err e;

	for (size_t i = 0; i < schema_item_count(node); i++) {
		text = schema_text(r, key, schema_item(node, i));
		file = text ? beside(r->file, text) : NULL;
		if (text && !file)
			r->d->out_of_memory = true;
		if (file && plugins_load(&conf->plugins, file, &e))
			schema_error(r, schema_item(node, i), "%s", e.text);
		free(file);
	}
	r->policies = conf->plugins.policies;
}

static const struct policy_ops *choose_policy(struct conf_reader *r, const struct schema_key *key,
					      const struct conf_node *node)
{
	const struct schema_key *name_key = &key->section->keys[0];
	const struct conf_node *name = conf_node_get(node, name_key->name);
	const char *text = name ? schema_text(r, name_key, name) : name_key->preset;
	const struct policy_ops *ops = NULL;
	struct err e;

	if (!text)
		return NULL;
	ops = conf_policy_find(r->policies, text, &e);
	if (!ops)
		schema_error(r, name ? name : node, "%s", e.text);
	return ops;
}

static bool set_policy_param(struct conf_reader *r, const struct conf_node *param,
			     const struct shadows_policy *policy)
{
	struct schema_key wanted = {.name = param->key, .type = "a single value"};
	const char *text = schema_text(r, &wanted, param);
	struct err e;
	int rc;

	if (!text)
		return false;
	rc = conf_policy_param_set(policy->ops, policy->values, param->key, text, &e);
	if (rc == -ENOENT)
		diag_error(r->d, r->file, param->key_line, param->key_column, "policy: %s", e.text);
	else if (rc < 0)
		schema_error(r, param, "%s", e.text);
	return rc == 0;
}

/* A name and parameters beside it. Without a policy out->ops is NULL. */
static void read_policy(struct conf_reader *r, const struct schema_key *key,
			const struct conf_node *node, size_t path_count, struct shadows_policy *out)
{
	bool good = true;
	struct err e;
	int rc;

	*out = (struct shadows_policy){NULL, NULL};
	if (node->kind != CONF_NODE_MAPPING && !schema_is_empty(node)) {
		schema_error(r, node, "a group of keys is wanted here, such as name: hold");
		return;
	}
	out->ops = choose_policy(r, key, node);
	if (!out->ops)
		return;
	out->values = conf_policy_values_new(out->ops);
	if (!out->values) {
		r->d->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < node->count; i++)
		if (strcmp(node->children[i]->key, key->section->keys[0].name) != 0)
			good = set_policy_param(r, node->children[i], out) && good;
	rc = good ? conf_policy_values_check(out->ops, out->values, path_count, &e) : 0;
	if (rc == -ENOMEM)
		r->d->out_of_memory = true;
	else if (rc < 0)
		schema_error(r, node, "%s: %s", out->ops->name, e.text);
}

VALUE_READER(section_policy)
{
	struct conf *conf = field;
	struct shadows_policy policy;

	read_policy(r, key, node, conf->path_count, &policy);
	conf->policy = policy.ops;
	conf->policy_values = policy.values;
}

VALUE_READER(section_shadows)
{
	struct conf *conf = field;
	size_t count = schema_item_count(node);

	if (count > CONF_SHADOWS_MAX) {
		schema_error(r, node, "%zu shadows; at most %d are possible", count,
			     CONF_SHADOWS_MAX);
		return;
	}
	conf->shadows = new_array(r, count, sizeof(*conf->shadows));
	conf->shadow_count = conf->shadows ? count : 0;
	for (size_t i = 0; i < conf->shadow_count; i++)
		read_policy(r, key, schema_item(node, i), conf->path_count, &conf->shadows[i]);
}

static void load_wgquick(struct conf_reader *r, const struct conf_node *node, const char *file,
			 struct wgquick **wg)
{
	struct conf_file content;
	struct err e;

	if (conf_file_read(file, CONF_WGQUICK_MAX_BYTES, &content, &e) < 0) {
		schema_error(r, node, "%s %s", file, e.text);
		return;
	}
	if (conf_file_check_secret(file, &content, r->owner, &e) < 0)
		schema_error(r, node, "%s %s", file, e.text);
	diags_add_file(r->d, file);
	if (wgquick_parse(file, content.text, content.bytes, r->d, wg) == -ENOMEM)
		r->d->out_of_memory = true;
	conf_file_fini(&content);
}

VALUE_READER(section_config)
{
	const char *text = schema_text(r, key, node);
	char *file = text ? beside(r->file, text) : NULL;

	if (text && !file)
		r->d->out_of_memory = true;
	if (file)
		load_wgquick(r, node, file, field);
	free(file);
}

VALUE_READER(section_proxy)
{
	struct conf_path *path = field;

	for (size_t i = 0; i < schema_item_count(node); i++) {
		const struct conf_node *item = schema_item(node, i);
		struct ip ip = {.family = AF_UNSPEC}, *to;

		value_ip(r, key, item, &ip);
		if (ip.family == AF_UNSPEC)
			continue;
		to = ip.family == AF_INET ? &path->proxy4 : &path->proxy6;
		if (to->family != AF_UNSPEC)
			schema_error(
				r, item,
				"a second address of the same family; one of each is accepted");
		else
			*to = ip;
	}
}

VALUE_READER(section_uplink)
{
	bool automatic = node->kind == CONF_NODE_SCALAR && strcmp(node->text, "auto") == 0;
	size_t count = automatic ? 0 : schema_item_count(node);
	struct conf_network *network = field;

	network->uplinks = new_array(r, count, sizeof(*network->uplinks));
	network->uplink_count = network->uplinks ? count : 0;
	for (size_t i = 0; i < network->uplink_count; i++)
		value_interface(r, key, schema_item(node, i), network->uplinks[i]);
}

VALUE_READER(section_bypass)
{
	struct conf *conf = field;
	struct ip_prefix prefix;
	const char *text;

	conf->bypass = new_array(r, schema_item_count(node), sizeof(*conf->bypass));
	for (size_t i = 0; conf->bypass && i < schema_item_count(node); i++) {
		text = schema_text(r, key, schema_item(node, i));
		if (!text)
			continue;
		if (ip_prefix_parse(text, &prefix) < 0)
			schema_error(r, schema_item(node, i),
				     "\"%.64s\" is not a prefix such as 192.168.0.0/16 or fd00::/8",
				     text);
		else
			conf->bypass[conf->bypass_count++] = ip_prefix_masked(&prefix);
	}
}

VALUE_READER(section_userspace)
{
	size_t count = schema_item_count(node);
	struct conf *conf = field;
	const char *text;
	size_t used = 0;

	if (count == 0)
		schema_error(r, node, "no value; %s is wanted", key->type);
	conf->userspace = new_array(r, count + 1, sizeof(*conf->userspace));
	for (size_t i = 0; conf->userspace && i < count; i++) {
		text = schema_text(r, key, schema_item(node, i));
		if (text && (conf->userspace[used] = strdup(text)))
			used++;
		else if (text)
			r->d->out_of_memory = true;
	}
}

VALUE_READER(section_group)
{
	const char *text = schema_text(r, key, node);
	struct conf *conf = field;
	struct group *group;

	if (!text)
		return;
	group = getgrnam(text);
	if (!group) {
		schema_error(r, node, "there is no group \"%.40s\" on this machine", text);
		return;
	}
	conf->has_control_group = true;
	conf->control_group = group->gr_gid;
}
