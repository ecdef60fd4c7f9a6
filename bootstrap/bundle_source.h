#ifndef BOOTSTRAP_BUNDLE_SOURCE_H
#define BOOTSTRAP_BUNDLE_SOURCE_H

#include "common/envelope.h"

/*
 * bundle_source: fetches the sealed bundle that a ticket names. A table of places, by
 * the first letters of ticket.bundle.source; a cloud's object or secret store is one more row:
 *   inline         it came with the ticket
 *   file:/path     on this machine
 *   https://...    fetched, with retries for up to two minutes
 *   s3://BUCKET/KEY, aws-secretsmanager:NAME or an ARN
 *                  read by the instance's role (aws_store.h)
 * What comes back is only bytes: envelope_check_bundle() says whether they are the ones meant.
 */

/* Appends to out. ERROR_CONFIGURATION: no such kind of place; ERROR_NOT_FOUND: nothing there;
 * ERROR_DENIED, ERROR_UNREACHABLE, ...: as the place answered. An address is named by its host. */
CHECKED int bundle_source_read(const struct ticket_bundle *bundle, const struct envelope *envelope,
			       struct buf *out, struct error *err);

#endif
