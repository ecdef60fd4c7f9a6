#include "tests/simulation/cases.h"

unsigned cases_run(void)
{
	return 0;
}
