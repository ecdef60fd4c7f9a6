#ifndef COMMON_AWS_H
#define COMMON_AWS_H

#include "common/http.h"

/*
 * aws: one account's door: credentials by AWS's chain (aws_credentials.h), looked for at the first
 * call and again before they expire; Signature Version 4; a clock that is wrong by
 * minutes is corrected by the Date of the answer that refused it, once.
 */

enum { AWS_REGION_ROOM = 64 };

struct aws; /* opaque */

struct aws_options {
	const char *user_agent; /* "mayfly-reaper/" MAYFLY_VERSION */
	const char *profile; /* of the shared files; NULL: AWS_PROFILE, then "default" */
	const char *role_arn; /* assumed with what the chain gives; NULL: none */
	const char *external_id; /* for role_arn; NULL: none */
};

/* The options are copied. No call is made yet. ERROR_SYSTEM. */
CHECKED int aws_open(const struct aws_options *options, struct aws **out, struct error *err);
void aws_close(struct aws *aws); /* NULL is fine; keys are wiped */

/* AWS_REGION, AWS_DEFAULT_REGION, the profile's region, then the instance's own by IMDS.
 * ERROR_CONFIGURATION: a shared file makes no sense, a variable or IMDS told no region, or nobody
 * did: the message names the places looked at. */
CHECKED int aws_region(struct aws *aws, char out[static AWS_REGION_ROOM], struct error *err);

struct aws_request {
	const char *service; /* "ec2", "sts", "ssm", "secretsmanager", "s3": name and host */
	const char *region;
	const char *method; /* "POST" */
	const char *path; /* unencoded, "/"; of S3: "/BUCKET/KEY", whatever the endpoint */
	const char *query; /* encoded; NULL: none */
	struct slice body;
	const char *content_type; /* NULL: application/x-www-form-urlencoded; charset=utf-8 */
	const char *target; /* X-Amz-Target of a JSON service; NULL: none */
	int64_t timeout_ms, attempt_timeout_ms; /* as http_request's */
	size_t max_answer_bytes;
	bool may_repeat; /* RunInstances with a ClientToken is one that may */
	const char *note_header; /* as http_request's: "x-amz-bucket-region"; NULL: none */
};

/*
 * Any status is an answer, as of http_exchange(), after at most one repeat with a corrected clock
 * and one with fresh credentials; both follow a refusal alone, so may_repeat does not matter to
 * them.
 *
 * Where to: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, what the profile's services section says
 * of the service, the profile's endpoint_url, else https://SERVICE.REGION.amazonaws.com (.cn for
 * cn-*); AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true skips all but the last (SDKs and Tools Reference
 * Guide, "Service-specific endpoints").
 *
 * ERROR_CONFIGURATION: no credentials anywhere (the message lists the sources and why each gave
 * none), or a source is half set up; ERROR_DENIED: a source refused us. Else as http_exchange().
 */
CHECKED int aws_call(struct aws *aws, const struct aws_request *request, struct http_answer *answer,
		     struct error *err);

/* All at once (http_exchange_all), each with its own outcome. */
void aws_call_all(struct aws *aws, const struct aws_request *requests, struct http_answer *answers,
		  struct error *errors, size_t count);

#endif
