#include <string.h>
#include <strings.h>

#include "common/bundle_reader.h"
#include "common/hocon_print.h"

enum { ACCOUNT_BYTES = 32000 /* of the JSON of a service account's key */ };

/* ---- S3 ---- */

/* ClearML's library compares both without regard to case. */
static bool is_same_place(const struct bundle_s3 *a, const struct bundle_s3 *b)
{
	return !strcasecmp(a->bucket, b->bucket) && !strcasecmp(a->host, b->host);
}

static int check_s3(const struct bundle_reader *reader, const struct bundle *bundle,
		    struct error *err)
{
	const struct bundle_s3 *last = &bundle->s3[bundle->s3_count - 1];

	if (last->host[0] && !bundle_is_server(last->host))
		return bundle_refuse(reader, "host", err,
				     "expected an endpoint such as minio.example.com:9000, "
				     "without https:// and without a path");
	if (last->is_plain && !last->host[0])
		return bundle_refuse(reader, "secure", err,
				     "false is for an endpoint: give its host too");
	if (last->is_unverified && !last->host[0] && !last->bucket[0])
		return bundle_refuse(reader, "verify", err,
				     "false is for an endpoint or a bucket: give host or bucket");
	for (size_t i = 0; i + 1 < bundle->s3_count; i++)
		if (is_same_place(&bundle->s3[i], last))
			return bundle_refuse(reader, NULL, err,
					     "has bucket and host of s3[%zu]: each one takes one "
					     "key",
					     i);
	return 0;
}

static int read_s3(const struct bundle_reader *reader, const struct json *from,
		   struct bundle *bundle, struct error *err)
{
	/* Counted first, so that what was read of it is released too; likewise below. */
	struct bundle_s3 *out = &bundle->s3[bundle->s3_count++];

	if (bundle_read_line(reader, from, "bucket", out->bucket, sizeof(out->bucket), err) < 0 ||
	    bundle_read_line(reader, from, "host", out->host, sizeof(out->host), err) < 0 ||
	    bundle_read_line(reader, from, "region", out->region, sizeof(out->region), err) < 0 ||
	    bundle_read_line(reader, from, "key", out->key, sizeof(out->key), err) < 0 ||
	    bundle_read_secret_line(reader, from, "secret", &out->secret_key, err) < 0 ||
	    bundle_read_secret_line(reader, from, "token", &out->token, err) < 0)
		return -1;
	out->is_plain = !json_bool_or(from, "secure", true);
	out->is_unverified = !json_bool_or(from, "verify", true);
	return check_s3(reader, bundle, err);
}

/* ---- Google Cloud Storage ---- */

/* What ClearML's library needs of it: without, it would silently try other credentials. */
static const char *account_fault(const struct json *account)
{
	static const char *const needed[] = { "client_email", "private_key", "token_uri" };

	if (json_kind(account) != JSON_OBJECT ||
	    strcmp(json_text_or(account, "type", ""), "service_account") != 0)
		return "is no key of a service account (\"type\": \"service_account\"): give the "
		       "JSON of its file, not a path";
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!json_text_or(account, needed[i], "")[0])
			return "lacks client_email, private_key or token_uri: give the whole JSON "
			       "of the service account's key file";
	return NULL;
}

static int check_account(const struct bundle_reader *reader, struct slice text, struct error *err)
{
	static const char name[] = "credentials";
	struct json_document account = { 0 };
	struct error parse = { 0 }; /* not told: it might quote what it met */
	const char *fault = hocon_text_fault(text);

	if (fault)
		return bundle_refuse(reader, name, err, "%s", fault);
	if (json_parse(text, &account, &parse) < 0)
		return bundle_refuse(reader, name, err,
				     "is no JSON: give the text of the service account's key "
				     "file, not a path");
	fault = account_fault(account.root);
	json_document_wipe(&account);
	return fault ? bundle_refuse(reader, name, err, "%s", fault) : 0;
}

