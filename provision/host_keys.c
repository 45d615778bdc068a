#include "provision/host_keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "provision/pubkey.h"
#include "provision/ssh.h"

#define ASK_US 15000000

static int ask_user_ssh(const struct job *job, const struct config_node *want,
			struct state_node *known, struct mono deadline, struct err *e)
{
	const char *names[] = {want->address, known->ip};
	int ret = -ENOENT;

	for (size_t i = 0; i < 2 && ret == -ENOENT; i++)
		if (*names[i])
			ret = ssh_known_key(names[i], want->ssh.port, job->env, deadline,
					    known->host_key, sizeof(known->host_key), e);
	return ret;
}

static int ask_host(const struct job *job, const struct config_node *want, struct state_node *known,
		    struct mono deadline, struct err *e)
{
	char alias[128], shown[STATE_KEY_BYTES], fingerprint[PUBKEY_FINGERPRINT_BYTES];
	struct ssh_host host = {
		.address = known->ip,
		.port = want->ssh.port,
		.user = want->ssh.user,
		.identity = *want->ssh.key ? want->ssh.key : NULL,
		.proxy_jump = *want->ssh.proxy_jump ? want->ssh.proxy_jump : NULL,
		.alias = alias,
	};
	int ret;

	if (!job->trust)
		return err_set(
			e, -EPERM,
			"its ssh host key is not known: log in once with ssh, or write "
			"host_key=\"ssh-ed25519 AAAA...\" behind it in the inventory, or give "
			"--accept-new-host-keys");
	snprintf(alias, sizeof(alias), "comps-%s-%s", job->config->network, want->name);
	ret = ssh_shown_key(&host, job->state->directory, job->env, deadline, shown, sizeof(shown),
			    e);
	if (ret)
		return ret;
	pubkey_fingerprint(shown, fingerprint);
	if (!job->trust(job->trust_arg, want->name, known->ip, fingerprint))
		return err_set(e, -EPERM, "its ssh host key %s was not accepted", fingerprint);
	strcpy(known->host_key, shown);
	return 0;
}

int host_keys_find(const struct job *job, const struct config_node *want, struct err *e)
{
	struct state_node *known = state_find(job->state, want->name);
	struct mono deadline = mono_add_us(job->env->now(job->env->arg), ASK_US);
	int ret;

	if (*want->host_key)
		strcpy(known->host_key, want->host_key);
	if (*known->host_key)
		return 0;
	ret = ask_user_ssh(job, want, known, deadline, e);
	return ret == -ENOENT ? ask_host(job, want, known, deadline, e) : ret;
}
