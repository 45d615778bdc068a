#include "provision/bundle_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/key.h"
#include "lib/newfile.h"

#define READ_MAX_BYTES (1 << 20)

/* --- files ------------------------------------------------------------------------------------ */

/* True where the file is so already. */
static bool is_so(int dir, const char *name, mode_t mode, const char *text)
{
	struct stat st;
	char *found;
	bool same;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || (st.st_mode & 07777) != mode ||
	    bundle_tree_read(dir, name, &found))
		return false;
	same = strcmp(found, text) == 0;
	key_wipe(found, strlen(found));
	free(found);
	return same;
}

int bundle_tree_put(int dir, const char *name, mode_t mode, const char *text)
{
	return is_so(dir, name, mode, text) ? 0 : newfile_put(dir, name, mode, text, strlen(text));
}

static int pour(int from, struct newfile *to)
{
	char buffer[65536];
	ssize_t n;
	int ret = 0;

	while (!ret && (n = read(from, buffer, sizeof(buffer))) != 0) {
		if (n > 0)
			ret = newfile_write(to, buffer, (size_t)n);
		else if (errno != EINTR)
			ret = -errno;
	}
	return ret;
}

int bundle_tree_copy(int dir, const char *name, mode_t mode, const char *source)
{
	int from = open(source, O_RDONLY | O_CLOEXEC), ret = from < 0 ? -errno : 0;
	struct newfile file;

	if (ret)
		return ret;
	ret = newfile_begin(&file, dir, name);
	if (!ret)
		ret = newfile_end(&file, mode, pour(from, &file));
	close(from);
	return ret;
}

/* Of a regular file: its size; else -errno. */
static ssize_t size_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return st.st_size > READ_MAX_BYTES ? -EFBIG : (ssize_t)st.st_size;
}

int bundle_tree_read(int dir, const char *name, char **out)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), ret = 0;
	ssize_t size, got;
	char *text = NULL;

	if (fd < 0)
		return -errno;
	size = size_of(fd);
	if (size < 0)
		ret = (int)size;
	else if (!(text = malloc((size_t)size + 1)))
		ret = -ENOMEM;
	got = ret ? 0 : read(fd, text, (size_t)size);
	if (got < 0)
		ret = -errno;
	close(fd);
	if (ret) {
		free(text);
		return ret;
	}
	text[got] = '\0';
	*out = text;
	return 0;
}

/* --- folders ---------------------------------------------------------------------------------- */

int bundle_tree_open(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 ? fd : errno == ELOOP ? -ENOTDIR : -errno;
}

int bundle_tree_each(int dir, int (*fn)(void *arg, int dir, const char *name), void *arg)
{
	int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
	DIR *stream = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;

	if (!stream) {
		ret = -errno;
		if (again >= 0)
			close(again);
		return ret;
	}
	while (!ret && (entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			ret = fn(arg, dir, entry->d_name);
	closedir(stream);
	return ret;
}

static int remove_entry(void *arg, int dir, const char *name)
{
	(void)arg;
	return bundle_tree_remove(dir, name);
}

int bundle_tree_remove(int dir, const char *name)
{
	int fd, ret;

	if (!unlinkat(dir, name, 0))
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = bundle_tree_open(dir, name);
	if (fd < 0)
		return fd;
	ret = bundle_tree_each(fd, remove_entry, NULL);
	close(fd);
	if (!ret && unlinkat(dir, name, AT_REMOVEDIR) < 0)
		ret = -errno;
	return ret;
}
