#include "cli/programs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PROVISION "comps-provision"

static const char *const places[] = {"",	   "../bin/",	 "../sbin/", "../libexec/comps/",
				     "../../bin/", "../../sbin/"};

int programs_find(const char *name, char out[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return -errno;
	self[length] = '\0';
	*(strrchr(self, '/') + 1) = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (snprintf(out, PATH_MAX, "%s%s%s", self, places[i], name) < PATH_MAX &&
		    access(out, X_OK) == 0)
			return 0;
	return -ENOENT;
}

int programs_exec_provision(struct cli *cli)
{
	char path[PATH_MAX];
	int ret = programs_find(PROVISION, path);

	if (!ret) {
		fflush(cli->out);
		execv(path, cli->argv);
		ret = -errno;
	}
	return cli_error(cli, CLI_FAILED,
			 "cannot run " PROVISION ", which `make install` places beside comps: %s",
			 strerror(-ret));
}
