/* job: what planning, applying and destroying work on.
 */
#ifndef COMPS_PROVISION_JOB_H
#define COMPS_PROVISION_JOB_H

#include "provision/config.h"
#include "provision/env.h"
#include "provision/live.h"
#include "provision/provider.h"
#include "provision/setup.h"
#include "provision/state.h"
#include "provision/tunnel_check.h"

/* Whether a host that nobody knows yet is the one that it should be. */
typedef bool (*job_trust_fn)(void *arg, const char *node, const char *address,
			     const char *fingerprint);

/* As tunnel_check_run. */
typedef int (*job_prove_fn)(const struct tunnel_check_peer *proxy,
			    const struct tunnel_check_peer *exit, const struct provision_env *env,
			    struct mono deadline, struct tunnel_check_result *out, struct err *e);

/* Writes the client's files anew by what the state says. 0 or -errno. */
typedef int (*job_bundle_fn)(void *arg, struct err *e);

struct job {
	const struct provision_config *config;
	const struct provider_ops *ops;
	void *provider; /* of ops->open */
	const struct provision_env *env;
	struct state *state;	  /* locked, where something is changed */
	const char *key_id;	  /* an ssh key of the account; NULL: ensure public_key */
	const char *public_key;	  /* "ssh-ed25519 AAAA..." */
	setup_host_fn setup_host; /* NULL: leave servers as they are once they run */
	job_prove_fn prove;	  /* NULL: whether paths work is not looked at */
	const struct live *live;  /* NULL: no daemon here uses the network */
	job_bundle_fn bundle;	  /* NULL: not wanted */
	void *bundle_arg;
	job_trust_fn trust; /* NULL: nobody can be asked */
	void *trust_arg;
	unsigned int parallel;	 /* so many servers are set up at once */
	int64_t poll_us;	 /* between two looks at the cloud */
	int64_t node_timeout_us; /* for one node */
};

/* True where servers are there already, and go on running when they are ours no more. */
bool job_has_hosts(const struct job *job);

/* What the configuration says of the node; NULL: nothing. */
const struct config_node *job_want(const struct job *job, const char *node);

/* Lets about poll_us pass. 0 or -EINTR. */
int job_pause(const struct job *job, struct err *e);

/* Everything of the network. *out is to be given to provider_nodes_fini. As ops->node_list. */
int job_list(const struct job *job, struct provider_nodes *out, struct err *e);

/* Makes the firewall of `role` what it should be by the addresses in the state. *changed may be
 * NULL. Errors as in provider.h. */
int job_firewall(const struct job *job, enum provider_role role, bool *changed, struct err *e);

/* Waits until the provider has applied both firewalls. */
int job_firewalls_settle(const struct job *job, struct err *e);

/* The rules of `role` by the configuration and the addresses in the state; *out is to be given to
 * firewall_fini. 0 or -ENOMEM. */
int job_rules(const struct job *job, enum provider_role role, struct firewall *out, struct err *e);

/* Writes the client's files anew, where that is wanted. 0 or -errno. */
int job_bundle(const struct job *job, struct err *e);

#endif
