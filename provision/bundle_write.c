/* A bundle is written beside the one that is there, and then the two change places. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "provision/bundle.h"
#include "provision/bundle_mark.h"
#include "provision/bundle_tree.h"

struct writer {
	const struct bundle *bundle;
	const char *directory;	  /* as it was given, for messages */
	char *path, *parent_path; /* copies, cut up: */
	const char *parent, *name;
	char *fresh, *stale; /* names beside it: of the one being written, and of the last one */
	int parent_fd, fresh_fd;
	int old_fd;	/* -1: there is none */
	char *old_mark; /* "": there is none */
	char *mark;
	bundle_edit_fn edit;
	void *arg;
};

static int fail(const struct writer *w, const char *name, int error, struct err *e)
{
	return err_set(e, error, "%s: %s: %s", w->directory, name, strerror(-error));
}

/* --- beginning -------------------------------------------------------------------------------- */

static int name_all(struct writer *w, struct err *e)
{
	w->path = strdup(w->directory);
	w->parent_path = strdup(w->directory);
	w->mark = bundle_mark_text(w->bundle);
	w->old_mark = strdup("");
	if (!w->path || !w->parent_path || !w->mark || !w->old_mark)
		return err_set(e, -ENOMEM, "out of memory");
	w->name = basename(w->path);
	w->parent = dirname(w->parent_path);
	if (strcmp(w->name, ".") == 0 || strcmp(w->name, "..") == 0 || strcmp(w->name, "/") == 0)
		return err_set(e, -EINVAL, "\"%s\" is no name for a new folder", w->directory);
	if (asprintf(&w->fresh, "%s.new", w->name) < 0)
		w->fresh = NULL;
	if (asprintf(&w->stale, "%s.old", w->name) < 0)
		w->stale = NULL;
	return w->fresh && w->stale ? 0 : err_set(e, -ENOMEM, "out of memory");
}

