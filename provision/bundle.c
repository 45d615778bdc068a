#include "provision/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provision/bundle_conf.h"

/* The files of provision/bundle/, each with a NUL behind it (ld(1), -b binary). */
extern const char _binary_docker_compose_yml_start[];
extern const char _binary_Dockerfile_start[];
extern const char _binary_dockerignore_start[];
extern const char _binary_gitignore_start[];
extern const char _binary_README_md_start[];

#define STATIC_FILES  5
#define NOT_ROOT_MARK "#not-root"

/* --- one file --------------------------------------------------------------------------------- */

/* Takes `text` over; NULL is remembered as out of memory by *ret. */
static void add_text(struct bundle *bundle, const char *name, mode_t mode, char *text, int *ret)
{
	struct bundle_file *file = &bundle->files[bundle->count++];

	snprintf(file->name, sizeof(file->name), "%s", name);
	file->mode = mode;
	file->text = text;
	if (!text)
		*ret = -ENOMEM;
}

static void add_program(struct bundle *bundle, const char *name, const char *source, int *ret)
{
	struct bundle_file *file = &bundle->files[bundle->count];

	if (!source)
		return;
	bundle->count++;
	snprintf(file->name, sizeof(file->name), "%s", name);
	file->mode = 0755;
	file->source = strdup(source);
	if (!file->source)
		*ret = -ENOMEM;
}

/* Lines that begin with the mark are for a bundle that is not root's. */
static char *make_compose(bool for_root)
{
	const char *from = _binary_docker_compose_yml_start;
	char *text = malloc(strlen(from) + 1), *to = text;

	while (text && *from) {
		const char *end = strchr(from, '\n') + 1;
		bool marked = strncmp(from, NOT_ROOT_MARK, strlen(NOT_ROOT_MARK)) == 0;

		if (marked)
			from += strlen(NOT_ROOT_MARK);
		if (!marked || !for_root)
			to = mempcpy(to, from, (size_t)(end - from));
		from = end;
	}
	if (text)
		*to = '\0';
	return text;
}

/* --- all -------------------------------------------------------------------------------------- */

static void add_static(struct bundle *bundle, bool for_root, int *ret)
{
	add_text(bundle, "docker-compose.yml", 0644, make_compose(for_root), ret);
	add_text(bundle, "Dockerfile", 0644, strdup(_binary_Dockerfile_start), ret);
	add_text(bundle, ".dockerignore", 0644, strdup(_binary_dockerignore_start), ret);
	add_text(bundle, ".gitignore", 0644, strdup(_binary_gitignore_start), ret);
	add_text(bundle, "README.md", 0644, strdup(_binary_README_md_start), ret);
}

static void add_conf(struct bundle *bundle, const struct provision_config *config,
		     const struct tunnels *tunnels, int *ret)
{
	char file[BUNDLE_NAME_BYTES];

	add_text(bundle, BUNDLE_TUNNELS "/wg0.conf", 0600,
		 bundle_conf_tunnel(config, &tunnels->exit), ret);
	for (size_t i = 0; i < tunnels->count; i++) {
		snprintf(file, sizeof(file), BUNDLE_TUNNELS "/%s.conf", tunnels->proxies[i].path);
		add_text(bundle, file, 0600, bundle_conf_tunnel(config, &tunnels->proxies[i]), ret);
	}
	add_text(bundle, "comps.yaml", 0600, bundle_conf_yaml(config, tunnels), ret);
}

int bundle_make(const struct provision_config *config, const struct tunnels *tunnels,
		const struct bundle_programs *programs, bool for_root, struct bundle *out,
		struct err *e)
{
	/* comps.yaml, wg0.conf and the two programs beside them. */
	size_t room = STATIC_FILES + 4 + tunnels->count;
	int ret = 0;

	*out = (struct bundle){.files = calloc(room, sizeof(*out->files))};
	if (!out->files)
		return err_set(e, -ENOMEM, "out of memory");
	add_static(out, for_root, &ret);
	add_program(out, "compsd", programs->compsd, &ret);
	add_program(out, "comps", programs->comps, &ret);
	add_conf(out, config, tunnels, &ret);
	if (!ret)
		return 0;
	bundle_fini(out);
	return err_set(e, ret, "out of memory");
}

void bundle_fini(struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->count; i++) {
		struct bundle_file *file = &bundle->files[i];

		if (file->text)
			key_wipe(file->text, strlen(file->text));
		free(file->text);
		free(file->source);
	}
	free(bundle->files);
	*bundle = (struct bundle){.count = 0};
}
