/* A bundle is brought up to date file by file, in its place: a container that has the folder
 * mounted, or a daemon that runs with it, reads the new files when it is told to. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/key.h"
#include "provision/bundle.h"
#include "provision/bundle_mark.h"
#include "provision/bundle_tree.h"

#define RUN_MODE                                                                                   \
	01777 /* the container's root is nobody in particular to the owner of the folder           \
	       */

struct writer {
	const struct bundle *bundle;
	const char *directory;
	int fd;
	char *old_mark; /* of what is there; "": a new folder */
	char *mark;
	bundle_edit_fn edit;
	void *arg;
};

static int fail(const struct writer *w, const char *name, int error, struct err *e)
{
	return err_set(e, error, "%s/%s: %s", w->directory, name, strerror(-error));
}

/* --- beginning -------------------------------------------------------------------------------- */

static int is_entry(void *arg, int dir, const char *name)
{
	(void)arg, (void)dir, (void)name;
	return -ENOTEMPTY;
}

/* Some network file systems have no locks. */
static int open_directory(struct writer *w, struct err *e)
{
	if (mkdir(w->directory, 0700) < 0 && errno != EEXIST)
		return err_set(e, -errno, "%s: %s", w->directory, strerror(errno));
	w->fd = bundle_tree_open(AT_FDCWD, w->directory);
	if (w->fd < 0)
		return err_set(e, w->fd, "%s: %s", w->directory, strerror(-w->fd));
	if (flock(w->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return err_set(e, -EBUSY, "another process is writing in %s", w->directory);
	return 0;
}

/* The mark comes first: without it a folder that we were killed in would not be ours. */
static int read_mark(struct writer *w, struct err *e)
{
	int ret = bundle_tree_read(w->fd, BUNDLE_MARK, &w->old_mark);

	if (ret == -ENOENT && !bundle_tree_each(w->fd, is_entry, NULL)) {
		w->old_mark = strdup("");
		ret = !w->old_mark ? -ENOMEM
		      : fchmod(w->fd, 0700) < 0
			      ? -errno
			      : bundle_tree_put(w->fd, BUNDLE_MARK, 0644, w->mark);
		return ret ? fail(w, BUNDLE_MARK, ret, e) : 0;
	}
	if (ret == -ENOENT)
		return err_set(e, -EEXIST,
			       "%s is there and was not made by comps provision, so it is left "
			       "alone; move it away, or choose another folder with -o",
			       w->directory);
	return ret ? fail(w, BUNDLE_MARK, ret, e) : 0;
}

static int make_folder(const struct writer *w, const char *name, mode_t mode, struct err *e)
{
	if (mkdirat(w->fd, name, 0700) < 0 && errno != EEXIST)
		return fail(w, name, -errno, e);
	return fchmodat(w->fd, name, mode, 0) < 0 ? fail(w, name, -errno, e) : 0;
}

/* --- files ------------------------------------------------------------------------------------ */

/* What is there of a file of ours, to be freed; NULL: nothing. */
static char *find_old(const struct writer *w, const struct bundle_file *file)
{
	char *text;

	return strchr(file->name, '/') || !bundle_mark_has(w->old_mark, file->name) ||
			       bundle_tree_read(w->fd, file->name, &text)
		       ? NULL
		       : text;
}

/* What the user has made of our part of it. */
static enum bundle_edit judge(const struct writer *w, const struct bundle_file *file,
			      const char *old)
{
	size_t part = bundle_mark_part(file->text);

	if (!old || bundle_mark_is_same(w->old_mark, file->name, old) ||
	    (bundle_mark_part(old) == part && memcmp(old, file->text, part) == 0))
		return BUNDLE_EDIT_NONE;
	return bundle_mark_is_same(w->old_mark, file->name, file->text) ? BUNDLE_EDIT_KEPT
									: BUNDLE_EDIT_ASIDE;
}

/* Our part of the new text, and the user's of the old one. To be freed. */
static char *compose(const struct bundle_file *file, const char *old)
{
	size_t part = bundle_mark_part(file->text);
	bool both = old && old[bundle_mark_part(old)] && file->text[part];
	char *text;

	return asprintf(&text, "%.*s%s", (int)part, file->text,
			both ? old + bundle_mark_part(old) : file->text + part) < 0
		       ? NULL
		       : text;
}

static int write_text(const struct writer *w, const struct bundle_file *file)
{
	char before[BUNDLE_NAME_BYTES + 8], *old = find_old(w, file), *text = compose(file, old);
	enum bundle_edit edit = judge(w, file, old);
	int ret = text ? 0 : -ENOMEM;

	snprintf(before, sizeof(before), "%s.before", file->name);
	if (!ret && edit == BUNDLE_EDIT_ASIDE)
		ret = bundle_tree_put(w->fd, before, file->mode, old);
	if (!ret && edit != BUNDLE_EDIT_KEPT)
		ret = bundle_tree_put(w->fd, file->name, file->mode, text);
	if (!ret && edit != BUNDLE_EDIT_NONE && w->edit)
		w->edit(w->arg, file->name, edit);
	if (text)
		key_wipe(text, strlen(text));
	free(text);
	free(old);
	return ret;
}

static int write_files(const struct writer *w, struct err *e)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < w->bundle->count; i++) {
		const struct bundle_file *file = &w->bundle->files[i];

		ret = file->text ? write_text(w, file)
				 : bundle_tree_copy(w->fd, file->name, file->mode, file->source);
		if (ret)
			fail(w, file->name, ret, e);
	}
	return ret;
}

