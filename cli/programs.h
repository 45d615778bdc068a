/* programs: where CoMPS' other programs are. */
#ifndef COMPS_CLI_PROGRAMS_H
#define COMPS_CLI_PROGRAMS_H

#include <limits.h>

#include "cli/cli.h"

/* Writes the path of the program `name` beside this one, as the build and `make install` place
 * them: in the same folder, or in bin, sbin or libexec/comps next to it. -ENOENT where it is in
 * none of them. */
int programs_find(const char *name, char out[PATH_MAX]);

/* Becomes comps-provision, with the arguments of cli->argv. Returns an exit status only where that
 * fails. */
int programs_exec_provision(struct cli *cli);

#endif
