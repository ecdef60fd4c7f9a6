#include <string.h>
#include <strings.h>

#include "bootstrap/docker_call.h"

enum { MESSAGE_JSON_MAX = 64 << 10 };

/* ---- foreign words ---- */

static bool is_url(struct slice rest)
{
	return (rest.len > 8 && strncasecmp(rest.ptr, "https://", 8) == 0) ||
	       (rest.len > 7 && strncasecmp(rest.ptr, "http://", 7) == 0);
}

static bool ends_url(char byte)
{
	return (unsigned char)byte <= ' ' || byte == '"' || byte == '\'' || byte == '>';
}

/* The first line with anything to see in it. */
static struct slice first_line(struct slice text)
{
	while (text.len && (unsigned char)text.ptr[0] <= ' ')
		text = (struct slice){ text.ptr + 1, text.len - 1 };
	for (size_t i = 0; i < text.len; i++)
		if (strchr("\r\n", text.ptr[i]))
			text.len = i;
	return text;
}

void docker_message_copy(char *field, size_t room, struct slice text)
{
	const struct slice line = first_line(text);
	bool is_in_url = false, is_left_out = false;
	size_t len = 0;

	for (size_t i = 0; i < line.len && len + 1 < room; i++) {
		const char byte = line.ptr[i];

		is_in_url = (is_in_url && !ends_url(byte)) ||
			    is_url((struct slice){ line.ptr + i, line.len - i });
		if (!is_in_url)
			is_left_out = false;
		if (is_left_out)
			continue;
		is_left_out = is_in_url && byte == '?';
		field[len++] = byte >= 0x20 && byte < 0x7f ? byte : '?';
	}
	field[len] = '\0';
}

void docker_message_read(struct slice body, char *field, size_t room)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct error ignored;

	if (body.len <= MESSAGE_JSON_MAX && json_parse(body, &document, &ignored) == 0)
		body = slice_of(json_text_or(document.root, "message", ""));
	docker_message_copy(field, room, body);
	if (!*field)
		text_cut(field, room, "it gives no reason");
}

/* ---- classes ---- */

enum error_class docker_status_class(long status)
{
	switch (status) {
	case 401:
	case 403:
		return ERROR_DENIED;
	case 404:
		return ERROR_NOT_FOUND;
	case 409:
		return ERROR_CONFLICT;
	case 429:
		return ERROR_THROTTLED;
	case 502: /* a proxy before the socket says that no engine is behind it */
	case 503:
	case 504:
		return ERROR_UNREACHABLE;
	default:
		return status >= 400 ? ERROR_REFUSED : ERROR_MALFORMED;
	}
}

/*
 * What a failed pull says, and who says it. Each phrase holds a blank, which no image's name
 * does: a name never decides. The first one that occurs counts, so a cause comes before
 * what is said of it: "no match for platform in manifest: not found".
 */
static const struct {
	const char *phrase;
	enum error_class class;
} phrases[] = {
	/* Linux: ENOSPC and EDQUOT, as Go spells them */
	{ "no space left on device", ERROR_CAPACITY },
	{ "disk quota exceeded", ERROR_CAPACITY },
	/* Docker Hub (docs: pull usage and limits); distribution: errcode TOOMANYREQUESTS; a
	 * registry's bare 429 as Go, and so containerd, prints it */
	{ "toomanyrequests: ", ERROR_THROTTLED },
	{ "too many requests", ERROR_THROTTLED },
	{ "pull rate limit", ERROR_THROTTLED },
	/* moby: distribution/pull_v2.go, daemon/containerd/image_pull.go; containerd:
	   images/image.go */
	{ "no matching manifest for ", ERROR_REFUSED },
	{ "no match for platform in manifest", ERROR_REFUSED },
	{ "does not match the specified platform", ERROR_REFUSED },
	{ " cannot be used on this platform", ERROR_REFUSED },
	/* moby: distribution/pull_v2.go, something else than an image: a plugin, a chart */
	{ "Encountered remote ", ERROR_REFUSED },
	{ "unsupported media type ", ERROR_REFUSED },
	/* distribution/reference: reference.go, normalize.go */
	{ "invalid reference format", ERROR_REFUSED },
	{ "repository name must be lowercase", ERROR_REFUSED },
	/* Go: net/http, a registry without TLS that the engine was not told of */
	{ "server gave HTTP response to HTTPS client", ERROR_REFUSED },
	/* moby: distribution/pull_v2.go and distribution/xfer; containerd: content stores, both
	 * when what came is not what was announced */
	{ "verification failed for digest", ERROR_MALFORMED },
	{ "unexpected commit digest", ERROR_MALFORMED },
	{ "unexpected commit size", ERROR_MALFORMED },
	{ "invalid checksum digest", ERROR_MALFORMED },
	/* Go: compress/gzip and archive/tar, of a layer that is none */
	{ "gzip: invalid ", ERROR_MALFORMED },
	{ "invalid tar header", ERROR_MALFORMED },
	/* moby: registry/auth.go and distribution/errors.go; distribution: errcode UNAUTHORIZED,
	 * DENIED; Docker Hub; containerd: remotes/docker */
	{ "no basic auth credentials", ERROR_DENIED },
	{ "access denied", ERROR_DENIED },
	{ "access to the resource is denied", ERROR_DENIED },
	{ "unauthorized: ", ERROR_DENIED },
	{ "authentication required", ERROR_DENIED },
	{ "incorrect username or password", ERROR_DENIED },
	{ "authorization failed", ERROR_DENIED },
	{ "401 unauthorized", ERROR_DENIED },
	{ "403 forbidden", ERROR_DENIED },
	/* distribution: errcode MANIFEST_UNKNOWN, NAME_UNKNOWN; GitLab's and quay's registries say
	 * the same; moby: distribution/errors.go */
	{ "manifest unknown", ERROR_NOT_FOUND },
	{ "repository name not known to registry", ERROR_NOT_FOUND },
	{ "not found: manifest", ERROR_NOT_FOUND },
	{ "name unknown", ERROR_NOT_FOUND },
	/* containerd: remotes/docker/resolver.go, "failed to resolve reference ...: NAME: not
	   found" */
	{ ": not found", ERROR_NOT_FOUND },
};

enum error_class docker_pull_class(long status, const char *message)
{
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
		if (strcasestr(message, phrases[i].phrase))
			return phrases[i].class;
	/* A 500 is what an old engine says of everything. */
	return status >= 400 && status < 500 ? docker_status_class(status) : ERROR_UNREACHABLE;
}
