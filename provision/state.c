#include "provision/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/file.h"
#include "lib/newfile.h"
#include "provision/state_json.h"

#define MAX_BYTES (4 << 20)

/* --- names ------------------------------------------------------------------------------------ */

int state_directory(const char *xdg_state_home, const char *home, char *out, size_t out_bytes,
		    struct err *e)
{
	int n = -1;

	if (xdg_state_home && *xdg_state_home == '/')
		n = snprintf(out, out_bytes, "%s/comps", xdg_state_home);
	else if (home && *home == '/')
		n = snprintf(out, out_bytes, "%s/.local/state/comps", home);
	else
		return err_set(e, -EINVAL,
			       "neither XDG_STATE_HOME nor HOME is set; one of them "
			       "says where the state is kept");
	if ((size_t)n >= out_bytes)
		return err_set(e, -ENAMETOOLONG, "the name of the state's directory is too long");
	return 0;
}

static char *path_of(const char *directory, const char *network, const char *suffix)
{
	char *path;

	return asprintf(&path, "%s/%s%s", directory, network, suffix) < 0 ? NULL : path;
}

/* mkdir -p, all of what is made for the owner only. */
static int make_directory(const char *directory, struct err *e)
{
	char *path = strdup(directory);
	int ret = 0;

	if (!path)
		return err_set(e, -ENOMEM, "out of memory");
	for (char *c = path + 1; !ret; c++) {
		char was = *c;

		if (was != '/' && was != '\0')
			continue;
		*c = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			ret = err_set(e, -errno, "cannot make %s: %s", path, strerror(errno));
		*c = was;
		if (!was)
			break;
	}
	free(path);
	return ret;
}

/* --- lock ------------------------------------------------------------------------------------- */

static int refuse_locked(int fd, const char *path, struct err *e)
{
	char holder[32];
	ssize_t n = pread(fd, holder, sizeof(holder) - 1, 0);

	holder[n > 0 ? n : 0] = '\0';
	holder[strspn(holder, "0123456789")] = '\0';
	return err_set(e, -EAGAIN,
		       "%s is held by another comps (process %s); wait for it, or stop "
		       "it",
		       path, *holder ? holder : "unknown");
}

