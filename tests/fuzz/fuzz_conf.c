/* A whole comps.yaml, from YAML to the checked struct. The tunnels that it names are those of
 * tests/golden/conf; no other file is opened.
 */
#include <errno.h>
#include <sys/stat.h>

#include "conf/conf.h"
#include "conf/file.h"
#include "policies/registry.h"
#include "tests/fuzz/fuzz.h"

#define FOLDER	"tests/golden/conf/"
#define TUNNELS FOLDER "tunnels/"
#define YAML	FOLDER "fuzz.yaml"

/* The input, for __wrap_conf_file_read(), which has no argument to carry it. */
static struct {
	const uint8_t *data;
	size_t size;
} input;

/* The linker (--wrap) puts the one in front of the other. */
int __wrap_conf_file_read(const char *path, size_t max_bytes, struct conf_file *out, struct err *e);
int __real_conf_file_read(const char *path, size_t max_bytes, struct conf_file *out, struct err *e);

int __wrap_conf_file_read(const char *path, size_t max_bytes, struct conf_file *out, struct err *e)
{
	int rc = 0;

	if (strcmp(path, YAML) == 0) {
		*out = (struct conf_file){.text = malloc(input.size + 1), .bytes = input.size};
		MUST(out->text && input.size <= max_bytes);
		memcpy(out->text, input.data, input.size);
	} else if (strncmp(path, TUNNELS, strlen(TUNNELS)) == 0 && !strstr(path, "..")) {
		rc = __real_conf_file_read(path, max_bytes, out, e);
	} else {
		rc = err_set(e, -ENOENT, "cannot be opened: this is a test");
	}
	out->stat.st_mode = S_IFREG | 0600;
	out->stat.st_uid = 0;
	return rc;
}

static void check(const struct conf *conf)
{
	MUST(conf->path_count >= 1 && conf->path_count <= CONF_PATHS_MAX);
	MUST(conf->policy && conf->policy_values && conf->control_socket && conf->userspace[0]);
	MUST((conf->mode == CONF_NESTED) == (conf->inner.tunnel.wg != NULL));
	for (size_t i = 0; i < conf->path_count; i++) {
		const struct conf_path *path = &conf->paths[i];

		MUST(path->name[0] && path->tunnel.interface[0]);
		MUST(path->tunnel.wg && path->tunnel.mtu > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diags d = DIAGS_INIT;
	struct conf *conf = NULL;
	char line[1024];
	int rc;

	input.data = data;
	input.size = size;
	rc = conf_load(YAML, registry_all(), &d, &conf);
	MUST(rc == (diags_failed(&d) ? -EINVAL : 0));
	MUST((conf != NULL) == (rc == 0));
	if (conf)
		check(conf);
	for (size_t i = 0; i < d.count; i++) {
		diag_format(&d.items[i], line, sizeof(line));
		MUST(fuzz_is_clean(line));
	}
	conf_free(conf);
	diags_fini(&d);
	return 0;
}
