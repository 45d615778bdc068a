/* The files of provisioning: the configuration, from YAML to the checked struct; what begins with {
 * is a state, with [ an inventory. */
#include <errno.h>
#include <sys/stat.h>

#include "conf/file.h"
#include "provision/config.h"
#include "provision/hosts_file.h"
#include "provision/inventory.h"
#include "provision/state_json.h"
#include "tests/fuzz/fuzz.h"

/* The input, for __wrap_conf_file_read(), which has no argument to carry it. */
static struct {
	const uint8_t *data;
	size_t size;
} input;

/* The linker (--wrap) puts it in front of the real one. */
int __wrap_conf_file_read(const char *path, size_t max_bytes, struct conf_file *out, struct err *e);

int __wrap_conf_file_read(const char *path, size_t max_bytes, struct conf_file *out, struct err *e)
{
	(void)path, (void)e;
	*out = (struct conf_file){.text = malloc(input.size + 1), .bytes = input.size};
	MUST(out->text && input.size <= max_bytes);
	memcpy(out->text, input.data, input.size);
	out->stat.st_mode = S_IFREG | 0600;
	return 0;
}

/* --- configuration ---------------------------------------------------------------------------- */

static void check_config(const struct provision_config *config)
{
	size_t exits = 0;

	MUST(config->network[0] && config->size[0] && config->image[0] && config->ssh.user[0]);
	MUST(config->port && config->ssh.port && config->subnet.len == 24);
	MUST(config->node_count >= 2 && config->node_count <= CONFIG_PROXIES_MAX + 1);
	for (size_t i = 0; i < config->node_count; i++) {
		MUST(config->nodes[i].name[0] && config->nodes[i].region[0]);
		MUST(config->nodes[i].size[0] && config->nodes[i].name[0] != '-');
		exits += config->nodes[i].role == PROVIDER_COMP;
	}
	MUST(exits == 1 && config->nodes[config->node_count - 1].role == PROVIDER_COMP);
}

static void check_diags(const struct diags *d)
{
	char line[1200];

	for (size_t i = 0; i < d->count; i++) {
		diag_format(&d->items[i], line, sizeof(line));
		MUST(fuzz_is_clean(line));
	}
}

static void read_config(void)
{
	struct provision_config *config = NULL;
	struct diags d = DIAGS_INIT;
	int ret = config_load("p.yaml", false, &d, &config);

	MUST(ret == (diags_failed(&d) ? -EINVAL : 0));
	MUST((config != NULL) == (ret == 0));
	if (config)
		check_config(config);
	check_diags(&d);
	config_free(config);
	diags_fini(&d);
}

/* --- inventory -------------------------------------------------------------------------------- */

static void check_hosts(const struct provision_config *config)
{
	const struct config_node *exit = &config->nodes[config->node_count - 1];

	MUST(config->node_count >= 2 && config->node_count <= CONFIG_PROXIES_MAX + 1);
	for (size_t i = 0; i < config->node_count; i++) {
		const struct config_node *node = &config->nodes[i];

		MUST((node->role == PROVIDER_COMP) == (node == exit));
		MUST(node->index == (node == exit ? 0 : i));
		MUST(node->name[0] && node->name[0] != '-');
		MUST(node->address[0] && node->address[0] != '-' && fuzz_is_clean(node->address));
		MUST(node->ssh.user[0] && node->ssh.user[0] != '-');
		MUST(node->ssh.key[0] && node->ssh.key[0] != '-');
		MUST(node->port && node->ssh.port);
		MUST(!node->host_key[0] ||
		     (strchr(node->host_key, ' ') && fuzz_is_clean(node->host_key)));
	}
}

/* What comps provision inventory prints of these hosts. */
static char *write_hosts(const struct provision_config *config, size_t *bytes)
{
	struct state state = {.lock_fd = -1};
	char *text = NULL;
	FILE *out = open_memstream(&text, bytes);

	MUST(out);
	for (size_t i = 0; i < config->node_count; i++) {
		const struct config_node *node = &config->nodes[i];
		struct state_node *known = state_put(&state, node->name);

		MUST(known);
		snprintf(known->ip, sizeof(known->ip), "192.0.2.%zu", i);
		strcpy(known->host_key, node->host_key);
	}
	hosts_file_write(config, &state, out);
	MUST(fclose(out) == 0);
	state_close(&state);
	return text;
}

static struct provision_config *load_hosts(struct diags *d)
{
	struct provision_config *config = NULL;
	int ret;

	MUST(config_load(NULL, true, d, &config) == 0);
	ret = inventory_load("hosts", d, config);
	MUST(ret == (diags_failed(d) ? -EINVAL : 0));
	check_diags(d);
	return config;
}

/* What was read is written and read as the same hosts. */
static void read_inventory(void)
{
	struct diags d = DIAGS_INIT, none = DIAGS_INIT;
	struct provision_config *first = load_hosts(&d), *second;
	char *text, *again;
	size_t bytes;

	if (!diags_failed(&d)) {
		check_hosts(first);
		text = write_hosts(first, &bytes);
		input.data = (const uint8_t *)text;
		input.size = bytes;
		second = load_hosts(&none);
		MUST(none.count == 0);
		again = write_hosts(second, &bytes);
		MUST(strcmp(text, again) == 0);
		config_free(second);
		free(text);
		free(again);
	}
	config_free(first);
	diags_fini(&d);
	diags_fini(&none);
}

/* --- state ------------------------------------------------------------------------------------ */

/* What was read is written and read the same. */
static void read_state(const uint8_t *data, size_t size)
{
	struct state first = {.lock_fd = -1}, second = {.lock_fd = -1};
	char *text, *again;
	struct err e;

	if (state_json_read((const char *)data, size, &first, &e) == 0) {
		text = state_json_write(&first);
		MUST(text && state_json_read(text, strlen(text), &second, &e) == 0);
		again = state_json_write(&second);
		MUST(again && strcmp(text, again) == 0);
		free(text);
		free(again);
	}
	state_close(&first);
	state_close(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input.data = data;
	input.size = size;
	if (size && data[0] == '{')
		read_state(data, size);
	else if (size && data[0] == '[')
		read_inventory();
	else
		read_config();
	return 0;
}
