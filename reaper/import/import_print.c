#include "reaper/import/import_print.h"

#include <string.h>

enum { WIDTH = 96, INDENT = 2, PATH_BYTES = 2048, FLAT_BYTES = 60 };

struct printing {
	const struct json *config;
	const struct import_notes *notes;
	struct buf *out;
};

/* Words in lines that begin with //. */
static void print_comment(const struct printing *printing, const char *text, unsigned indent)
{
	size_t room = WIDTH - indent, used = 0;

	buf_addf(printing->out, "%*s//", (int)indent, "");
	while (*text) {
		size_t len = strcspn(text, " ");

		if (used && used + len + 1 > room) {
			buf_addf(printing->out, "\n%*s//", (int)indent, "");
			used = 0;
		}
		buf_add(printing->out, slice_of(" "));
		buf_add(printing->out, (struct slice){ text, len });
		used += len + 1;
		text += len + strspn(text + len, " ");
	}
	buf_add(printing->out, slice_of("\n"));
}

static void print_notes(const struct printing *printing, const char *path, unsigned indent)
{
	for (size_t i = 0; i < printing->notes->count; i++)
		if (!strcmp(printing->notes->notes[i].at, path))
			print_comment(printing, printing->notes->notes[i].text, indent);
}

/* Notes about the whole, and about what is not there. */
static void print_rest(const struct printing *printing)
{
	for (size_t i = 0; i < printing->notes->count; i++) {
		const struct import_note *note = &printing->notes->notes[i];

		if (!*note->at || !json_find(printing->config, note->at))
			print_comment(printing, note->text, 0);
	}
}

static bool is_scalar(const struct json *value)
{
	return json_kind(value) != JSON_LIST && json_kind(value) != JSON_OBJECT;
}

/* Texts and numbers alone, in few enough characters, with nothing to say of one of them. */
static bool is_flat(const struct printing *printing, const struct json *value, const char *path)
{
	SCOPED(buf) struct buf all = BUF(FLAT_BYTES);
	struct error ignored;

	for (const struct json *one = json_first(value); one; one = json_next(one))
		if (!is_scalar(one))
			return false;
	for (size_t i = 0; i < printing->notes->count; i++) {
		const char *at = printing->notes->notes[i].at;

		if (!strncmp(at, path, strlen(path)) && at[strlen(path)] == '.')
			return false;
	}
	json_print(value, false, &all);
	return json_kind(value) == JSON_LIST || buf_finish(&all, &ignored) == 0;
}

static void print_name(const struct printing *printing, const struct json *member)
{
	SCOPED(buf) struct buf name = BUF(PATH_BYTES);

	json_path_quote_name(&name, json_name(member));
	/* Between the brackets: as JSON has it. */
	if (name.len > 2)
		buf_add(printing->out, (struct slice){ name.bytes + 1, name.len - 2 });
	buf_add(printing->out, slice_of(": "));
}

static void print_flat(const struct printing *printing, const struct json *value)
{
	bool is_object = json_kind(value) == JSON_OBJECT;

	if (!json_first(value)) {
		buf_add(printing->out, slice_of(is_object ? "{}" : "[]"));
		return;
	}
	buf_add(printing->out, slice_of(is_object ? "{ " : "["));
	for (const struct json *one = json_first(value); one; one = json_next(one)) {
		buf_add(printing->out, slice_of(one == json_first(value) ? "" : ", "));
		if (is_object)
			print_name(printing, one);
		json_print(one, false, printing->out);
	}
	buf_add(printing->out, slice_of(is_object ? " }" : "]"));
}

static void print_value(const struct printing *printing, const struct json *value, const char *path,
			unsigned indent);

/* NOLINTBEGIN(misc-no-recursion): as deep as what was read, 64. */

static void print_part(const struct printing *printing, const struct json *part, bool is_object,
		       const char *path, unsigned indent)
{
	print_notes(printing, path, indent);
	buf_addf(printing->out, "%*s", (int)indent, "");
	if (is_object)
		print_name(printing, part);
	print_value(printing, part, path, indent);
}

static void print_parts(const struct printing *printing, const struct json *value, const char *path,
			unsigned indent)
{
	bool is_object = json_kind(value) == JSON_OBJECT;
	size_t index = 0;

	buf_add(printing->out, slice_of(is_object ? "{" : "["));
	for (const struct json *one = json_first(value); one; one = json_next(one)) {
		SCOPED(buf) struct buf inner = BUF(PATH_BYTES);

		buf_add(&inner, slice_of(path));
		if (is_object)
			json_path_add_name(&inner, json_name(one));
		else
			json_path_add_index(&inner, index++);
		buf_add(printing->out, slice_of(one == json_first(value) ? "\n" : ",\n"));
		print_part(printing, one, is_object, buf_text(&inner), indent + INDENT);
	}
	if (json_first(value))
		buf_addf(printing->out, "\n%*s", (int)indent, "");
	buf_add(printing->out, slice_of(is_object ? "}" : "]"));
}

static void print_value(const struct printing *printing, const struct json *value, const char *path,
			unsigned indent)
{
	if (is_scalar(value))
		json_print(value, false, printing->out);
	else if (is_flat(printing, value, path))
		print_flat(printing, value);
	else
		print_parts(printing, value, path, indent);
}

/* NOLINTEND(misc-no-recursion) */

void import_print(const struct json *config, const char *head, const struct import_notes *notes,
		  struct buf *out)
{
	struct printing printing = { config, notes, out };

	print_comment(&printing, head, 0);
	print_rest(&printing);
	print_value(&printing, config, "", 0);
	buf_add(out, slice_of("\n"));
}
