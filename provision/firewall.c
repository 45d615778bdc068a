#include "provision/firewall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORT_MAX 65535

void firewall_fini(struct firewall *firewall)
{
	for (size_t i = 0; i < firewall->rule_count; i++)
		free(firewall->rules[i].sources);
	free(firewall->rules);
	firewall->rules = NULL;
	firewall->rule_count = 0;
}

int firewall_add_rule(struct firewall *firewall, enum firewall_protocol protocol,
		      unsigned int port_first, unsigned int port_last)
{
	struct firewall_rule *grown =
		reallocarray(firewall->rules, firewall->rule_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	firewall->rules = grown;
	grown[firewall->rule_count++] = (struct firewall_rule){
		.protocol = protocol, .port_first = port_first, .port_last = port_last};
	return 0;
}

static bool has_source(const struct firewall_rule *rule, const struct ip_prefix *source)
{
	for (size_t i = 0; i < rule->source_count; i++)
		if (ip_prefix_equal(&rule->sources[i], source))
			return true;
	return false;
}

int firewall_add_source(struct firewall *firewall, const struct ip_prefix *source)
{
	struct firewall_rule *rule = &firewall->rules[firewall->rule_count - 1];
	struct ip_prefix masked = ip_prefix_masked(source), *grown;

	if (has_source(rule, &masked))
		return 0;
	grown = reallocarray(rule->sources, rule->source_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	rule->sources = grown;
	grown[rule->source_count++] = masked;
	return 0;
}

static bool read_port(const char **text, unsigned int *port)
{
	char *end;
	unsigned long number;

	if (**text < '0' || **text > '9')
		return false;
	number = strtoul(*text, &end, 10);
	*text = end;
	*port = (unsigned int)number;
	return number <= PORT_MAX;
}

int firewall_parse_ports(const char *text, unsigned int *first, unsigned int *last)
{
	*first = 0;
	*last = PORT_MAX;
	if (!text || !*text || strcmp(text, "all") == 0 || strcmp(text, "0") == 0)
		return 0;
	if (!read_port(&text, first))
		return -EINVAL;
	*last = *first;
	if (*text == '-' && (text++, !read_port(&text, last)))
		return -EINVAL;
	if (*text || *last < *first)
		return -EINVAL;
	if (*first <= 1 && *last == PORT_MAX)
		*first = 0;
	return 0;
}

static bool same_rule(const struct firewall_rule *a, const struct firewall_rule *b)
{
	if (a->protocol != b->protocol || a->source_count != b->source_count)
		return false;
	if (a->protocol != FIREWALL_ICMP &&
	    (a->port_first != b->port_first || a->port_last != b->port_last))
		return false;
	for (size_t i = 0; i < a->source_count; i++)
		if (!has_source(b, &a->sources[i]))
			return false;
	return true;
}

static bool has_rule(const struct firewall *firewall, const struct firewall_rule *rule)
{
	for (size_t i = 0; i < firewall->rule_count; i++)
		if (same_rule(&firewall->rules[i], rule))
			return true;
	return false;
}

bool firewall_same(const struct firewall *a, const struct firewall *b)
{
	if (a->rule_count != b->rule_count || !a->open_out || !b->open_out)
		return false;
	for (size_t i = 0; i < a->rule_count; i++)
		if (!has_rule(b, &a->rules[i]) || !has_rule(a, &b->rules[i]))
			return false;
	return true;
}
