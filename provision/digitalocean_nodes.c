/* Droplets. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provision/digitalocean.h"

/* --- reading ---------------------------------------------------------------------------------- */

static void copy(char *out, size_t out_bytes, const char *text, size_t length)
{
	if (length < out_bytes) {
		memcpy(out, text, length);
		out[length] = '\0';
	}
}

/* comps:net:NET, comps:net:NET:ROLE, comps:node:NET:NAME, comps:run:UUID. */
static void read_tag(struct provider_node *node, const char *tag)
{
	const char *first, *colon;

	if (strncmp(tag, "comps:run:", 10) == 0) {
		copy(node->run, sizeof(node->run), tag + 10, strlen(tag + 10));
	} else if (strncmp(tag, "comps:net:", 10) == 0) {
		first = tag + 10;
		colon = strchrnul(first, ':');
		copy(node->network, sizeof(node->network), first, (size_t)(colon - first));
		if (strcmp(colon, ":comp") == 0)
			node->role = PROVIDER_COMP;
	} else if (strncmp(tag, "comps:node:", 11) == 0) {
		colon = strchr(tag + 11, ':');
		if (colon)
			copy(node->name, sizeof(node->name), colon + 1, strlen(colon + 1));
	}
}

/* The public address; the order of the list is not fixed, and it comes some time after the droplet.
 */
static void read_address(struct provider_node *node, const json_t *droplet)
{
	const json_t *v4 = json_object_get(json_object_get(droplet, "networks"), "v4"), *item;
	struct ip ip;
	size_t i;

	json_array_foreach(v4, i, item)
	{
		if (strcmp(digitalocean_text(item, "type"), "public") == 0 &&
		    ip_parse(digitalocean_text(item, "ip_address"), &ip) == 0 &&
		    ip.family == AF_INET)
			ip_format(&ip, node->ip);
	}
}

static void read_status(struct provider_node *node, const json_t *droplet)
{
	const char *status = digitalocean_text(droplet, "status");

	node->locked = json_is_true(json_object_get(droplet, "locked"));
	node->status = strcmp(status, "active") == 0 ? PROVIDER_ACTIVE
		       : strcmp(status, "new") == 0  ? PROVIDER_MAKING
						     : PROVIDER_OFF;
}

static int read_droplet(const json_t *droplet, struct provider_node *node, struct err *e)
{
	const json_t *id = json_object_get(droplet, "id"), *tag;
	const json_t *size = json_object_get(droplet, "size");
	size_t i;

	*node = (struct provider_node){.role = PROVIDER_VPN};
	if (!json_is_integer(id))
		return err_set(e, -EHOSTUNREACH, "the answer has a droplet without an id");
	snprintf(node->id, sizeof(node->id), "%lld", (long long)json_integer_value(id));
	snprintf(node->title, sizeof(node->title), "%s", digitalocean_text(droplet, "name"));
	snprintf(node->size, sizeof(node->size), "%s", digitalocean_text(droplet, "size_slug"));
	snprintf(node->created, sizeof(node->created), "%s",
		 digitalocean_text(droplet, "created_at"));
	snprintf(node->region, sizeof(node->region), "%s",
		 digitalocean_text(json_object_get(droplet, "region"), "slug"));
	node->price_hourly = json_number_value(json_object_get(size, "price_hourly"));
	node->price_monthly = json_number_value(json_object_get(size, "price_monthly"));
	json_array_foreach(json_object_get(droplet, "tags"), i, tag)
	{
		if (json_is_string(tag))
			read_tag(node, json_string_value(tag));
	}
	read_address(node, droplet);
	read_status(node, droplet);
	return 0;
}

static int take_droplet(void *arg, const json_t *item, struct err *e)
{
	struct provider_nodes *nodes = arg;
	struct provider_node *grown = reallocarray(nodes->items, nodes->count + 1, sizeof(*grown));
	int ret;

	if (!grown)
		return err_set(e, -ENOMEM, "out of memory");
	nodes->items = grown;
	ret = read_droplet(item, &grown[nodes->count], e);
	/* A list that shifted between two pages may show one twice. */
	for (size_t i = 0; !ret && i < nodes->count; i++)
		if (strcmp(grown[i].id, grown[nodes->count].id) == 0)
			return 0;
	if (!ret)
		nodes->count++;
	return ret;
}

int digitalocean_nodes_list(void *provider, const char *network, struct provider_nodes *out,
			    struct err *e)
{
	char path[128];
	int ret;

