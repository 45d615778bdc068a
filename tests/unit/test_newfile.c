/* A file is there as a whole, or as it was. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/newfile.h"

static int setup(void **state)
{
	static char directory[64];

	strcpy(directory, "/tmp/comps-newfile-XXXXXX");
	*state = mkdtemp(directory);
	return *state && chdir(directory) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	unlink("file");
	unlink("file.new");
	unlink("other");
	return chdir("/") || rmdir(*state);
}

static void assert_file(const char *name, const char *text)
{
	char found[64] = "";
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, found, sizeof(found) - 1) >= 0);
	close(fd);
	assert_string_equal(found, text);
}

static void it_takes_the_place_of_the_old_one(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(newfile_put(AT_FDCWD, "file", 0600, "old", 3), 0);
	assert_int_equal(newfile_put(AT_FDCWD, "file", 0640, "new one", 7), 0);
	assert_file("file", "new one");
	assert_int_equal(stat("file", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(access("file.new", F_OK), -1);
}

static void the_folder_may_be_an_open_one(void **state)
{
	char path[128];
	int dir = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(newfile_put(dir, "file", 0600, "a", 1), 0);
	close(dir);
	snprintf(path, sizeof(path), "%s/file", (const char *)*state);
	assert_int_equal(newfile_put(AT_FDCWD, path, 0600, "b", 1), 0);
	assert_file("file", "b");
}

static void what_fails_leaves_the_old_one(void **state)
{
	struct newfile file;

	(void)state;
	assert_int_equal(newfile_put(AT_FDCWD, "file", 0600, "old", 3), 0);
	assert_int_equal(newfile_begin(&file, AT_FDCWD, "file"), 0);
	assert_int_equal(newfile_write(&file, "half", 4), 0);
	assert_file("file", "old");
	assert_int_equal(newfile_end(&file, 0600, -ENOSPC), -ENOSPC);
	assert_file("file", "old");
	assert_int_equal(access("file.new", F_OK), -1);
	assert_int_equal(newfile_put(AT_FDCWD, "no/such/file", 0600, "x", 1), -ENOENT);
}

static void nothing_is_written_through_a_link(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(newfile_put(AT_FDCWD, "other", 0600, "theirs", 6), 0);
	assert_int_equal(symlink("other", "file"), 0);
	assert_int_equal(symlink("other", "file.new"), 0);
	assert_int_equal(newfile_put(AT_FDCWD, "file", 0600, "ours", 4), 0);
	assert_file("other", "theirs");
	assert_file("file", "ours");
	assert_int_equal(lstat("file", &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(it_takes_the_place_of_the_old_one),
		CASE(the_folder_may_be_an_open_one),
		CASE(what_fails_leaves_the_old_one),
		CASE(nothing_is_written_through_a_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
