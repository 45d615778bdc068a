/* commands: what the control socket understands (comps-control(7)): one function per command. */
#ifndef COMPS_DAEMON_COMMANDS_H
#define COMPS_DAEMON_COMMANDS_H

#include "core/migration.h"
#include "daemon/control.h"

struct daemon;

/* A control_request_fn; `arg` is the struct daemon. */
void commands_on_request(void *arg, const struct control_request *request);

/* Answers the client that waits for a migration (`migrate` with `wait`), if one does. */
void commands_on_migration(struct daemon *daemon, const struct migration *migration);

/* Tells that client that there will be none, and why. */
void commands_on_no_migration(struct daemon *daemon, const char *why);

/* Answers the client that sent `down`, once everything is removed; `error` is NULL when it is. */
void commands_on_down(struct daemon *daemon, const char *error);

#endif
