#include "common/aws.h"

#include <stdlib.h>
#include <string.h>

#include "common/aws_credentials.h"
#include "common/aws_endpoint.h"
#include "common/aws_imds.h"
#include "common/aws_wire.h"
#include "common/clock.h"

enum {
	REFRESH_BEFORE_MS = 5 * 60 * 1000, /* an instance's new keys are there by then */
	LOOK_AGAIN_MS = 60 * 1000, /* not sooner, while the old ones are good */
	REGION_TIMEOUT_MS = 4000,
	ENDPOINT_MAX = 1024,
};

struct aws {
	struct http *http;
	char *profile, *role_arn, *external_id; /* NULL: none */
	struct aws_credentials credentials; /* empty: not looked for yet */
	int64_t next_look_ms; /* monotonic */
	int64_t offset_ms; /* AWS's clock minus ours */
	char region[AWS_REGION_ROOM]; /* "": not asked yet */
};

static char *copy(const char *text)
{
	return text ? memory_text(slice_of(text)) : NULL;
}

int aws_open(const struct aws_options *options, struct aws **out, struct error *err)
{
	struct http *http = NULL;

	if (http_open(options->user_agent, &http, err) < 0)
		return -1;
	struct aws *aws = memory_array(1, sizeof(*aws));

	*aws = (struct aws){ .http = http,
			     .profile = copy(options->profile),
			     .role_arn = copy(options->role_arn),
			     .external_id = copy(options->external_id) };
	*out = aws;
	return 0;
}

void aws_close(struct aws *aws)
{
	if (!aws)
		return;
	http_close(aws->http);
	aws_credentials_release(&aws->credentials);
	free(aws->profile);
	free(aws->role_arn);
	free(aws->external_id);
	free(aws);
}

/* --- The region. */

static int region_of_instance(struct aws *aws, char out[static AWS_REGION_ROOM], struct error *err)
{
	SCOPED(buf) struct buf answer = BUF(AWS_REGION_ROOM);
	struct aws_imds *imds = NULL;

	if (aws_imds_is_disabled())
		return error_set(err, ERROR_NOT_FOUND, "AWS_EC2_METADATA_DISABLED is true");
	if (aws_imds_open(aws->http, &imds, err) < 0)
		return -1;
	int result = aws_imds_get(imds, "/latest/meta-data/placement/region", REGION_TIMEOUT_MS,
				  &answer, err);

	aws_imds_close(imds);
	return result < 0 ? -1 : aws_endpoint_take_region(buf_slice(&answer), out, err);
}

static int find_region(struct aws *aws, char out[static AWS_REGION_ROOM], struct error *err)
{
	SCOPED(aws_profiles) struct aws_profiles profiles = { 0 };
	const char *profile = aws_profile_name(aws->profile);

	if (aws_profiles_load(&profiles, err) < 0)
		return -1;
	if (!aws_endpoint_region(&profiles, profile, out, err))
		return 0;
	if (err->class != ERROR_NOT_FOUND)
		return -1;
	if (!region_of_instance(aws, out, err))
		return 0;
	struct error last = *err;

	return error_set(err, ERROR_CONFIGURATION,
			 "no AWS region: looked at AWS_REGION, AWS_DEFAULT_REGION, region of the "
			 "profile %.64s and the instance's metadata (%.200s)",
			 profile, last.message);
}

int aws_region(struct aws *aws, char out[static AWS_REGION_ROOM], struct error *err)
{
	if (!*aws->region && find_region(aws, aws->region, err) < 0) {
		*aws->region = '\0';
		return -1;
	}
	memcpy(out, aws->region, AWS_REGION_ROOM);
	return 0;
}

/* --- Credentials. */

static bool has_expired(const struct aws *aws, int64_t before_ms)
{
	int64_t now_ms = clock_wall_ms() + aws->offset_ms;

	return aws->credentials.expires_ms && now_ms + before_ms >= aws->credentials.expires_ms;
}

static int look(struct aws *aws, struct error *err)
{
	const struct aws_search search = { .http = aws->http,
					   .profile = aws->profile,
					   .role_arn = aws->role_arn,
					   .external_id = aws->external_id,
					   .offset_ms = &aws->offset_ms };
	struct aws_credentials found = { 0 };
	int result = aws_credentials_find(&search, &found, err);

	aws->next_look_ms = clock_monotonic_ms() + LOOK_AGAIN_MS;
	if (result < 0)
		return -1;
	aws_credentials_release(&aws->credentials);
	aws->credentials = found;
	return 0;
}

