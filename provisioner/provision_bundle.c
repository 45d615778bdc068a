/* comps provision bundle, and the same at the end of apply. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/programs.h"
#include "provision/bundle.h"
#include "provisioner/provision.h"
#include "provisioner/verbs.h"

const char *provision_bundle_directory(const struct provision *p)
{
	return p->cli->output ? p->cli->output : BUNDLE_DIRECTORY;
}

/* --- telling ---------------------------------------------------------------------------------- */

static void note_edit(void *arg, const char *name, enum bundle_edit edit)
{
	json_object_set_new(arg, name, json_string(edit == BUNDLE_EDIT_KEPT ? "kept" : "aside"));
}

static void print_json(struct provision *p, const char *directory, const struct bundle *bundle,
		       json_t *edits)
{
	json_t *files = json_array(), *json;

	for (size_t i = 0; i < bundle->count; i++)
		json_array_append_new(files, json_string(bundle->files[i].name));
	json = json_pack("{s:s, s:s, s:o, s:O}", "event", "bundle", "directory", directory, "files",
			 files, "edited", edits);
	cli_print_json(p->cli, json);
	json_decref(json);
}

static void print_text(struct provision *p, const char *directory, size_t paths, json_t *edits)
{
	FILE *err = p->cli->err;
	const char *name;
	json_t *edit;

	json_object_foreach(edits, name, edit)
	{
		if (strcmp(json_string_value(edit), "kept") == 0)
			fprintf(err, "%s/%s: you have changed it, and it is as you left it\n",
				directory, name);
		else
			fprintf(err,
				"%s/%s: you had changed it; it is written anew, and yours is "
				"%s.before\n",
				directory, name, name);
	}
	fprintf(err, "the client is in %s: the exit and %zu path%s\n", directory, paths,
		paths == 1 ? "" : "s");
}

void provision_bundle_ways(const struct provision *p)
{
	const char *directory = provision_bundle_directory(p);

	if (!p->cli->json && p->job.live)
		fprintf(p->cli->err, "to have it used:         comps reload -s %s\n",
			p->live.socket);
	else if (!p->cli->json)
		fprintf(p->cli->err,
			"to start it:             cd %s && docker-compose up -d --build\n"
			"or without Docker:       compsd -c %s/comps.yaml\n",
			directory, directory);
}

static void warn_programs(const struct provision *p, const char *directory,
			  const struct bundle_programs *programs)
{
	if (!programs->compsd || !programs->comps)
		cli_error(p->cli, CLI_OK,
			  "comps and compsd are not installed beside comps-provision: put them "
			  "into %s before the image is built",
			  directory);
}

/* --- writing ---------------------------------------------------------------------------------- */

static int write_bundle(struct provision *p, const struct tunnels *tunnels, struct err *e)
{
	const char *directory = provision_bundle_directory(p);
	json_t *edits = json_object();
	struct bundle bundle = {.count = 0};
	char comps[PATH_MAX], compsd[PATH_MAX];
	struct bundle_programs programs = {
		.comps = programs_find("comps", comps) ? NULL : comps,
		.compsd = programs_find("compsd", compsd) ? NULL : compsd,
	};
	int ret = edits ? 0 : err_set(e, -ENOMEM, "out of memory");

	if (!ret)
		ret = bundle_make(p->config, tunnels, &programs, geteuid() == 0, &bundle, e);
	if (!ret)
		ret = bundle_write(&bundle, directory, note_edit, edits, e);
	if (!ret && p->cli->json)
		print_json(p, directory, &bundle, edits);
	else if (!ret)
		print_text(p, directory, tunnels->count, edits);
	if (!ret)
		warn_programs(p, directory, &programs);
	bundle_fini(&bundle);
	json_decref(edits);
	return ret;
}

int provision_bundle_write(void *provision, struct err *e)
{
	struct provision *p = provision;
	struct tunnels tunnels;
	int ret = tunnels_load(p->config, &p->state, &tunnels, e);

	if (ret)
		return ret;
	ret = write_bundle(p, &tunnels, e);
	tunnels_fini(&tunnels);
	return ret;
}

int provision_bundle(struct provision *p)
{
	char way[1024];
	struct err e;
	int ret = provision_bundle_write(p, &e);

	if (ret)
		cli_error(p->cli, CLI_FAILED, "%s", e.text);
	else
		provision_bundle_ways(p);
	if (ret == -ENOENT) {
		provision_way(p, "apply", way, sizeof(way));
		cli_error(p->cli, CLI_FAILED, "set it up first: %s", way);
	}
	return ret ? CLI_FAILED : CLI_OK;
}
