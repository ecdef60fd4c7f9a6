/*
 * flatten_calls: aws_flatten, driven line by line, for test_flatten.py. Each line of standard
 * input is a call, its words set apart by tabs:
 *     flatten ACTION JSON
 */

#include "common/buf.h"
#include "reaper/providers/aws_flatten.h"
#include "tests/unit/support/driven.h"

static int flatten(char *const *words, struct json *out, struct error *err)
{
	SCOPED(json_document) struct json_document request = { 0 };
	SCOPED(buf) struct buf query = BUF(1 << 20);

	if (json_parse(slice_of(words[2]), &request, err) < 0 ||
	    aws_flatten(words[1], request.root, &query, err) < 0)
		return -1;
	json_add_text(out, "query", buf_text(&query));
	return 0;
}

static const struct driven_call calls[] = {
	{ "flatten", 3, flatten },
};

int main(void)
{
	return driven_serve(calls, ARRAY_LEN(calls));
}
