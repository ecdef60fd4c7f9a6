#include "reaper/providers/aws_session.h"

#include <stdlib.h>
#include <string.h>

#include "reaper/providers/aws_flatten.h"

#define EC2_VERSION "2016-11-15"

enum {
	ATTEMPT_MS = 10000,
	PARAMETER_MS = 10000,
	PARAMETER_BYTES = 64 << 10,
	BODY_BYTES = 256 << 10,
};

/* ---- accounts ---- */

struct account { /* what was asked for; texts are the settings', copied */
	char profile[TICKET_FIELD_ROOM];
	char role_arn[SETTINGS_AWS_ROOM], external_id[SETTINGS_AWS_ROOM];
	struct aws *aws;
};
static struct account accounts[SETTINGS_MAX_RESOURCES];
static size_t account_count;

static bool is_of(const struct account *account, const struct aws_settings *settings)
{
	return !strcmp(account->profile, settings->profile) &&
	       !strcmp(account->role_arn, settings->role_arn) &&
	       !strcmp(account->external_id, settings->external_id);
}

static const char *given(const char *text)
{
	return *text ? text : NULL;
}

/* A configuration that was read anew (watch) may need more than there is room for: the oldest one
 * then makes room, which no call is using. */
static struct account *make_room(void)
{
	if (account_count < ARRAY_LEN(accounts))
		return &accounts[account_count++];
	aws_close(accounts[0].aws);
	memmove(accounts, accounts + 1, sizeof(accounts) - sizeof(accounts[0]));
	return &accounts[account_count - 1];
}

static int open_account(const struct aws_settings *settings, struct aws **out, struct error *err)
{
	for (size_t i = 0; i < account_count; i++)
		if (is_of(&accounts[i], settings)) {
			*out = accounts[i].aws;
			return 0;
		}
	struct account account = { 0 };
	const struct aws_options options = { .user_agent = "mayfly-reaper/" MAYFLY_VERSION,
					     .profile = given(settings->profile),
					     .role_arn = given(settings->role_arn),
					     .external_id = given(settings->external_id) };

	memcpy(account.profile, settings->profile, sizeof(account.profile));
	memcpy(account.role_arn, settings->role_arn, sizeof(account.role_arn));
	memcpy(account.external_id, settings->external_id, sizeof(account.external_id));
	if (aws_open(&options, &account.aws, err) < 0)
		return -1;
	*make_room() = account;
	*out = account.aws;
	return 0;
}

/* ---- regions ---- */

static size_t letters_at(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz");
}

/* us-east-1a, us-gov-west-1b and us-west-2-lax-1a begin with their region: words, then the first
 * number. 0: it does not look so. */
static size_t region_len(const char *zone)
{
	size_t at = letters_at(zone);

	while (at && zone[at] == '-') {
		size_t digits = strspn(zone + at + 1, "0123456789");
		size_t word = letters_at(zone + at + 1);

		if (digits)
			return at + 1 + digits;
		if (!word)
			return 0;
		at += 1 + word;
	}
	return 0;
}

/* Empty: the chain's. */
static struct slice region_said(const struct offering *offering)
{
	if (*offering->region)
		return slice_of(offering->region);
	return (struct slice){ offering->zone, region_len(offering->zone) };
}

static bool is_in_region(const struct resource *resource, struct slice region)
{
	for (size_t i = 0; i < resource->offering_count; i++) {
		struct slice other = region_said(&resource->offerings[i]);

		if (other.len == region.len && !memcmp(other.ptr, region.ptr, region.len))
			return true;
	}
	return false;
}

static bool has_regions_of(const struct resource *resource, const struct resource *other)
{
	for (size_t i = 0; i < other->offering_count; i++)
		if (!is_in_region(resource, region_said(&other->offerings[i])))
			return false;
	return true;
}

bool aws_session_is_same(const struct resource *a, const struct resource *b)
{
	return !strcmp(a->aws.profile, b->aws.profile) &&
	       !strcmp(a->aws.role_arn, b->aws.role_arn) &&
	       !strcmp(a->aws.external_id, b->aws.external_id) && has_regions_of(a, b) &&
	       has_regions_of(b, a);
}

int aws_session_place(const struct resource *resource, const struct offering *offering,
		      struct aws_place *out, struct error *err)
{
	struct aws_place place = { 0 };
	struct slice region = region_said(offering);

	if (open_account(&resource->aws, &place.aws, err) < 0)
		return -1;
	if (!region.len && aws_region(place.aws, place.region, err) < 0)
		return -1;
	if (region.len && text_copy(place.region, sizeof(place.region), region, err) < 0)
		return error_wrap(err, "region");
	*out = place;
	return 0;
}

int aws_session_places(const struct resource *resource, struct aws_place *out, size_t *count,
		       struct error *err)
{
	size_t found = 0;