/* One at a time, by a lock that leaves nothing behind. Some network file systems have none. */
static int open_parent(struct writer *w, struct err *e)
{
	w->parent_fd = open(w->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->parent_fd < 0)
		return err_set(e, -errno, "%s: %s", w->parent, strerror(errno));
	if (flock(w->parent_fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return err_set(e, -EBUSY, "another process is writing in %s", w->parent);
	return 0;
}

static int refuse(const struct writer *w, const char *name, struct err *e)
{
	return err_set(e, -EEXIST,
		       "%s/%s is there and was not made by comps provision, so it is left alone; "
		       "move it away, or choose another folder with -o",
		       w->parent, name);
}

static int is_entry(void *arg, int dir, const char *name)
{
	(void)arg, (void)dir, (void)name;
	return -ENOTEMPTY;
}

/* Opens a bundle: *fd is -1 where there is none of that name. *mark is to be freed. */
static int open_bundle(const struct writer *w, const char *name, int *fd, char **mark,
		       struct err *e)
{
	int ret;

	*mark = NULL;
	*fd = bundle_tree_open(w->parent_fd, name);
	if (*fd == -ENOENT) {
		*fd = -1;
		return 0;
	}
	ret = *fd < 0 ? *fd : bundle_tree_read(*fd, BUNDLE_MARK, mark);
	/* We may have been killed before the mark was there. */
	if (ret == -ENOENT && name == w->fresh && !bundle_tree_each(*fd, is_entry, NULL))
		return 0;
	return !ret						     ? 0
	       : ret == -ENOENT || ret == -ENOTDIR || ret == -EINVAL ? refuse(w, name, e)
								     : fail(w, name, ret, e);
}

/* --- what is not ours ------------------------------------------------------------------------- */

struct carry {
	const struct writer *w;
	const char *mark; /* of the bundle that goes */
	int to;		  /* -1: nowhere to go */
};

static bool is_set_aside(const char *name)
{
	const char *end = strrchr(name, '.');

	return end && strcmp(end, ".before") == 0;
}

/* Of what was set aside there is one generation. */
static int carry_entry(void *arg, int dir, const char *name)
{
	const struct carry *c = arg;
	int ret;

	if (strcmp(name, BUNDLE_MARK) == 0)
		return 0;
	if (bundle_mark_has(c->mark, name) || bundle_mark_has(c->w->mark, name))
		return bundle_tree_remove(dir, name);
	ret = c->to < 0 ? -EEXIST : bundle_tree_move(dir, name, c->to, name);
	return ret == -EEXIST && is_set_aside(name) ? bundle_tree_remove(dir, name) : ret;
}

/* Deletes the bundle `name`, if there is one; what is not ours in it goes over to the one that is
 * in its place now. The mark goes last: until then it is known as ours. */
static int retire(const struct writer *w, const char *name, struct err *e)
{
	struct carry carry = {.w = w, .to = -1};
	char *mark;
	int fd, ret = open_bundle(w, name, &fd, &mark, e);

	if (ret || fd < 0) {
		free(mark);
		return ret;
	}
	carry.mark = mark ? mark : "";
	carry.to = bundle_tree_open(w->parent_fd, w->name);
	ret = bundle_tree_each(fd, carry_entry, &carry);
	if (!ret)
		ret = bundle_tree_remove(w->parent_fd, name);
	if (ret)
		fail(w, name, ret, e);
	if (carry.to >= 0)
		close(carry.to);
	close(fd);
	free(mark);
	return ret;
}

/* Finishes what a killed one was about, and opens the bundle that is to be replaced. */
static int recover(struct writer *w, struct err *e)
{
	char *mark;
	int ret = open_bundle(w, w->name, &w->old_fd, &mark, e);

	if (!ret && w->old_fd < 0 &&
	    !bundle_tree_move(w->parent_fd, w->stale, w->parent_fd, w->name))
		ret = open_bundle(w, w->name, &w->old_fd, &mark, e);
	if (!ret && mark) {
		free(w->old_mark);
		w->old_mark = mark;
	}
	if (!ret)
		ret = retire(w, w->stale, e);
	return ret ? ret : retire(w, w->fresh, e);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* What the user made of the file, to be freed; NULL: nothing. */
static char *find_edit(const struct writer *w, const struct bundle_file *file)
{
	char *text;

	if (w->old_fd < 0 || strchr(file->name, '/') || !bundle_mark_has(w->old_mark, file->name) ||
	    bundle_tree_read(w->old_fd, file->name, &text))
		return NULL;
	if (!bundle_mark_is_same(w->old_mark, file->name, text) && strcmp(text, file->text) != 0)
		return text;
	free(text);
	return NULL;
}

static int write_text(const struct writer *w, const struct bundle_file *file)
{
	enum bundle_edit edit = BUNDLE_EDIT_NONE;
	char before[BUNDLE_NAME_BYTES + 8], *users = find_edit(w, file);
	int ret = 0;

	if (users)
		edit = bundle_mark_is_same(w->old_mark, file->name, file->text) ? BUNDLE_EDIT_KEPT
										: BUNDLE_EDIT_ASIDE;
	snprintf(before, sizeof(before), "%s.before", file->name);
	if (edit == BUNDLE_EDIT_ASIDE)
		ret = bundle_tree_write(w->fresh_fd, before, file->mode, users);
	if (!ret)
		ret = bundle_tree_write(w->fresh_fd, file->name, file->mode,
					edit == BUNDLE_EDIT_KEPT ? users : file->text);
	if (!ret && edit != BUNDLE_EDIT_NONE && w->edit)
		w->edit(w->arg, file->name, edit);
	free(users);
	return ret;
}

static int write_file(const struct writer *w, const struct bundle_file *file, struct err *e)
{
	int ret = file->text ? write_text(w, file)
			     : bundle_tree_copy(w->fresh_fd, file->name, file->mode, file->source);

	return ret ? fail(w, file->text ? file->name : file->source, ret, e) : 0;
}

static int sync_tunnels(const struct writer *w)
{
	int fd = bundle_tree_open(w->fresh_fd, BUNDLE_TUNNELS), ret = fd < 0 ? fd : 0;

	if (!ret && fsync(fd) < 0)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

static int write_fresh(struct writer *w, struct err *e)
{
	int ret = 0;

	if (mkdirat(w->parent_fd, w->fresh, 0700) < 0)
		return fail(w, w->fresh, -errno, e);
	w->fresh_fd = bundle_tree_open(w->parent_fd, w->fresh);
	if (w->fresh_fd < 0)
		return fail(w, w->fresh, w->fresh_fd, e);
	ret = bundle_tree_write(w->fresh_fd, BUNDLE_MARK, 0644, w->mark);
	if (!ret && mkdirat(w->fresh_fd, BUNDLE_TUNNELS, 0700) < 0)
		ret = -errno;
	if (ret)
		return fail(w, w->fresh, ret, e);
	for (size_t i = 0; !ret && i < w->bundle->count; i++)
		ret = write_file(w, &w->bundle->files[i], e);
	if (ret)
		return ret;
	ret = sync_tunnels(w);
	if (!ret && fsync(w->fresh_fd) < 0)
		ret = -errno;
	return ret ? fail(w, w->fresh, ret, e) : 0;
}

/* --- changing places -------------------------------------------------------------------------- */

/* Where the file system cannot exchange two names, there is none for a moment; recover() puts the
 * old one back if we are killed in it. */
static int swap(const struct writer *w)
{
	int fd = w->parent_fd, ret;

	if (w->old_fd < 0)
		return bundle_tree_move(fd, w->fresh, fd, w->name);
	if (!renameat2(fd, w->fresh, fd, w->name, RENAME_EXCHANGE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	ret = bundle_tree_move(fd, w->name, fd, w->stale);
	return ret ? ret : bundle_tree_move(fd, w->fresh, fd, w->name);
}

static int replace(const struct writer *w, struct err *e)
{
	int ret = swap(w);

	if (!ret && fsync(w->parent_fd) < 0 && errno != EINVAL)
		ret = -errno;
	if (ret)
		return fail(w, w->name, ret, e);
	ret = retire(w, w->stale, e);
	return ret ? ret : retire(w, w->fresh, e);
}

static void finish(struct writer *w)
{
	const int fds[] = {w->parent_fd, w->fresh_fd, w->old_fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(w->path);
	free(w->parent_path);
	free(w->fresh);
	free(w->stale);
	free(w->old_mark);
	free(w->mark);
}

int bundle_write(const struct bundle *bundle, const char *directory, bundle_edit_fn edit, void *arg,
		 struct err *e)
{
	struct writer w = {.bundle = bundle,
			   .directory = directory,
			   .parent_fd = -1,
			   .fresh_fd = -1,
			   .old_fd = -1,
			   .edit = edit,
			   .arg = arg};
	int ret = name_all(&w, e);

	if (!ret)
		ret = open_parent(&w, e);
	if (!ret)
		ret = recover(&w, e);
	if (!ret) {
		ret = write_fresh(&w, e);
		if (ret && w.fresh_fd >= 0)
			bundle_tree_remove(w.parent_fd, w.fresh);
	}
	if (!ret)
		ret = replace(&w, e);
	finish(&w);
	return ret;
}
