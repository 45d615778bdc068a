#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/key.h"

static int read_all(int fd, struct conf_file *file)
{
	size_t wanted = file->bytes;
	ssize_t n;

	for (file->bytes = 0; file->bytes < wanted; file->bytes += (size_t)n) {
		n = read(fd, file->text + file->bytes, wanted - file->bytes);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return -errno;
		else if (n == 0)
			break;
	}
	return 0;
}

static int read_regular(int fd, size_t max_bytes, struct conf_file *file, struct err *e)
{
	int rc;

	if (fstat(fd, &file->stat) < 0)
		return err_set(e, -errno, "cannot be read: %s", strerror(errno));
	if (!S_ISREG(file->stat.st_mode))
		return err_set(e, -EINVAL, "is not a regular file");
	if ((unsigned long long)file->stat.st_size > max_bytes)
		return err_set(e, -EFBIG, "is larger than %zu bytes", max_bytes);
	file->bytes = (size_t)file->stat.st_size;
	file->text = malloc(file->bytes + 1);
	if (!file->text)
		return err_set(e, -ENOMEM, "cannot be read: out of memory");
	rc = read_all(fd, file);
	if (rc < 0) {
		conf_file_fini(file);
		return err_set(e, rc, "cannot be read: %s", strerror(-rc));
	}
	return 0;
}

int conf_file_read(const char *path, size_t max_bytes, struct conf_file *out, struct err *e)
{
	/* O_NONBLOCK: a FIFO must not hold us up before it can be refused. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int rc;

	*out = (struct conf_file){.text = NULL};
	if (fd < 0)
		return err_set(e, -errno, "cannot be opened: %s", strerror(errno));
	rc = read_regular(fd, max_bytes, out, e);
	close(fd);
	return rc;
}

int conf_file_check_secret(const char *path, const struct conf_file *file, uid_t owner,
			   struct err *e)
{
	const struct stat *st = &file->stat;
	mode_t forbidden = st->st_uid == 0 ? 037 : 077;

	if ((st->st_mode & forbidden) != 0)
		return err_set(e, -EPERM,
			       "has mode %04o, so others can get at its private key; run: chmod "
			       "600 %s",
			       (unsigned int)st->st_mode & 07777, path);
	if (st->st_uid != 0 && st->st_uid != geteuid() && st->st_uid != owner)
		return err_set(e, -EPERM,
			       "has a private key but belongs to uid %u, neither root nor you; "
			       "run: chown root %s",
			       (unsigned int)st->st_uid, path);
	return 0;
}

void conf_file_fini(struct conf_file *file)
{
	if (file->text)
		key_wipe(file->text, file->bytes);
	free(file->text);
	file->text = NULL;
}
