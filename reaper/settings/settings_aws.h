#ifndef REAPER_SETTINGS_SETTINGS_AWS_H
#define REAPER_SETTINGS_SETTINGS_AWS_H

#include "reaper/settings/settings_reader.h"

/*
 * settings_aws: the member "aws" of a resource and of the defaults, for the
 * resources of that provider; others' is not looked at.
 *
 * resource.aws.spec holds the members image, subnets, security_groups, key_name,
 * instance_profile, public_ip, ipv6_addresses, volume, spot_max_price, tags and
 * launch_spec as they stand in the file: each the resource's own, or else inherited;
 * tags and volume member by member. They are checked: the schema's rules; that an
 * offering has its subnet where there are subnets; that tags are neither ours
 * (mayfly:) nor AWS's (aws:); that launch_spec holds nothing that is ours or that
 * another setting says. Whether RunInstances has such members is the provider's to know.
 */

/* Before the offerings are read: the region of those that name none, from aws.region or else the
 * environment. */
CHECKED int settings_aws_place(const struct settings_reader *reader, struct error *err);

/* The rest; after the offerings were read. */
CHECKED int settings_aws(const struct settings_reader *reader, struct error *err);

/* Only what the file says, unjudged: of a shape (settings_load_shape), for what is made of it. */
void settings_aws_keep(const struct settings_reader *reader);

#endif
