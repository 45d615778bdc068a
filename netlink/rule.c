#include "netlink/rule.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/batch.h"
#include "netlink/nl.h"

static void put_rule(struct nlmsghdr *message, const struct rule *rule)
{
	struct fib_rule_hdr *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	struct fib_rule_port_range ports = {rule->port_first, rule->port_last};

	header->family = (uint8_t)rule->family;
	header->action = rule->unreachable ? FR_ACT_UNREACHABLE : FR_ACT_TO_TBL;
	header->flags = rule->invert ? FIB_RULE_INVERT : 0;
	header->dst_len = (uint8_t)rule->to.len;
	mnl_attr_put_u32(message, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u8(message, FRA_PROTOCOL, rule->protocol);
	if (!rule->unreachable)
		mnl_attr_put_u32(message, FRA_TABLE, rule->table);
	if (rule->mark) {
		mnl_attr_put_u32(message, FRA_FWMARK, rule->mark);
		mnl_attr_put_u32(message, FRA_FWMASK, UINT32_MAX);
	}
	if (rule->oifname[0])
		mnl_attr_put_strz(message, FRA_OIFNAME, rule->oifname);
	if (rule->to.len)
		mnl_attr_put(message, FRA_DST, ip_bytes(rule->to.ip.family), rule->to.ip.bytes);
	if (rule->port_first)
		mnl_attr_put(message, FRA_DPORT_RANGE, sizeof(ports), &ports);
	if (rule->no_default)
		mnl_attr_put_u32(message, FRA_SUPPRESS_PREFIXLEN, 0);
}

int rule_build(struct batch *batch, bool add, const struct rule *rule)
{
	struct nlmsghdr *message;

	message = batch_begin(batch, add ? RTM_NEWRULE : RTM_DELRULE,
			      add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	if (!message)
		return -ENOBUFS;
	put_rule(message, rule);
	batch_end(batch, message);
	return 0;
}

/* Whether the kernel has the same rule. Returns 0, -ENOENT, or -errno. */
static int find(struct nl *nl, const struct rule *rule)
{
	struct rule *rules;
	size_t count, i;
	int ret;

	ret = rule_dump(nl, &rules, &count);
	if (ret)
		return ret;
	ret = -ENOENT;
	for (i = 0; i < count && ret; i++)
		ret = rule_equal(&rules[i], rule) ? 0 : -ENOENT;
	free(rules);
	return ret;
}

int rule_add(struct nl *nl, const struct rule *rule, struct err *err)
{
	struct batch batch;
	char text[160];
	int ret;

	batch_init(&batch);
	rule_build(&batch, true, rule);
	ret = batch_send(&batch, nl);
	/* To the kernel a rule with further selectors of the same priority "exists" as well. */
	if (ret == -EEXIST && !find(nl, rule))
		return 0;
	if (!ret)
		return 0;
	return err_set(err, ret, "%s: %s", rule_format(rule, text, sizeof(text)),
		       ret == -EEXIST		  ? "a rule like it is there already"
		       : batch.results[0].text[0] ? batch.results[0].text
						  : strerror(-ret));
}

int rule_delete(struct nl *nl, const struct rule *rule)
{
	struct batch batch;
	int ret;

	batch_init(&batch);
	rule_build(&batch, false, rule);
	ret = batch_send(&batch, nl);
	return ret == -ENOENT ? 0 : ret;
}

static void read_to(const struct nlattr *attr, struct rule *rule)
{
	if (mnl_attr_get_payload_len(attr) != ip_bytes(rule->family))
		return;
	rule->to.ip.family = rule->family;
	memcpy(rule->to.ip.bytes, mnl_attr_get_payload(attr), ip_bytes(rule->family));
}

static void read_ports(const struct nlattr *attr, struct rule *rule)
{
	const struct fib_rule_port_range *ports = mnl_attr_get_payload(attr);

	if (mnl_attr_get_payload_len(attr) != sizeof(*ports))
		return;
	rule->port_first = ports->start;
	rule->port_last = ports->end;
}

static void read_attr(const struct nlattr *attr, struct rule *rule)
{
	switch (mnl_attr_get_type(attr)) {
	case FRA_PRIORITY:
		rule->priority = nl_attr_u32(attr);
		break;
	case FRA_PROTOCOL:
		rule->protocol = nl_attr_u8(attr);
		break;
	case FRA_TABLE:
		rule->table = nl_attr_u32(attr);
		break;
	case FRA_FWMARK:
		rule->mark = nl_attr_u32(attr);
		break;
	case FRA_SUPPRESS_PREFIXLEN:
		rule->no_default = nl_attr_u32(attr) == 0;
		if (rule->no_default)
			break;
		/* fall through */
	case FRA_FWMASK: /* all ones is the plain case of these three */
	case FRA_SUPPRESS_IFGROUP:
		rule->foreign_parts |= nl_attr_u32(attr) != UINT32_MAX;
		break;
	case FRA_OIFNAME:
		nl_attr_text(attr, rule->oifname, sizeof(rule->oifname));
		break;
	case FRA_DST:
		read_to(attr, rule);
		break;
	case FRA_DPORT_RANGE:
		read_ports(attr, rule);
		break;
	case FRA_PAD:
		break;
	default:
		rule->foreign_parts = true;
	}
}

/* An nl_decode_fn without a filter. */
static int decode(const struct nlmsghdr *message, const void *filter, void *item)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;
	struct rule *rule = item;

	(void)filter;
	if (message->nlmsg_type != RTM_NEWRULE ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*header) || !ip_bytes(header->family))
		return 0;
	*rule = (struct rule){
		.family = header->family,
		.unreachable = header->action == FR_ACT_UNREACHABLE,
		.table = header->table,
		.invert = header->flags & FIB_RULE_INVERT,
		.to = {.len = header->dst_len},
		.foreign_parts =
			header->src_len || header->tos ||
			(header->action != FR_ACT_UNREACHABLE && header->action != FR_ACT_TO_TBL),
	};
	mnl_attr_for_each(attr, message, sizeof(*header)) read_attr(attr, rule);
	if (rule->unreachable)
		rule->table = 0;
	return 1;
}

