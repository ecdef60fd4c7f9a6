#include "reaper/import/yaml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "common/secret.h"
#include "reaper/import/yaml_plain.h"

enum { DEPTH_MAX = 60, ANCHORS_MAX = 1000 };

/* 2^53: from here on a double no longer holds every whole number. */
#define INTEGER_MAX 9007199254740992.0

struct anchor {
	char *name; /* owned */
	const struct json *value; /* NULL while it is still being read */
};

struct reading {
	yaml_parser_t parser;
	yaml_event_t event; /* the one that is looked at */
	struct anchor anchors[ANCHORS_MAX];
	size_t anchor_count, value_count;
	struct error *err;
};

/* Where the next value goes. */
struct place {
	struct json *container;
	const char *key; /* NULL in a list */
	unsigned depth;
};

static int refuse(struct reading *reading, const char *what)
{
	const yaml_mark_t *mark = &reading->event.start_mark;

	return error_set(reading->err, ERROR_MALFORMED, "line %zu, column %zu: %s", mark->line + 1,
			 mark->column + 1, what);
}

/* libyaml's words have nothing of the text in them. */
static int refuse_syntax(struct reading *reading)
{
	const yaml_parser_t *parser = &reading->parser;
	const char *problem = parser->problem ? parser->problem : "no YAML";
	const char *context = parser->context ? parser->context : "";

	if (parser->error == YAML_READER_ERROR)
		return error_set(reading->err, ERROR_MALFORMED, "byte %zu: %s",
				 parser->problem_offset, problem);
	return error_set(reading->err, ERROR_MALFORMED, "line %zu, column %zu: %s%s%s",
			 parser->problem_mark.line + 1, parser->problem_mark.column + 1, context,
			 *context ? ": " : "", problem);
}

static void drop_event(struct reading *reading)
{
	if (reading->event.type == YAML_SCALAR_EVENT)
		secret_wipe(reading->event.data.scalar.value, reading->event.data.scalar.length);
	yaml_event_delete(&reading->event);
}

static int next_event(struct reading *reading)
{
	drop_event(reading);
	if (yaml_parser_parse(&reading->parser, &reading->event))
		return 0;
	memset(&reading->event, 0, sizeof(reading->event));
	return refuse_syntax(reading);
}

static int skip_to(struct reading *reading, yaml_event_type_t wanted, const char *else_what)
{
	if (next_event(reading) < 0)
		return -1;
	return reading->event.type == wanted ? 0 : refuse(reading, else_what);
}

/* ---- anchors ---- */

/* The last one of that name; a name may be given again. */
static struct anchor *find_anchor(struct reading *reading, const char *name)
{
	for (size_t i = reading->anchor_count; i-- > 0;)
		if (!strcmp(reading->anchors[i].name, name))
			return &reading->anchors[i];
	return NULL;
}

/* *place: where its value is to be noted once that is whole; SIZE_MAX: no anchor. */
static int open_anchor(struct reading *reading, const yaml_char_t *name, size_t *place)
{
	*place = SIZE_MAX;
	if (!name)
		return 0;
	if (reading->anchor_count == ANCHORS_MAX)
		return refuse(reading, "too many anchors (&)");
	*place = reading->anchor_count++;
	reading->anchors[*place] =
		(struct anchor){ memory_text(slice_of((const char *)name)), NULL };
	return 0;
}

static const struct json *last_of(const struct place *at)
{
	const struct json *last = NULL;

	for (const struct json *one = json_first(at->container); one; one = json_next(one))
		last = one;
	return last;
}

static void close_anchor(struct reading *reading, size_t place, const struct place *at)
{
	if (place != SIZE_MAX)
		reading->anchors[place].value = last_of(at);
}

/* ---- values ---- */

static int count_value(struct reading *reading)
{
	return ++reading->value_count <= YAML_VALUES ? 0 : refuse(reading, "too many values");
}

static int count_all(struct reading *reading, const struct json *value,
		     unsigned depth) /* NOLINT(misc-no-recursion): DEPTH_MAX */
{
	if (depth > DEPTH_MAX)
		return refuse(reading, "nested too deep, with what the alias (*) stands for");
	if (count_value(reading) < 0)
		return -1;
	for (const struct json *one = json_first(value); one; one = json_next(one))
		if (count_all(reading, one, depth + 1) < 0)
			return -1;
	return 0;
}

static int add_alias(struct reading *reading, const struct place *at)
{
	const struct anchor *anchor =
		find_anchor(reading, (const char *)reading->event.data.alias.anchor);

	if (!anchor)
		return refuse(reading, "an alias (*) without an anchor (&) of that name before it");
	if (!anchor->value)
		return refuse(reading, "an alias (*) within the very value that it names");
	if (count_all(reading, anchor->value, at->depth) < 0)
		return -1;
	json_add_copy(at->container, at->key, anchor->value);
	return 0;
}

static int add_number(struct reading *reading, const struct place *at, double number)
{
	if (!isfinite(number))
		return refuse(reading, "a number that is infinite or none");
	if (fabs(number) > INTEGER_MAX && number == floor(number))
		return refuse(reading, "a whole number beyond 2^53: if it is a name, quote it");
	json_add_number(at->container, at->key, number);
	return 0;
}

