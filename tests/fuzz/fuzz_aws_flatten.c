#include "reaper/providers/aws_flatten.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): the property counts in a release build too. */
static void require(bool is_so)
{
	if (!is_so)
		abort();
}

/* Names are of letters and digits, lists count from 1, values hold nothing that the form of a
 * query would take for its own. */
static void look_at_pairs(const char *text)
{
	static const char names[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	static const char values[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789-._~%";

	while (*text) {
		require(*text == '&');
		do {
			text++;
			size_t len = strspn(text, names);
			require(len > 0 && *text != '0');
			text += len;
		} while (*text == '.');
		require(*text == '=');
		text++;
		text += strspn(text, values);
	}
}

/* What is accepted is a well-formed query. A refusal says why, and leaves what was there. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(json_document) struct json_document request = { 0 };
	SCOPED(buf) struct buf out = BUF(1 << 16);
	struct error err = { 0 };

	if (json_parse((struct slice){ (const char *)data, size }, &request, &err) < 0)
		return 0;
	buf_addf(&out, "&A=b");
	if (aws_flatten("RunInstances", request.root, &out, &err) < 0) {
		require((err.class == ERROR_CONFIGURATION || err.class == ERROR_MALFORMED) &&
			err.message[0]);
		require(slice_equals(buf_slice(&out), "&A=b"));
		return 0;
	}
	look_at_pairs(buf_text(&out));
	return 0;
}
