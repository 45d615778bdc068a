#include "provision/state_json.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const statuses[] = {"intent", "made", "active", "ready"}; /* state_status */

#define STATUS_COUNT (sizeof(statuses) / sizeof(statuses[0]))

static json_t *node_json(const struct state_node *n)
{
	return json_pack("{s:s, s:s, s:b, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s,"
			 " s:{s:s, s:i, s:s, s:s}}",
			 "name", n->name, "path", n->path, "proved", n->proved, "role",
			 provider_role_name(n->role), "index", (int)n->index, "status",
			 statuses[n->status], "run", n->run, "id", n->id, "action", n->action, "ip",
			 n->ip, "region", n->region, "size", n->size, "host_key", n->host_key,
			 "wg_public", n->wg_public, "ssh", "user", n->ssh.user, "port",
			 (int)n->ssh.port, "key", n->ssh.key, "proxy_jump", n->ssh.proxy_jump);
}

char *state_json_write(const struct state *state)
{
	json_t *nodes = json_array(), *root;
	char *text;

	for (size_t i = 0; i < state->node_count; i++)
		json_array_append_new(nodes, node_json(&state->nodes[i]));
	root = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:b, s:o}", "version", STATE_JSON_VERSION,
			 "network", state->network, "uuid", state->uuid, "provider",
			 state->provider, "api_url", state->api_url, "key_id", state->key_id,
			 "key_ours", state->key_ours, "nodes", nodes);
	/* An allocation that failed has left a node out. */
	text = root && json_array_size(nodes) == state->node_count
		       ? json_dumps(root, JSON_INDENT(2))
		       : NULL;
	json_decref(root);
	return text;
}

static int read_text(const json_t *object, const char *member, char *out, size_t out_bytes,
		     struct err *e)
{
	const char *text = json_string_value(json_object_get(object, member));

	if (!text || strlen(text) >= out_bytes)
		return err_set(e, -EINVAL, "\"%s\" is missing or too long", member);
	strcpy(out, text);
	return 0;
}

#define READ(object, base, member)                                                                 \
	(ret = ret ? ret : read_text(object, #member, (base)->member, sizeof((base)->member), e))

/* States of earlier versions have none. */
static int read_ssh(const json_t *object, struct config_ssh *ssh, struct err *e)
{
	int ret = 0;

	if (!object)
		return 0;
	ssh->port = (uint32_t)json_integer_value(json_object_get(object, "port"));
	READ(object, ssh, user);
	READ(object, ssh, key);
	READ(object, ssh, proxy_jump);
	return ret;
}

static int read_node(const json_t *object, struct state *state, struct err *e)
{
	const char *status = json_string_value(json_object_get(object, "status"));
	const char *role = json_string_value(json_object_get(object, "role"));
	const json_t *index = json_object_get(object, "index");
	char name[PROVIDER_NAME_BYTES];
	struct state_node *node;
	int ret = read_text(object, "name", name, sizeof(name), e);
	size_t which = 0;

	while (which < STATUS_COUNT && (!status || strcmp(status, statuses[which]) != 0))
		which++;
	if (ret)
		return ret;
	if (which == STATUS_COUNT || !role || !json_is_integer(index) || state_find(state, name))
		return err_set(e, -EINVAL, "the entry of node \"%s\" makes no sense", name);
	node = state_put(state, name);
	if (!node)
		return err_set(e, -ENOMEM, "out of memory");
	node->status = (enum state_status)which;
	node->proved = json_is_true(json_object_get(object, "proved"));
	node->role = strcmp(role, "comp") == 0 ? PROVIDER_COMP : PROVIDER_VPN;
	node->index = (unsigned int)json_integer_value(index);
	if (json_object_get(object, "path")) /* earlier versions had none */
		READ(object, node, path);
	READ(object, node, run);
	READ(object, node, id);
	READ(object, node, action);
	READ(object, node, ip);
	READ(object, node, region);
	READ(object, node, size);
	READ(object, node, host_key);
	READ(object, node, wg_public);
	return ret ? ret : read_ssh(json_object_get(object, "ssh"), &node->ssh, e);
}

static int read_root(const json_t *root, struct state *state, struct err *e)
{
	const json_t *version = json_object_get(root, "version"), *nodes, *item;
	int ret = 0;
	size_t i;

	if (!json_is_integer(version))
		return err_set(e, -EINVAL, "it has no version");
	if (json_integer_value(version) != STATE_JSON_VERSION)
		return err_set(e, -EINVAL,
			       "it is of version %lld; this program knows version %d: use the "
			       "program that wrote it",
			       (long long)json_integer_value(version), STATE_JSON_VERSION);
	READ(root, state, network);
	READ(root, state, uuid);
	READ(root, state, provider);
	READ(root, state, api_url);
	READ(root, state, key_id);
	state->key_ours = json_is_true(json_object_get(root, "key_ours"));
	nodes = json_object_get(root, "nodes");
	if (!ret && !json_is_array(nodes))
		ret = err_set(e, -EINVAL, "it has no list of nodes");
	json_array_foreach(nodes, i, item)
	{
		if (!ret)
			ret = read_node(item, state, e);
	}
	return ret;
}

int state_json_read(const char *text, size_t bytes, struct state *state, struct err *e)
{
	json_error_t error;
	json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
	int ret;

	if (!root)
		return err_set(e, -EINVAL, "line %d, column %d: %s", error.line, error.column,
			       error.text);
	ret = read_root(root, state, e);
	json_decref(root);
	return ret;
}
