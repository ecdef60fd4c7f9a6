/* A text that is taken is plain outside of its comments, has members of which the marks that open
 * and close come in pairs, and is taken again with lines of ours before it, as clearml.conf has it.
 * What is refused says a line that the text has, and repeats nothing. */
#include "common/hocon.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refusal(struct slice text, const struct error *err)
{
	unsigned line = 0, last = 1;
	int len = 0;

	for (size_t i = 0; i < text.len; i++)
		last += text.ptr[i] == '\n';
	assert(err->class == ERROR_CONFIGURATION);
	assert(sscanf(err->message, "line %u: %n", &line, &len) == 1 && len && err->message[len]);
	assert(line >= 1 && line <= last);
}

static void check_members(struct slice text, struct slice members)
{
	SCOPED(buf) struct buf whole = BUF(SIZE_MAX), braced = BUF(SIZE_MAX);
	struct slice again;
	struct error err = { 0 };

	if (!text.len)
		return;
	assert(members.ptr >= text.ptr && members.ptr + members.len <= text.ptr + text.len);
	buf_add(&whole, slice_of("\"api\":{\"a\":[1]},\n\"agent\":{\"b\":\"x\"}\n"));
	buf_add(&whole, members);
	buf_add(&whole, slice_of("\n\n"));
	assert(hocon_check(buf_slice(&whole), &again, &err) == 0 && again.len == whole.len);
	/* The deepest ones have no room for one more level. */
	buf_add(&braced, slice_of("{"));
	buf_add(&braced, members);
	buf_add(&braced, slice_of("\n}"));
	if (hocon_check(buf_slice(&braced), &again, &err) < 0)
		assert(strstr(err.message, "deep"));
	else
		assert(again.len == members.len + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size }, members = { NULL, 0 };
	struct error err = { 0 };

	if (hocon_check(text, &members, &err) < 0) {
		assert(!members.ptr);
		check_refusal(text, &err);
		return 0;
	}
	if (size && !memchr(data, '#', size) && !memmem(data, size, "//", 2))
		for (size_t i = 0; i < size; i++)
			assert(data[i] < 0x7f && (data[i] >= ' ' || strchr("\t\r\n", data[i])));
	check_members(text, members);
	return 0;
}
