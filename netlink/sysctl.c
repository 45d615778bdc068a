#include "netlink/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int open_key(const char *root, const char *key, int flags)
{
	char path[PATH_MAX];
	int fd, length;

	length = snprintf(path, sizeof(path), "%s/%s", root, key);
	if (length < 0 || (size_t)length >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sysctl_read(const char *root, const char *key, char *value, size_t value_bytes)
{
	ssize_t length;
	int fd, ret = 0;

	fd = open_key(root, key, O_RDONLY);
	if (fd < 0)
		return fd;
	length = read(fd, value, value_bytes - 1);
	if (length < 0)
		ret = -errno;
	value[length < 0 ? 0 : length] = '\0';
	value[strcspn(value, "\n")] = '\0';
	close(fd);
	return ret;
}

static int write_key(const char *root, const char *key, const char *value)
{
	ssize_t written;
	int fd, ret = 0;

	fd = open_key(root, key, O_WRONLY | O_TRUNC);
	if (fd < 0)
		return fd;
	written = write(fd, value, strlen(value));
	if (written < 0)
		ret = -errno;
	else if ((size_t)written != strlen(value))
		ret = -EIO;
	close(fd);
	return ret;
}

int sysctl_ensure(const char *root, const char *key, const char *value, struct sysctl_change *out)
{
	int ret;

	memset(out, 0, sizeof(*out));
	snprintf(out->key, sizeof(out->key), "%s", key);
	snprintf(out->new, sizeof(out->new), "%s", value);
	ret = sysctl_read(root, key, out->old, sizeof(out->old));
	if (ret || !strcmp(out->old, value))
		return ret;
	ret = write_key(root, key, value);
	out->written = !ret;
	return ret;
}
