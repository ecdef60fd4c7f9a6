#include "reaper/providers/aws_types.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/xml.h"
#include "reaper/providers/aws_choice.h"
#include "reaper/providers/aws_session.h"

enum {
	TYPES_MS = 15000,
	TYPES_BYTES = 4 << 20,
	TYPES_PAGES = 20, /* more is a peer that turns in circles */
	TOKEN_BYTES = 4096,
};

/* ---- the request ---- */

static bool is_earlier(const struct resource *resource, const struct instance_type *types,
		       size_t place)
{
	for (size_t i = 0; i < place; i++)
		if (!strcmp(resource->offerings[i].type, resource->offerings[place].type) &&
		    !strcmp(types[i].region, types[place].region))
			return true;
	return false;
}

/* By a filter: one name among others that there is none of would make the whole call fail. */
static void request_types(const struct resource *resource, const struct instance_type *types,
			  const char *region, const char *next, struct json_document *out)
{
	json_new_object(out);
	struct json *filter = json_add_object(json_add_list(out->root, "Filters"), NULL);

	json_add_text(filter, "Name", "instance-type");
	struct json *values = json_add_list(filter, "Values");

	for (size_t i = 0; i < resource->offering_count; i++)
		if (!strcmp(types[i].region, region) && !is_earlier(resource, types, i))
			json_add_text(values, NULL, resource->offerings[i].type);
	if (*next)
		json_add_text(out->root, "NextToken", next);
}

/* ---- the answer ---- */

static unsigned number_of(const struct xml *from, const char *path)
{
	unsigned long long number = strtoull(xml_text_of(from, path), NULL, 10);

	return number < UINT_MAX ? (unsigned)number : UINT_MAX;
}

static bool has_item(const struct xml *from, const char *path, const char *text)
{
	const struct xml *list = xml_child(from, path);

	for (const struct xml *one = list ? xml_first(list) : NULL; one; one = xml_next(one))
		if (!strcmp(xml_text(one), text))
			return true;
	return false;
}

/* Those that the container toolkit hands to tasks. */
static unsigned count_gpus(const struct xml *item)
{
	const struct xml *list = xml_child(item, "gpuInfo/gpus");
	unsigned count = 0;

	for (const struct xml *one = list ? xml_first(list) : NULL; one; one = xml_next(one))
		if (!strcmp(xml_text_of(one, "manufacturer"), "NVIDIA"))
			count += number_of(one, "count");
	return count;
}

static void read_type(const struct xml *item, struct instance_type *out)
{
	static const char architectures[] = "processorInfo/supportedArchitectures";

	out->is_there = true;
	out->is_spot_sold = has_item(item, "supportedUsageClasses", "spot");
	out->is_x86_64 = has_item(item, architectures, "x86_64");
	out->is_arm64 = has_item(item, architectures, "arm64");
	out->vcpus = number_of(item, "vCpuInfo/defaultVCpus");
	out->memory_mib = number_of(item, "memoryInfo/sizeInMiB");
	out->gpus = count_gpus(item);
	out->disk_gigabytes = number_of(item, "instanceStorageInfo/totalSizeInGB");
}

int aws_types_answer(struct slice body, const struct resource *resource, const char *region,
		     struct instance_type *out, struct buf *next, struct error *err)
{
	SCOPED(xml_document) struct xml_document document = { 0 };

	if (xml_parse(body, &document, err) < 0)
		return error_wrap(err, "answer of EC2");
	const struct xml *root = xml_root(&document), *set = xml_child(root, "instanceTypeSet");

	if (!set)
		return error_set(err, ERROR_MALFORMED,
				 "answer of EC2: <%.60s> without instanceTypeSet", xml_name(root));
	for (const struct xml *item = xml_first(set); item; item = xml_next(item))
		for (size_t i = 0; i < resource->offering_count; i++)
			if (!strcmp(out[i].region, region) &&
			    !strcmp(xml_text_of(item, "instanceType"), resource->offerings[i].type))
				read_type(item, &out[i]);
	buf_clear(next);
	buf_add(next, slice_of(xml_text_of(root, "nextToken")));
	return buf_finish(next, err) < 0 ? error_wrap(err, "answer of EC2: nextToken") : 0;
}

/* ---- the verb ---- */

static int ask_page(const struct aws_place *place, const struct resource *resource,
		    struct instance_type *types, struct buf *next, struct error *err)
{
	SCOPED(json_document) struct json_document request = { 0 };
	SCOPED(http_answer) struct http_answer answer = { 0 };

	request_types(resource, types, place->region, buf_text(next), &request);
	const struct aws_question question = { "DescribeInstanceTypes", request.root, TYPES_MS,
					       TYPES_BYTES };

	if (aws_session_ask(place, &question, &answer, NULL, err) < 0)
		return -1;
	return aws_types_answer(buf_slice(&answer.body), resource, place->region, types, next, err);
}

static int ask_region(const struct aws_place *place, const struct resource *resource,
		      struct instance_type *types, struct error *err)
{
	SCOPED(buf) struct buf next = BUF(TOKEN_BYTES);

	for (unsigned page = 0; page < TYPES_PAGES; page++) {
		if (ask_page(place, resource, types, &next, err) < 0)
			return error_wrap(err, "%s", place->region);
		if (!next.len)
			return 0;
	}
	return error_set(err, ERROR_MALFORMED, "%s: types have no end: more than %d pages",
			 place->region, TYPES_PAGES);
}

/* Into the first one of the region alone: it is told once. */
static void find_image(const struct aws_place *place, const struct resource *resource,
		       struct instance_type *types)
{
	struct aws_image image = { 0 };
	struct error problem = { 0 };
	bool is_first = true;

	if (aws_choice_described(resource, place, &image, &problem) == 0)
		problem.class = ERROR_NONE;
	for (size_t i = 0; i < resource->offering_count; i++) {
		if (strcmp(types[i].region, place->region) != 0)
			continue;
		text_cut(types[i].image, sizeof(types[i].image), image.id);
		text_cut(types[i].image_architecture, sizeof(types[i].image_architecture),
			 image.architecture);
		if (is_first)
			types[i].image_problem = problem;
		is_first = false;
	}
}

int aws_types(const struct resource *resource, struct instance_type *out, struct error *err)
{
	struct aws_place places[SETTINGS_MAX_OFFERINGS];
	size_t count = 0;

	memset(out, 0, resource->offering_count * sizeof(*out));
	for (size_t i = 0; i < resource->offering_count; i++) {
		struct aws_place place;

		if (aws_session_place(resource, &resource->offerings[i], &place, err) < 0)
			return -1;
		text_cut(out[i].region, sizeof(out[i].region), place.region);
	}
	if (aws_session_places(resource, places, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (ask_region(&places[i], resource, out, err) < 0)
			return -1;
		find_image(&places[i], resource, out);
	}
	return 0;
}
