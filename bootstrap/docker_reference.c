#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bootstrap/docker_call.h"

/* The grammar is that of github.com/distribution/reference (regexp.go, normalize.go); where
 * engines of several years differ, the stricter one counts. */

enum { NAME_MAX_BYTES = 255, TAG_MAX_BYTES = 128, HEX_ID_BYTES = 64 };

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

struct parts {
	struct slice registry; /* "" when none is named */
	struct slice path; /* "team/image" */
	struct slice tag, digest;
	bool has_tag, has_digest;
};

static const struct digest {
	const char *name;
	size_t digits;
} digests[] = { { "sha256", 64 }, { "sha384", 96 }, { "sha512", 128 } };

static struct slice skip(struct slice text, size_t len)
{
	return (struct slice){ text.ptr + len, text.len - len };
}

/* What is before the byte, and (in *rest) after it. False: the byte is not there. */
static bool cut_at(struct slice text, char byte, struct slice *before, struct slice *rest)
{
	const char *at = text.len ? memchr(text.ptr, byte, text.len) : NULL;

	if (!at)
		return false;
	size_t len = (size_t)(at - text.ptr);

	*before = (struct slice){ text.ptr, len };
	*rest = skip(text, len + 1);
	return true;
}

static bool is_made_of(struct slice text, const char *letters)
{
	for (size_t i = 0; i < text.len; i++)
		if (!text.ptr[i] || !strchr(letters, text.ptr[i]))
			return false;
	return true;
}

/* "library/x" and "Library/x" are Docker Hub's; a dot, a port or this name make a host. */
static bool is_registry(struct slice first)
{
	return memchr(first.ptr, '.', first.len) || memchr(first.ptr, ':', first.len) ||
	       slice_equals(first, "localhost");
}

static struct parts split(const char *image)
{
	struct parts parts = { .registry = { "", 0 } };
	struct slice name = slice_of(image), first, rest;

	parts.has_digest = cut_at(name, '@', &name, &parts.digest);
	if (cut_at(name, '/', &first, &rest) && first.len && is_registry(first)) {
		parts.registry = first;
		name = rest;
	}
	const char *slash = name.len ? memrchr(name.ptr, '/', name.len) : NULL;
	struct slice last = slash ? skip(name, (size_t)(slash - name.ptr) + 1) : name;

	parts.path = name;
	parts.has_tag = cut_at(last, ':', &last, &parts.tag);
	if (parts.has_tag)
		parts.path.len = (size_t)(parts.tag.ptr - 1 - name.ptr);
	return parts;
}

/* ---- the parts ---- */

static bool is_label(struct slice text)
{
	return text.len && is_made_of(text, LOWER UPPER DIGITS "-") && text.ptr[0] != '-' &&
	       text.ptr[text.len - 1] != '-';
}

static bool is_host(struct slice host)
{
	struct slice label;

	if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		return is_made_of((struct slice){ host.ptr + 1, host.len - 2 },
				  "abcdefABCDEF:" DIGITS);
	while (cut_at(host, '.', &label, &host))
		if (!is_label(label))
			return false;
	return is_label(host);
}

static int check_registry(struct slice registry, struct error *err)
{
	const char *bracket = memrchr(registry.ptr, ']', registry.len);
	size_t from = bracket ? (size_t)(bracket - registry.ptr) : 0;
	struct slice host = registry, head, port;

	if (cut_at(skip(registry, from), ':', &head, &port)) {
		if (!port.len || port.len > 5 || !is_made_of(port, DIGITS))
			return error_set(err, ERROR_REFUSED,
					 "the image's registry has a port that is no number");
		host.len = registry.len - port.len - 1;
	}
	if (!is_host(host))
		return error_set(err, ERROR_REFUSED,
				 "the image's registry is no host: expected letters, digits, dots "
				 "and dashes, and then perhaps a port");
	return 0;
}

/* Letters and digits, and between them one dot, one or two underscores, or dashes. */
static bool is_component(struct slice text)
{
	size_t i = 0;

	while (i < text.len) {
		size_t from = i;

		while (i < text.len && strchr(LOWER DIGITS, text.ptr[i]))
			i++;
		if (i == from)
			return false;
		if (i == text.len)
			return true;
		const char mark = text.ptr[i];

		for (from = i; i < text.len && text.ptr[i] == mark; i++)
			;
		if (!strchr("._-", mark) || i - from > (mark == '.' ? 1u : mark == '_' ? 2u : i))
			return false;
	}
	return false;
}

