#include "conf/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/check.h"
#include "conf/file.h"
#include "conf/keys.h"
#include "conf/profiles.h"
#include "conf/schema.h"
#include "conf/yaml.h"

/* Everything that is wrong ends up in `r->d`. */
static void build(struct conf_reader *r, const struct conf_node *root, struct conf *conf)
{
	schema_read(r, &keys_top, root, conf);
	if (root->kind != CONF_NODE_MAPPING)
		return;
	if (conf->mode == CONF_NESTED && !conf_node_get(root, "inner"))
		schema_error(r, root,
			     "inner is missing: mode nested needs the tunnel to the exit; "
			     "or write mode: direct");
	check_tunnels(r, root, conf);
	check_mtu(r, conf);
	check_numbers(r, root, conf);
}

static int read_tree(struct conf_reader *r, struct conf_node **root)
{
	struct conf_file content;
	struct err e;
	int rc = conf_file_read(r->file, CONF_YAML_MAX_BYTES, &content, &e);

	if (rc == 0) {
		r->owner = content.stat.st_uid;
		rc = conf_yaml_parse(r->file, content.text, content.bytes, r->d, root);
		conf_file_fini(&content);
	} else if (rc != -ENOMEM) {
		diag_error(r->d, r->file, 0, 0, "%s", e.text);
	}
	return rc == 0 || rc == -ENOMEM ? rc : -EINVAL;
}

int conf_load(const char *file, const struct policy_ops *const *policies, struct diags *d,
	      struct conf **out)
{
	struct conf_reader r = {.file = file, .d = d, .policies = policies};
	struct conf *conf = calloc(1, sizeof(*conf));
	struct conf_node *root = NULL;
	int rc = -ENOMEM;

	if (!conf || !(conf->file = strdup(file)) || plugins_init(&conf->plugins, policies))
		goto out;
	diags_add_file(d, file);
	rc = read_tree(&r, &root);
	if (rc == 0 && root->kind == CONF_NODE_MAPPING)
		rc = profiles_apply(root, d);
	if (rc < 0)
		goto out;
	build(&r, root, conf);
	if (diags_failed(d))
		rc = d->out_of_memory ? -ENOMEM : -EINVAL;
out:
	diags_sort(d);
	conf_node_free(root);
	if (rc == 0)
		*out = conf;
	else
		conf_free(conf);
	return rc;
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	wgquick_free(conf->inner.tunnel.wg);
	for (size_t i = 0; i < conf->path_count; i++)
		wgquick_free(conf->paths[i].tunnel.wg);
	for (size_t i = 0; conf->userspace && conf->userspace[i]; i++)
		free(conf->userspace[i]);
	free(conf->userspace);
	free(conf->paths);
	plugins_fini(&conf->plugins);
	for (size_t i = 0; i < conf->shadow_count; i++)
		free(conf->shadows[i].values);
	free(conf->shadows);
	free(conf->policy_values);
	free(conf->network.uplinks);
	free(conf->bypass);
	free(conf->control_socket);
	free(conf->trace.file);
	free(conf->file);
	free(conf);
}

const char *conf_mode_name(enum conf_mode mode)
{
	return mode == CONF_NESTED ? "nested" : "direct";
}