/* Old keys that are good for a while yet outlive a failure to get new ones. */
static int refresh(struct aws *aws, struct error *err)
{
	bool has_keys = aws->credentials.keys.secret_access_key.len > 0;
	struct error problem;

	if (has_keys && !has_expired(aws, REFRESH_BEFORE_MS))
		return 0;
	if (has_keys && clock_monotonic_ms() < aws->next_look_ms)
		return 0;
	if (!look(aws, &problem) || (has_keys && !has_expired(aws, 0)))
		return 0;
	*err = problem;
	return -1;
}

/* A refusal of the keys, not of what was asked: they have come to their end, or were taken back.
 * Others may lie where they were found. */
static bool is_refused(const struct http_answer *answer)
{
	static const char *const codes[] = {
		"ExpiredToken",
		"RequestExpired",
		"<Code>AuthFailure</Code>", /* of EC2, whose AuthFailure.X is another thing */
		"InvalidClientTokenId", /* STS */
		"InvalidAccessKeyId", /* S3 */
		"UnrecognizedClientException", /* the JSON services */
	};

	if (answer->status < 400 || answer->status > 403)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (strstr(buf_text(&answer->body), codes[i]))
			return true;
	return false;
}

/* --- Calls. */

/* Calls of one aws_call_all() that are to be made, now or once more. */
struct round {
	struct aws_wire_call *calls;
	struct buf *endpoints; /* one for each request, made or not */
	size_t count;
};

static void find_endpoints(const struct aws *aws, const struct aws_profiles *profiles,
			   const struct aws_request *requests, struct buf *endpoints, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		endpoints[i] = BUF(ENDPOINT_MAX);
		aws_endpoint_find(profiles, aws_profile_name(aws->profile), requests[i].service,
				  requests[i].region, &endpoints[i]);
	}
}

static void make(struct aws *aws, const struct round *round)
{
	const struct aws_wire wire = { .http = aws->http,
				       .keys = &aws->credentials.keys,
				       .offset_ms = &aws->offset_ms };

	aws_wire_call_all(&wire, round->calls, round->count);
}

/* Those that were refused, once more, if other keys than theirs are to be had. */
static void make_again(struct aws *aws, struct round *round)
{
	char used[AWS_KEY_ID_ROOM];
	struct error err;
	size_t left = 0;

	for (size_t i = 0; i < round->count; i++)
		if (!round->calls[i].err->class && is_refused(round->calls[i].answer))
			round->calls[left++] = round->calls[i];
	round->count = left;
	memcpy(used, aws->credentials.keys.access_key_id, sizeof(used));
	if (!left || look(aws, &err) < 0 || !strcmp(used, aws->credentials.keys.access_key_id))
		return;
	for (size_t i = 0; i < left; i++)
		http_answer_release(round->calls[i].answer);
	make(aws, round);
}

static void fail_all(struct http_answer *answers, struct error *errors, size_t count,
		     const struct error *problem)
{
	for (size_t i = 0; i < count; i++) {
		answers[i] = (struct http_answer){ 0 };
		errors[i] = *problem;
	}
}

void aws_call_all(struct aws *aws, const struct aws_request *requests, struct http_answer *answers,
		  struct error *errors, size_t count)
{
	SCOPED(aws_profiles) struct aws_profiles profiles = { 0 };
	struct error problem = { 0 };

	if (!count)
		return;
	if (refresh(aws, &problem) < 0 || aws_profiles_load(&profiles, &problem) < 0) {
		fail_all(answers, errors, count, &problem);
		return;
	}
	struct round round = { .calls = memory_array(count, sizeof(*round.calls)),
			       .endpoints = memory_array(count, sizeof(*round.endpoints)),
			       .count = count };

	find_endpoints(aws, &profiles, requests, round.endpoints, count);
	for (size_t i = 0; i < count; i++)
		round.calls[i] = (struct aws_wire_call){ .request = &requests[i],
							 .endpoint = buf_text(&round.endpoints[i]),
							 .answer = &answers[i],
							 .err = &errors[i] };
	make(aws, &round);
	make_again(aws, &round);
	for (size_t i = 0; i < count; i++)
		buf_release(&round.endpoints[i]);
	free(round.endpoints);
	free(round.calls);
}

int aws_call(struct aws *aws, const struct aws_request *request, struct http_answer *answer,
	     struct error *err)
{
	struct error outcome = { 0 };

	aws_call_all(aws, request, answer, &outcome, 1);
	if (!outcome.class)
		return 0;
	*err = outcome;
	return -1;
}
