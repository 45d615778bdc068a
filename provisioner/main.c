/* comps-provision: what `comps provision` runs. A program of its own, so that those who steer a
 * daemon need neither libcurl and all it brings along nor the time that loading it takes. */
#include "provisioner/verbs.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv, verbs_run);
}
