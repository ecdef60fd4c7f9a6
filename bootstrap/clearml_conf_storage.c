#include "bootstrap/clearml_conf_part.h"

/* What is not said is not written: then the defaults of ClearML's library count. */
static void add_said(struct json *object, const char *name, const char *text)
{
	if (text[0])
		json_add_text(object, name, text);
}

static int add_s3_key(const struct bundle_s3 *s3, struct json *into, struct error *err)
{
	json_add_text(into, "key", s3->key);
	add_said(into, "region", s3->region);
	if (s3->token.len && clearml_conf_add_secret(into, "token", &s3->token, err) < 0)
		return -1;
	return clearml_conf_add_secret(into, "secret", &s3->secret_key, err);
}

static int add_s3(const struct bundle *bundle, struct json *sdk, struct error *err)
{
	if (!bundle->s3_count)
		return 0;
	struct json *section = json_add_object(json_add_object(sdk, "aws"), "s3");
	struct json *list = json_add_list(section, "credentials");

	for (size_t i = 0; i < bundle->s3_count; i++) {
		const struct bundle_s3 *s3 = &bundle->s3[i];
		bool is_default = !s3->bucket[0] && !s3->host[0];
		struct json *into = is_default ? section : json_add_object(list, NULL);

		add_said(into, "bucket", s3->bucket);
		add_said(into, "host", s3->host);
		if (s3->is_plain)
			json_add_bool(into, "secure", false);
		if (s3->is_unverified)
			json_add_bool(into, "verify", false);
		if (add_s3_key(s3, into, err) < 0)
			return -1;
	}
	return 0;
}

static int add_gcs(const struct bundle *bundle, struct json *sdk, struct error *err)
{
	if (!bundle->gcs_count)
		return 0;
	struct json *section = json_add_object(json_add_object(sdk, "google"), "storage");
	struct json *list = json_add_list(section, "credentials");

	for (size_t i = 0; i < bundle->gcs_count; i++) {
		const struct bundle_gcs *gcs = &bundle->gcs[i];
		struct json *into = gcs->bucket[0] ? json_add_object(list, NULL) : section;

		add_said(into, "bucket", gcs->bucket);
		add_said(into, "subdir", gcs->subdir);
		json_add_text(into, "project", gcs->project);
		if (clearml_conf_add_secret(into, "credentials_json", &gcs->credentials, err) < 0)
			return -1;
	}
	return 0;
}

/* ClearML's library takes the first that fits: a key for all of an account comes last. */
static int add_azure(const struct bundle *bundle, struct json *sdk, struct error *err)
{
	if (!bundle->azure_count)
		return 0;
	struct json *section = json_add_object(json_add_object(sdk, "azure"), "storage");
	struct json *list = json_add_list(section, "containers");

	for (size_t i = 0; i < 2 * bundle->azure_count; i++) {
		const struct bundle_azure *azure = &bundle->azure[i % bundle->azure_count];
		bool is_second_round = i >= bundle->azure_count;

		if (is_second_round == !!azure->container[0])
			continue;
		struct json *into = json_add_object(list, NULL);

		json_add_text(into, "account_name", azure->account);
		add_said(into, "container_name", azure->container);
		if (clearml_conf_add_secret(into, "account_key", &azure->key, err) < 0)
			return -1;
	}
	return 0;
}

int clearml_conf_add_storage(const struct bundle *bundle, struct json *sdk, struct error *err)
{
	if (add_s3(bundle, sdk, err) < 0 || add_gcs(bundle, sdk, err) < 0)
		return -1;
	return add_azure(bundle, sdk, err);
}
