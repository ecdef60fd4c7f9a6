#ifndef REAPER_PROVIDERS_AWS_REQUEST_H
#define REAPER_PROVIDERS_AWS_REQUEST_H

#include "common/json.h"
#include "reaper/providers/aws_answer.h"

/*
 * aws_request: what EC2 is asked for, in boto3's JSON form (aws_flatten.h makes
 * it the Query API's). Pure: the same settings, launch and image give the same
 * request, byte for byte, as a repeat with the same ClientToken must.
 */

/* RunInstances for one launch. resource.aws.launch_spec is merged last: an object member by member,
 * anything else replaces ours; of TagSpecifications the tags are added to ours by kind. */
void aws_request_launch(const struct launch *launch, const struct aws_image *image,
			struct json_document *out);

/* Must the image's root device be known to say what launch.resource's settings say of its disk? */
bool aws_request_needs_device(const struct resource *resource);

/* DescribeInstances: one page of everything that bears the prefix, from next (buf_text(), "" at
 * first) on. */
void aws_request_list(const char *prefix, const char *next, struct json_document *out);

/* DescribeImages for aws.image: by its id or, where id is NULL, by name and owners. */
void aws_request_images(const struct resource *resource, const char *id, struct json_document *out);

/* One page of what is left of a kind and bears the prefix: DescribeVolumes,
 * DescribeSpotInstanceRequests. */
void aws_request_leftovers(enum leftover_kind kind, const char *prefix, const char *next,
			   struct json_document *out);

/* DeleteVolume, CancelSpotInstanceRequests. */
void aws_request_remove(const struct leftover *leftover, struct json_document *out);

void aws_request_terminate(const char *instance, struct json_document *out);

/* is_latest: what it shows now, which not every type can do; else what it showed as it booted. */
void aws_request_console(const char *instance, bool is_latest, struct json_document *out);

#endif
