#ifndef BOOTSTRAP_METADATA_H
#define BOOTSTRAP_METADATA_H

#include "common/buf.h"

/*
 * metadata: the service at 169.254.169.254 that tells an instance about
 * itself. Never through a proxy. Here the user data is asked for; who the
 * instance is asks identity.h.
 *   aws  GET /latest/user-data in a session of IMDSv2 (aws_imds.h)
 *   gcp  GET /computeMetadata/v1/instance/attributes/user-data with the header
 *        Metadata-Flavor, which the answer must bear too (cloud.google.com,
 *        "About VM metadata"); GCE_METADATA_HOST replaces metadata.google.internal
 */

bool metadata_has(const char *provider); /* of which we know a service */

/*
 * Appended to out. ERROR_NOT_FOUND: the instance has no user data;
 * ERROR_UNREACHABLE: no service in time (it is asked again for a minute);
 * ERROR_DENIED: it refused us; ERROR_MALFORMED: what answers is no metadata service.
 */
CHECKED int metadata_user_data(const char *provider, struct buf *out, struct error *err);

#endif
