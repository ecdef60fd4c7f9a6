#ifndef REAPER_PROVIDERS_AWS_TYPES_H
#define REAPER_PROVIDERS_AWS_TYPES_H

#include "reaper/providers/provider.h"

/*
 * aws_types: what EC2 says of the instance types that a resource names, and of
 * the image that it would start them from. The answer is read as in
 * aws_answer.h: XML into records, pure.
 */

/* One page of DescribeInstanceTypes of a region: out, one for each of the resource's offerings, is
 * filled in where region and type are those. next is the next page's token, "" after the last one.
 * ERROR_MALFORMED: out may be filled in part. */
CHECKED int aws_types_answer(struct slice body, const struct resource *resource, const char *region,
			     struct instance_type *out, struct buf *next, struct error *err);

/* The verb (provider.h). */
CHECKED int aws_types(const struct resource *resource, struct instance_type *out,
		      struct error *err);

#endif
