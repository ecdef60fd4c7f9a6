#include "reaper/settings/settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/schema.h"
#include "common/schemas.h"
#include "reaper/settings/clearml_keys.h"
#include "reaper/settings/settings_bundle.h"
#include "reaper/settings/settings_keys.h"
#include "reaper/settings/settings_money.h"
#include "reaper/settings/settings_resource.h"
#include "reaper/settings/settings_text.h"

enum { MOST_BYTES = 4 << 20 };

/* ---- numbers of the whole ---- */

struct span_field {
	const char *name;
	size_t offset; /* of an int64_t of seconds in struct settings */
	int64_t fallback_s, least_s;
};
static const struct span_field span_fields[] = {
	{ "launch_after", offsetof(struct settings, launch_after_s), 0, 0 },
	{ "cooldown", offsetof(struct settings, cooldown_s), 180, 1 },
	{ "cooldown_max", offsetof(struct settings, cooldown_max_s), 1800, 1 },
	{ "breaker.probe", offsetof(struct settings, breaker_probe_s), 600, 1 },
	{ "idle_grace", offsetof(struct settings, idle_grace_s), 600, 0 },
	{ "silent_idle", offsetof(struct settings, silent_idle_s), 600, 120 },
	{ "silent_busy", offsetof(struct settings, silent_busy_s), 5400, 120 },
	{ "two_looks", offsetof(struct settings, two_looks_s), 60, 1 },
	{ "pass_deadline", offsetof(struct settings, pass_deadline_s), 50, 5 },
	{ "watch_every", offsetof(struct settings, watch_every_s), 60, 1 },
};

static int read_spans(const struct settings_text *text, const struct json *root,
		      struct settings *out, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(span_fields); i++) {
		const struct span_field *field = &span_fields[i];
		const struct json *value = json_find(root, field->name);
		int64_t seconds = field->fallback_s;

		if (value && settings_seconds(text, field->name, value, &seconds, err) < 0)
			return -1;
		if (seconds < field->least_s)
			return settings_refuse(text, err, field->name,
					       "expected at least %lld seconds, got %lld",
					       (long long)field->least_s, (long long)seconds);
		memcpy((char *)out + field->offset, &seconds, sizeof(seconds));
	}
	if (out->cooldown_s > out->cooldown_max_s)
		return settings_refuse(text, err, "cooldown",
				       "expected at most cooldown_max (%lld seconds), got %lld",
				       (long long)out->cooldown_max_s, (long long)out->cooldown_s);
	return 0;
}

static int read_whole(const struct settings_text *text, const struct json *root,
		      struct settings *out, struct error *err)
{
	const char *state = json_text_or(root, "state_folder", "/var/lib/mayfly-reaper");

	if (text_copy(out->path, sizeof(out->path), slice_of(text->path), err) < 0 ||
	    text_copy(out->prefix, sizeof(out->prefix), slice_of(json_text_or(root, "prefix", "")),
		      err) < 0)
		return error_wrap(err, "%s", text->path);
	out->max_instances = (unsigned)json_integer_or(root, "max_instances", 0);
	out->max_booting = (unsigned)json_integer_or(root, "max_booting", 0);
	out->breaker_failures = (unsigned)json_integer_or(root, "breaker.failures", 3);
	out->are_queues_created = json_bool_or(root, "create_queues", false);
	if (settings_path(text, "state_folder", state, out->state_folder, err) < 0)
		return -1;
	return read_spans(text, root, out, err);
}

static int read_clearml(const struct settings_text *text, const struct json *root,
			struct settings *out, struct error *err)
{
	SCOPED(clearml_keys) struct clearml_keys keys = { 0 };

	if (clearml_keys_find(text, root, &keys, err) < 0)
		return -1;
	memcpy(out->api_server, keys.api_server, sizeof(out->api_server));
	memcpy(out->web_server, keys.web_server, sizeof(out->web_server));
	memcpy(out->files_server, keys.files_server, sizeof(out->files_server));
	memcpy(out->access_key, keys.access_key, sizeof(out->access_key));
	out->secret_key = secret_take(&keys.secret_key);
	return 0;
}

/* ---- resources, and what only all of them together can have wrong ---- */

static int refuse_twins(const struct settings_text *text, const struct settings *settings,
			struct error *err)
{
	const struct resource *last = &settings->resources[settings->resource_count - 1];
	char at[64];

