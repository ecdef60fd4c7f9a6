#ifndef BOOTSTRAP_AWS_STORE_H
#define BOOTSTRAP_AWS_STORE_H

#include "common/buf.h"

/*
 * aws_store: what lies in S3 and in Secrets Manager, read with what AWS's chain
 * of credentials gives (aws.h): on EC2 the instance's role. Asked again, with
 * backoff, for up to two minutes.
 *
 * Errors say which permission is missing, and on what:
 *   ERROR_NOT_FOUND      no such bucket, object or secret (or one that is to be deleted)
 *   ERROR_DENIED         the credentials may not read it
 *   ERROR_CONFIGURATION  no credentials, no region, a name that makes no sense
 *   ERROR_UNREACHABLE, ERROR_MALFORMED, ERROR_REFUSED   as the service answered
 */

/* "BUCKET/KEY", appended to out. The bucket's region is learnt from S3 where it is not ours.
 * (S3 API, "GetObject"; the header x-amz-bucket-region.) */
CHECKED int aws_store_object(const char *place, struct buf *out, struct error *err);

/* A secret's name, or its ARN, whose region counts: its text, or its bytes, appended to out,
 * which is wiped as any buf when it is released. (Secrets Manager API, "GetSecretValue".) */
CHECKED int aws_store_secret(const char *name, struct buf *out, struct error *err);

#endif
