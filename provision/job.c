#include "provision/job.h"

#include <errno.h>
#include <string.h>

#define SETTLE_US 120000000

int job_pause(const struct job *job, struct err *e)
{
	int64_t us = (int64_t)((double)job->poll_us * (0.9 + rng_unit(job->env->rng, 1) / 5));

	return job->env->pause(job->env->arg, us) ? err_set(e, -EINTR, "interrupted") : 0;
}

bool job_has_hosts(const struct job *job)
{
	return !job->ops->node_create;
}

const struct config_node *job_want(const struct job *job, const char *node)
{
	for (size_t i = 0; i < job->config->node_count; i++)
		if (strcmp(job->config->nodes[i].name, node) == 0)
			return &job->config->nodes[i];
	return NULL;
}

int job_bundle(const struct job *job, struct err *e)
{
	return job->bundle ? job->bundle(job->bundle_arg, e) : 0;
}

int job_list(const struct job *job, struct provider_nodes *out, struct err *e)
{
	return job->ops->node_list(job->provider, job->config->network, out, e);
}

/* --- firewalls -------------------------------------------------------------------------------- */

static int add_any(struct firewall *out)
{
	static const char *const any[] = {"0.0.0.0/0", "::/0"};
	struct ip_prefix prefix;
	int ret = 0;

	for (size_t i = 0; !ret && i < 2; i++) {
		ip_prefix_parse(any[i], &prefix);
		ret = firewall_add_source(out, &prefix);
	}
	return ret;
}

/* The addresses of all servers of that role, as far as they are known. */
static int add_nodes(const struct state *state, enum provider_role role, struct firewall *out)
{
	struct ip_prefix prefix;
	int ret = 0;

	for (size_t i = 0; !ret && i < state->node_count; i++)
		if (state->nodes[i].role == role && *state->nodes[i].ip &&
		    ip_prefix_parse(state->nodes[i].ip, &prefix) == 0)
			ret = firewall_add_source(out, &prefix);
	return ret;
}

static int add_wireguard(const struct job *job, enum provider_role role, struct firewall *out)
{
	int ret = firewall_add_rule(out, FIREWALL_UDP, job->config->port, job->config->port);

	if (ret)
		return ret;
	if (role == PROVIDER_COMP && job->config->accept_from == CONFIG_ACCEPT_PROXIES)
		return add_nodes(job->state, PROVIDER_VPN, out);
	return add_any(out);
}

/* ssh from a machine whose tunnel is up arrives from the exit. */
static int add_ssh(const struct job *job, enum provider_role role, struct firewall *out)
{
	const struct provision_config *config = job->config;
	int ret = firewall_add_rule(out, FIREWALL_TCP, config->ssh.port, config->ssh.port);

	for (size_t i = 0; !ret && i < config->admin_count; i++)
		ret = firewall_add_source(out, &config->admins[i]);
	if (!ret && role == PROVIDER_VPN)
		ret = add_nodes(job->state, PROVIDER_COMP, out);
	return ret;
}

int job_rules(const struct job *job, enum provider_role role, struct firewall *out, struct err *e)
{
	int ret;

	*out = (struct firewall){.open_out = true};
	ret = add_wireguard(job, role, out);
	if (!ret)
		ret = add_ssh(job, role, out);
	if (!ret)
		ret = firewall_add_rule(out, FIREWALL_ICMP, 0, 65535);
	if (!ret)
		ret = add_any(out);
	/* A rule without a source allows nobody, and is refused. */
	for (size_t i = 0; i < out->rule_count;) {
		if (out->rules[i].source_count)
			i++;
		else
			out->rules[i] = out->rules[--out->rule_count];
	}
	if (ret) {
		firewall_fini(out);
		err_set(e, ret, "out of memory");
	}
	return ret;
}

/* Where a call whose answer was lost has made it, the second is refused, and the first found. */
static int put(const struct job *job, enum provider_role role, const struct firewall *rules,
	       struct err *e)
{
	const char *network = job->config->network;
	struct firewall found;
	struct err why;
	int ret = job->ops->firewall_put(job->provider, network, role, NULL, rules, e);

	if (ret != -EEXIST)
		return ret;
	ret = job->ops->firewall_get(job->provider, network, role, &found, &why);
	if (ret)
		return ret == -ENOENT ? -EEXIST : err_set(e, ret, "%s", why.text);
	ret = job->ops->firewall_put(job->provider, network, role, found.id, rules, e);
	firewall_fini(&found);
	return ret;
}

int job_firewall(const struct job *job, enum provider_role role, bool *changed, struct err *e)
{
	struct provision_event event = {.level = LOG_LEVEL_INFO, .event = "firewall.done"};
	struct firewall want, found;
	bool differs = true;
	int ret;

	if (!job->ops->firewall_get)
		return 0;
	ret = job_rules(job, role, &want, e);
	if (ret)
		return ret;
	ret = job->ops->firewall_get(job->provider, job->config->network, role, &found, e);
	if (ret == -ENOENT) {
		ret = put(job, role, &want, e);
	} else if (!ret) {
		differs = !firewall_same(&want, &found);
		if (differs)
			ret = job->ops->firewall_put(job->provider, job->config->network, role,
						     found.id, &want, e);
		firewall_fini(&found);
	}
	firewall_fini(&want);
	if (!ret && differs)
		env_say(job->env, event, "firewall of %s set", provider_role_name(role));
	if (changed)
		*changed = differs;
	return ret ? err_prefix(e, ret, "firewall of %s", provider_role_name(role)) : 0;
}

/* Returns 1 while it is being applied. */
static int is_pending(const struct job *job, enum provider_role role, struct err *e)
{
	struct firewall found;
	int ret;

	if (!job->ops->firewall_get)
		return 0;
	ret = job->ops->firewall_get(job->provider, job->config->network, role, &found, e);
	if (ret)
		return ret;
	ret = found.failed ? err_set(e, -EIO, "the provider could not apply it") : found.pending;
	firewall_fini(&found);
	return ret;
}

int job_firewalls_settle(const struct job *job, struct err *e)
{
	struct mono deadline = mono_add_us(job->env->now(job->env->arg), SETTLE_US);
	int ret = 0;

	for (int role = PROVIDER_VPN; role <= PROVIDER_COMP && ret >= 0; role++) {
		while ((ret = is_pending(job, (enum provider_role)role, e)) == 1) {
			if (mono_due(deadline, job->env->now(job->env->arg)))
				ret = err_set(e, -ETIMEDOUT, "the provider has not applied it yet");
			else
				ret = job_pause(job, e);
			if (ret)
				break;
		}
		if (ret < 0)
			err_prefix(e, ret, "firewall of %s",
				   provider_role_name((enum provider_role)role));
	}
	return ret;
}
