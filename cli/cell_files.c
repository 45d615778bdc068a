#include "cli/cell_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* SITE-INSTANCE, INSTANCE, either with .cell behind it. */
static bool parse_name(const char *name, struct cell_file *out)
{
	char *end;
	long first = strtol(name, &end, 10), second = -1;
	bool sited = end != name && *end == '-';

	if (end == name || first < 0 || first > 1000000)
		return false;
	if (sited) {
		name = end + 1;
		second = strtol(name, &end, 10);
		if (end == name || second < 0 || second > 1000000)
			return false;
	}
	out->site = sited ? (int)first : -1;
	out->instance = (int)(sited ? second : first);
	return *end == '\0' || strcmp(end, ".cell") == 0;
}

static int add(struct cell_files *files, const char *name)
{
	struct cell_file file = {.name = strdup(name), .base = strdup(name)}, *larger;

	if (!file.name || !file.base)
		goto fail;
	file.base[strcspn(file.base, ".")] = '\0';
	if (!parse_name(name, &file)) {
		free(file.name);
		free(file.base);
		return 0;
	}
	larger = reallocarray(files->items, files->count + 1, sizeof(*larger));
	if (!larger)
		goto fail;
	files->items = larger;
	files->items[files->count++] = file;
	return 0;
fail:
	free(file.name);
	free(file.base);
	return -ENOMEM;
}

static int by_site(const void *a, const void *b)
{
	const struct cell_file *x = a, *y = b;

	if (x->site != y->site)
		return x->site < y->site ? -1 : 1;
	return (x->instance > y->instance) - (x->instance < y->instance);
}

int cell_files_list(const char *folder, struct cell_files *out, struct err *err)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int ret = 0;

	*out = (struct cell_files){NULL, 0};
	if (!dir)
		return err_set(err, -errno, "%s: %s", folder, strerror(errno));
	while (!ret && (entry = readdir(dir)))
		ret = add(out, entry->d_name);
	closedir(dir);
	if (ret)
		err_set(err, ret, "out of memory");
	else if (!out->count)
		ret = err_set(err, -ENODATA,
			      "%s: holds no loads; their names are SITE-INSTANCE.cell or "
			      "INSTANCE.cell, such as 3-12.cell",
			      folder);
	if (ret)
		cell_files_fini(out);
	else
		qsort(out->items, out->count, sizeof(*out->items), by_site);
	return ret;
}

void cell_files_fini(struct cell_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->items[i].name);
		free(files->items[i].base);
	}
	free(files->items);
	*files = (struct cell_files){NULL, 0};
}

static int join(const char *folder, const char *name, char **out, struct err *err)
{
	return asprintf(out, "%s/%s", folder, name) < 0 ? err_set(err, -ENOMEM, "out of memory")
							: 0;
}

int cell_files_read(const char *folder, const char *name, struct packets *out, struct err *err)
{
	char *path;
	FILE *in;
	int ret = join(folder, name, &path, err);

	if (ret)
		return ret;
	in = fopen(path, "r");
	ret = in ? packets_read(in, path, out, err)
		 : err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (in)
		fclose(in);
	free(path);
	return ret;
}

int cell_files_new_folder(const char *folder, struct err *err)
{
	if (mkdir(folder, 0700) == 0)
		return 0;
	if (errno == EEXIST)
		return err_set(err, -EEXIST,
			       "%s is there already; name a folder that is not, nothing is "
			       "overwritten",
			       folder);
	return err_set(err, -errno, "%s: %s", folder, strerror(errno));
}

int cell_files_write(const char *folder, const char *name, const struct packets *packets, int path,
		     struct err *err)
{
	char *file;
	FILE *out;
	int ret = join(folder, name, &file, err);

	if (ret)
		return ret;
	out = fopen(file, "wxe");
	if (!out || packets_write(packets, path, out) || fclose(out))
		ret = err_set(err, -EIO, "%s: %s", file, strerror(errno));
	free(file);
	return ret;
}

bool cell_files_is_test(const struct cell_file *file)
{
	return file->instance % 5 == 4;
}

bool cell_files_is_valid(const struct cell_file *file)
{
	return file->instance % 5 == 3;
}
