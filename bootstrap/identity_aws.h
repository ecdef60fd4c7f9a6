#ifndef BOOTSTRAP_IDENTITY_AWS_H
#define BOOTSTRAP_IDENTITY_AWS_H

#include "bootstrap/identity.h"

/*
 * identity_aws: who an EC2 instance is, by its metadata service (version 2
 * alone, aws_imds.h):
 *   /latest/dynamic/instance-identity/document   instanceId, instanceType,
 *       availabilityZone and pendingTime, when the instance was launched
 *   /latest/meta-data/instance-life-cycle        on-demand, spot, ...: the market
 * (EC2 User Guide, "Instance identity documents" and "Instance metadata categories".)
 * What the instance was launched for is not asked here: its ticket, which is
 * signed, says so. Two instances with one ticket settle who serves (settle.h).
 */

enum { IDENTITY_AWS_MAX = 64 * 1024 /* bytes of an answer */ };

/* Asked again, with backoff, for some two minutes. The errors of aws_imds_get();
 * ERROR_MALFORMED names the field that makes no sense. */
CHECKED int identity_aws_read(struct launch_note *out, struct error *err);

/*
 * The two answers alone; for identity_aws_read(), its test and its fuzzer. wall_ms of clock is the
 * metadata service's: a machine's own clock may be wrong at boot.
 */
CHECKED int identity_aws_parse(struct slice document, struct slice life_cycle,
			       const struct identity_clock *clock, struct launch_note *out,
			       struct error *err);

#endif
