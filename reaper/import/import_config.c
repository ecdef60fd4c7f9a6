#include "reaper/import/import_config.h"

#include <stdlib.h>
#include <string.h>

#include "reaper/import/import_resource.h"

enum { SCRIPT_BYTES = 65536 };

struct work {
	const struct import_source *source;
	struct import_notes *notes;
};

static const char *text_of(const struct work *work, enum import_key key)
{
	return import_text(work->source, &work->source->values, key, work->notes);
}

/* A time in minutes, as a duration. 0, which ours do not take, is noted. */
static void add_minutes(const struct work *work, enum import_key key, struct json *object,
			const char *name)
{
	char place[IMPORT_PLACE_ROOM], duration[IMPORT_DURATION_ROOM];
	double minutes;

	if (!import_number(work->source, &work->source->values, key, work->notes, &minutes))
		return;
	import_name(work->source, &work->source->values, key, place);
	if (minutes > 0) {
		import_minutes(minutes, duration);
		json_add_text(object, name, duration);
		return;
	}
	import_note(work->notes, IMPORT_WARNING, "", "%s: 0 is refused here: %s has its default",
		    place, name);
}

/* ---- what is not copied ---- */

/* Each key that is given and has no place in ours. */
static void note_left_out(const struct work *work, const struct import_values *values)
{
	for (size_t i = 0; i < IMPORT_KEY_COUNT; i++) {
		const char *why = import_words[i].why;
		char place[IMPORT_PLACE_ROOM];

		if (!why || !values->by_key[i])
			continue;
		import_name(work->source, values, (enum import_key)i, place);
		import_note(work->notes,
			    strncmp(why, "not needed", strlen("not needed")) ? IMPORT_WARNING :
									       IMPORT_HINT,
			    "", "%s: %s", place, why);
	}
}

/* ---- how tasks run ---- */

static bool is_docker_mode(const struct work *work)
{
	const struct import_source *source = work->source;

	if (source->values.by_key[IMPORT_DOCKER_MODE])
		return import_flag(source, &source->values, IMPORT_DOCKER_MODE, work->notes);
	return text_of(work, IMPORT_DOCKER_IMAGE) != NULL;
}

/* "IMAGE ARGUMENT...": the script hands all of it to clearml-agent's --docker. */
static void add_image(const struct work *work, const char *text, struct json *docker)
{
	size_t len = strcspn(text, " \t\n");
	char *image = memory_text((struct slice){ text, len });

	json_add_text(docker, "image", image);
	free(image);
	text += len;
	if (!text[strspn(text, " \t\n")])
		return;
	import_add_parts(text, " \t\n", json_add_list(docker, "arguments"));
	import_note(work->notes, strpbrk(text, "\"'\\") ? IMPORT_WARNING : IMPORT_HINT,
		    "defaults.agent.docker.arguments",
		    "what stood behind the image, one word an entry%s",
		    strpbrk(text, "\"'\\") ? ": there are quotes in it: look whether the words "
					     "are right" :
					     "");
}

static void add_agent(const struct work *work, bool is_docker, struct json *defaults)
{
	struct json *agent = json_add_object(defaults, "agent");
	const char *image = text_of(work, IMPORT_DOCKER_IMAGE);

	json_add_text(agent, "mode", is_docker ? "docker" : "host");
	if (!is_docker)
		import_note(work->notes, IMPORT_HINT, "defaults.agent.mode",
			    "without docker: the machines' image must have clearml-agent in it "
			    "(agent.command)");
	if (!is_docker && image)
		import_note(work->notes, IMPORT_WARNING, "defaults.agent",
			    "the docker image is left out: docker mode is off");
	if (!is_docker)
		return;
	struct json *docker = json_add_object(agent, "docker");
	if (image)
		add_image(work, image, docker);
	else
		import_note(work->notes, IMPORT_WARNING, "defaults.agent.docker",
			    "\"image\" is missing: the image of tasks that name none");
}

/* ---- what runs before ---- */

static bool has_word(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcasestr(text, words[i]))
			return true;
	return false;
}

static void note_script(const struct work *work, const char *script)
{
	static const char *const secrets[] = { "secret", "password", "passwd", "token", "api_key" };
	static const char *const exports[] = { "export " };

	import_note(work->notes, IMPORT_HINT, "defaults.init",
		    "it runs once, before the first task; it travels in the user data, which "
		    "is not secret");
	import_note(work->notes, IMPORT_HINT, "defaults.init.on_failure",
		    "as there: a failure does not matter. \"leave\" is safer");
	if (has_word(script, secrets, ARRAY_LEN(secrets)))
		import_note(work->notes, IMPORT_WARNING, "defaults.init.script",
			    "it looks as if there was a secret in it: move that into the bundle "
			    "(environment, files)");
	if (has_word(script, exports, ARRAY_LEN(exports)))
		import_note(work->notes, IMPORT_WARNING, "defaults.init.script",
			    "what it exports does not reach tasks here: say it in "
			    "agent.environment, or in the bundle's environment");
}

