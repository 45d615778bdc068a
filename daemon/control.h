/* control: the server side of the control socket (comps-control(7)): connections, lines, rights.
 *
 * It knows nothing of commands. Each complete line goes to a callback with what its sender may do;
 * answers and events go out through small buffers, so that a slow or hostile client can neither
 * block the loop nor make it grow: one that reads too slowly is cut off.
 */
#ifndef COMPS_DAEMON_CONTROL_H
#define COMPS_DAEMON_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/loop.h"
#include "lib/err.h"

/* How everything on the socket is written: one line, and 0.15 rather than 0.14999999999999999. */
#define CONTROL_JSON (JSON_COMPACT | JSON_REAL_PRECISION(16))

struct control;

struct control_request {
	struct control *control;
	uint64_t client; /* whom to answer; stays valid, and harmless, after the client is gone */
	bool admin;	 /* root, or the user that the daemon runs as; others may only read */
	const char *line;
};

typedef void (*control_request_fn)(void *arg, const struct control_request *request);

/* Listens at `path`, readable and writable for the owner and, if `has_group`, for `group`. A socket
 * that nobody answers any more is replaced. Returns 0; -EADDRINUSE where another daemon answers
 * there; or -errno; with a sentence in `err`. */
int control_new(struct loop *loop, const char *path, bool has_group, gid_t group,
		control_request_fn fn, void *arg, struct control **out, struct err *err);

/* Closes all connections and removes the socket. NULL is allowed. */
void control_free(struct control *control);

/* Sends `object`, which it consumes, to one client. */
void control_send(struct control *control, uint64_t client, json_t *object);

/* From now on the client gets every event. */
void control_subscribe(struct control *control, uint64_t client);

/* Sends one line of JSON to all who subscribed. */
void control_publish(struct control *control, const char *line);

#endif
