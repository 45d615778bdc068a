/* setup: making a proxy or the exit of a server that runs: the seam between the cloud and ssh.
 */
#ifndef COMPS_PROVISION_SETUP_H
#define COMPS_PROVISION_SETUP_H

#include "provision/client_keys.h"
#include "provision/config.h"
#include "provision/env.h"
#include "provision/state.h"

enum setup_mode {
	SETUP_APPLY,
	SETUP_CHECK,  /* changes nothing, says what APPLY would */
	SETUP_REMOVE, /* takes away what APPLY has put there; packages stay */
};

struct setup_input {
	enum setup_mode mode;
	const struct provision_config *config; /* subnet, keys, ... */
	const struct provision_env *env;
	const char *state_directory; /* for a file with its host key */
	const struct client_keys *keys;
	const char *node; /* its name */
	enum provider_role role;
	unsigned int index;   /* among the proxies: its tunnel address is .5 + index */
	const char *address;  /* IPv4, of the server */
	const char *identity; /* file of our private key; NULL: what ssh finds by itself */
	const char *host_key; /* the public key it shows: "ssh-ed25519 AAAA..." */
	bool fresh;	      /* just made: it may still be booting for the first time, and its
				 host key is to be replaced, as the first one is not secret */
	bool rekey;	      /* it is to make a new key of its own */
	const struct config_ssh *ssh;
	uint32_t port;		    /* WireGuard's on this server */
	const char *exit_address;   /* "": this is the exit, or it has none yet */
	uint32_t exit_port;	    /* WireGuard's on the exit */
	const char *const *proxies; /* the addresses of all proxies, in their order */
	size_t proxy_count;
	struct mono deadline;
};

struct setup_output {
	char host_key[STATE_KEY_BYTES]; /* the one it shows from now on */
	char wg_public[48];		/* of its WireGuard interface */
	char changed[256];		/* what was changed, or is to be; "": nothing */
	char warnings[256];		/* what is in the way there; "": nothing */
	char peer[128];			/* when it has last heard of the client */
};

/* Sets the server up, or finds that nothing is to be done. A check is one attempt, the others go on
 * until the deadline. Returns 0 with *out filled; -EINTR where the user wants to stop; else -errno
 * with what is wrong in `e`, after which it can be tried again. May run in several threads at once.
 */
typedef int (*setup_host_fn)(const struct setup_input *input, struct setup_output *out,
			     struct err *e);

int provision_setup_host(const struct setup_input *input, struct setup_output *out, struct err *e);

#endif
