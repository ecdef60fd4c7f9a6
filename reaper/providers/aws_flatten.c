#include "reaper/providers/aws_flatten.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reaper/providers/aws_shapes.h"

/* One step of the way from the request down to a value. */
struct step {
	const struct step *up; /* NULL: the request itself */
	const char *name, *query; /* NULL in a list */
	size_t place; /* in a list, from 0 */
};

enum { PATH_BYTES = 200 }; /* of a path in a message */

static const char *name_at(size_t place)
{
	return aws_shape_names + place;
}

/* Percent-encodes all but what RFC 3986, section 2.3, leaves unreserved. */
static void add_encoded(struct buf *out, const char *text)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789-._~";

	while (*text) {
		size_t plain = strspn(text, unreserved);

		buf_add(out, (struct slice){ text, plain });
		text += plain;
		if (*text)
			buf_addf(out, "%%%02X", (unsigned char)*text++);
	}
}

static void add_query_name(struct buf *out, const struct step *step)
{
	if (!step->up)
		return;
	add_query_name(out, step->up);
	buf_addf(out, "%s", step->up->up ? "." : "&");
	if (step->query)
		buf_addf(out, "%s", step->query);
	else
		buf_addf(out, "%zu", step->place + 1);
}

static void add_path(struct buf *out, const struct step *step)
{
	if (!step->up)
		return;
	add_path(out, step->up);
	if (step->name)
		buf_addf(out, "%s%s", step->up->up ? "." : "", step->name);
	else
		buf_addf(out, "[%zu]", step->place);
}

static int refuse_kind(const struct step *step, const char *expected, const struct json *value,
		       struct error *err)
{
	SCOPED(buf) struct buf path = BUF(PATH_BYTES);

	add_path(&path, step);
	return error_set(err, ERROR_CONFIGURATION, "%s: EC2 takes %s here, got %s",
			 path.len ? buf_text(&path) : "the request", expected,
			 json_kind_name(json_kind(value)));
}

static int refuse_name(const struct step *step, const struct aws_shape *shape, const char *name,
		       struct error *err)
{
	SCOPED(buf) struct buf path = BUF(PATH_BYTES);
	const char **known = memory_array(shape->count, sizeof(*known));

	for (size_t i = 0; i < shape->count; i++)
		known[i] = name_at(aws_shape_members[shape->first + i].name);

	const char *meant = text_nearest(name, known, shape->count);

	free(known);
	add_path(&path, step);
	return error_set(err, ERROR_CONFIGURATION, "%s%s%.64s: unknown to EC2%s%s%s",
			 buf_text(&path), path.len ? "." : "", name, meant ? ", did you mean " : "",
			 meant ? meant : "", meant ? "?" : "");
}

static int add_value(const struct step *step, size_t shape, const struct json *value,
		     struct buf *out, struct error *err);

static int add_items(const struct step *step, size_t item_shape, const struct json *list,
		     struct buf *out, struct error *err)
{
	struct step below = { .up = step };

	if (json_kind(list) != JSON_LIST)
		return refuse_kind(step, "a list", list, err);
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		if (add_value(&below, item_shape, item, out, err) < 0)
			return -1;
		below.place++;
	}
	return 0;
}

static const struct aws_shape_member *member_named(const struct aws_shape *shape, const char *name)
{
	for (size_t i = 0; i < shape->count; i++) {
		const struct aws_shape_member *member = &aws_shape_members[shape->first + i];

		if (!strcmp(name_at(member->name), name))
			return member;
	}
	return NULL;
}

static int add_members(const struct step *step, const struct aws_shape *shape,
		       const struct json *object, struct buf *out, struct error *err)
{
	if (json_kind(object) != JSON_OBJECT)
		return refuse_kind(step, "an object", object, err);
	for (const struct json *value = json_first(object); value; value = json_next(value)) {
		const struct aws_shape_member *member = member_named(shape, json_name(value));

		if (!member)
			return refuse_name(step, shape, json_name(value), err);

		struct step below = { .up = step,
				      .name = name_at(member->name),
				      .query = name_at(member->query) };

		if (add_value(&below, member->shape, value, out, err) < 0)
			return -1;
	}
	return 0;
}

/* What a double holds exactly, as JSON's numbers are read. */
static bool is_whole(const struct json *value)
{
	double number = json_number_value(value);

	return json_kind(value) == JSON_NUMBER && fabs(number) <= 0x1p53 && floor(number) == number;
}

static int add_integer(const struct step *step, const struct json *value, struct buf *out,
		       struct error *err)
{
	if (!is_whole(value))
		return refuse_kind(step, "a whole number", value, err);
	add_query_name(out, step);
	buf_addf(out, "=%lld", (long long)json_number_value(value));
	return 0;
}

static int add_bool(const struct step *step, const struct json *value, struct buf *out,
		    struct error *err)
{
	if (json_kind(value) != JSON_BOOL)
		return refuse_kind(step, "true or false", value, err);
	add_query_name(out, step);
	buf_addf(out, "=%s", json_bool_value(value) ? "true" : "false");
	return 0;
}

static int add_text(const struct step *step, const char *expected, const struct json *value,
		    struct buf *out, struct error *err)
{
	if (json_kind(value) != JSON_TEXT)
		return refuse_kind(step, expected, value, err);
	add_query_name(out, step);
	buf_addf(out, "=");
	add_encoded(out, json_text_value(value));
	return 0;
}

static int add_value(const struct step *step, size_t shape, const struct json *value,
		     struct buf *out, struct error *err)
{
	const struct aws_shape *is = &aws_shapes[shape];

	switch ((enum aws_shape_kind)is->kind) {
	case AWS_SHAPE_LIST:
		return add_items(step, is->first, value, out, err);
	case AWS_SHAPE_OBJECT:
		return add_members(step, is, value, out, err);
	case AWS_SHAPE_INTEGER:
		return add_integer(step, value, out, err);
	case AWS_SHAPE_BOOL:
		return add_bool(step, value, out, err);
	case AWS_SHAPE_TIME:
		return add_text(step, "a text, a time in ISO 8601,", value, out, err);
	case AWS_SHAPE_TEXT:
		break;
	}
	return add_text(step, "a text", value, out, err);
}

int aws_flatten(const char *action, const struct json *request, struct buf *out, struct error *err)
{
	SCOPED(buf) struct buf all = BUF(out->limit - out->len);
	struct step root = { 0 };
	size_t i = 0;

	while (i < aws_shape_action_count &&
	       strcmp(name_at(aws_shape_actions[i].name), action) != 0)
		i++;
	if (i == aws_shape_action_count)
		return error_set(err, ERROR_CONFIGURATION, "%s: not in the table of EC2's requests",
				 action);
	if (add_value(&root, aws_shape_actions[i].shape, request, &all, err) < 0 ||
	    buf_finish(&all, err) < 0)
		return error_wrap(err, "%s", action);
	buf_add(out, buf_slice(&all));
	return 0;
}
