#include "provision/client_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/newfile.h"

#define STREAM 0
#define SHARED "client" /* for a path: the key pair of all */

/* As wg(8) makes one (RFC 7748, section 5). */
static void clamp(uint8_t key[KEY_BYTES])
{
	key[0] &= 248;
	key[31] = (uint8_t)((key[31] & 127) | 64);
}

/* A line of 44 characters. -ENOENT: there is no such file. */
static int read_key(const char *file, uint8_t key[KEY_BYTES], struct err *e)
{
	int fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), ret;
	char text[KEY_TEXT_BYTES + 8] = "";
	struct stat st;
	ssize_t got;

	if (fd < 0)
		return err_set(e, -errno, "%s: %s", file, strerror(errno));
	got = fstat(fd, &st) ? -1 : read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got < 0)
		return err_set(e, -errno, "%s: %s", file, strerror(errno));
	if (st.st_mode & 077)
		return err_set(e, -EPERM, "%s: others may read it; chmod 600 it", file);
	text[strcspn(text, "\n")] = '\0';
	ret = key_parse(text, key, e);
	key_wipe(text, sizeof(text));
	return ret ? err_prefix(e, ret, "%s", file) : 0;
}

static int write_key(const char *file, const uint8_t key[KEY_BYTES], struct err *e)
{
	char text[KEY_TEXT_BYTES + 1];
	int ret;

	key_format(key, text);
	text[KEY_TEXT_BYTES - 1] = '\n';
	ret = newfile_put(AT_FDCWD, file, 0600, text, KEY_TEXT_BYTES);
	key_wipe(text, sizeof(text));
	return ret ? err_set(e, ret, "%s: %s", file, strerror(-ret)) : 0;
}

static int make_key(const char *file, const char *kind, struct rng *rng, uint8_t key[KEY_BYTES],
		    struct err *e)
{
	rng_fill(rng, STREAM, key, KEY_BYTES);
	if (strcmp(kind, "key") == 0)
		clamp(key);
	return write_key(file, key, e);
}

/* One file of a network. */
struct key_file {
	const char *directory, *network, *path, *kind; /* "key" or "psk" */
};

static char *name_of(const struct key_file *file, struct err *e)
{
	char *name;

	if (asprintf(&name, "%s/%s.%s.%s", file->directory, file->network, file->path,
		     file->kind) >= 0)
		return name;
	err_set(e, -ENOMEM, "out of memory");
	return NULL;
}

static int load(const struct key_file *file, struct rng *rng, uint8_t key[KEY_BYTES], struct err *e)
{
	char *name = name_of(file, e);
	int ret = name ? read_key(name, key, e) : -ENOMEM;

	if (ret == -ENOENT && rng)
		ret = make_key(name, file->kind, rng, key, e);
	free(name);
	return ret;
}

static int renew(const struct key_file *file, struct rng *rng, struct err *e)
{
	uint8_t key[KEY_BYTES];
	char *name = name_of(file, e);
	int ret = name ? make_key(name, file->kind, rng, key, e) : -ENOMEM;

	key_wipe(key, sizeof(key));
	free(name);
	return ret;
}

static int remove_key(const struct key_file *file, struct err *e)
{
	char *name = name_of(file, e);
	int ret = name ? 0 : -ENOMEM;

	if (name && unlink(name) && errno != ENOENT)
		ret = err_set(e, -errno, "%s: %s", name, strerror(errno));
	free(name);
	return ret;
}

int client_keys_load(const char *directory, const char *network, const char *path, int shared,
		     struct rng *rng, struct client_keys *out, struct err *e)
{
	struct key_file key = {directory, network, shared ? SHARED : path, "key"};
	struct key_file psk = {directory, network, path, "psk"};
	int ret = load(&key, rng, out->private_key, e);

	if (!ret)
		ret = load(&psk, rng, out->preshared_key, e);
	if (ret)
		key_wipe(out, sizeof(*out));
	else
		key_public(out->private_key, out->public_key);
	return ret;
}

int client_keys_renew(const char *directory, const char *network, const char *path, int shared,
		      struct rng *rng, struct err *e)
{
	struct key_file key = {directory, network, path, "key"};
	struct key_file psk = {directory, network, path, "psk"};
	int ret = shared ? 0 : renew(&key, rng, e);

	return ret ? ret : renew(&psk, rng, e);
}

int client_keys_renew_shared(const char *directory, const char *network, struct rng *rng,
			     struct err *e)
{
	struct key_file key = {directory, network, SHARED, "key"};

	return renew(&key, rng, e);
}

int client_keys_remove(const char *directory, const char *network, const char *path, struct err *e)
{
	struct key_file key = {directory, network, path, "key"};
	struct key_file psk = {directory, network, path, "psk"};
	int ret = remove_key(&key, e);

	return ret ? ret : remove_key(&psk, e);
}
