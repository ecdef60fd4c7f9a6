#include "common/hocon_print.h"

#include <stdio.h>
#include <string.h>

#include "common/hocon.h"

enum { PATH_ROOM = 256 };

/* The name of any list's item. */
static const char item_name[] = "[]";

/* A place in the document, for messages: "agent.git_pass". */
struct place {
	const struct place *parent; /* NULL: the whole document */
	const char *name;
};

static const char *describe(const struct place *place, char *text, size_t room)
{
	char above[PATH_ROOM] = "";

	if (place->parent)
		describe(place->parent, above, sizeof(above));
	snprintf(text, room, "%s%s%s", above, above[0] ? "." : "", place->name);
	return text;
}

static int refuse(const struct place *place, const char *why, struct error *err)
{
	char path[PATH_ROOM];

	describe(place, path, sizeof(path));
	return error_set(err, ERROR_CONFIGURATION, "%s: %s", path[0] ? path : "top level", why);
}

/* ---- values: what clearml-agent's parser reads back exactly ---- */

static const char *escape_of(char byte)
{
	switch (byte) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

/*
 * ASCII alone: clearml-agent writes its configuration once more, for the process that runs the
 * task, with \uXXXX for all else, which its own parser then leaves as it stands.
 */
const char *hocon_text_fault(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];

		if (byte > 0x7e)
			return "is not ASCII: clearml-agent would hand it to tasks as something "
			       "else";
		if (byte < 0x20 && !escape_of(text.ptr[i]))
			return "holds a control character, of which clearml-agent's parser carries "
			       "only line ends and tabs";
	}
	return NULL;
}

static void add_quoted(const char *text, struct buf *out)
{
	buf_add(out, slice_of("\""));
	for (; *text; text++) {
		const char *escape = escape_of(*text);

		buf_add(out, escape ? slice_of(escape) : (struct slice){ text, 1 });
	}
	buf_add(out, slice_of("\""));
}

static int print_text(const struct place *place, const char *text, struct buf *out,
		      struct error *err)
{
	const char *fault = hocon_text_fault(slice_of(text));

	if (fault)
		return refuse(place, fault, err);
	add_quoted(text, out);
	return 0;
}

/* Its parser reads a name raw, without undoing escapes; and where it prints its configuration, it
 * takes it apart at these marks and fails when nothing is left. */
static const char *name_fault(const char *name)
{
	if (!name[strspn(name, HOCON_NAME_MARKS)])
		return "a name in it is empty or only marks such as . or =, with which "
		       "clearml-agent does not start";
	for (const char *byte = name; *byte; byte++)
		if (escape_of(*byte))
			return "a name in it has quotes, backslashes, tabs or line ends, which "
			       "clearml-agent's parser does not take";
	if (hocon_text_fault(slice_of(name)))
		return "a name in it is not printable ASCII, which clearml-agent would hand to "
		       "tasks as something else";
	return NULL;
}

/* The name itself is not told: it may be anything. */
static int print_name(const struct place *place, struct buf *out, struct error *err)
{
	const char *fault = name_fault(place->name);

	if (fault)
		return refuse(place->parent, fault, err);
	add_quoted(place->name, out);
	buf_add(out, slice_of(":"));
	return 0;
}

static int print_value(const struct place *place, const struct json *value, struct buf *out,
		       struct error *err);

/* How items of a list fare that is itself in a list, or in an object. */
static const char *item_fault(const struct json *item, bool is_list_in_list)
{
	const char *text = json_text_value(item);

	if (text && !text[0])
		return "an empty text in a list, which clearml-agent's parser drops";
	if (json_kind(item) == JSON_NULL && is_list_in_list)
		return "a null in a list of lists, which clearml-agent hands to tasks as a text";
	return NULL;
}

static int print_list(const struct place *place, const struct json *list, struct buf *out,
		      struct error *err)
{
	struct place inside = { place, item_name };
	const char *comma = "";

	buf_add(out, slice_of("["));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		const char *fault = item_fault(item, place->name == inside.name);

		if (fault)
			return refuse(place, fault, err);
		buf_add(out, slice_of(comma));
		if (print_value(&inside, item, out, err) < 0)
			return -1;
		comma = ",";
	}
	buf_add(out, slice_of("]"));
	return 0;
}

static const struct json *member_of(const struct json *object, const char *name)
{
	for (const struct json *member = json_first(object); member; member = json_next(member))
		if (!strcmp(json_name(member), name))
			return member;
	return NULL;
}

static bool is_object(const struct json *value)
{
	return value && json_kind(value) == JSON_OBJECT;
}

static int print_members(const struct place *place, const struct json *ours,
			 const struct json *extra, struct buf *out, struct error *err);

static int print_merged(const struct place *place, const struct json *ours,
			const struct json *extra, struct buf *out, struct error *err)
{
	buf_add(out, slice_of("{"));
	if (print_members(place, ours, extra, out, err) < 0)
		return -1;
	buf_add(out, slice_of("}"));
	return 0;
}

static int print_member(const struct place *place, const struct json *ours,
			const struct json *extra, struct buf *out, struct error *err)
{
	if (print_name(place, out, err) < 0)
		return -1;
	if (is_object(ours) && is_object(extra))
		return print_merged(place, ours, extra, out, err);
	return print_value(place, extra ? extra : ours, out, err);
}

/* Every member of both; where both have it, extra's wins, or two objects are merged. */
static int print_members(const struct place *place, const struct json *ours,
			 const struct json *extra, struct buf *out, struct error *err)
{
	const char *comma = "";

	for (const struct json *item = json_first(ours); item; item = json_next(item)) {
		struct place inside = { place, json_name(item) };

		buf_add(out, slice_of(comma));
		if (print_member(&inside, item, member_of(extra, inside.name), out, err) < 0)
			return -1;
		comma = ",\n";
	}
	for (const struct json *item = json_first(extra); item; item = json_next(item)) {
		struct place inside = { place, json_name(item) };

		if (member_of(ours, inside.name))
			continue;
		buf_add(out, slice_of(comma));
		if (print_member(&inside, NULL, item, out, err) < 0)
			return -1;
		comma = ",\n";
	}
	return 0;
}

static int print_value(const struct place *place, const struct json *value, struct buf *out,
		       struct error *err)
{
	switch (json_kind(value)) {
	case JSON_TEXT:
		return print_text(place, json_text_value(value), out, err);
	case JSON_LIST:
		return print_list(place, value, out, err);
	case JSON_OBJECT:
		return print_merged(place, value, NULL, out, err);
	default:
		json_print(value, false, out);
		return 0;
	}
}

/* As many levels as a text of HOCON may have: more than any setting has. */
static bool is_too_deep(const struct json *value, unsigned levels)
{
	if (!levels)
		return true;
	for (const struct json *item = json_first(value); item; item = json_next(item))
		if (is_too_deep(item, levels - 1))
			return true;
	return false;
}

int hocon_print(const struct json *ours, const struct json *extra, bool without_braces,
		struct buf *out, struct error *err)
{
	struct place root = { NULL, "" };

	if (is_too_deep(extra, HOCON_DEPTH_MAX))
		return error_set(err, ERROR_CONFIGURATION, "nested too deep");
	if (without_braces)
		return print_members(&root, ours, extra, out, err);
	return print_merged(&root, ours, extra, out, err);
}
