/* The answers of a cloud, which may be anything: each call of the provider gets the next piece of
 * the input, whose first byte decides about the status, and the rest is the body. */
#include <errno.h>

#include "provision/http.h"
#include "provision/provider.h"
#include "tests/fuzz/fuzz.h"

#define PIECE_END 0xff /* stands in no UTF-8 */

struct provision_http {
	int unused;
};

static struct {
	const uint8_t *data;
	size_t size;
} input;

/* --- in place of provision/http.c ------------------------------------------------------------- */

int provision_http_check(const char *url, struct err *e)
{
	(void)url, (void)e;
	return 0;
}

int provision_http_new(const char *base_url, const char *token, provision_http_idle_fn idle,
		       void *idle_arg, struct provision_http **out, struct err *e)
{
	(void)base_url, (void)token, (void)idle, (void)idle_arg, (void)e;
	*out = calloc(1, sizeof(**out));
	return 0;
}

void provision_http_free(struct provision_http *http)
{
	free(http);
}

void provision_http_do(struct provision_http *http, const char *method, const char *path,
		       const char *body, struct provision_http_reply *reply)
{
	static const int statuses[] = {200, 202, 204, 401, 403, 404, 409, 422, 429, 500, 302};
	const uint8_t *end = input.size ? memchr(input.data, PIECE_END, input.size) : NULL;
	size_t bytes = end ? (size_t)(end - input.data) : input.size;

	(void)http, (void)method, (void)path, (void)body;
	*reply = (struct provision_http_reply){
		.ratelimit_remaining = -1, .ratelimit_reset_s = -1, .retry_after_s = -1};
	reply->outcome = bytes ? RETRY_ANSWERED : RETRY_NOT_SENT;
	if (bytes) {
		reply->status = statuses[input.data[0] % (sizeof(statuses) / sizeof(statuses[0]))];
		reply->body_bytes = bytes - 1;
		reply->body = strndup((const char *)input.data + 1, bytes - 1);
		reply->body_bytes = strlen(reply->body);
	}
	input.data += bytes + (end != NULL);
	input.size -= bytes + (end != NULL);
}

void provision_http_reply_fini(struct provision_http_reply *reply)
{
	free(reply->body);
}

/* --- the environment -------------------------------------------------------------------------- */

static struct mono now(void *arg)
{
	(void)arg;
	return (struct mono){0};
}

static int64_t wall_s(void *arg)
{
	(void)arg;
	return 0;
}

/* Nothing is waited for; at the end of the input the user gives up. */
static int pause_us(void *arg, int64_t us)
{
	(void)arg;
	MUST(us >= 0);
	return input.size ? 0 : -EINTR;
}

static bool stopped(void *arg)
{
	(void)arg;
	return input.size == 0;
}

static void event(void *arg, const struct provision_event *event)
{
	(void)arg;
	MUST(!event->text || fuzz_is_clean(event->text));
}

/* --- the calls -------------------------------------------------------------------------------- */

static void call_nodes(const struct provider_ops *ops, void *provider)
{
	struct provider_order order = {.network = "n",
				       .name = "a",
				       .run = "r",
				       .region = "x",
				       .size = "s",
				       .image = "i",
				       .key_id = "1",
				       .user_data = "u"};
	struct provider_nodes nodes;
	struct provider_node node;
	enum provider_fate fate;
	struct err e;

	if (ops->node_list(provider, "n", &nodes, &e) == 0) {
		for (size_t i = 0; i < nodes.count; i++)
			MUST(nodes.items[i].id[0]);
		provider_nodes_fini(&nodes);
	}
	if (ops->node_create(provider, &order, &node, &e) == 0)
		MUST(node.id[0]);
	ops->node_fate(provider, "1", &fate, &e);
	ops->node_delete(provider, "1", &e);
}

static void call_all(const struct provider_ops *ops, void *provider)
{
	struct catalog catalog;
	struct firewall firewall;
	char id[PROVIDER_ID_BYTES];
	struct err e = {.text = ""};
	bool ours;

	if (ops->catalog(provider, &catalog, &e) == 0) {
		catalog_check(&catalog, "nyc1", "s", &e);
		catalog_fini(&catalog);
	}
	MUST(fuzz_is_clean(e.text));
	if (ops->firewall_get(provider, "n", PROVIDER_VPN, &firewall, &e) == 0) {
		MUST(firewall_same(&firewall, &firewall) == firewall.open_out);
		firewall_fini(&firewall);
	}
	if (ops->key_ensure(provider, "k", "ssh-ed25519 AAAA", id, &ours, &e) == 0)
		MUST(id[0]);
	ops->labels_delete(provider, "n", &e);
	call_nodes(ops, provider);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct provider_ops *ops = provider_all()[0];
	struct rng rng;
	struct provision_env env = {.now = now,
				    .wall_s = wall_s,
				    .pause = pause_us,
				    .stopped = stopped,
				    .event = event,
				    .rng = &rng};
	void *provider;
	struct err e;

	MUST(rng_init_seed(&rng, 1) == 0);
	input.data = data;
	input.size = size;
	MUST(ops->open(&env, "x", "t", &provider, &e) == 0);
	call_all(ops, provider);
	ops->close(provider);
	return 0;
}
