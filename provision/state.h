/* state: what this machine knows of a network that it provisions: NET.json.
 *
 * The cloud's own list is the truth; the state adds what the cloud does not tell: which servers are
 * ours by id, host keys, whether the ssh key was uploaded by us, and what was about to be done when
 * we were killed. A file of mode 0600 in a directory of mode 0700; written whole or not at all; it
 * holds no secret. One process at a time has it open.
 */
#ifndef COMPS_PROVISION_STATE_H
#define COMPS_PROVISION_STATE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "provision/config.h"

#define STATE_PATH_BYTES   (IFNAMSIZ - 3) /* with "wg-" before it, the name of an interface */
#define STATE_RETIRED_MARK '~'		  /* in no name of a configuration */
#define STATE_KEY_BYTES	   1024		  /* a line of an ssh public key: RSA keys are long */

enum state_status {
	STATE_INTENT, /* about to be made: whether it was is not known */
	STATE_MADE,   /* exists */
	STATE_ACTIVE, /* runs and has its address */
	STATE_READY,  /* set up */
};

struct state_node {
	char name[PROVIDER_NAME_BYTES]; /* of a retired one with STATE_RETIRED_MARK behind it */
	char path[STATE_PATH_BYTES]; /* of the client to it; its keys and files are named so too */
	enum provider_role role;
	unsigned int index; /* among the proxies, from 0; of the exit 0 */
	enum state_status status;
	char run[PROVISION_UUID_BYTES]; /* of the intent; also a label of the server */
	char id[PROVIDER_ID_BYTES], action[PROVIDER_ID_BYTES];
	char ip[IP_TEXT_BYTES];
	char region[PROVIDER_SLUG_BYTES], size[PROVIDER_SLUG_BYTES];
	char host_key[STATE_KEY_BYTES]; /* public: "ssh-ed25519 AAAA..."; "": not known */
	char wg_public[48];		/* of the server; "": not set up yet */
	bool proved;	       /* since the last set-up a packet has gone this way and back */
	struct config_ssh ssh; /* how it was logged in to; the user is "" where it never was */
};

struct state {
	char network[PROVIDER_NAME_BYTES];
	char uuid[PROVISION_UUID_BYTES]; /* of the network */
	char provider[32], api_url[256];
	char key_id[PROVIDER_ID_BYTES]; /* the ssh key at the provider; "": none */
	bool key_ours;			/* uploaded by us: deleted by destroy */
	struct state_node *nodes;
	size_t node_count;

	/* how it is kept; not in the file */
	char *directory;
	int lock_fd; /* -1: not locked, and so not to be written */
	bool existed;
};

/* Writes the directory for states: $XDG_STATE_HOME/comps, else HOME/.local/state/comps. Returns 0;
 * -EINVAL where neither is an absolute path; -ENAMETOOLONG. */
int state_directory(const char *xdg_state_home, const char *home, char *out, size_t out_bytes,
		    struct err *e);

/* Opens the state of `network` in `directory`, which is made. With `write` it is locked until
 * state_close; without, it is only read. A state that is not there is an empty one (with `uuid` if
 * it is to be written). Returns 0; -EAGAIN where another process has it locked (its process id is
 * in `e`); -EINVAL where the file is damaged or of a later version; -EPERM where others may write
 * it; -errno. */
int state_open(const char *directory, const char *network, bool write, const char *uuid,
	       struct state *out, struct err *e);

/* Writes it; after this returned 0 a crash does not lose it. 0 or -errno. */
int state_save(const struct state *state, struct err *e);

/* Deletes the file: nothing is left of the network. 0 or -errno. */
int state_remove(const struct state *state, struct err *e);

/* Unlocks and frees. */
void state_close(struct state *state);

/* NULL where there is none. */
struct state_node *state_find(const struct state *state, const char *name);

/* The node of that name, which is added, zeroed, if need be, with a path that no other has; earlier
 * pointers to nodes are void. NULL when out of memory. */
struct state_node *state_put(struct state *state, const char *name);

void state_drop(struct state *state, const char *name);

/* Puts the server of `name` aside for the one that is to replace it: the name is free again, the
 * path is not. */
void state_retire(struct state *state, const char *name);

/* The server that the one of `name` replaces; NULL where there is none. */
struct state_node *state_retired(const struct state *state, const char *name);

/* True where that is the server with this id. */
bool state_retires(const struct state *state, const char *name, const char *id);

/* True for an entry that state_retire has put aside. */
bool state_is_retired(const struct state_node *node);

/* Calls `fn` with the name of every network that has a state. 0, what `fn` returned, or -errno. */
int state_networks(const char *directory, int (*fn)(void *arg, const char *network), void *arg,
		   struct err *e);

#endif
