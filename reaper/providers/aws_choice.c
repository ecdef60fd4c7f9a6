#include "reaper/providers/aws_choice.h"

#include <string.h>

#include "common/clock.h"
#include "common/hash.h"
#include "reaper/providers/aws_request.h"

enum {
	KEPT_MS = 60000,
	IMAGES_MS = 10000,
	IMAGES_BYTES = 16 << 20,
	KEPT_MOST = 64,
	PARAMETER_ROOM = 256,
};
static const char by_parameter[] = "resolve:ssm:";

/* ---- what was found ---- */

static struct kept {
	int64_t found_ms; /* monotonic */
	char of[HASH_HEX_LEN]; /* what was asked for, and where */
	struct aws_image image;
} kept[KEPT_MOST];
static size_t kept_next; /* the one to be overwritten */

static void name_choice(const struct resource *resource, const struct aws_place *place,
			char out[static HASH_HEX_LEN])
{
	SCOPED(buf) struct buf image = BUF(4096);
	const struct aws_settings *aws = &resource->aws;

	json_print(json_find(aws->spec.root, "image"), false, &image);
	const struct slice parts[] = {
		slice_of(place->region),
		slice_of(aws->profile),
		slice_of(aws->role_arn),
		buf_slice(&image),
		slice_of(aws_request_needs_device(resource) ? "device" : ""),
	};

	hash_parts(parts, ARRAY_LEN(parts), out);
}

static bool find_kept(const char *of, struct aws_image *out)
{
	for (size_t i = 0; i < KEPT_MOST; i++)
		if (!strcmp(kept[i].of, of) && clock_monotonic_ms() - kept[i].found_ms < KEPT_MS) {
			*out = kept[i].image;
			return true;
		}
	return false;
}

static void keep(const char *of, const struct aws_image *image)
{
	struct kept *one = &kept[kept_next++ % KEPT_MOST];

	memcpy(one->of, of, sizeof(one->of));
	one->found_ms = clock_monotonic_ms();
	one->image = *image;
}

/* ---- looking ---- */

static int ask(const struct resource *resource, const struct aws_place *place, const char *id,
	       struct aws_image *out, struct error *err)
{
	SCOPED(json_document) struct json_document request = { 0 };
	SCOPED(http_answer) struct http_answer answer = { 0 };

	aws_request_images(resource, id, &request);
	const struct aws_question question = { "DescribeImages", request.root, IMAGES_MS,
					       IMAGES_BYTES };

	if (aws_session_ask(place, &question, &answer, NULL, err) < 0)
		return -1;
	return aws_answer_image(buf_slice(&answer.body), out, err);
}

static int look_up_parameter(const struct aws_place *place, const char *name, struct aws_image *out,
			     struct error *err)
{
	SCOPED(buf) struct buf value = BUF(PARAMETER_ROOM);

	if (aws_session_parameter(place, name, &value, err) < 0)
		return -1;
	if (strncmp(buf_text(&value), "ami-", 4) != 0 ||
	    text_copy(out->id, sizeof(out->id), buf_slice(&value), err) < 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "parameter %s holds no id of an image (ami-...)", name);
	return 0;
}

static int look_up(const struct resource *resource, const struct aws_place *place,
		   bool is_described, struct aws_image *out, struct error *err)
{
	const char *text = json_text_or(resource->aws.spec.root, "image", NULL);
	size_t prefix = sizeof(by_parameter) - 1;

	if (!text)
		return ask(resource, place, NULL, out, err);
	if (!strncmp(text, by_parameter, prefix)) {
		if (look_up_parameter(place, text + prefix, out, err) < 0)
			return -1;
	} else if (text_copy(out->id, sizeof(out->id), slice_of(text), err) < 0) {
		return -1;
	}
	return is_described ? ask(resource, place, out->id, out, err) : 0;
}

static int find(const struct resource *resource, const struct aws_place *place, bool is_described,
		struct aws_image *out, struct error *err)
{
	struct aws_image found = { 0 };

	if (look_up(resource, place, is_described, &found, err) < 0) {
		if (err->class == ERROR_NOT_FOUND)
			err->class = ERROR_CONFIGURATION;
		return error_wrap(err, "aws.image of %s in %s", resource->name, place->region);
	}
	if (!*found.root_device && aws_request_needs_device(resource))
		return error_set(err, ERROR_CONFIGURATION,
				 "aws.image of %s: %s has no root device: give aws.volume.device",
				 resource->name, found.id);
	*out = found;
	return 0;
}

int aws_choice_described(const struct resource *resource, const struct aws_place *place,
			 struct aws_image *out, struct error *err)
{
	return find(resource, place, true, out, err);
}

int aws_choice_image(const struct resource *resource, const struct aws_place *place,
		     struct aws_image *out, struct error *err)
{
	char of[HASH_HEX_LEN];

	name_choice(resource, place, of);
	if (find_kept(of, out))
		return 0;
	if (find(resource, place, aws_request_needs_device(resource), out, err) < 0)
		return -1;
	keep(of, out);
	return 0;
}
