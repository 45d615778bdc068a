/* Firewalls, each bound to the tag of one role of one network. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "provision/digitalocean.h"

static const char *const protocols[] = {"tcp", "udp", "icmp"}; /* enum firewall_protocol */

static void name_of(const char *network, enum provider_role role, char *out, size_t out_bytes)
{
	snprintf(out, out_bytes, "comps-%s-%s", network, provider_role_name(role));
}

/* --- reading ---------------------------------------------------------------------------------- */

static int read_sources(const json_t *item, struct firewall *out)
{
	const json_t *addresses = json_object_get(json_object_get(item, "sources"), "addresses");
	const json_t *address;
	struct ip_prefix prefix;
	int ret = 0;
	size_t i;

	json_array_foreach(addresses, i, address)
	{
		if (!ret && json_is_string(address) &&
		    ip_prefix_parse(json_string_value(address), &prefix) == 0)
			ret = firewall_add_source(out, &prefix);
	}
	return ret;
}

static int read_rule(const json_t *item, struct firewall *out)
{
	const char *protocol = digitalocean_text(item, "protocol");
	unsigned int first = 0, last = 65535;
	int ret;

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (strcmp(protocol, protocols[i]) != 0)
			continue;
		if (firewall_parse_ports(digitalocean_text(item, "ports"), &first, &last))
			first = last = 0; /* differs from any of ours, so it is replaced */
		ret = firewall_add_rule(out, (enum firewall_protocol)i, first, last);
		return ret ? ret : read_sources(item, out);
	}
	return firewall_add_rule(out, FIREWALL_TCP, 0, 0);
}

/* All three protocols, all ports, to both families. */
static bool lets_out(const json_t *outbound)
{
	unsigned int seen = 0, first, last;
	const json_t *item, *address;
	size_t i, j;

	json_array_foreach(outbound, i, item)
	{
		const json_t *to =
			json_object_get(json_object_get(item, "destinations"), "addresses");
		unsigned int families = 0;

		json_array_foreach(to, j, address)
		{
			const char *text = json_string_value(address);

			if (text && strcmp(text, "0.0.0.0/0") == 0)
				families |= 1;
			else if (text && strcmp(text, "::/0") == 0)
				families |= 2;
		}
		if (families != 3 ||
		    firewall_parse_ports(digitalocean_text(item, "ports"), &first, &last) ||
		    first != 0 || last != 65535)
			continue;
		for (unsigned int p = 0; p < 3; p++)
			if (strcmp(digitalocean_text(item, "protocol"), protocols[p]) == 0)
				seen |= 1u << p;
	}
	return seen == 7;
}

struct search {
	const char *network;
	enum provider_role role;
	struct firewall *out;
	bool found, foreign;
};

static bool has_tag(const json_t *firewall, const char *tag)
{
	const json_t *item;
	bool found = false;
	size_t i;

	json_array_foreach(json_object_get(firewall, "tags"), i, item)
	{
		if (json_is_string(item) && strcmp(json_string_value(item), tag) == 0)
			found = true;
	}
	return found;
}

static int look_at(void *arg, const json_t *item, struct err *e)
{
	struct search *search = arg;
	struct firewall *out = search->out;
	char name[128], tag[DIGITALOCEAN_TAG_BYTES];
	const json_t *rule;
	int ret = 0;
	size_t i;

	name_of(search->network, search->role, name, sizeof(name));
	if (search->found || strcmp(digitalocean_text(item, "name"), name) != 0)
		return 0;
	digitalocean_tags_role(search->network, search->role, tag);
	search->foreign = !has_tag(item, tag);
	search->found = true;
	snprintf(out->name, sizeof(out->name), "%s", name);
	snprintf(out->id, sizeof(out->id), "%s", digitalocean_text(item, "id"));
	out->failed = strcmp(digitalocean_text(item, "status"), "failed") == 0;
	out->pending = strcmp(digitalocean_text(item, "status"), "waiting") == 0 ||
		       json_array_size(json_object_get(item, "pending_changes")) > 0;
	out->open_out = lets_out(json_object_get(item, "outbound_rules"));
	json_array_foreach(json_object_get(item, "inbound_rules"), i, rule)
	{
		if (!ret)
			ret = read_rule(rule, out);
	}
	return ret ? err_set(e, ret, "out of memory") : 0;
}

