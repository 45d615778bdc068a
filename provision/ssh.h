/* ssh: runs a script on a host with the system's OpenSSH client.
 *
 * The host is known by its key alone: the one that is given, and no other, however it came by its
 * address. Nothing secret is in the arguments; the script, which may hold secrets, goes in by the
 * standard input. No shell is between us and ssh(1).
 */
#ifndef COMPS_PROVISION_SSH_H
#define COMPS_PROVISION_SSH_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/mono.h"
#include "provision/env.h"

struct ssh_host {
	const char *address; /* or a name; not beginning with "-" */
	uint32_t port;
	const char *user;
	const char *identity;	/* file of the private key; NULL: what ssh finds by itself */
	const char *proxy_jump; /* NULL: none */
	const char *alias;	/* a name for its key, such as comps-NET-NODE */
	const char *host_key;	/* "ssh-ed25519 AAAA..."; NULL: whatever it shows */
	const char *command;	/* that reads the script, such as "sh -s" */
};

enum ssh_outcome {
	SSH_RAN,       /* the script ended with `status` */
	SSH_NO_ANSWER, /* refused, timed out, reset: may get better */
	SSH_DENIED,    /* our key is not let in */
	SSH_WRONG_KEY, /* another host, or somebody between: never try again */
	SSH_BROKE,     /* the connection broke while the script ran, or ran for too long */
};

#define SSH_OUT_MAX 65536
#define SSH_ERR_MAX 4096

struct ssh_result {
	enum ssh_outcome outcome;
	int status;
	char out[SSH_OUT_MAX]; /* what it printed, cut at its end */
	char err[SSH_ERR_MAX]; /* its last words, and those of ssh */
};

/* Runs `script` there. `directory` is private and ours: the host's key is written there.
 * Returns 0 with *out; -EINTR where the user wants to stop; -errno where ssh cannot be started. */
int ssh_run(const struct ssh_host *host, const char *directory, const char *script,
	    const struct provision_env *env, struct mono deadline, struct ssh_result *out,
	    struct err *e);

/* The key that the host shows, whoever it is (host->host_key is not used, nor is a command run).
 * Writes "TYPE BLOB". Returns 0; -ENOENT where it shows none, with its last words in `e`; else as
 * ssh_run. */
int ssh_shown_key(const struct ssh_host *host, const char *directory,
		  const struct provision_env *env, struct mono deadline, char *out,
		  size_t out_bytes, struct err *e);

/* The key by which the user's own ssh(1) knows the host of that address or name (ssh-keygen -F).
 * Returns 0; -ENOENT where it does not know it; else as ssh_run. */
int ssh_known_key(const char *address, uint32_t port, const struct provision_env *env,
		  struct mono deadline, char *out, size_t out_bytes, struct err *e);

#endif
