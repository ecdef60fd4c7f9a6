#ifndef REAPER_PROVIDERS_AWS_LEFTOVER_H
#define REAPER_PROVIDERS_AWS_LEFTOVER_H

#include "reaper/providers/provider.h"

/*
 * aws_leftover: volumes and spot requests with our tags that no instance has.
 *
 * A volume is one where its status is "available": what has an attachment of any
 * state is not. A spot request is one while it is "open" (no machine yet; EC2
 * may launch one for it as long as it stays so), or "active" and names no
 * instance; "closed", "cancelled" and "failed" can do nothing more
 * (docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-request-status.html).
 * DeleteVolume is refused unless the volume is available, and to cancel a
 * request ends no instance (the reference of both actions).
 */

/* One page of an answer, added to list; next is the token of the next page, empty after the last
 * one. What lacks one of our tags, has another prefix, or is in use is left out whatever was
 * asked for. region is not in the answer. ERROR_MALFORMED: it is not such an answer, and nothing is
 * added. */
CHECKED int aws_leftover_read(enum leftover_kind kind, struct slice body, const char *prefix,
			      struct leftover_list *list, struct buf *next, struct error *err);

CHECKED int aws_leftovers(const struct settings *settings, const struct resource *resource,
			  const struct provider_time *time, struct leftover_list *out,
			  struct error *err);
CHECKED int aws_remove(const struct resource *resource, const struct leftover *leftover,
		       struct error *err);

#endif