	for (size_t i = 0; i + 1 < settings->resource_count; i++) {
		if (strcmp(settings->resources[i].name, last->name))
			continue;
		snprintf(at, sizeof(at), "resources[%zu].name", settings->resource_count - 1);
		return settings_refuse(text, err, at,
				       "\"%s\" is the name of resources[%zu] already: each needs "
				       "its own",
				       last->name, i);
	}
	return 0;
}

static int read_resources(const struct settings_text *text, const struct json *root,
			  struct settings *out, struct error *err)
{
	size_t count = json_count(json_find(root, "resources"));
	uint64_t minimums = 0;

	out->resources = memory_array(count, sizeof(*out->resources));
	for (size_t i = 0; i < count; i++) {
		out->resource_count = i + 1;
		if (settings_resource(text, root, i, out, &out->resources[i], err) < 0 ||
		    refuse_twins(text, out, err) < 0)
			return -1;
		minimums += out->resources[i].min_instances;
	}
	if (out->max_instances && minimums > out->max_instances)
		return settings_refuse(text, err, "max_instances",
				       "expected at least %llu, the sum of all min_instances, "
				       "got %u",
				       (unsigned long long)minimums, out->max_instances);
	return settings_budgets(text, root, out, err);
}

/* The parser says "line 5, column 23: ..."; here every message begins with file:line. */
static int refuse_text(const struct settings_text *text, struct error *err)
{
	struct error why = *err;
	char *rest;
	unsigned long line = 0;

	if (!strncmp(why.message, "line ", 5))
		line = strtoul(why.message + 5, &rest, 10);
	if (!line || strncmp(rest, ", ", 2) != 0)
		return error_set(err, ERROR_CONFIGURATION, "%s: %s", text->path, why.message);
	return error_set(err, ERROR_CONFIGURATION, "%s:%lu: %s", text->path, line, rest + 2);
}

static int parse_document(const struct settings_text *text, struct json_document *out,
			  struct error *err)
{
	return json_parse_commented(text->text, out, err) < 0 ? refuse_text(text, err) : 0;
}

/* has_files: what the keys and the bundles refer to is read as well. */
static int read_document(const struct settings_text *text, bool has_files, struct settings *out,
			 struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct slice schema = { schema_reaper_config, schema_reaper_config_len };
	struct findings findings = { 0 };

	if (parse_document(text, &document, err) < 0)
		return -1;
	if (schema_check(schema, document.root, text->path, text->text, &findings, err) < 0)
		return -1;
	if (read_whole(text, document.root, out, err) < 0)
		return -1;
	if (text->is_shape)
		return read_resources(text, document.root, out, err);
	if (read_clearml(text, document.root, out, err) < 0 ||
	    settings_keys(text, document.root, has_files, out, err) < 0 ||
	    read_resources(text, document.root, out, err) < 0)
		return -1;
	return has_files ? settings_bundles_read(text, out, err) : 0;
}

/* What is not needed yet may be unwritten yet; its own faults are found when it is needed. */
static bool is_for_later(const struct finding *finding)
{
	static const char *const later[] = { "resources", "defaults", "clearml" };

	for (size_t i = 0; i < ARRAY_LEN(later); i++) {
		size_t len = strlen(later[i]);

		if (!strncmp(finding->path, later[i], len) &&
		    (!finding->path[len] || strchr(".[", finding->path[len])))
			return true;
	}
	return false;
}

static int check_keys_alone(const struct settings_text *text, const struct json *root,
			    struct error *err)
{
	struct slice schema = { schema_reaper_config, schema_reaper_config_len };
	struct findings findings = { 0 };

	if (schema_check(schema, root, text->path, text->text, &findings, err) == 0)
		return 0;
	if (err->class != ERROR_CONFIGURATION)
		return -1;
	for (size_t i = 0; i < findings.count; i++) {
		const struct finding *finding = &findings.list[i];

		if (!is_for_later(finding))
			return error_set(err, ERROR_CONFIGURATION, "%s:%u: %s: %s", text->path,
					 finding->line, finding->path, finding->message);
	}
	return 0;
}