static int read_account(const struct bundle_reader *reader, const struct json *from,
			struct secret *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(ACCOUNT_BYTES); /* wiped when released */
	const struct json *value = json_find(from, "credentials");

	if (json_kind(value) == JSON_TEXT)
		buf_add(&text, slice_of(json_text_value(value)));
	else
		json_print(value, false, &text);
	if (text.overflowed)
		return bundle_refuse(reader, "credentials", err, "longer than %d bytes",
				     ACCOUNT_BYTES);
	if (check_account(reader, buf_slice(&text), err) < 0)
		return -1;
	return secret_copy(out, buf_slice(&text), err);
}

static int check_gcs(const struct bundle_reader *reader, const struct bundle *bundle,
		     struct error *err)
{
	const struct bundle_gcs *last = &bundle->gcs[bundle->gcs_count - 1];

	if (last->subdir[0] && !last->bucket[0])
		return bundle_refuse(reader, "subdir", err, "is of a bucket: give it too");
	for (size_t i = 0; i + 1 < bundle->gcs_count; i++)
		if (!strcmp(bundle->gcs[i].bucket, last->bucket) &&
		    !strcmp(bundle->gcs[i].subdir, last->subdir))
			return bundle_refuse(reader, NULL, err,
					     "has bucket and subdir of gcs[%zu]: each one takes "
					     "one account",
					     i);
	return 0;
}

static int read_gcs(const struct bundle_reader *reader, const struct json *from,
		    struct bundle *bundle, struct error *err)
{
	struct bundle_gcs *out = &bundle->gcs[bundle->gcs_count++];

	if (bundle_read_line(reader, from, "bucket", out->bucket, sizeof(out->bucket), err) < 0 ||
	    bundle_read_line(reader, from, "subdir", out->subdir, sizeof(out->subdir), err) < 0 ||
	    bundle_read_line(reader, from, "project", out->project, sizeof(out->project), err) <
		    0 ||
	    read_account(reader, from, &out->credentials, err) < 0)
		return -1;
	return check_gcs(reader, bundle, err);
}

/* ---- Azure ---- */

static int read_azure(const struct bundle_reader *reader, const struct json *from,
		      struct bundle *bundle, struct error *err)
{
	struct bundle_azure *out = &bundle->azure[bundle->azure_count++];

	if (bundle_read_line(reader, from, "account", out->account, sizeof(out->account), err) <
		    0 ||
	    bundle_read_line(reader, from, "container", out->container, sizeof(out->container),
			     err) < 0 ||
	    bundle_read_secret_line(reader, from, "key", &out->key, err) < 0)
		return -1;
	for (size_t i = 0; i + 1 < bundle->azure_count; i++)
		if (!strcmp(bundle->azure[i].account, out->account) &&
		    !strcmp(bundle->azure[i].container, out->container))
			return bundle_refuse(reader, NULL, err,
					     "has account and container of azure[%zu]: each one "
					     "takes one key",
					     i);
	return 0;
}

/* ---- all ---- */

static int read_items(struct bundle_reader *reader, const struct json *root, const char *name,
		      int (*read)(const struct bundle_reader *, const struct json *,
				  struct bundle *, struct error *),
		      struct bundle *out, struct error *err)
{
	const struct json *items = json_find(root, name);

	for (const struct json *item = bundle_next(reader, name, items, NULL); item;
	     item = bundle_next(reader, name, items, item))
		if (read(reader, item, out, err) < 0)
			return -1;
	return 0;
}

int bundle_read_storage(struct bundle_reader *reader, const struct json *root, struct bundle *out,
			struct error *err)
{
	out->s3 = memory_array(bundle_count(json_find(root, "s3")), sizeof(*out->s3));
	out->gcs = memory_array(bundle_count(json_find(root, "gcs")), sizeof(*out->gcs));
	out->azure = memory_array(bundle_count(json_find(root, "azure")), sizeof(*out->azure));
	if (read_items(reader, root, "s3", read_s3, out, err) < 0 ||
	    read_items(reader, root, "gcs", read_gcs, out, err) < 0)
		return -1;
	return read_items(reader, root, "azure", read_azure, out, err);
}
