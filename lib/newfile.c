#include "lib/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int newfile_begin(struct newfile *file, int dir, const char *name)
{
	int ret;

	*file = (struct newfile){.dir = dir, .name = name};
	if (asprintf(&file->part, "%s.new", name) < 0)
		return -ENOMEM;
	unlinkat(dir, file->part, 0);
	file->fd =
		openat(dir, file->part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file->fd >= 0)
		return 0;
	ret = -errno;
	free(file->part);
	return ret;
}

int newfile_write(struct newfile *file, const void *data, size_t bytes)
{
	const char *next = data;

	while (bytes > 0) {
		ssize_t n = write(file->fd, next, bytes);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			next += n;
			bytes -= (size_t)n;
		}
	}
	return 0;
}

int newfile_sync_folder(int dir, const char *name)
{
	const char *slash = strrchr(name, '/');
	char *folder = slash ? strndup(name, (size_t)(slash - name) + 1) : strdup(".");
	int fd, ret = 0;

	if (!folder)
		return -ENOMEM;
	fd = openat(dir, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int newfile_end(struct newfile *file, mode_t mode, int ret)
{
	/* Only when it is whole may others read it. */
	if (!ret && (fchmod(file->fd, mode) < 0 || fsync(file->fd) < 0))
		ret = -errno;
	if (close(file->fd) < 0 && !ret)
		ret = -errno;
	if (!ret && renameat(file->dir, file->part, file->dir, file->name) < 0)
		ret = -errno;
	if (ret)
		unlinkat(file->dir, file->part, 0);
	else
		ret = newfile_sync_folder(file->dir, file->name);
	free(file->part);
	return ret;
}

int newfile_put(int dir, const char *name, mode_t mode, const void *data, size_t bytes)
{
	struct newfile file;
	int ret = newfile_begin(&file, dir, name);

	return ret ? ret : newfile_end(&file, mode, newfile_write(&file, data, bytes));
}
