#include "reaper/providers/aws_leftover.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/worker_id.h"
#include "common/xml.h"
#include "reaper/providers/aws_answer.h"
#include "reaper/providers/aws_request.h"
#include "reaper/providers/aws_session.h"

enum {
	LOOK_MS = 5000, /* it can wait: what a pass is for comes first */
	LOOK_BYTES = 32 << 20,
	LOOK_PAGES = 100, /* of 500: more is a peer that turns in circles */
	TOKEN_BYTES = 4096,
	REMOVE_MS = 10000,
	REMOVE_BYTES = 1 << 20,
};

static const struct {
	const char *look, *remove; /* EC2's actions */
	const char *set, *id, *type; /* in the answer */
} kinds[LEFTOVER_KIND_COUNT] = {
	[LEFTOVER_VOLUME] = { "DescribeVolumes", "DeleteVolume", "volumeSet", "volumeId",
			      "volumeType" },
	[LEFTOVER_SPOT_REQUEST] = { "DescribeSpotInstanceRequests", "CancelSpotInstanceRequests",
				    "spotInstanceRequestSet", "spotInstanceRequestId",
				    "launchSpecification/instanceType" },
};

/* ---- the answer ---- */

static bool is_left(enum leftover_kind kind, const struct xml *from)
{
	const char *state = xml_text_of(from, kind == LEFTOVER_VOLUME ? "status" : "state");

	if (kind == LEFTOVER_VOLUME)
		return !strcmp(state, "available") && !xml_child(from, "attachmentSet/item");
	return !strcmp(state, "open") ||
	       (!strcmp(state, "active") && !*xml_text_of(from, "instanceId"));
}

static int read_one(enum leftover_kind kind, const struct xml *from, struct leftover *out,
		    struct error *err)
{
	const char *id = xml_text_of(from, kinds[kind].id);
	const char *made = xml_text_of(from, "createTime");
	int64_t made_ms;

	if (!worker_id_is_field(slice_of(id)))
		return error_set(err, ERROR_MALFORMED, "%s: \"%.40s\" is no id", kinds[kind].id,
				 id);
	if (text_copy(out->id, sizeof(out->id), slice_of(id), err) < 0)
		return error_wrap(err, "%s", kinds[kind].id);
	if (clock_parse_iso(slice_of(made), &made_ms, err) < 0)
		return error_wrap(err, "%s: createTime", id);
	out->kind = kind;
	out->made_s = made_ms / 1000;
	text_cut(out->type, sizeof(out->type), xml_text_of(from, kinds[kind].type));
	if (kind == LEFTOVER_VOLUME)
		out->gigabytes = (unsigned)strtoul(xml_text_of(from, "size"), NULL, 10);
	return 0;
}

static int add_one(enum leftover_kind kind, const struct xml *from, const char *prefix,
		   struct leftover_list *list, struct error *err)
{
	struct leftover one = { 0 };

	/* The filter's words are patterns: what is removed for good is ours by the letter. */
	if (strcmp(aws_answer_tag(from, AWS_TAG_PREFIX), prefix) != 0 ||
	    !aws_answer_tags(from, one.resource, &one.slot, &one.generation) ||
	    !is_left(kind, from))
		return 0;
	if (read_one(kind, from, &one, err) < 0)
		return -1;
	list->list = memory_grow(list->list, list->count + 1, sizeof(*list->list));
	list->list[list->count++] = one;
	return 0;
}

int aws_leftover_read(enum leftover_kind kind, struct slice body, const char *prefix,
		      struct leftover_list *list, struct buf *next, struct error *err)
{
	SCOPED(xml_document) struct xml_document document = { 0 };
	size_t before = list->count;

	if (xml_parse(body, &document, err) < 0)
		return error_wrap(err, "answer of EC2");
	const struct xml *root = xml_root(&document), *set = xml_child(root, kinds[kind].set);

	if (!set)
		return error_set(err, ERROR_MALFORMED, "answer of EC2: <%.60s> without %s",
				 xml_name(root), kinds[kind].set);
	for (const struct xml *one = xml_first(set); one; one = xml_next(one)) {
		if (add_one(kind, one, prefix, list, err) == 0)
			continue;
		list->count = before;
		return error_wrap(err, "answer of EC2");
	}
	buf_clear(next);
	buf_add(next, slice_of(xml_text_of(root, "nextToken")));
	if (buf_finish(next, err) == 0)
		return 0;
	list->count = before;
	return error_wrap(err, "answer of EC2: nextToken");
}

/* ---- looking ---- */

struct looking { /* for all kinds, in all regions of a resource */
	const char *prefix;
	int64_t deadline_ms; /* monotonic */
	struct aws_place places[SETTINGS_MAX_OFFERINGS];
	size_t count;
	struct leftover_list found;
};

static void looking_release(struct looking *looking)
{
	leftover_list_release(&looking->found);
}