static int read_keys_alone(const struct settings_text *text, struct settings *out,
			   struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };

	if (parse_document(text, &document, err) < 0 ||
	    check_keys_alone(text, document.root, err) < 0)
		return -1;
	return read_whole(text, document.root, out, err) < 0 ?
		       -1 :
		       settings_keys(text, document.root, true, out, err);
}

static int find_folder(struct settings_text *text, struct error *err)
{
	SCOPED(buf) struct buf folder = BUF(TICKET_PATH_ROOM);
	const char *slash = strrchr(text->path, '/');

	if (*text->path != '/') {
		char *here = getcwd(NULL, 0);

		if (!here)
			return error_errno(err, "find the working folder");
		buf_addf(&folder, "%s/", here);
		free(here);
	}
	if (slash)
		buf_add(&folder,
			(struct slice){ text->path,
					slash == text->path ? 1 : (size_t)(slash - text->path) });
	if (folder.len > 1 && folder.bytes[folder.len - 1] == '/')
		folder.bytes[--folder.len] = '\0';
	if (text_copy(text->folder, sizeof(text->folder), buf_slice(&folder), err) < 0)
		return error_wrap(err, "folder of %s", text->path);
	return 0;
}

/* How much of it is read. */
typedef int settings_extent(const struct settings_text *text, struct settings *out,
			    struct error *err);

static int read_without_files(const struct settings_text *text, struct settings *out,
			      struct error *err)
{
	return read_document(text, false, out, err);
}

static int read_with_files(const struct settings_text *text, struct settings *out,
			   struct error *err)
{
	return read_document(text, true, out, err);
}

static int read_settings(const struct settings_text *given, settings_extent *read,
			 struct settings *out, struct error *err)
{
	SCOPED(settings) struct settings settings = { 0 };
	struct settings_text text = *given;

	if (find_folder(&text, err) < 0 || read(&text, &settings, err) < 0)
		return -1;
	*out = settings;
	settings = (struct settings){ 0 };
	return 0;
}

int settings_parse(struct slice text, const char *path, const char *const *environment,
		   struct settings *out, struct error *err)
{
	return read_settings(
		&(struct settings_text){ .path = path, .text = text, .environment = environment },
		read_without_files, out, err);
}

int settings_parse_shape(struct slice text, const char *path, const char *const *environment,
			 struct settings *out, struct error *err)
{
	return read_settings(
		&(struct settings_text){
			.path = path, .text = text, .environment = environment, .is_shape = true },
		read_without_files, out, err);
}

static int read_text(const char *path, struct buf *out, struct error *err)
{
	return file_read(path, out, err) < 0 ? error_wrap(err, "read the configuration") : 0;
}

static int load(const char *path, const char *const *environment, settings_extent *read,
		struct settings *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(MOST_BYTES);

	if (read_text(path, &text, err) < 0)
		return -1;
	return read_settings(&(struct settings_text){ .path = path,
						      .text = buf_slice(&text),
						      .environment = environment,
						      .is_shape = read == read_without_files },
			     read, out, err);
}

int settings_load(const char *path, const char *const *environment, struct settings *out,
		  struct error *err)
{
	return load(path, environment, read_with_files, out, err);
}

int settings_load_keys(const char *path, const char *const *environment, struct settings *out,
		       struct error *err)
{
	return load(path, environment, read_keys_alone, out, err);
}

int settings_load_shape(const char *path, const char *const *environment, struct settings *out,
			struct error *err)
{
	return load(path, environment, read_without_files, out, err);
}

static void release_resource(struct resource *resource)
{
	ticket_release(&resource->ticket);
	free(resource->offerings);
	free(resource->schedules);
	free(resource->prices.overrides);
	free(resource->prices.regions);
	free(resource->prices.spot);
	json_document_release(&resource->aws.spec);
}

void settings_release(struct settings *settings)
{
	secret_release(&settings->secret_key);
	minisign_key_release(&settings->signing_key);
	for (size_t i = 0; i < settings->bundle_count; i++) {
		buf_release(&settings->bundles[i].sealed);
		buf_release(&settings->bundles[i].signature);
	}
	free(settings->bundles);
	for (size_t i = 0; i < settings->resource_count; i++)
		release_resource(&settings->resources[i]);
	free(settings->resources);
	free(settings->queue_budgets);
	free(settings->user_budgets);
	*settings = (struct settings){ 0 };
}
