#include "reaper/settings/settings_keys.h"

#include <stdio.h>
#include <strings.h>

static int read_recipient(const struct settings_text *text, const char *at, const char *word,
			  struct age_recipient *out, struct error *err)
{
	static const char secret_key[] = "AGE-SECRET-KEY";
	struct error why;

	if (!strncasecmp(word, secret_key, sizeof(secret_key) - 1))
		return settings_refuse(text, err, at,
				       "this is a secret key, which does not belong here: give its "
				       "public one (age1..., `age-keygen -y FILE` prints it)");
	if (age_recipient_parse(slice_of(word), out, &why) < 0)
		return settings_refuse(text, err, at, "expected a public key of age (age1...): %s",
				       why.message);
	return 0;
}

static int read_recipients(const struct settings_text *text, const struct json *root,
			   struct settings *out, struct error *err)
{
	const struct json *list = json_find(root, "recipients");
	char at[SETTINGS_AT_ROOM];

	for (const struct json *item = list ? json_first(list) : NULL; item;
	     item = json_next(item)) {
		size_t place = out->recipient_count;

		snprintf(at, sizeof(at), "recipients[%zu]", place);
		if (place == AGE_MAX_RECIPIENTS)
			return settings_refuse(text, err, at, "more than %d", AGE_MAX_RECIPIENTS);
		if (read_recipient(text, at, json_text_value(item), &out->recipients[place], err) <
		    0)
			return -1;
		out->recipient_count++;
	}
	return 0;
}

static int read_signing_key(const struct settings_text *text, const struct json *reference,
			    struct settings *out, struct error *err)
{
	static const char at[] = "signing_key";
	const char *file = json_text_or(reference, "file", NULL);
	SCOPED(secret) struct secret key = { 0 };
	struct error why;

	if (settings_reference(text, at, reference, &key, err) < 0)
		return -1;
	if (minisign_key_parse(secret_expose(&key), &out->signing_key, &why) < 0)
		return settings_refuse(text, err, at, "%s: %s",
				       file ? file : json_text_or(reference, "env", ""),
				       why.message);
	return 0;
}

int settings_keys(const struct settings_text *text, const struct json *root, bool is_read,
		  struct settings *out, struct error *err)
{
	const struct json *reference = json_find(root, "signing_key");

	if (!reference)
		return settings_refuse(text, err, "",
				       "signing_key is missing: `mayfly-reaper keygen --folder %s` "
				       "makes one, then write \"signing_key\": {\"file\": "
				       "\"signing.key\"}",
				       text->folder);
	if (read_recipients(text, root, out, err) < 0)
		return -1;
	return is_read ? read_signing_key(text, reference, out, err) : 0;
}
