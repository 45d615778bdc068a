#include "cli/programs.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv, programs_exec_provision);
}