	*out = (struct provider_nodes){.items = NULL};
	snprintf(path, sizeof(path), "/v2/droplets?tag_name=comps%s%s", network ? ":net:" : "",
		 network ? network : "");
	ret = api_list(provider, path, "droplets", take_droplet, out, e);
	if (ret)
		provider_nodes_fini(out);
	return ret;
}

/* --- making ----------------------------------------------------------------------------------- */

/* An id is a number where it is one, else a fingerprint. */
static json_t *key_json(const char *id)
{
	char *end;
	long long number = strtoll(id, &end, 10);

	return *id && !*end ? json_integer(number) : json_string(id);
}

static json_t *order_json(const struct provider_order *order)
{
	char role[DIGITALOCEAN_TAG_BYTES];
	json_t *json;

	digitalocean_tags_role(order->network, order->role, role);
	json = json_pack(
		"{s:o, s:s, s:s, s:s, s:[o], s:o, s:b, s:b, s:b, s:b}", "name",
		json_sprintf("comps-%s-%s", order->network, order->name), "region", order->region,
		"size", order->size, "image", order->image, "ssh_keys", key_json(order->key_id),
		"tags",
		json_pack("[s, o, s, o, o]", "comps", json_sprintf("comps:net:%s", order->network),
			  role, json_sprintf("comps:node:%s:%s", order->network, order->name),
			  json_sprintf("comps:run:%s", order->run)),
		"ipv6", order->ipv6, "monitoring", 0, "backups", 0, "with_droplet_agent", 0);
	if (json && order->user_data)
		json_object_set_new(json, "user_data", json_string(order->user_data));
	if (json && order->vpc)
		json_object_set_new(json, "vpc_uuid", json_string(order->vpc));
	return json;
}

static void read_action(const json_t *json, char action[PROVIDER_ID_BYTES])
{
	const json_t *actions = json_object_get(json_object_get(json, "links"), "actions"), *item;
	const json_t *id;
	size_t i;

	json_array_foreach(actions, i, item)
	{
		id = json_object_get(item, "id");
		if (strcmp(digitalocean_text(item, "rel"), "create") == 0 && json_is_integer(id))
			snprintf(action, PROVIDER_ID_BYTES, "%lld",
				 (long long)json_integer_value(id));
	}
}

int digitalocean_nodes_create(void *provider, const struct provider_order *order,
			      struct provider_node *out, struct err *e)
{
	json_t *body = order_json(order);
	struct api_call call = {.method = "POST",
				.path = "/v2/droplets",
				.body = body,
				.once = true,
				.node = order->name};
	struct api_answer answer;
	struct err why;
	int ret;

	if (!body)
		return err_set(e, -ENOMEM, "out of memory");
	ret = api_do(provider, &call, &answer, e);
	if (!ret) {
		ret = read_droplet(json_object_get(answer.json, "droplet"), out, &why);
		if (ret)
			ret = err_set(e, -EINPROGRESS, "POST %s: the answer has no droplet",
				      call.path);
		else
			read_action(answer.json, out->action);
	}
	api_answer_fini(&answer);
	json_decref(body);
	return ret;
}

int digitalocean_nodes_fate(void *provider, const char *action, enum provider_fate *out,
			    struct err *e)
{
	struct api_call call = {.method = "GET"};
	struct api_answer answer;
	const char *status;
	char path[128];
	int ret;

	snprintf(path, sizeof(path), "/v2/actions/%.64s", action);
	call.path = path;
	ret = api_do(provider, &call, &answer, e);
	status = digitalocean_text(json_object_get(answer.json, "action"), "status");
	*out = strcmp(status, "errored") == 0	  ? PROVIDER_FAILED
	       : strcmp(status, "completed") == 0 ? PROVIDER_DONE
						  : PROVIDER_UNDECIDED;
	api_answer_fini(&answer);
	return ret;
}

int digitalocean_nodes_delete(void *provider, const char *id, struct err *e)
{
	/* Many DELETEs of one droplet have got accounts flagged, so it is not tried again here. */
	struct api_call call = {.method = "DELETE", .once = true};
	struct api_answer answer;
	char path[128];
	int ret;

	snprintf(path, sizeof(path), "/v2/droplets/%.64s", id);
	call.path = path;
	ret = api_do(provider, &call, &answer, e);
	api_answer_fini(&answer);
	return ret == -ENOENT ? 0 : ret;
}
