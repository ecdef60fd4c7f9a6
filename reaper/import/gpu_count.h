#ifndef REAPER_IMPORT_GPU_COUNT_H
#define REAPER_IMPORT_GPU_COUNT_H

#include <stdbool.h>

/*
 * gpu_count: how many NVIDIA GPUs an EC2 instance type has, which their forms do not
 * ask and a resource of ours says ("gpus"). By AWS's pages of instance types (GpuInfo of
 * DescribeInstanceTypes); a test compares them. Pure.
 */

/* 0 where it has none. False where the name says that it is one with accelerators and we do not
 * know how many: a part of one (g6f), AMD's, a newer family. */
bool gpu_count(const char *instance_type, unsigned *out);

#endif
