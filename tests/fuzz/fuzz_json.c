/* What is taken, with or without comments, prints to a text that is taken again and prints the
 * same, in both forms; what is refused says where. A line is found in any text for any path. */
#include "common/json.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void prints_again(const struct json *value, bool is_pretty)
{
	SCOPED(buf) struct buf first = BUF(SIZE_MAX);
	SCOPED(buf) struct buf second = BUF(SIZE_MAX);
	SCOPED(json_document) struct json_document again = { 0 };
	struct error err;

	json_print(value, is_pretty, &first);
	assert(json_parse(buf_slice(&first), &again, &err) == 0);
	json_print(again.root, is_pretty, &second);
	assert(strcmp(buf_text(&first), buf_text(&second)) == 0);
}

/* Each step's path leads back to it, in the tree and in the text. */
static void is_found_again(struct slice text, const struct json *root)
{
	SCOPED(buf) struct buf path = BUF(SIZE_MAX);
	const struct json *value = root;

	for (const struct json *part = json_first(root); part; part = json_first(part)) {
		if (json_name(part))
			json_path_add_name(&path, json_name(part));
		else
			json_path_add_index(&path, 0);
		value = part;
	}
	assert(json_find(root, buf_text(&path)) == value);
	assert(json_line_of(text, buf_text(&path), true) > 0);
	assert(json_line_of(text, buf_text(&path), false) >=
	       json_line_of(text, buf_text(&path), true));
}

static bool parses(struct slice text, bool has_comments)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct error err = { 0 };
	int result = has_comments ? json_parse_commented(text, &document, &err) :
				    json_parse(text, &document, &err);

	if (result < 0) {
		assert(err.class == ERROR_MALFORMED && strncmp(err.message, "line ", 5) == 0);
		assert(!document.root);
		return false;
	}
	prints_again(document.root, true);
	prints_again(document.root, false);
	is_found_again(text, document.root);
	json_document_wipe(&document);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	bool is_strict = parses(text, false);
	bool is_commented = parses(text, true);

	assert(is_commented || !is_strict);
	/* The first line is taken as a path into the rest. */
	const char *end = size ? memchr(data, '\n', size) : NULL;
	size_t len = end ? (size_t)(end - text.ptr) : 0;
	char *path = memory_text((struct slice){ text.ptr, len });

	(void)json_line_of((struct slice){ text.ptr + len, size - len }, path, size % 2);
	free(path);
	return 0;
}
