/* The two files of provisioning: the configuration, from YAML to the checked struct, and a state.
 */
#include <errno.h>
#include <sys/stat.h>

#include "conf/file.h"
#include "provision/config.h"
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

static void read_config(void)
{
	struct provision_config *config = NULL;
	struct diags d = DIAGS_INIT;
	char line[1200];
	int ret = config_load("p.yaml", false, &d, &config);

	MUST(ret == (diags_failed(&d) ? -EINVAL : 0));
	MUST((config != NULL) == (ret == 0));
	if (config)
		check_config(config);
	for (size_t i = 0; i < d.count; i++) {
		diag_format(&d.items[i], line, sizeof(line));
		MUST(fuzz_is_clean(line));
	}
	config_free(config);
	diags_fini(&d);
}

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
	else
		read_config();
	return 0;
}
