#ifndef COMMON_AWS_ENDPOINT_H
#define COMMON_AWS_ENDPOINT_H

#include "common/aws.h"
#include "common/aws_profile.h"

/* aws_endpoint: where a service is, and which region is ours, by environment and profile. Private
 * to aws*.c. The orders are told in aws.h. */

const char *aws_variable(const char *name); /* of the environment; NULL: unset or empty */

/* The profile that is meant: given, AWS_PROFILE, AWS_DEFAULT_PROFILE, "default". */
const char *aws_profile_name(const char *given);

/* By the variables, then by the profile. ERROR_NOT_FOUND: neither; ERROR_CONFIGURATION: it is no
 * region's name. */
CHECKED int aws_endpoint_region(const struct aws_profiles *profiles, const char *profile,
				char out[static AWS_REGION_ROOM], struct error *err);

/* A region becomes a part of a host's name: letters, digits and hyphens. ERROR_CONFIGURATION. */
CHECKED int aws_endpoint_take_region(struct slice text, char out[static AWS_REGION_ROOM],
				     struct error *err);

/* "https://ec2.eu-central-1.amazonaws.com", without a slash at its end; appended. */
void aws_endpoint_find(const struct aws_profiles *profiles, const char *profile,
		       const char *service, const char *region, struct buf *out);

#endif