int digitalocean_firewalls_get(void *provider, const char *network, enum provider_role role,
			       struct firewall *out, struct err *e)
{
	struct search search = {.network = network, .role = role, .out = out};
	int ret;

	*out = (struct firewall){.rules = NULL};
	ret = api_list(provider, "/v2/firewalls", "firewalls", look_at, &search, e);
	if (!ret && !search.found)
		ret = err_set(e, -ENOENT, "no such firewall");
	else if (!ret && search.foreign)
		ret = err_set(e, -EEXIST,
			      "the firewall %s (%s) is not of this network: it lacks its tag; "
			      "rename or delete it",
			      out->name, out->id);
	if (ret)
		firewall_fini(out);
	return ret;
}

/* --- writing ---------------------------------------------------------------------------------- */

static json_t *rule_json(const struct firewall_rule *rule)
{
	json_t *addresses = json_array(), *json;
	char text[IP_PREFIX_TEXT_BYTES];

	for (size_t i = 0; i < rule->source_count; i++)
		json_array_append_new(addresses,
				      json_string(ip_prefix_format(&rule->sources[i], text)));
	json = json_pack("{s:s, s:{s:o}}", "protocol", protocols[rule->protocol], "sources",
			 "addresses", addresses);
	if (rule->protocol == FIREWALL_ICMP)
		return json;
	if (rule->port_first == 0 && rule->port_last == 65535)
		json_object_set_new(json, "ports", json_string("0"));
	else if (rule->port_first == rule->port_last)
		json_object_set_new(json, "ports", json_sprintf("%u", rule->port_first));
	else
		json_object_set_new(json, "ports",
				    json_sprintf("%u-%u", rule->port_first, rule->port_last));
	return json;
}

/* Without outbound rules a droplet could reach nothing. */
static json_t *outbound_json(void)
{
	json_t *list = json_array(), *rule;

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		rule = json_pack("{s:s, s:{s:[s, s]}}", "protocol", protocols[i], "destinations",
				 "addresses", "0.0.0.0/0", "::/0");
		if (i != FIREWALL_ICMP)
			json_object_set_new(rule, "ports", json_string("0"));
		json_array_append_new(list, rule);
	}
	return list;
}

int digitalocean_firewalls_put(void *provider, const char *network, enum provider_role role,
			       const char *id, const struct firewall *rules, struct err *e)
{
	char name[128], tag[DIGITALOCEAN_TAG_BYTES], path[128];
	struct api_call call = {.method = id ? "PUT" : "POST", .path = path};
	struct api_answer answer;
	json_t *inbound = json_array(), *body;
	int ret;

	name_of(network, role, name, sizeof(name));
	digitalocean_tags_role(network, role, tag);
	snprintf(path, sizeof(path), "/v2/firewalls%s%.64s", id ? "/" : "", id ? id : "");
	for (size_t i = 0; i < rules->rule_count; i++)
		if (rules->rules[i].source_count) /* none at all is refused */
			json_array_append_new(inbound, rule_json(&rules->rules[i]));
	body = json_pack("{s:s, s:o, s:o, s:[s]}", "name", name, "inbound_rules", inbound,
			 "outbound_rules", outbound_json(), "tags", tag);
	call.body = body;
	ret = api_do(provider, &call, &answer, e);
	api_answer_fini(&answer);
	json_decref(body);
	return ret;
}

int digitalocean_firewalls_delete(void *provider, const char *id, struct err *e)
{
	return digitalocean_delete(provider, "firewalls", id, e);
}
