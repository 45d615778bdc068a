/* The tags that are our labels. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provision/digitalocean.h"

void digitalocean_tags_role(const char *network, enum provider_role role,
			    char out[DIGITALOCEAN_TAG_BYTES])
{
	snprintf(out, DIGITALOCEAN_TAG_BYTES, "comps:net:%s:%s", network, provider_role_name(role));
}

/* Answers 201 also for a tag that is there. */
static int ensure(void *provider, const char *tag, struct err *e)
{
	json_t *body = json_pack("{s:s}", "name", tag);
	struct api_call call = {.method = "POST", .path = "/v2/tags", .body = body};
	struct api_answer answer;
	int ret = api_do(provider, &call, &answer, e);

	api_answer_fini(&answer);
	json_decref(body);
	return ret;
}

int digitalocean_tags_ensure(void *provider, const char *network, struct err *e)
{
	char tag[DIGITALOCEAN_TAG_BYTES];
	int ret;

	digitalocean_tags_role(network, PROVIDER_VPN, tag);
	ret = ensure(provider, tag, e);
	digitalocean_tags_role(network, PROVIDER_COMP, tag);
	return ret ? ret : ensure(provider, tag, e);
}

struct collection {
	const char *network;
	json_t *names;
};

static bool begins(const char *text, const char *start, const char **rest)
{
	size_t length = strlen(start);

	*rest = text + length;
	return strncmp(text, start, length) == 0;
}

/* The network's own tags, and those of ours that nothing bears any more: a tag is made anew with
 * whatever needs it. */
static bool is_left_over(const char *tag, const char *network, bool unused)
{
	const char *rest, *tail;
	size_t length = strlen(network);

	if (begins(tag, "comps:net:", &rest) && strncmp(rest, network, length) == 0)
		return rest[length] == '\0' || rest[length] == ':';
	if (begins(tag, "comps:node:", &rest) && strncmp(rest, network, length) == 0)
		return rest[length] == ':';
	return unused && (strcmp(tag, "comps") == 0 || begins(tag, "comps:run:", &tail));
}

static int collect(void *arg, const json_t *item, struct err *e)
{
	struct collection *c = arg;
	const json_t *count = json_object_get(json_object_get(item, "resources"), "count");
	bool unused = json_is_integer(count) && json_integer_value(count) == 0;

	if (is_left_over(digitalocean_text(item, "name"), c->network, unused) &&
	    json_array_append(c->names, json_object_get(item, "name")))
		return err_set(e, -ENOMEM, "out of memory");
	return 0;
}

int digitalocean_tags_delete(void *provider, const char *network, struct err *e)
{
	struct collection c = {.network = network, .names = json_array()};
	int ret = api_list(provider, "/v2/tags", "tags", collect, &c, e);

	for (size_t i = 0; !ret && i < json_array_size(c.names); i++)
		ret = digitalocean_delete(provider, "tags",
					  json_string_value(json_array_get(c.names, i)), e);
	json_decref(c.names);
	return ret;
}
