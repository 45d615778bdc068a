#include "conf/profiles.h"

#include <stddef.h>
#include <string.h>

const char *const profiles_names[] = {"none", "comps", "balanced", "quiet", "mtd", "perf", NULL};

/* In the order of the names. comps.yaml(5) says what each is for. */
static const char *const texts[] = {
	"{}",
	"policy: {name: dirichlet, interval: 100ms, dist: fixed, cap: 1}\n"
	"guards: {min_dwell: 50ms, max_migrations_per_min: 1200}\n",
	"policy: {name: dirichlet, interval: 1s, min: 250ms}\n"
	"guards: {min_dwell: 250ms, max_migrations_per_min: 240}\n",
	"policy: {name: random-interval, interval: 10s, min: 2s}\n",
	"policy: {name: pinned-random, epoch: 10m, pause: false}\n",
	"policy: {name: latency-best}\n",
};

int profiles_apply(struct conf_node *root, struct diags *d)
{
	const struct conf_node *name = conf_node_get(root, "profile");
	struct conf_node *profile;
	size_t i;
	int rc;

	if (!name || name->kind != CONF_NODE_SCALAR)
		return 0;
	for (i = 0; profiles_names[i] && strcmp(profiles_names[i], name->text) != 0; i++)
		;
	if (!profiles_names[i])
		return 0;
	rc = conf_yaml_parse("profile", texts[i], strlen(texts[i]), d, &profile);
	if (rc == 0 && conf_node_get(root, "policy"))
		conf_node_drop(profile, "policy");
	if (rc == 0)
		rc = conf_node_complete(root, profile);
	if (rc == 0)
		conf_node_free(profile);
	return rc;
}
