#include "provision/digitalocean.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *digitalocean_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

/* So that a signal is seen while an answer is waited for. */
static void be_idle(void *arg)
{
	const struct provision_env *env = arg;

	env->stopped(env->arg);
}

static int open_api(const struct provision_env *env, const char *api_url, const char *token,
		    void **out, struct err *e)
{
	struct api *api = calloc(1, sizeof(*api));
	int ret;

	if (!api)
		return err_set(e, -ENOMEM, "out of memory");
	api->env = env;
	ret = provision_http_new(api_url, token, be_idle, (void *)env, &api->http, e);
	if (ret)
		free(api);
	else
		*out = api;
	return ret;
}

static void close_api(void *provider)
{
	struct api *api = provider;

	if (!api)
		return;
	provision_http_free(api->http);
	free(api);
}

/* --- catalog ---------------------------------------------------------------------------------- */

static int take_region(void *arg, const json_t *item, struct err *e)
{
	struct catalog_region *region = catalog_add_region(arg);

	if (!region)
		return err_set(e, -ENOMEM, "out of memory");
	snprintf(region->slug, sizeof(region->slug), "%s", digitalocean_text(item, "slug"));
	region->available = json_is_true(json_object_get(item, "available"));
	return 0;
}

static int take_size(void *arg, const json_t *item, struct err *e)
{
	struct catalog_size *size = catalog_add_size(arg);
	const json_t *region;
	size_t i;

	if (!size)
		return err_set(e, -ENOMEM, "out of memory");
	snprintf(size->slug, sizeof(size->slug), "%s", digitalocean_text(item, "slug"));
	size->available = json_is_true(json_object_get(item, "available"));
	size->price_hourly = json_number_value(json_object_get(item, "price_hourly"));
	size->price_monthly = json_number_value(json_object_get(item, "price_monthly"));
	json_array_foreach(json_object_get(item, "regions"), i, region)
	{
		if (json_is_string(region) && catalog_add_place(size, json_string_value(region)))
			return err_set(e, -ENOMEM, "out of memory");
	}
	return 0;
}

/* A token without account:read can do all the rest, so the check is left out then. */
static int check_account(struct api *api, struct catalog *catalog, struct err *e)
{
	struct api_call call = {.method = "GET", .path = "/v2/account"};
	struct api_answer answer;
	const json_t *account, *limit;
	int ret = api_do(api, &call, &answer, e);

	account = json_object_get(answer.json, "account");
	limit = json_object_get(account, "droplet_limit");
	if (ret == -EPERM)
		ret = 0;
	else if (!ret && strcmp(digitalocean_text(account, "status"), "locked") == 0)
		ret = err_set(e, -EPERM, "the account is locked: %.200s",
			      digitalocean_text(account, "status_message"));
	else if (!ret && json_is_integer(limit))
		catalog->node_limit = json_integer_value(limit);
	api_answer_fini(&answer);
	return ret;
}

static int get_catalog(void *provider, struct catalog *out, struct err *e)
{
	int ret;

	*out = CATALOG_INIT;
	ret = check_account(provider, out, e);
	if (!ret)
		ret = api_list(provider, "/v2/regions", "regions", take_region, out, e);
	if (!ret)
		ret = api_list(provider, "/v2/sizes", "sizes", take_size, out, e);
	if (ret)
		catalog_fini(out);
	return ret;
}

static int get_image(void *provider, const char *image, struct err *e)
{
	struct api_call call = {.method = "GET"};
	struct api_answer answer;
	char path[128];
	int ret;

	snprintf(path, sizeof(path), "/v2/images/%.80s", image);
	call.path = path;
	ret = api_do(provider, &call, &answer, e);
	if (ret == -ENOENT)
		err_set(e, ret, "there is no image \"%.80s\"; one that works is debian-12-x64",
			image);
	api_answer_fini(&answer);
	return ret;
}

int digitalocean_delete(void *provider, const char *what, const char *id, struct err *e)
{
	struct api_call call = {.method = "DELETE"};
	struct api_answer answer;
	char path[256];
	int ret;

	snprintf(path, sizeof(path), "/v2/%s/%.180s", what, id);
	call.path = path;
	ret = api_do(provider, &call, &answer, e);
	api_answer_fini(&answer);
	return ret == -ENOENT ? 0 : ret;
}

/* The names that the other tools for this API use. */
static const char *const token_variables[] = {"DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN",
					      NULL};

const struct provider_ops digitalocean_ops = {
	.name = "digitalocean",
	.api_url = "https://api.digitalocean.com",
	.url_variable = "DIGITALOCEAN_API_URL",
	.token_variables = token_variables,
	.console_url = "https://cloud.digitalocean.com/droplets",
	.open = open_api,
	.close = close_api,
	.catalog = get_catalog,
	.image = get_image,
	.key_ensure = digitalocean_keys_ensure,
	.key_delete = digitalocean_keys_delete,
	.labels_ensure = digitalocean_tags_ensure,
	.labels_delete = digitalocean_tags_delete,
	.node_list = digitalocean_nodes_list,
	.node_create = digitalocean_nodes_create,
	.node_fate = digitalocean_nodes_fate,
	.node_delete = digitalocean_nodes_delete,
	.firewall_get = digitalocean_firewalls_get,
	.firewall_put = digitalocean_firewalls_put,
	.firewall_delete = digitalocean_firewalls_delete,
};