static int lock(struct state *state, struct err *e)
{
	char *path = path_of(state->directory, state->network, ".lock"), text[32];
	int ret = 0, length;

	if (!path)
		return err_set(e, -ENOMEM, "out of memory");
	state->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (state->lock_fd < 0)
		ret = err_set(e, -errno, "cannot open %s: %s", path, strerror(errno));
	else if (flock(state->lock_fd, LOCK_EX | LOCK_NB) < 0)
		ret = errno == EWOULDBLOCK
			      ? refuse_locked(state->lock_fd, path, e)
			      : err_set(e, -errno, "cannot lock %s: %s", path, strerror(errno));
	if (!ret) {
		length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
		if (ftruncate(state->lock_fd, 0) < 0 ||
		    pwrite(state->lock_fd, text, (size_t)length, 0) != length)
			ret = err_set(e, -errno, "cannot write %s: %s", path, strerror(errno));
	}
	free(path);
	return ret;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int load(struct state *state, const char *path, struct err *e)
{
	struct conf_file file;
	int ret = conf_file_read(path, MAX_BYTES, &file, e);

	if (ret == -ENOENT)
		return 0;
	if (ret)
		return err_prefix(e, ret, "%s", path);
	state->existed = true;
	if (file.stat.st_mode & 022)
		ret = err_set(e, -EPERM, "others may write it; run: chmod 600 %s", path);
	else
		ret = state_json_read(file.text, file.bytes, state, e);
	conf_file_fini(&file);
	return ret ? err_prefix(e, ret, "%s", path) : 0;
}

int state_open(const char *directory, const char *network, bool write, const char *uuid,
	       struct state *out, struct err *e)
{
	char *path = path_of(directory, network, ".json");
	int ret = 0;

	*out = (struct state){.lock_fd = -1, .directory = strdup(directory)};
	snprintf(out->network, sizeof(out->network), "%s", network);
	if (!path || !out->directory)
		ret = err_set(e, -ENOMEM, "out of memory");
	if (!ret && write)
		ret = make_directory(directory, e);
	if (!ret && write)
		ret = lock(out, e);
	if (!ret)
		ret = load(out, path, e);
	if (!ret && strcmp(out->network, network) != 0)
		ret = err_set(e, -EINVAL, "%s is of network \"%s\"", path, out->network);
	if (!ret && !*out->uuid && uuid)
		snprintf(out->uuid, sizeof(out->uuid), "%s", uuid);
	free(path);
	if (ret)
		state_close(out);
	return ret;
}

void state_close(struct state *state)
{
	if (state->lock_fd >= 0)
		close(state->lock_fd);
	free(state->directory);
	free(state->nodes);
	*state = (struct state){.lock_fd = -1};
}

/* --- writing ---------------------------------------------------------------------------------- */

int state_save(const struct state *state, struct err *e)
{
	char *path = path_of(state->directory, state->network, ".json");
	char *text = state_json_write(state);
	/* We hold the lock, so nobody else is writing it. */
	int ret = path && text ? newfile_put(AT_FDCWD, path, 0600, text, strlen(text)) : -ENOMEM;

	if (ret)
		err_set(e, ret, "cannot write the state %s: %s", path ? path : "", strerror(-ret));
	free(path);
	free(text);
	return ret;
}

int state_remove(const struct state *state, struct err *e)
{
	char *path = path_of(state->directory, state->network, ".json");
	int ret = path ? 0 : -ENOMEM;

	if (path && unlink(path) < 0 && errno != ENOENT)
		ret = -errno;
	if (!ret)
		ret = newfile_sync_folder(AT_FDCWD, path);
	if (ret)
		err_set(e, ret, "cannot delete the state %s: %s", path ? path : "", strerror(-ret));
	free(path);
	return ret;
}

/* --- nodes ------------------------------------------------------------------------------------ */

struct state_node *state_find(const struct state *state, const char *name)
{
	for (size_t i = 0; i < state->node_count; i++)
		if (strcmp(state->nodes[i].name, name) == 0)
			return &state->nodes[i];
	return NULL;
}

/* "next" is a word of `comps migrate`; wg0.conf is the inner tunnel. */
static bool is_free(const struct state *state, const char *path)
{
	for (size_t i = 0; i < state->node_count; i++)
		if (strcmp(state->nodes[i].path, path) == 0)
			return false;
	return strlen(path) < STATE_PATH_BYTES && strcmp(path, "next") != 0 &&
	       strcmp(path, "wg0") != 0;
}

/* NAME, or NAME-2, NAME-3, ..., cut where it would be too long. */
static void choose_path(const struct state *state, const char *name, char out[STATE_PATH_BYTES])
{
	char path[PROVIDER_NAME_BYTES];

	snprintf(path, sizeof(path), "%s", name);
	for (unsigned int i = 2; !is_free(state, path); i++)
		snprintf(path, sizeof(path), "%.8s-%u", name, i % 1000);
	strcpy(out, path);
}

struct state_node *state_put(struct state *state, const char *name)
{
	struct state_node *node = state_find(state, name), *grown;

	if (node)
		return node;
	grown = reallocarray(state->nodes, state->node_count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	state->nodes = grown;
	node = &grown[state->node_count];
	*node = (struct state_node){.index = 0};
	snprintf(node->name, sizeof(node->name), "%s", name);
	choose_path(state, name, node->path);
	state->node_count++;
	return node;
}

void state_drop(struct state *state, const char *name)
{
	struct state_node *node = state_find(state, name);

	if (node)
		*node = state->nodes[--state->node_count];
}

static void retired_name(const char *name, char out[PROVIDER_NAME_BYTES])
{
	snprintf(out, PROVIDER_NAME_BYTES, "%.*s%c", PROVIDER_NAME_BYTES - 2, name,
		 STATE_RETIRED_MARK);
}

void state_retire(struct state *state, const char *name)
{
	struct state_node *node = state_find(state, name);

	if (node)
		retired_name(name, node->name);
}

struct state_node *state_retired(const struct state *state, const char *name)
{
	char retired[PROVIDER_NAME_BYTES];

	retired_name(name, retired);
	return state_find(state, retired);
}

bool state_retires(const struct state *state, const char *name, const char *id)
{
	const struct state_node *retired = state_retired(state, name);

	return retired && strcmp(retired->id, id) == 0;
}

bool state_is_retired(const struct state_node *node)
{
	return strchr(node->name, STATE_RETIRED_MARK) != NULL;
}

int state_networks(const char *directory, int (*fn)(void *arg, const char *network), void *arg,
		   struct err *e)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return errno == ENOENT ? 0
				       : err_set(e, -errno, "cannot read %s: %s", directory,
						 strerror(errno));
	while (!ret && (entry = readdir(dir))) {
		char *dot = strrchr(entry->d_name, '.');

		if (!dot || strcmp(dot, ".json") != 0)
			continue;
		*dot = '\0';
		ret = fn(arg, entry->d_name);
	}
	closedir(dir);
	return ret;
}
