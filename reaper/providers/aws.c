#include <stdlib.h>
#include <string.h>

#include "reaper/providers/aws_answer.h"
#include "reaper/providers/aws_choice.h"
#include "reaper/providers/aws_flatten.h"
#include "reaper/providers/aws_leftover.h"
#include "reaper/providers/aws_market.h"
#include "reaper/providers/aws_policy.h"
#include "reaper/providers/aws_request.h"
#include "reaper/providers/aws_session.h"
#include "reaper/providers/aws_types.h"
#include "reaper/providers/provider.h"

/*
 * aws: machines that are EC2 instances. What is ours bears our tags from the
 * create call on (aws_answer.h). An instance's region is not in its id: each of
 * the resource's regions is asked in turn.
 */

enum {
	LIST_MS = 15000,
	LIST_BYTES = 32 << 20,
	LIST_PAGES = 200, /* of 500: more is a peer that turns in circles */
	TOKEN_BYTES = 4096,
	LAUNCH_MS = 12000,
	SHORT_MS = 10000,
	SHORT_BYTES = 1 << 20,
};

/* ---- list ---- */

/* What is behind the first page. */
static int list_rest(const struct aws_place *place, const char *prefix, struct buf *next,
		     struct fleet *fleet, struct error *err)
{
	for (unsigned page = 1; next->len; page++) {
		SCOPED(json_document) struct json_document request = { 0 };
		SCOPED(http_answer) struct http_answer answer = { 0 };

		if (page == LIST_PAGES)
			return error_set(err, ERROR_MALFORMED,
					 "%s: the list has no end: more than %d pages",
					 place->region, LIST_PAGES);
		aws_request_list(prefix, buf_text(next), &request);
		const struct aws_question question = { "DescribeInstances", request.root, LIST_MS,
						       LIST_BYTES };

		if (aws_session_ask(place, &question, &answer, NULL, err) < 0)
			return -1;
		if (aws_answer_instances(buf_slice(&answer.body), prefix, fleet, next, err) < 0)
			return error_wrap(err, "%s", place->region);
	}
	return 0;
}

static int list_region(const struct aws_place *place, const char *prefix,
		       const struct http_answer *first, struct fleet *fleet, struct error *err)
{
	SCOPED(buf) struct buf next = BUF(TOKEN_BYTES);

	if (aws_answer_instances(buf_slice(&first->body), prefix, fleet, &next, err) < 0)
		return error_wrap(err, "%s", place->region);
	return list_rest(place, prefix, &next, fleet, err);
}

struct listing { /* of all regions of a resource */
	struct aws_place places[SETTINGS_MAX_OFFERINGS];
	struct http_answer answers[SETTINGS_MAX_OFFERINGS];
	struct error errors[SETTINGS_MAX_OFFERINGS];
	size_t count;
	struct fleet fleet;
};

static void listing_release(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		http_answer_release(&listing->answers[i]);
	fleet_release(&listing->fleet);
}

static int list_all(struct listing *listing, const char *prefix, struct error *err)
{
	SCOPED(json_document) struct json_document request = { 0 };

	aws_request_list(prefix, "", &request);
	const struct aws_question question = { "DescribeInstances", request.root, LIST_MS,
					       LIST_BYTES };

	aws_session_ask_all(listing->places, listing->count, &question, listing->answers,
			    listing->errors);
	for (size_t i = 0; i < listing->count; i++) {
		if (listing->errors[i].class != ERROR_NONE) {
			*err = listing->errors[i];
			return -1;
		}
		if (list_region(&listing->places[i], prefix, &listing->answers[i], &listing->fleet,
				err) < 0)
			return -1;
	}
	return 0;
}

static int aws_list(const struct settings *settings, const struct resource *resource,
		    struct fleet *out, struct error *err)
{
	SCOPED(listing) struct listing listing = { 0 };

	if (aws_session_places(resource, listing.places, &listing.count, err) < 0 ||
	    list_all(&listing, settings->prefix, err) < 0)
		return error_wrap(err, "list the instances of %s", resource->name);
	*out = listing.fleet;
	listing.fleet = (struct fleet){ 0 };
	return 0;
}

/* ---- launch ---- */

static int read_launched(const struct launch *launch, const struct http_answer *answer,
			 char id[static TICKET_FIELD_ROOM], struct error *err)
{
	char found[TICKET_FIELD_ROOM];
	bool is_over = false;

	if (aws_answer_launched(buf_slice(&answer->body), found, &is_over, err) < 0)
		return -1;
	if (is_over) {
		/* So EC2 answered before 2025, where it says IdempotentInstanceTerminated now. */
		if (launch->key_fate)
			*launch->key_fate = LAUNCH_KEY_SPENT;
		return error_set(err, ERROR_CONFLICT,
				 "RunInstances: the launch key's machine %s has ended", found);
	}
	memcpy(id, found, sizeof(found));
	return 0;
}

static int ask_launch(const struct launch *launch, const struct aws_place *place,
		      const struct json *request, char id[static TICKET_FIELD_ROOM],
		      struct error *err)
{
	const struct aws_question question = { "RunInstances", request, LAUNCH_MS, SHORT_BYTES };
	SCOPED(http_answer) struct http_answer answer = { 0 };
	struct aws_fault fault;

	if (aws_session_ask(place, &question, &answer, &fault, err) == 0)
		return read_launched(launch, &answer, id, err);
	if (launch->key_fate)
		*launch->key_fate = aws_fault_key(&fault);
	if (launch->zones && err->class == ERROR_CAPACITY)
		aws_fault_zones(fault.text, launch->zones);
	return -1;
}