static int check_path(struct slice path, struct error *err)
{
	struct slice component, rest = path;
	bool is_right = true;

	for (size_t i = 0; i < path.len; i++)
		if (strchr(UPPER, path.ptr[i]))
			return error_set(err, ERROR_REFUSED,
					 "the image's name has upper-case letters: only the "
					 "registry's host and the tag may");
	while (cut_at(rest, '/', &component, &rest))
		is_right = is_right && is_component(component);
	if (!is_right || !is_component(rest))
		return error_set(err, ERROR_REFUSED,
				 "the image's name is no [REGISTRY/]NAME[:TAG][@DIGEST]: its parts "
				 "are lower-case letters and digits, set apart by single . _ __ or "
				 "dashes");
	return 0;
}

static int check_tag(struct slice tag, struct error *err)
{
	if (!tag.len || tag.len > TAG_MAX_BYTES || strchr(".-", tag.ptr[0]) ||
	    !is_made_of(tag, LOWER UPPER DIGITS "_.-"))
		return error_set(
			err, ERROR_REFUSED,
			"the image's tag is none: expected up to %d letters, digits, dots, "
			"dashes and underscores, and no dot or dash first",
			TAG_MAX_BYTES);
	return 0;
}

static int check_digest(struct slice digest, struct error *err)
{
	struct slice name, hex;

	if (cut_at(digest, ':', &name, &hex)) {
		for (size_t i = 0; i < ARRAY_LEN(digests); i++)
			if (slice_equals(name, digests[i].name) && hex.len == digests[i].digits &&
			    is_made_of(hex, DIGITS "abcdef"))
				return 0;
	}
	return error_set(err, ERROR_REFUSED,
			 "the image's digest is none: expected sha256: and 64 hexadecimal digits "
			 "in lower case (or sha384, sha512)");
}

/* ---- the whole ---- */

static int check_bytes(const char *image, struct error *err)
{
	size_t len = strlen(image);

	if (!len)
		return error_set(err, ERROR_REFUSED, "the image has no name");
	if (len >= DOCKER_IMAGE_ROOM)
		return error_set(err, ERROR_REFUSED, "the image's name is longer than %d bytes",
				 DOCKER_IMAGE_ROOM - 1);
	if (image[0] == '-')
		return error_set(err, ERROR_REFUSED,
				 "the image's name begins with a dash: it would be an option");
	if (image[strspn(image, LOWER UPPER DIGITS "._-:/@[]")])
		return error_set(err, ERROR_REFUSED,
				 "the image's name has a blank in it, or another byte that none "
				 "has");
	return 0;
}

/* The engine counts what it puts in front. */
static size_t full_len(const struct parts *parts)
{
	if (parts->registry.len)
		return parts->registry.len + 1 + parts->path.len;
	return strlen("docker.io/") + parts->path.len +
	       (memchr(parts->path.ptr, '/', parts->path.len) ? 0 : strlen("library/"));
}

int docker_reference_check(const char *image, struct error *err)
{
	if (check_bytes(image, err) < 0)
		return -1;
	const struct parts parts = split(image);

	if (parts.registry.len && check_registry(parts.registry, err) < 0)
		return -1;
	if (check_path(parts.path, err) < 0)
		return -1;
	if (full_len(&parts) > NAME_MAX_BYTES)
		return error_set(err, ERROR_REFUSED,
				 "the image's name without its tag is longer than %d bytes",
				 NAME_MAX_BYTES);
	if (!parts.registry.len && parts.path.len == HEX_ID_BYTES &&
	    is_made_of(parts.path, DIGITS "abcdef"))
		return error_set(err, ERROR_REFUSED,
				 "the image is an id of 64 hexadecimal digits: give its name");
	if (parts.has_tag && check_tag(parts.tag, err) < 0)
		return -1;
	return parts.has_digest ? check_digest(parts.digest, err) : 0;
}

void docker_reference_registry(const char *image, char out[static DOCKER_NAME_ROOM])
{
	const struct parts parts = split(image);

	if (!parts.registry.len || slice_equals(parts.registry, "index.docker.io"))
		text_cut(out, DOCKER_NAME_ROOM, "docker.io");
	else
		snprintf(out, DOCKER_NAME_ROOM, "%.*s", (int)parts.registry.len,
			 parts.registry.ptr);
}

const char *docker_reference_tag(const char *image, size_t *name_len)
{
	const struct parts parts = split(image);

	*name_len = strlen(image);
	if (parts.has_digest)
		return NULL;
	if (!parts.has_tag)
		return "latest";
	*name_len = (size_t)(parts.tag.ptr - 1 - image);
	return parts.tag.ptr;
}
