/* state_json: the text of a state. */
#ifndef COMPS_PROVISION_STATE_JSON_H
#define COMPS_PROVISION_STATE_JSON_H

#include "provision/state.h"

#define STATE_JSON_VERSION 1

/* The text, to be freed; NULL when out of memory. */
char *state_json_write(const struct state *state);

/* Fills network, uuid, provider, api_url, key and nodes. 0; -EINVAL with what is wrong; -ENOMEM. */
int state_json_read(const char *text, size_t bytes, struct state *state, struct err *e);

#endif
