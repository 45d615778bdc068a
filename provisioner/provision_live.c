#include "provisioner/provision_live.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/client.h"

#define ANSWER_US 10000000

/* Sends `request` (taken over). Returns 0 with *reply owned by the caller. */
static int ask(const char *socket, json_t *request, json_t **reply, struct err *e)
{
	struct client client;
	const char *error;
	int ret = client_open(&client, socket, ANSWER_US, e);

	if (!ret)
		ret = client_send(&client, request, e);
	if (!ret)
		ret = client_receive(&client, ANSWER_US, reply, e);
	client_close(&client);
	json_decref(request);
	if (ret || json_is_true(json_object_get(*reply, "ok")))
		return ret;
	error = json_string_value(json_object_get(*reply, "error"));
	ret = err_set(e, -EIO, "the daemon at %s: %s", socket, error ? error : "refused");
	json_decref(*reply);
	return ret;
}

static int command(const char *socket, json_t *request, struct err *e)
{
	json_t *reply;
	int ret = ask(socket, request, &reply, e);

	if (!ret)
		json_decref(reply);
	return ret;
}

/* --- as live.h says --------------------------------------------------------------------------- */

static const json_t *find(const json_t *reply, const char *path)
{
	const json_t *paths = json_object_get(json_object_get(reply, "status"), "paths"), *item;
	const char *name;
	size_t i;

	json_array_foreach(paths, i, item)
	{
		name = json_string_value(json_object_get(item, "name"));
		if (name && strcmp(name, path) == 0)
			return item;
	}
	return NULL;
}

static void describe(const json_t *found, struct live_path *out)
{
	const char *state = json_string_value(json_object_get(found, "state"));
	const char *fault = json_string_value(json_object_get(found, "segment_fault"));

	*out = (struct live_path){
		.known = found != NULL,
		.up = state && strcmp(state, "up") == 0,
		.active = json_is_true(json_object_get(found, "active")),
	};
	if (!found)
		snprintf(out->text, sizeof(out->text), "not known");
	else
		snprintf(out->text, sizeof(out->text), "%s%s%s%s", state ? state : "?",
			 out->active ? ", active" : "",
			 fault && strcmp(fault, "none") != 0 ? ", fault: " : "",
			 fault && strcmp(fault, "none") != 0 ? fault : "");
}

static int look(void *arg, const char *path, struct live_path *out, struct err *e)
{
	const struct provision_live *live = arg;
	json_t *reply;
	int ret = ask(live->socket, json_pack("{s:s}", "cmd", "status"), &reply, e);

	if (ret)
		return ret;
	describe(find(reply, path), out);
	json_decref(reply);
	return 0;
}

static int reload(void *arg, struct err *e)
{
	return command(((struct provision_live *)arg)->socket, json_pack("{s:s}", "cmd", "reload"),
		       e);
}

static int drain(void *arg, const char *path, bool drained, struct err *e)
{
	json_t *request =
		json_pack("{s:s, s:s}", "cmd", drained ? "drain" : "enable", "path", path);

	return command(((struct provision_live *)arg)->socket, request, e);
}

/* --- whose it is ------------------------------------------------------------------------------ */

int provision_live_open(struct provision_live *live, const char *socket, const struct state *state,
			const struct live **out, struct err *e)
{
	json_t *reply;
	int ret = ask(socket, json_pack("{s:s}", "cmd", "status"), &reply, e);

	*out = NULL;
	*live = (struct provision_live){
		.socket = socket,
		.live = {.arg = live, .look = look, .reload = reload, .drain = drain}};
	if (ret)
		return client_absent(ret) ? 0 : ret;
	for (size_t i = 0; i < state->node_count && !*out; i++)
		if (state->nodes[i].role == PROVIDER_VPN && find(reply, state->nodes[i].path))
			*out = &live->live;
	json_decref(reply);
	return 0;
}
