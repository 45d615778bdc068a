#include <string.h>

#include "cli/commands.h"
#include "cli/view.h"
#include "conf/conf.h"
#include "policies/registry.h"

static void print_text(const struct cli *cli, const char *file, const struct diags *d,
		       const struct conf *conf)
{
	char line[1024];

	for (size_t i = 0; i < d->count; i++) {
		diag_format(&d->items[i], line, sizeof(line));
		view_sanitize(line);
		fprintf(cli->err, "%s\n", line);
	}
	if (conf)
		fprintf(cli->out, "%s: ok (%s, %zu path%s, %s)\n", file, conf_mode_name(conf->mode),
			conf->path_count, conf->path_count == 1 ? "" : "s", conf->policy->name);
}

/* {file, ok, mode, paths, policy, diagnostics: [{severity, file, line, column, text}]} */
static void print_json(const struct cli *cli, const char *file, const struct diags *d,
		       const struct conf *conf)
{
	json_t *list = json_array();
	json_t *result =
		json_pack("{s:s, s:b, s:o}", "file", file, "ok", conf != NULL, "diagnostics", list);

	for (size_t i = 0; i < d->count; i++) {
		const struct diag *diag = &d->items[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:i, s:i, s:s}", "severity",
						diag->severity == DIAG_ERROR ? "error" : "note",
						"file", diag->file, "line", diag->line, "column",
						diag->column, "text", diag->text));
	}
	if (conf) {
		json_object_set_new(result, "mode", json_string(conf_mode_name(conf->mode)));
		json_object_set_new(result, "paths", json_integer((json_int_t)conf->path_count));
		json_object_set_new(result, "policy", json_string(conf->policy->name));
	}
	cli_print_json(cli, result);
	json_decref(result);
}

int check_run(struct cli *cli)
{
	const char *file = cli->words[0];
	struct diags d = DIAGS_INIT;
	struct conf *conf = NULL;
	int rc = conf_load(file, registry_all(), &d, &conf);

	if (cli->json)
		print_json(cli, file, &d, conf);
	else
		print_text(cli, file, &d, conf);
	if (rc < 0 && !diags_failed(&d))
		cli_error(cli, CLI_FAILED, "%s: %s", file, strerror(-rc));
	conf_free(conf);
	diags_fini(&d);
	return rc < 0 ? CLI_FAILED : CLI_OK;
}