/* Before RunInstances was asked, nothing was launched by it: a failure to find the image must not
 * look like a launch without an answer. */
static int find_image(const struct launch *launch, const struct aws_place *place,
		      struct aws_image *out, struct error *err)
{
	if (aws_choice_image(launch->resource, place, out, err) == 0)
		return 0;
	if (err->class == ERROR_UNREACHABLE || err->class == ERROR_MALFORMED)
		err->class = ERROR_REFUSED;
	return -1;
}

static int aws_launch(const struct launch *launch, char id[static TICKET_FIELD_ROOM],
		      struct error *err)
{
	SCOPED(json_document) struct json_document request = { 0 };
	struct aws_place place;
	struct aws_image image;

	if (aws_session_place(launch->resource, launch->offering, &place, err) < 0 ||
	    find_image(launch, &place, &image, err) < 0)
		return -1;
	aws_request_launch(launch, &image, &request);
	return ask_launch(launch, &place, request.root, id, err);
}

/* ---- terminate ---- */

static int terminate_in(const struct aws_place *place, const char *instance, struct error *err)
{
	SCOPED(json_document) struct json_document request = { 0 };
	SCOPED(http_answer) struct http_answer answer = { 0 };

	aws_request_terminate(instance, &request);
	const struct aws_question question = { "TerminateInstances", request.root, SHORT_MS,
					       SHORT_BYTES };

	return aws_session_ask(place, &question, &answer, NULL, err);
}

/* What a region answers that does not know the instance; to whoever may touch what bears our tag
 * alone it says that he may not. A refusal is what is told where no region knows it. */
static bool is_elsewhere(size_t place, const struct error *why, struct error *err)
{
	if (!place || why->class != ERROR_NOT_FOUND)
		*err = *why;
	return why->class == ERROR_NOT_FOUND || why->class == ERROR_DENIED;
}

static int aws_terminate(const struct settings *settings, const struct resource *resource,
			 const char *instance, struct error *err)
{
	struct aws_place places[SETTINGS_MAX_OFFERINGS];
	size_t count = 0;
	struct error why;
	int result = -1;

	(void)settings;
	if (aws_session_places(resource, places, &count, err) < 0)
		return error_wrap(err, "terminate %s", instance);
	for (size_t i = 0; i < count; i++) {
		result = terminate_in(&places[i], instance, &why);
		if (result == 0 || !is_elsewhere(i, &why, err))
			break;
	}
	return result < 0 ? error_wrap(err, "terminate %s", instance) : 0;
}

/* ---- console ---- */

static int ask_console(const struct aws_place *place, const char *instance, bool is_latest,
		       struct buf *out, struct aws_fault *fault, struct error *err)
{
	SCOPED(json_document) struct json_document request = { 0 };
	SCOPED(http_answer) struct http_answer answer = { 0 };

	aws_request_console(instance, is_latest, &request);
	const struct aws_question question = { "GetConsoleOutput", request.root, SHORT_MS,
					       SHORT_BYTES };

	if (aws_session_ask(place, &question, &answer, fault, err) < 0)
		return -1;
	return aws_answer_console(buf_slice(&answer.body), out, err);
}

/* Types that are no Nitro ones cannot tell what they show now. */
static int console_in(const struct aws_place *place, const char *instance, struct buf *out,
		      struct error *err)
{
	struct aws_fault fault;

	if (ask_console(place, instance, true, out, &fault, err) == 0)
		return 0;
	if (strcmp(fault.code, "UnsupportedOperation") != 0)
		return -1;
	return ask_console(place, instance, false, out, &fault, err);
}

static int aws_console(const struct settings *settings, const struct resource *resource,
		       const char *instance, struct buf *out, struct error *err)
{
	struct aws_place places[SETTINGS_MAX_OFFERINGS];
	size_t count = 0;
	struct error why;
	int result = -1;

	(void)settings;
	if (aws_session_places(resource, places, &count, err) < 0)
		return error_wrap(err, "console of %s", instance);
	for (size_t i = 0; i < count; i++) {
		result = console_in(&places[i], instance, out, &why);
		if (result == 0 || !is_elsewhere(i, &why, err))
			break;
	}
	return result < 0 ? error_wrap(err, "console of %s", instance) : 0;
}

/* ---- settings ---- */

/* Does RunInstances have all that launch_spec says? Its names are EC2's. */
static int aws_check(const struct resource *resource, struct error *err)
{
	const struct json *spec = json_find(resource->aws.spec.root, "launch_spec");
	SCOPED(buf) struct buf ignored = BUF(1 << 20);

	if (!spec || aws_flatten("RunInstances", spec, &ignored, err) == 0)
		return spec ? buf_finish(&ignored, err) : 0;
	return error_wrap(err, "launch_spec");
}

/* Of RunInstances, by account and region:
 * docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html */
const struct provider provider_aws = {
	.name = "aws",
	.launch_limit = { .burst = 5, .per_second = 2 },
	.check = aws_check,
	.list = aws_list,
	.is_one_list = aws_session_is_same,
	.launch = aws_launch,
	.terminate = aws_terminate,
	.console = aws_console,
	.types = aws_types,
	.spot_prices = aws_market_spot_prices,
	.leftovers = aws_leftovers,
	.remove = aws_remove,
	.policy = aws_policy,
};