/* --- what is no longer of it ------------------------------------------------------------------ */

static bool has_tunnel(const struct bundle *bundle, const char *name)
{
	const char *prefix = BUNDLE_TUNNELS "/";

	for (size_t i = 0; i < bundle->count; i++)
		if (strncmp(bundle->files[i].name, prefix, strlen(prefix)) == 0 &&
		    strcmp(bundle->files[i].name + strlen(prefix), name) == 0)
			return true;
	return false;
}

static int drop_tunnel(void *arg, int dir, const char *name)
{
	return has_tunnel(((struct writer *)arg)->bundle, name) ? 0 : bundle_tree_remove(dir, name);
}

static int drop_file(void *arg, int dir, const char *name)
{
	const struct writer *w = arg;

	return bundle_mark_has(w->old_mark, name) && !bundle_mark_has(w->mark, name)
		       ? bundle_tree_remove(dir, name)
		       : 0;
}

static int drop_rest(struct writer *w, struct err *e)
{
	int fd = bundle_tree_open(w->fd, BUNDLE_TUNNELS), ret = fd < 0 ? fd : 0;

	if (!ret)
		ret = bundle_tree_each(fd, drop_tunnel, w);
	if (!ret && fsync(fd) < 0)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	if (!ret)
		ret = bundle_tree_each(w->fd, drop_file, w);
	if (!ret)
		ret = bundle_tree_put(w->fd, BUNDLE_MARK, 0644, w->mark);
	if (!ret && fsync(w->fd) < 0)
		ret = -errno;
	return ret ? fail(w, "", ret, e) : 0;
}

int bundle_write(const struct bundle *bundle, const char *directory, bundle_edit_fn edit, void *arg,
		 struct err *e)
{
	struct writer w = {
		.bundle = bundle, .directory = directory, .fd = -1, .edit = edit, .arg = arg};
	int ret = 0;

	w.mark = bundle_mark_text(bundle);
	if (!w.mark)
		ret = err_set(e, -ENOMEM, "out of memory");
	if (!ret)
		ret = open_directory(&w, e);
	if (!ret)
		ret = read_mark(&w, e);
	if (!ret)
		ret = make_folder(&w, BUNDLE_TUNNELS, 0700, e);
	if (!ret)
		ret = make_folder(&w, BUNDLE_RUN, RUN_MODE, e);
	if (!ret)
		ret = write_files(&w, e);
	if (!ret)
		ret = drop_rest(&w, e);
	if (w.fd >= 0)
		close(w.fd);
	free(w.old_mark);
	free(w.mark);
	return ret;
}