static void add_script(const struct work *work, struct json *defaults)
{
	const char *script = text_of(work, IMPORT_SCRIPT);
	char place[IMPORT_PLACE_ROOM];

	if (!script)
		return;
	import_name(work->source, &work->source->values, IMPORT_SCRIPT, place);
	if (strlen(script) > SCRIPT_BYTES) {
		import_note(work->notes, IMPORT_WARNING, "",
			    "%s: more than %d bytes: left out; bake it into the image", place,
			    SCRIPT_BYTES);
		return;
	}
	struct json *init = json_add_object(defaults, "init");
	json_add_text(init, "script", script);
	json_add_text(init, "on_failure", "continue");
	note_script(work, script);
}

/* ---- the account ---- */

static void add_aws(const struct work *work, struct json *defaults)
{
	const char *region = text_of(work, IMPORT_REGION);
	const char *arn = text_of(work, IMPORT_PROFILE_ARN);
	const char *name = text_of(work, IMPORT_PROFILE_NAME);
	struct json *aws = json_add_object(defaults, "aws");

	if (region)
		json_add_text(aws, "region", region);
	else
		import_note(work->notes, IMPORT_HINT, "defaults.aws",
			    "\"region\" is not said: that of AWS_REGION, of the profile, or of "
			    "this instance counts");
	if (arn || name)
		json_add_text(aws, "instance_profile", arn ? arn : name);
	if (arn && name)
		import_note(work->notes, IMPORT_HINT, "defaults.aws.instance_profile",
			    "the ARN counts, as there; a name was given too");
	if (import_flag(work->source, &work->source->values, IMPORT_USE_PROFILE, work->notes) &&
	    !arn && !name)
		import_note(work->notes, IMPORT_WARNING, "defaults.aws",
			    "use_iam_instance_profile is on, and no profile is named: say it by "
			    "\"instance_profile\"");
}

/* ---- all of it ---- */

void import_prefix(const struct import_source *source, const char *given,
		   struct import_notes *notes, char out[static IMPORT_NAME_ROOM])
{
	const char *theirs = import_text(source, &source->values, IMPORT_PREFIX, notes);
	/* What the script takes where none is said; the app's own. */
	const char *fallback = source->is_app ? "dynamic_aws" : "dynamic_worker";

	if (import_clean_name(given ? given : theirs ? theirs : fallback, out))
		import_note(notes, IMPORT_WARNING, "prefix",
			    "the prefix has characters, or a length, that ours has not: it is "
			    "another one now");
	if (!given || (theirs && !strcmp(given, theirs)))
		import_note(notes, IMPORT_WARNING, "prefix",
			    "while the old autoscaler still runs, this must be another one: it "
			    "would count and end our machines as its own (import --prefix)");
}

static void add_defaults(const struct work *work, bool is_docker, struct json *root)
{
	struct json *defaults = json_add_object(root, "defaults");

	json_add_text(defaults, "provider", "aws");
	add_minutes(work, IMPORT_IDLE_TIME, defaults, "idle_timeout");
	add_minutes(work, IMPORT_SPIN_UP, defaults, "boot_deadline");
	json_add_text(json_add_object(defaults, "bundle"), "file", "bundle.age");
	import_note(work->notes, IMPORT_HINT, "defaults.bundle",
		    "the machines' credentials, sealed: mayfly-reaper seal --config FILE --in "
		    "bundle.json makes it");
	add_agent(work, is_docker, defaults);
	add_script(work, defaults);
	add_aws(work, defaults);
}

static void add_whole(const struct work *work, const char *prefix, struct json *root)
{
	json_add_text(root, "prefix", prefix);
	json_add_text(json_add_object(root, "signing_key"), "file", "signing.key");
	import_note(work->notes, IMPORT_HINT, "signing_key",
		    "mayfly-reaper keygen --folder DIR makes it, and prints \"recipients\", which "
		    "belongs here too");
	if (!work->source->is_app) {
		json_add_bool(root, "create_queues", true);
		import_note(work->notes, IMPORT_HINT, "create_queues", "as the script does");
	}
	add_minutes(work, IMPORT_POLLING, root, "watch_every");
	if (json_find(root, "watch_every"))
		import_note(work->notes, IMPORT_HINT, "watch_every",
			    "of mayfly-reaper watch; a timer or cron has its own");
}

int import_config(const struct import_source *source, const char *prefix, struct json_document *out,
		  struct import_notes *notes, struct error *err)
{
	struct work work = { source, notes };
	const char *cloud = text_of(&work, IMPORT_CLOUD_PROVIDER);
	bool is_docker = is_docker_mode(&work);

	if (cloud && strcasecmp(cloud, "aws") != 0)
		return error_set(
			err, ERROR_MALFORMED,
			"hyper_params.cloud_provider: it is not AWS's, and only that one's "
			"is read");
	note_left_out(&work, &source->values);
	json_new_object(out);
	add_whole(&work, prefix, out->root);
	add_defaults(&work, is_docker, out->root);
	struct json *list = json_add_list(out->root, "resources");
	for (size_t i = 0; i < source->resource_count; i++) {
		note_left_out(&work, &source->resources[i].values);
		import_resource(source, i, is_docker, list, notes);
	}
	return 0;
}
