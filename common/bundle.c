#include "common/bundle.h"

#include <stdlib.h>

#include "common/bundle_reader.h"
#include "common/schema.h"
#include "common/schemas.h"

static void release_storage(struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->s3_count; i++) {
		secret_release(&bundle->s3[i].secret_key);
		secret_release(&bundle->s3[i].token);
	}
	for (size_t i = 0; i < bundle->gcs_count; i++)
		secret_release(&bundle->gcs[i].credentials);
	for (size_t i = 0; i < bundle->azure_count; i++)
		secret_release(&bundle->azure[i].key);
	free(bundle->s3);
	free(bundle->gcs);
	free(bundle->azure);
}

void bundle_release(struct bundle *bundle)
{
	secret_release(&bundle->secret_key);
	for (size_t i = 0; i < bundle->git_count; i++)
		secret_release(&bundle->git[i].token);
	free(bundle->git);
	secret_release(&bundle->ssh.key);
	free(bundle->ssh.known_hosts);
	release_storage(bundle);
	for (size_t i = 0; i < bundle->environment_count; i++)
		secret_release(&bundle->environment[i].value);
	free(bundle->environment);
	for (size_t i = 0; i < bundle->file_count; i++)
		secret_release(&bundle->files[i].contents);
	free(bundle->files);
	for (size_t i = 0; i < bundle->registry_count; i++)
		secret_release(&bundle->registries[i].password);
	free(bundle->registries);
	secret_release(&bundle->extra_conf);
	*bundle = (struct bundle){ 0 };
}

static int read_keys(struct bundle_reader *reader, const struct json *root, struct bundle *out,
		     struct error *err)
{
	static const char name[] = "clearml";
	const struct json *from = json_find(root, name);

	if (bundle_read_line(reader, root, "prefix", out->prefix, sizeof(out->prefix), err) < 0)
		return -1;
	text_cut(reader->path, sizeof(reader->path), name);
	if (bundle_read_line(reader, from, "access_key", out->access_key, sizeof(out->access_key),
			     err) < 0 ||
	    bundle_read_secret_line(reader, from, "secret_key", &out->secret_key, err) < 0)
		return -1;
	reader->path[0] = '\0';
	return 0;
}

static int read_parts(struct bundle_reader *reader, const struct json *root, struct bundle *out,
		      struct error *err)
{
	static int (*const parts[])(struct bundle_reader *, const struct json *, struct bundle *,
				    struct error *) = {
		read_keys,
		bundle_read_extra_conf,
		bundle_read_git,
		bundle_read_ssh,
		bundle_read_storage,
		bundle_read_task,
		bundle_read_registries,
	};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i](reader, root, out, err) < 0)
			return -1;
	return 0;
}

static int read_checked(const struct json *root, struct slice text, const char *source,
			struct bundle *out, struct error *err)
{
	SCOPED(bundle) struct bundle read = { 0 };
	struct bundle_reader reader = { .text = text, .source = source };
	struct findings findings;

	if (schema_check((struct slice){ schema_bundle, schema_bundle_len }, root, source, text,
			 &findings, err) < 0 ||
	    read_parts(&reader, root, &read, err) < 0)
		return -1;
	*out = read;
	read = (struct bundle){ 0 };
	return 0;
}

int bundle_parse(struct slice text, const char *source, struct bundle *out, struct error *err)
{
	struct json_document document = { 0 };

	if (text.len > BUNDLE_TEXT_BYTES)
		return error_set(err, ERROR_CONFIGURATION, "%s: longer than %d bytes", source,
				 BUNDLE_TEXT_BYTES);
	if (json_parse(text, &document, err) < 0) {
		err->class = ERROR_CONFIGURATION;
		return error_wrap(err, "%s", source);
	}
	int result = read_checked(document.root, text, source, out, err);

	json_document_wipe(&document);
	return result;
}
