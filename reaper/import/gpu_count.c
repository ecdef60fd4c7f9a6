#include "reaper/import/gpu_count.h"

#include <string.h>

#include "common/buf.h"

/* The first row that fits counts; one that ends with a dot stands for a family. */
static const struct {
	const char *type;
	unsigned gpus;
} known[] = {
	{ "g4dn.12xlarge", 4 },
	{ "g4dn.metal", 8 },
	{ "g4dn.", 1 },
	{ "g5.12xlarge", 4 },
	{ "g5.24xlarge", 4 },
	{ "g5.48xlarge", 8 },
	{ "g5.", 1 },
	{ "g5g.16xlarge", 2 },
	{ "g5g.metal", 2 },
	{ "g5g.", 1 },
	{ "g6.12xlarge", 4 },
	{ "g6.24xlarge", 4 },
	{ "g6.48xlarge", 8 },
	{ "g6.", 1 },
	{ "g6e.12xlarge", 4 },
	{ "g6e.24xlarge", 4 },
	{ "g6e.48xlarge", 8 },
	{ "g6e.", 1 },
	{ "gr6.", 1 },
	{ "g7.12xlarge", 2 },
	{ "g7.24xlarge", 4 },
	{ "g7.48xlarge", 8 },
	{ "g7.", 1 },
	{ "g7e.12xlarge", 2 },
	{ "g7e.24xlarge", 4 },
	{ "g7e.48xlarge", 8 },
	{ "g7e.", 1 },
	{ "p3.2xlarge", 1 },
	{ "p3.8xlarge", 4 },
	{ "p3.16xlarge", 8 },
	{ "p3dn.24xlarge", 8 },
	{ "p4d.24xlarge", 8 },
	{ "p4de.24xlarge", 8 },
	{ "p5.4xlarge", 1 },
	{ "p5.48xlarge", 8 },
	{ "p5e.48xlarge", 8 },
	{ "p5en.48xlarge", 8 },
	{ "p6-b200.48xlarge", 8 },
	{ "p6-b300.48xlarge", 8 },
};

static bool fits(const char *row, const char *type)
{
	size_t len = strlen(row);

	return row[len - 1] == '.' ? !strncmp(row, type, len) : !strcmp(row, type);
}

bool gpu_count(const char *instance_type, unsigned *out)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (!fits(known[i].type, instance_type))
			continue;
		*out = known[i].gpus;
		return true;
	}
	if (*instance_type == 'p' || *instance_type == 'g')
		return false;
	*out = 0;
	return true;
}
