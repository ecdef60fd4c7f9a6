#include "common/bundle.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/file.h"
#include "common/schema.h"
#include "common/schemas.h"

enum { BUNDLE_MAX = 1 << 20 };

void bundle_release(struct bundle *bundle)
{
	secret_release(&bundle->secret_key);
	secret_release(&bundle->git_token);
	secret_release(&bundle->extra_conf);
	for (size_t i = 0; i < bundle->environment_count; i++)
		secret_release(&bundle->environment[i].value);
	free(bundle->environment);
	for (size_t i = 0; i < bundle->registry_count; i++)
		secret_release(&bundle->registries[i].password);
	free(bundle->registries);
	*bundle = (struct bundle){ 0 };
}

/* Absent leaves the field as it is: empty. */
static int read_name(const struct json *root, const char *path, char *field, size_t room,
		     struct error *err)
{
	if (text_copy(field, room, slice_of(json_text_or(root, path, "")), err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

static int read_secret(const struct json *root, const char *path, struct secret *out,
		       struct error *err)
{
	const char *text = json_text_or(root, path, "");

	if (*text && secret_copy(out, slice_of(text), err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

static bool is_variable_name(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
				      "0123456789";

	return *name && strchr(letters, *name) && !name[strspn(name, allowed)];
}

static int read_variable(const struct json *member, struct bundle_variable *out, struct error *err)
{
	const char *name = json_name(member);

	if (!is_variable_name(name) ||
	    text_copy(out->name, sizeof(out->name), slice_of(name), err) < 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "environment.%.60s: expected a name of at most %zu letters, "
				 "digits and _, no digit first",
				 name, sizeof(out->name) - 1);
	if (secret_copy(&out->value, slice_of(json_text_value(member)), err) < 0)
		return error_wrap(err, "environment.%s", name);
	return 0;
}

static int read_environment(const struct json *root, struct bundle *out, struct error *err)
{
	const struct json *variables = json_find(root, "environment");

	if (!variables)
		return 0;
	out->environment = memory_array(json_count(variables), sizeof(*out->environment));
	for (const struct json *member = json_first(variables); member;
	     member = json_next(member)) {
		/* Counted first, so that what was read of it is released too. */
		struct bundle_variable *variable = &out->environment[out->environment_count++];

		if (read_variable(member, variable, err) < 0)
			return -1;
	}
	return 0;
}

/* A host, and its port where it has one: what an image's name begins with. */
static bool is_server(const char *text)
{
	static const char host[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789.-";
	size_t len = *text == '[' ? strcspn(text, "]") + 1 : strspn(text, host);

	if (!len || strlen(text) < len || strchr(".-", *text))
		return false;
	if (*text == '[' && (len < 4 || strspn(text + 1, "0123456789abcdefABCDEF:.") != len - 2))
		return false;
	if (!text[len])
		return *text == '[' || !strchr(".-", text[len - 1]);
	size_t digits = strspn(text + len + 1, "0123456789");

	return text[len] == ':' && digits >= 1 && digits <= 5 && !text[len + 1 + digits];
}

static int check_server(const struct bundle *bundle, const char *server, struct error *err)
{
	/* What is wrong may be a password in the wrong place: it is not repeated. */
	if (!is_server(server))
		return error_set(err, ERROR_CONFIGURATION,
				 "expected a registry such as docker.io, ghcr.io or "
				 "registry.example.com:5000, without https:// and without a path");
	if (!strcasecmp(server, "index.docker.io") || !strcasecmp(server, "registry-1.docker.io"))
		return error_set(err, ERROR_CONFIGURATION, "Docker Hub is written docker.io here");
	for (size_t i = 0; i + 1 < bundle->registry_count; i++)
		if (!strcasecmp(bundle->registries[i].server, server))
			return error_set(err, ERROR_CONFIGURATION,
					 "%s is the server of registries[%zu] already: a registry "
					 "takes one login",
					 server, i);
	return 0;
}

static int read_registry(const struct json *from, const struct bundle *bundle,
			 struct bundle_registry *out, struct error *err)
{
	if (read_name(from, "server", out->server, sizeof(out->server), err) < 0 ||
	    read_name(from, "user", out->user, sizeof(out->user), err) < 0 ||
	    read_secret(from, "password", &out->password, err) < 0)
		return -1;
	if (check_server(bundle, out->server, err) < 0)
		return error_wrap(err, "server");
	return 0;
}

static int read_registries(const struct json *root, struct bundle *out, struct error *err)
{
	const struct json *list = json_find(root, "registries");

	if (!list)
		return 0;
	out->registries = memory_array(json_count(list), sizeof(*out->registries));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		size_t place = out->registry_count++; /* first, as above */

		if (read_registry(item, out, &out->registries[place], err) < 0) {
			struct error why = *err;

			return error_set(err, why.class, "registries[%zu].%s", place, why.message);
		}
	}
	return 0;
}

static int read_bundle(const struct json *root, struct bundle *out, struct error *err)
{
	if (read_name(root, "clearml.access_key", out->access_key, sizeof(out->access_key), err) <
		    0 ||
	    read_name(root, "git.user", out->git_user, sizeof(out->git_user), err) < 0 ||
	    read_name(root, "git.host", out->git_host, sizeof(out->git_host), err) < 0)
		return -1;
	if (read_secret(root, "clearml.secret_key", &out->secret_key, err) < 0 ||
	    read_secret(root, "git.token", &out->git_token, err) < 0 ||
	    read_secret(root, "extra_conf", &out->extra_conf, err) < 0)
		return -1;
	if (read_environment(root, out, err) < 0)
		return -1;
	return read_registries(root, out, err);
}

static int read_checked(const struct json *root, struct slice text, const char *source,
			struct bundle *out, struct error *err)
{
	SCOPED(bundle) struct bundle read = { 0 };
	struct findings findings;

	if (schema_check((struct slice){ schema_bundle, schema_bundle_len }, root, source, text,
			 &findings, err) < 0)
		return -1;
	if (read_bundle(root, &read, err) < 0) {
		if (err->class == ERROR_MALFORMED)
			err->class = ERROR_CONFIGURATION;
		return error_wrap(err, "%s", source);
	}
	*out = read;
	read = (struct bundle){ 0 };
	return 0;
}

int bundle_parse(struct slice text, const char *source, struct bundle *out, struct error *err)
{
	struct json_document document = { 0 };

	if (json_parse(text, &document, err) < 0) {
		err->class = ERROR_CONFIGURATION;
		return error_wrap(err, "%s", source);
	}
	int result = read_checked(document.root, text, source, out, err);

	json_document_wipe(&document);
	return result;
}

int bundle_load(const char *path, struct bundle *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(BUNDLE_MAX); /* a buf is wiped when released */

	if (file_read_private(path, &text, err) < 0)
		return error_wrap(err, "bundle");
	return bundle_parse(buf_slice(&text), path, out, err);
}
