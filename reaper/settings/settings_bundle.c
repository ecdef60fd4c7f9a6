#include "reaper/settings/settings_bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "reaper/bundle_proof.h"

/* ---- which ---- */

static void add_bundle(const struct settings_reader *reader, const char *path, const char *at)
{
	struct settings *settings = reader->settings;
	size_t place = 0;

	while (place < settings->bundle_count && strcmp(settings->bundles[place].path, path) != 0)
		place++;
	reader->out->bundle = place;
	if (place < settings->bundle_count)
		return;
	settings->bundles = memory_grow(settings->bundles, place + 1, sizeof(*settings->bundles));
	settings->bundles[place] = (struct settings_bundle){
		.sealed = BUF(ENVELOPE_BUNDLE_BYTES),
		.signature = BUF(ENVELOPE_SIGNATURE_BYTES),
	};
	text_cut(settings->bundles[place].path, sizeof(settings->bundles[place].path), path);
	text_cut(settings->bundles[place].at, sizeof(settings->bundles[place].at), at);
	settings->bundle_count++;
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static bool is_of(const char *text, const char *characters)
{
	return text[0] && !text[strspn(text, characters)];
}

/* BUCKET/KEY */
static bool is_object(const char *place)
{
	size_t len = strcspn(place, "/");

	return len >= 3 && strspn(place, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len &&
	       place[len] && place[len + 1];
}

static bool is_source(const char *source)
{
	static const char file[] = "file:/", web[] = "https://";
	static const char object[] = "s3://", secret[] = "aws-secretsmanager:";

	if (!strncmp(source, file, sizeof(file) - 1))
		return source[sizeof(file) - 1];
	if (!strncmp(source, web, sizeof(web) - 1)) {
		const char *host = source + sizeof(web) - 1;
		size_t len = strcspn(host, "/ ");

		return len && host[len] == '/' && !strchr(host, ' ');
	}
	if (!strncmp(source, object, sizeof(object) - 1))
		return is_object(source + sizeof(object) - 1);
	if (!strncmp(source, secret, sizeof(secret) - 1))
		return is_of(source + sizeof(secret) - 1, LETTERS "/_+=.@:-");
	return !strcmp(source, "inline");
}

static int read_source(const struct settings_reader *reader, struct error *err)
{
	struct ticket_bundle *bundle = &reader->out->ticket.bundle;
	char at[SETTINGS_AT_ROOM];

	text_cut(bundle->source, sizeof(bundle->source), "inline");
	if (settings_read_text(reader, "bundle.source", bundle->source, sizeof(bundle->source),
			       err) < 0)
		return -1;
	if (is_source(bundle->source))
		return 0;
	settings_find(reader, "bundle.source", at);
	return settings_refuse(reader->text, err, at,
			       "expected \"inline\" (in the user data), \"file:/path\" (on the "
			       "machine), \"https://host/path\", \"s3://bucket/key\" or "
			       "\"aws-secretsmanager:NAME\"");
}

int settings_bundle(const struct settings_reader *reader, struct error *err)
{
	char at[SETTINGS_AT_ROOM], path[TICKET_PATH_ROOM];
	const struct json *file = settings_find(reader, "bundle.file", at);

	if (!file)
		return settings_refuse_missing(reader, "bundle.file",
					       "the sealed credentials of its machines, which "
					       "`mayfly-reaper seal` makes",
					       err);
	if (settings_path(reader->text, at, json_text_value(file), path, err) < 0)
		return -1;
	add_bundle(reader, path, at);
	hash_sha256(slice_of(""), reader->out->ticket.bundle.digest);
	return read_source(reader, err);
}

/* ---- its bytes ---- */

static int read_bytes(const struct settings_text *text, struct settings_bundle *bundle,
		      const char *signature, struct error *err)
{
	const char *path = bundle->path;

	if (!file_exists(path))
		return settings_refuse(text, err, bundle->at,
				       "%s is not there: `mayfly-reaper seal --in bundle.json "
				       "--out %s` makes it",
				       path, path);
	if (settings_file(text, bundle->at, path, &bundle->sealed, err) < 0)
		return -1;
	if (!bundle_is_sealed(buf_slice(&bundle->sealed)))
		return settings_refuse(text, err, bundle->at,
				       "%s is not sealed: `mayfly-reaper seal --in %s --out "
				       "bundle.age` seals it; give bundle.age here",
				       path, path);
	if (!file_exists(signature))
		return settings_refuse(text, err, bundle->at,
				       "%s is not there: `mayfly-reaper seal` makes it together "
				       "with %s",
				       signature, path);
	return settings_file(text, bundle->at, signature, &bundle->signature, err);
}

static int read_bundle(const struct settings_text *text, const struct settings *settings,
		       struct settings_bundle *bundle, struct error *err)
{
	char signature[TICKET_PATH_ROOM + 16];
	struct error why;

	snprintf(signature, sizeof(signature), "%s.minisig", bundle->path);
	if (read_bytes(text, bundle, signature, err) < 0)
		return -1;
	if (bundle_prove_signature(settings, buf_slice(&bundle->sealed),
				   buf_slice(&bundle->signature), &why) < 0)
		return settings_refuse(text, err, bundle->at,
				       "%s: %s: only a bundle that our signing_key signed for "
				       "prefix \"%s\" is used: `mayfly-reaper seal` it again",
				       signature, why.message, settings->prefix);
	return 0;
}

int settings_bundles_read(const struct settings_text *text, struct settings *settings,
			  struct error *err)
{
	for (size_t i = 0; i < settings->bundle_count; i++)
		if (read_bundle(text, settings, &settings->bundles[i], err) < 0)
			return -1;
	for (size_t r = 0; r < settings->resource_count; r++) {
		struct resource *resource = &settings->resources[r];

		hash_sha256(buf_slice(&settings->bundles[resource->bundle].sealed),
			    resource->ticket.bundle.digest);
	}
	return 0;
}
