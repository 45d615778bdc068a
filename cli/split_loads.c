#include "cli/split_loads.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cell_files.h"

void split_loads_fini(struct split_loads *loads)
{
	for (size_t i = 0; i < loads->count; i++) {
		packets_fini((struct packets *)loads->items[i].packets);
		free((void *)loads->items[i].packets);
	}
	free(loads->items);
}

/* What one path carried, at its place in the load. */
static int add_path(const char *folder, const char *base, size_t path, double offset_s,
		    struct packets *out, struct err *err)
{
	struct packets part;
	char name[300];
	int ret;

	snprintf(name, sizeof(name), "%.250s_split_%zu.cell", base, path);
	ret = cell_files_read(folder, name, &part, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < part.count && !ret; i++) {
		struct packet packet = part.items[i];

		packet.s += offset_s;
		packet.path = (int)path;
		ret = packets_add(out, packet) ? err_set(err, -ENOMEM, "out of memory") : 0;
	}
	packets_fini(&part);
	return ret;
}

static int read_load(const char *folder, json_t *line, struct packets *out, struct err *err)
{
	json_t *at, *offsets = json_object_get(line, "offsets_s");
	const char *base = json_string_value(json_object_get(line, "base"));
	size_t path;
	int ret = 0;

	memset(out, 0, sizeof(*out));
	json_array_foreach(offsets, path, at)
	{
		if (!ret && json_is_number(at))
			ret = add_path(folder, base, path, json_number_value(at), out, err);
	}
	if (!ret && packets_sort(out))
		ret = err_set(err, -ENOMEM, "out of memory");
	return ret;
}

/* Known are those that manifest.csv has for training and validation. */
static int add_load(struct split_loads *loads, const char *folder, json_t *line, struct err *err)
{
	const char *base = json_string_value(json_object_get(line, "base"));
	size_t paths = json_array_size(json_object_get(line, "offsets_s"));
	int site = (int)json_integer_value(json_object_get(line, "site"));
	struct packets *packets;
	struct attack_load *larger;
	const char *dash;
	int ret;

	if (!base || !paths || paths > SPLIT_PATHS_MAX || (loads->paths && paths != loads->paths))
		return err_set(err, -EBADMSG, "is no line of comps split");
	if (site < 0)
		return 0; /* of the open world */
	larger = reallocarray(loads->items, loads->count + 1, sizeof(*larger));
	packets = calloc(1, sizeof(*packets));
	if (larger)
		loads->items = larger;
	if (!larger || !packets) {
		free(packets);
		return err_set(err, -ENOMEM, "out of memory");
	}
	dash = strchr(base, '-');
	loads->paths = paths;
	loads->items[loads->count++] =
		(struct attack_load){.site = site,
				     .known = !cell_files_is_test(&(struct cell_file){
					     .instance = dash ? atoi(dash + 1) : 0}),
				     .packets = packets};
	ret = read_load(folder, line, packets, err);
	return ret;
}

int split_loads_read(const char *folder, struct split_loads *loads, struct err *err)
{
	char name[4096], *text = NULL;
	size_t room = 0, number = 0;
	json_error_t where;
	FILE *in;
	int ret = 0;

	snprintf(name, sizeof(name), "%s/split.jsonl", folder);
	in = fopen(name, "re");
	if (!in)
		return err_set(err, -errno, "%s: %s; the folder must be one of comps split", name,
			       strerror(errno));
	while (!ret && getline(&text, &room, in) >= 0) {
		json_t *line = json_loads(text, 0, &where);

		number++;
		ret = line ? add_load(loads, folder, line, err)
			   : err_set(err, -EBADMSG, "%s", where.text);
		if (ret == -EBADMSG)
			err_prefix(err, ret, "%s:%zu", name, number);
		json_decref(line);
	}
	free(text);
	fclose(in);
	return ret;
}
