#include "common/signed_line.h"

#include <string.h>

int signed_line_make(struct slice line, const struct minisign_key *key, const char *purpose,
		     struct buf *out, struct error *err)
{
	buf_add(out, line);
	return minisign_sign(line, key, purpose, out, err);
}

int signed_line_open(struct slice text, const struct minisign_trusted *trusted, const char *purpose,
		     struct slice *line, struct error *err)
{
	const char *end = text.len ? memchr(text.ptr, '\n', text.len) : NULL;
	struct minisign_verdict verdict;

	if (!end)
		return error_set(err, ERROR_MALFORMED, "expected a line and its signature");
	const struct slice first = { text.ptr, (size_t)(end - text.ptr) + 1 };
	const struct slice signature = { text.ptr + first.len, text.len - first.len };

	if (minisign_verify(first, signature, trusted, &verdict, err) < 0)
		return -1;
	if (verdict.is_legacy)
		return error_set(err, ERROR_DENIED, "signed in the legacy form");
	if (strcmp(verdict.trusted_comment, purpose) != 0)
		return error_set(err, ERROR_DENIED,
				 "signed as \"%s\", where \"%s\" is expected: the signature is for "
				 "something else",
				 verdict.trusted_comment, purpose);
	*line = first;
	return 0;
}
