#ifndef COMMON_AWS_IMDS_H
#define COMMON_AWS_IMDS_H

#include "common/http.h"

/*
 * aws_imds: a session with EC2's instance metadata service, version 2 alone: a
 * session token by PUT, then GETs with it (EC2 User Guide, "Use IMDSv2"). The
 * token lives for six hours, is kept, and is asked for anew once when an answer
 * says 401. Never through a proxy.
 *   AWS_EC2_METADATA_SERVICE_ENDPOINT       replaces http://169.254.169.254
 *   AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE  "IPv6": http://[fd00:ec2::254]
 * (SDKs and Tools Reference Guide, "IMDS client"). AWS_EC2_METADATA_DISABLED is
 * for whoever looks for credentials or a region, not for a machine that asks
 * who it is: aws_imds_is_disabled().
 */

/*
 * For whoever asks in another way (without waiting, say): where, what is sent with PUT
 * /latest/api/token, and the header that a session's GETs bear, made of its answer.
 * aws_imds_endpoint(): ERROR_CONFIGURATION; aws_imds_token_header(): ERROR_MALFORMED, what a
 * former *out held is wiped.
 */
enum { AWS_IMDS_ENDPOINT_ROOM = 256 };
#define AWS_IMDS_LIFETIME_HEADER "X-aws-ec2-metadata-token-ttl-seconds: 21600"
CHECKED int aws_imds_endpoint(char out[static AWS_IMDS_ENDPOINT_ROOM], struct error *err);
CHECKED int aws_imds_token_header(struct slice answer, struct secret *out, struct error *err);

struct aws_imds; /* opaque: the endpoint and the token */

/* http is borrowed until the close. No call is made yet. ERROR_CONFIGURATION: a variable above
 * makes no sense. */
CHECKED int aws_imds_open(struct http *http, struct aws_imds **out, struct error *err);
void aws_imds_close(struct aws_imds *imds); /* NULL is fine; the token is wiped */

/*
 * GET path ("/latest/meta-data/instance-id"); the answer is appended to out,
 * whose limit bounds it; what may be secret in it is the caller's to wipe
 * (buf_release() does). It is asked again, with backoff, until timeout_ms has passed.
 *   ERROR_NOT_FOUND    404: this instance has no such thing
 *   ERROR_DENIED       the service is switched off for this instance, or
 *                      refuses us (403, or 401 twice)
 *   ERROR_UNREACHABLE  no answer in time: no service here, or the hop limit of
 *                      its answers (1) does not let them into this container
 *   ERROR_MALFORMED    what answers is no metadata service; too long an answer
 */
CHECKED int aws_imds_get(struct aws_imds *imds, const char *path, int64_t timeout_ms,
			 struct buf *out, struct error *err);

/* What the service's Date header said last, wall ms, carried on by our monotonic clock; 0: it has
 * said nothing yet. AWS's own clock, where the machine's may not be set yet. */
int64_t aws_imds_now_ms(const struct aws_imds *imds);

bool aws_imds_is_disabled(void); /* AWS_EC2_METADATA_DISABLED is "true" */

#endif
