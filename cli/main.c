#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* https://no-color.org: any value but the empty one turns colour off. */
static bool wants_color(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
	       strcmp(term, "dumb") != 0;
}

int main(int argc, char **argv)
{
	const char *socket = getenv("COMPS_SOCKET");

	return cli_run(argc, argv, socket && *socket ? socket : CLI_SOCKET_DEFAULT, stdout, stderr,
		       wants_color());
}
