/* client: one connection to the daemon's control socket (comps-control(7)).
 *
 * Every wait has a deadline, so that a hung daemon never hangs the command.
 */
#ifndef COMPS_CLI_CLIENT_H
#define COMPS_CLI_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/jsonl.h"

#define CLIENT_WAIT_FOREVER (-1)

struct client {
	int fd;
	int64_t timeout_us; /* of client_open, for what client_send waits */
	struct jsonl in;
};

/* Connects to the Unix socket at `path`. Returns 0; -ENOENT or -ECONNREFUSED where no daemon is
 * (see client_absent); else another -errno; each with a sentence in `e`. */
int client_open(struct client *client, const char *path, int64_t timeout_us, struct err *e);

/* Also after a failed client_open. */
void client_close(struct client *client);

/* True for the results of client_open that mean that no daemon listens there. */
bool client_absent(int result);

/* Sends one object as a line. Returns 0 or -errno with a sentence in `e`. */
int client_send(struct client *client, const json_t *request, struct err *e);

/* Waits for one line, an object. Returns 0 with *object owned by the caller; -ETIMEDOUT; -EPIPE
 * when the daemon closed the connection; -EBADMSG when it sent something else; or another -errno;
 * each with a sentence in `e`. */
int client_receive(struct client *client, int64_t timeout_us, json_t **object, struct err *e);

#endif
