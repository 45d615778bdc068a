/* The ssh keys of the account. A key that is there already is adopted, whatever its name: the API
 * refuses the same key twice. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "provision/digitalocean.h"

struct search {
	const char *public_key, *name;
	char id[PROVIDER_ID_BYTES];
	bool named; /* it bears our name */
};

/* Compares "TYPE BLOB" and leaves the comment out. */
static bool same_key(const char *a, const char *b)
{
	for (int word = 0; word < 2; word++) {
		size_t length = strcspn(a, " \t\r\n");

		if (length == 0 || length != strcspn(b, " \t\r\n") || strncmp(a, b, length) != 0)
			return false;
		a += length + strspn(a + length, " \t");
		b += length + strspn(b + length, " \t");
	}
	return true;
}

static void take_id(const json_t *key, char id[PROVIDER_ID_BYTES])
{
	snprintf(id, PROVIDER_ID_BYTES, "%lld",
		 (long long)json_integer_value(json_object_get(key, "id")));
}

static int look_at(void *arg, const json_t *item, struct err *e)
{
	struct search *search = arg;

	(void)e;
	if (*search->id || !json_is_integer(json_object_get(item, "id")) ||
	    !same_key(digitalocean_text(item, "public_key"), search->public_key))
		return 0;
	take_id(item, search->id);
	search->named = strcmp(digitalocean_text(item, "name"), search->name) == 0;
	return 0;
}

static int upload(struct api *api, struct search *search, struct err *e)
{
	json_t *body =
		json_pack("{s:s, s:s}", "name", search->name, "public_key", search->public_key);
	struct api_call call = {.method = "POST", .path = "/v2/account/keys", .body = body};
	struct api_answer answer;
	const json_t *key;
	int ret = api_do(api, &call, &answer, e);

	key = json_object_get(answer.json, "ssh_key");
	if (!ret && !json_is_integer(json_object_get(key, "id")))
		ret = err_set(e, -EHOSTUNREACH, "POST %s: the answer has no id", call.path);
	if (!ret) {
		take_id(key, search->id);
		search->named = true;
	}
	/* "SSH Key is already in use on your account": made meanwhile, or by a call of ours whose
	 * answer was lost. */
	if (ret == -EINVAL && strcasestr(answer.message, "already in use"))
		ret = -EEXIST;
	api_answer_fini(&answer);
	json_decref(body);
	return ret;
}

int digitalocean_keys_ensure(void *provider, const char *name, const char *public_key,
			     char id[PROVIDER_ID_BYTES], bool *ours, struct err *e)
{
	struct search search = {.public_key = public_key, .name = name};
	int ret = api_list(provider, "/v2/account/keys", "ssh_keys", look_at, &search, e);

	if (!ret && !*search.id)
		ret = upload(provider, &search, e);
	if (ret == -EEXIST)
		ret = api_list(provider, "/v2/account/keys", "ssh_keys", look_at, &search, e);
	if (ret)
		return ret;
	if (!*search.id)
		return err_set(e, -EEXIST,
			       "the API says that the ssh key is in use already, but "
			       "does not list it");
	snprintf(id, PROVIDER_ID_BYTES, "%s", search.id);
	*ours = search.named;
	return 0;
}

int digitalocean_keys_delete(void *provider, const char *id, struct err *e)
{
	return digitalocean_delete(provider, "account/keys", id, e);
}
