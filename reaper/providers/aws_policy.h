#ifndef REAPER_PROVIDERS_AWS_POLICY_H
#define REAPER_PROVIDERS_AWS_POLICY_H

#include "reaper/providers/provider.h"

/*
 * aws_policy: the policies, least privilege, that a configuration needs in an AWS
 * account. Pure. What each action can be limited to is in the Service
 * Authorization Reference (docs.aws.amazon.com/service-authorization/latest/reference:
 * EC2, IAM, Systems Manager, KMS, S3, Secrets Manager).
 *
 * The reaper's: whoever has it can launch machines only with our prefix in
 * their tags and with IMDSv2, and can end, read the console of, or tag nothing
 * else. Looking is not limited: EC2's Describe calls cannot be.
 * The machines': they can read their bundle, and nothing else. They end by
 * powering off, which needs no permission.
 */

/* The verb policy of provider.h. ERROR_CONFIGURATION: no resource is of provider aws, or (for
 * machines) nothing of AWS's is to be read by them; the message says so. */
CHECKED int aws_policy(const struct policy_order *order, struct json_document *out,
		       struct error *err);

#endif