int rule_dump(struct nl *nl, struct rule **rules, size_t *count)
{
	char bytes[64] __attribute__((aligned(4)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(bytes);
	void *items;
	int ret;

	request->nlmsg_type = RTM_GETRULE;
	mnl_nlmsg_put_extra_header(request, sizeof(struct fib_rule_hdr)); /* every family */
	ret = nl_dump(nl, request, decode, NULL, sizeof(**rules), &items, count);
	*rules = items;
	return ret;
}

int rule_remove_all(struct nl *nl, uint8_t protocol)
{
	struct rule *rules;
	size_t count, i;
	int error, ret;

	ret = rule_dump(nl, &rules, &count);
	for (i = 0; i < count; i++) {
		if (rules[i].protocol != protocol)
			continue;
		error = rule_delete(nl, &rules[i]);
		if (!ret)
			ret = error;
	}
	free(rules);
	return ret;
}

bool rule_equal(const struct rule *a, const struct rule *b)
{
	return !a->foreign_parts && !b->foreign_parts && a->family == b->family &&
	       a->priority == b->priority && a->protocol == b->protocol &&
	       a->unreachable == b->unreachable && a->table == b->table && a->mark == b->mark &&
	       a->invert == b->invert && !strcmp(a->oifname, b->oifname) &&
	       ip_prefix_equal(&a->to, &b->to) && a->port_first == b->port_first &&
	       a->port_last == b->port_last && a->no_default == b->no_default;
}

const char *rule_format(const struct rule *rule, char *text, size_t text_bytes)
{
	char to[IP_PREFIX_TEXT_BYTES], to_part[IP_PREFIX_TEXT_BYTES + 4] = "";
	char mark[24] = "", oif[IFNAMSIZ + 8] = "", ports[24] = "", action[24] = "unreachable";

	if (rule->mark)
		snprintf(mark, sizeof(mark), "fwmark %u ", rule->mark);
	if (rule->oifname[0])
		snprintf(oif, sizeof(oif), "oif %s ", rule->oifname);
	if (rule->to.len)
		snprintf(to_part, sizeof(to_part), "to %s ", ip_prefix_format(&rule->to, to));
	if (rule->port_first)
		snprintf(ports, sizeof(ports), "dport %u-%u ", rule->port_first, rule->port_last);
	if (!rule->unreachable)
		snprintf(action, sizeof(action), "lookup %u", rule->table);
	snprintf(text, text_bytes, "IPv%d rule %u: %s%s%s%s%s%s%s", rule->family == AF_INET ? 4 : 6,
		 rule->priority, rule->invert ? "not " : "", mark, oif, to_part, ports, action,
		 rule->no_default ? " suppress_prefixlength 0" : "");
	return text;
}