static int add_scalar(struct reading *reading, const struct place *at)
{
	const char *text = (const char *)reading->event.data.scalar.value;
	struct yaml_plain plain = { .kind = JSON_TEXT };

	if (strlen(text) != reading->event.data.scalar.length)
		return refuse(reading, "a text with a NUL in it");
	if (reading->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		plain = yaml_plain_read(text);
	if (plain.kind == JSON_NUMBER)
		return add_number(reading, at, plain.number);
	if (plain.kind == JSON_BOOL)
		json_add_bool(at->container, at->key, plain.flag);
	else
		json_add_text(at->container, at->key, plain.kind == JSON_NULL ? NULL : text);
	return 0;
}

/* The tag and the anchor of what begins here. */
static void marks_of(const yaml_event_t *event, const yaml_char_t **tag, const yaml_char_t **anchor)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		*tag = event->data.scalar.tag;
		*anchor = event->data.scalar.anchor;
		break;
	case YAML_SEQUENCE_START_EVENT:
		*tag = event->data.sequence_start.tag;
		*anchor = event->data.sequence_start.anchor;
		break;
	case YAML_MAPPING_START_EVENT:
		*tag = event->data.mapping_start.tag;
		*anchor = event->data.mapping_start.anchor;
		break;
	default:
		*tag = *anchor = NULL;
	}
}

static int add_value(struct reading *reading, const struct place *at);

/* NOLINTBEGIN(misc-no-recursion): no deeper than DEPTH_MAX. */

static int add_items(struct reading *reading, struct json *list, unsigned depth)
{
	struct place at = { list, NULL, depth + 1 };

	for (;;) {
		if (next_event(reading) < 0)
			return -1;
		if (reading->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (add_value(reading, &at) < 0)
			return -1;
	}
}

/* The name that the event is; the caller frees it. */
static int read_name(struct reading *reading, const struct json *object, char **out)
{
	const yaml_event_t *event = &reading->event;

	if (event->type != YAML_SCALAR_EVENT)
		return refuse(reading, "a name that is no text");
	const char *name = (const char *)event->data.scalar.value;
	if (event->data.scalar.tag)
		return refuse(reading, "a tag (!): only plain values are read");
	if (strlen(name) != event->data.scalar.length)
		return refuse(reading, "a name with a NUL in it");
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !strcmp(name, "<<"))
		return refuse(reading, "merge keys (<<) are not read: write the members out here");
	for (const struct json *one = json_first(object); one; one = json_next(one))
		if (!strcmp(json_name(one), name))
			return refuse(reading, "this name is there twice");
	*out = memory_text(slice_of(name));
	return 0;
}

static int add_members(struct reading *reading, struct json *object, unsigned depth)
{
	for (;;) {
		char *name = NULL;

		if (next_event(reading) < 0)
			return -1;
		if (reading->event.type == YAML_MAPPING_END_EVENT)
			return 0;
		if (read_name(reading, object, &name) < 0)
			return -1;
		struct place at = { object, name, depth + 1 };
		int result = next_event(reading) < 0 ? -1 : add_value(reading, &at);

		free(name);
		if (result < 0)
			return -1;
	}
}

static int add_kind(struct reading *reading, const struct place *at)
{
	switch (reading->event.type) {
	case YAML_SCALAR_EVENT:
		return add_scalar(reading, at);
	case YAML_SEQUENCE_START_EVENT:
		return add_items(reading, json_add_list(at->container, at->key), at->depth);
	case YAML_MAPPING_START_EVENT:
		return add_members(reading, json_add_object(at->container, at->key), at->depth);
	default:
		return refuse(reading, "not expected here");
	}
}

static int add_value(struct reading *reading, const struct place *at)
{
	const yaml_char_t *tag, *anchor;
	size_t place;

	if (reading->event.type == YAML_ALIAS_EVENT)
		return add_alias(reading, at);
	marks_of(&reading->event, &tag, &anchor);
	if (tag)
		return refuse(reading, "a tag (!): only plain values are read");
	if (at->depth > DEPTH_MAX)
		return refuse(reading, "nested too deep");
	if (count_value(reading) < 0 || open_anchor(reading, anchor, &place) < 0 ||
	    add_kind(reading, at) < 0)
		return -1;
	close_anchor(reading, place, at);
	return 0;
}

/* NOLINTEND(misc-no-recursion) */

static int read_document(struct reading *reading, struct json_document *out)
{
	size_t place;

	if (skip_to(reading, YAML_STREAM_START_EVENT, "no YAML") < 0 ||
	    skip_to(reading, YAML_DOCUMENT_START_EVENT, "nothing in it") < 0 ||
	    skip_to(reading, YAML_MAPPING_START_EVENT, "expected a mapping (NAME: VALUE)") < 0)
		return -1;
	if (reading->event.data.mapping_start.tag)
		return refuse(reading, "a tag (!): only plain values are read");
	if (open_anchor(reading, reading->event.data.mapping_start.anchor, &place) < 0 ||
	    add_members(reading, out->root, 0) < 0 ||
	    skip_to(reading, YAML_DOCUMENT_END_EVENT, "more than one value") < 0)
		return -1;
	return skip_to(reading, YAML_STREAM_END_EVENT, "more than one document");
}

int yaml_parse(struct slice text, struct json_document *out, struct error *err)
{
	struct reading *reading = memory_array(1, sizeof(*reading));
	struct json_document read;

	reading->err = err;
	json_new_object(&read);
	if (!yaml_parser_initialize(&reading->parser))
		abort(); /* out of memory */
	yaml_parser_set_encoding(&reading->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reading->parser, (const unsigned char *)text.ptr, text.len);
	int result = read_document(reading, &read);

	drop_event(reading);
	yaml_parser_delete(&reading->parser);
	for (size_t i = 0; i < reading->anchor_count; i++)
		free(reading->anchors[i].name);
	free(reading);
	if (result < 0) {
		json_document_wipe(&read);
		return -1;
	}
	*out = read;
	return 0;
}