static int has_time(const struct looking *looking, struct error *err)
{
	if (clock_monotonic_ms() < looking->deadline_ms)
		return 0;
	return error_set(err, ERROR_UNREACHABLE, "no time was left to ask");
}

/* What is behind the first page. */
static int read_rest(struct looking *looking, const struct aws_place *place,
		     enum leftover_kind kind, struct buf *next, struct error *err)
{
	for (unsigned page = 1; next->len; page++) {
		SCOPED(json_document) struct json_document request = { 0 };
		SCOPED(http_answer) struct http_answer answer = { 0 };

		if (page == LOOK_PAGES)
			return error_set(err, ERROR_MALFORMED,
					 "the list has no end: more than %d pages", LOOK_PAGES);
		aws_request_leftovers(kind, looking->prefix, buf_text(next), &request);
		const struct aws_question question = { kinds[kind].look, request.root, LOOK_MS,
						       LOOK_BYTES };

		if (has_time(looking, err) < 0 ||
		    aws_session_ask(place, &question, &answer, NULL, err) < 0 ||
		    aws_leftover_read(kind, buf_slice(&answer.body), looking->prefix,
				      &looking->found, next, err) < 0)
			return -1;
	}
	return 0;
}

static int read_region(struct looking *looking, const struct aws_place *place,
		       enum leftover_kind kind, const struct http_answer *first, struct error *err)
{
	SCOPED(buf) struct buf next = BUF(TOKEN_BYTES);
	size_t before = looking->found.count;

	if (aws_leftover_read(kind, buf_slice(&first->body), looking->prefix, &looking->found,
			      &next, err) < 0 ||
	    read_rest(looking, place, kind, &next, err) < 0)
		return error_wrap(err, "%s", place->region);
	for (size_t i = before; i < looking->found.count; i++)
		text_cut(looking->found.list[i].region, sizeof(looking->found.list[i].region),
			 place->region);
	return 0;
}

static int look_for(struct looking *looking, enum leftover_kind kind, struct error *err)
{
	struct http_answer answers[SETTINGS_MAX_OFFERINGS] = { 0 };
	struct error errors[SETTINGS_MAX_OFFERINGS] = { 0 };
	SCOPED(json_document) struct json_document request = { 0 };
	int result = 0;

	if (has_time(looking, err) < 0)
		return -1;
	aws_request_leftovers(kind, looking->prefix, "", &request);
	const struct aws_question question = { kinds[kind].look, request.root, LOOK_MS,
					       LOOK_BYTES };

	aws_session_ask_all(looking->places, looking->count, &question, answers, errors);
	for (size_t i = 0; i < looking->count && result == 0; i++) {
		if (errors[i].class != ERROR_NONE) {
			*err = errors[i];
			result = -1;
		} else {
			result = read_region(looking, &looking->places[i], kind, &answers[i], err);
		}
	}
	for (size_t i = 0; i < looking->count; i++)
		http_answer_release(&answers[i]);
	return result;
}

int aws_leftovers(const struct settings *settings, const struct resource *resource,
		  const struct provider_time *time, struct leftover_list *out, struct error *err)
{
	SCOPED(looking)
	struct looking looking = { .prefix = settings->prefix, .deadline_ms = time->deadline_ms };

	if (aws_session_places(resource, looking.places, &looking.count, err) < 0)
		return error_wrap(err, "list the leftovers of %s", resource->name);
	for (int kind = 0; kind < LEFTOVER_KIND_COUNT; kind++)
		if (look_for(&looking, (enum leftover_kind)kind, err) < 0)
			return error_wrap(err, "list the leftovers of %s", resource->name);
	*out = looking.found;
	looking.found = (struct leftover_list){ 0 };
	return 0;
}

/* ---- removing ---- */

static int find_place(const struct resource *resource, const char *region, struct aws_place *out,
		      struct error *err)
{
	struct aws_place places[SETTINGS_MAX_OFFERINGS];
	size_t count = 0;

	if (aws_session_places(resource, places, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (!strcmp(places[i].region, region)) {
			*out = places[i];
			return 0;
		}
	return error_set(err, ERROR_CONFIGURATION, "%s has no offering in %s", resource->name,
			 region);
}

int aws_remove(const struct resource *resource, const struct leftover *leftover, struct error *err)
{
	SCOPED(json_document) struct json_document request = { 0 };
	SCOPED(http_answer) struct http_answer answer = { 0 };
	struct aws_place place;

	aws_request_remove(leftover, &request);
	const struct aws_question question = { kinds[leftover->kind].remove, request.root,
					       REMOVE_MS, REMOVE_BYTES };

	if (find_place(resource, leftover->region, &place, err) < 0 ||
	    aws_session_ask(&place, &question, &answer, NULL, err) < 0)
		return error_wrap(err, "remove %s", leftover->id);
	return 0;
}