	for (size_t i = 0; i < resource->offering_count; i++) {
		struct aws_place place;
		size_t same = 0;

		if (aws_session_place(resource, &resource->offerings[i], &place, err) < 0)
			return -1;
		while (same < found && strcmp(out[same].region, place.region) != 0)
			same++;
		if (same == found)
			out[found++] = place;
	}
	*count = found;
	return 0;
}

/* ---- asking ---- */

static int write_body(const struct aws_question *question, struct buf *out, struct error *err)
{
	buf_addf(out, "Action=%s&Version=" EC2_VERSION, question->action);
	if (aws_flatten(question->action, question->request, out, err) < 0)
		return -1;
	return buf_finish(out, err);
}

static struct aws_request request_of(const struct aws_place *place,
				     const struct aws_question *question, struct slice body)
{
	return (struct aws_request){ .service = "ec2",
				     .region = place->region,
				     .method = "POST",
				     .path = "/",
				     .body = body,
				     .timeout_ms = question->timeout_ms,
				     .attempt_timeout_ms = ATTEMPT_MS < question->timeout_ms ?
								   ATTEMPT_MS :
								   question->timeout_ms,
				     .max_answer_bytes = question->max_answer_bytes,
				     .may_repeat = true };
}

static bool is_good(const struct http_answer *answer)
{
	return answer->status >= 200 && answer->status < 300;
}

/* 0 for a good answer. */
static int judge(const struct aws_place *place, const char *service, const char *action,
		 const struct http_answer *answer, struct aws_fault *fault, struct error *err)
{
	if (is_good(answer))
		return 0;
	aws_fault_read(answer->status, buf_slice(&answer->body), fault);
	(void)aws_fault_set(fault, service, action, err);
	return error_wrap(err, "%s", place->region);
}

int aws_session_ask(const struct aws_place *place, const struct aws_question *question,
		    struct http_answer *answer, struct aws_fault *fault, struct error *err)
{
	SCOPED(buf) struct buf body = BUF(BODY_BYTES);
	struct aws_fault own = { 0 };

	fault = fault ? fault : &own;
	*fault = own;
	if (write_body(question, &body, err) < 0)
		return error_wrap(err, "%s", question->action);
	const struct aws_request request = request_of(place, question, buf_slice(&body));

	if (aws_call(place->aws, &request, answer, err) < 0)
		return error_wrap(err, "%s in %s", question->action, place->region);
	return judge(place, "ec2", question->action, answer, fault, err);
}

void aws_session_ask_all(const struct aws_place *places, size_t count,
			 const struct aws_question *question, struct http_answer *answers,
			 struct error *errors)
{
	SCOPED(buf) struct buf body = BUF(BODY_BYTES);
	struct aws_request *requests = memory_array(count + 1, sizeof(*requests));
	struct error why = { 0 };
	struct aws_fault fault;
	int written = write_body(question, &body, &why);

	for (size_t i = 0; i < count; i++) {
		requests[i] = request_of(&places[i], question, buf_slice(&body));
		errors[i] = why;
	}
	/* All places of a resource are one account's. */
	if (written == 0 && count)
		aws_call_all(places[0].aws, requests, answers, errors, count);
	for (size_t i = 0; i < count && written == 0; i++) {
		if (errors[i].class != ERROR_NONE)
			(void)error_wrap(&errors[i], "%s in %s", question->action,
					 places[i].region);
		else
			(void)judge(&places[i], "ec2", question->action, &answers[i], &fault,
				    &errors[i]);
	}
	free(requests);
}

/* ---- SSM ---- */

static int read_parameter(struct slice body, struct buf *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	const char *value;

	if (json_parse(body, &document, err) < 0 ||
	    json_text(document.root, "Parameter.Value", &value, err) < 0)
		return error_wrap(err, "answer of SSM");
	buf_add(out, slice_of(value));
	return buf_finish(out, err);
}

int aws_session_parameter(const struct aws_place *place, const char *name, struct buf *out,
			  struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf body = BUF(4096);
	SCOPED(http_answer) struct http_answer answer = { 0 };
	struct aws_fault fault;

	json_new_object(&document);
	json_add_text(document.root, "Name", name);
	json_print(document.root, false, &body);
	if (buf_finish(&body, err) < 0)
		return -1;
	const struct aws_request request = { .service = "ssm",
					     .region = place->region,
					     .method = "POST",
					     .path = "/",
					     .body = buf_slice(&body),
					     .content_type = "application/x-amz-json-1.1",
					     .target = "AmazonSSM.GetParameter",
					     .timeout_ms = PARAMETER_MS,
					     .attempt_timeout_ms = PARAMETER_MS,
					     .max_answer_bytes = PARAMETER_BYTES,
					     .may_repeat = true };

	if (aws_call(place->aws, &request, &answer, err) < 0)
		return error_wrap(err, "GetParameter in %s", place->region);
	if (judge(place, "ssm", "GetParameter", &answer, &fault, err) < 0)
		return error_wrap(err, "parameter %s", name);
	return read_parameter(buf_slice(&answer.body), out, err);
}
