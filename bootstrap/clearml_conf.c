#include "bootstrap/clearml_conf.h"

#include <stdio.h>
#include <string.h>

#include "bootstrap/docker_policy.h"

enum { CONF_MAX_DEPTH = 32, CONF_PATH_ROOM = 256 };

/* A place in the document, for messages: "agent.git_pass". */
struct place {
	const struct place *parent; /* NULL: the whole document */
	const char *name;
};

static const char *describe(const struct place *place, char *text, size_t room)
{
	char above[CONF_PATH_ROOM] = "";

	if (place->parent)
		describe(place->parent, above, sizeof(above));
	snprintf(text, room, "%s%s%s", above, above[0] ? "." : "", place->name);
	return text;
}

static int refuse(const struct place *place, const char *why, struct error *err)
{
	char path[CONF_PATH_ROOM];

	return error_set(err, ERROR_CONFIGURATION, "clearml.conf: %s: %s",
			 describe(place, path, sizeof(path)), why);
}

/* ---- values: what clearml-agent's parser reads back exactly ---- */

static const char *escape_of(char byte)
{
	switch (byte) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

/*
 * ASCII alone: clearml-agent writes its configuration once more, for the process that runs the
 * task, with \uXXXX for all else, which its own parser then leaves as it stands.
 */
static int print_text(const struct place *place, const char *text, struct buf *out,
		      struct error *err)
{
	buf_add(out, slice_of("\""));
	for (; *text; text++) {
		const char *escape = escape_of(*text);

		if ((unsigned char)*text < 0x20 && !escape)
			return refuse(place,
				      "holds a control character, of which clearml-agent's parser "
				      "carries only line ends and tabs",
				      err);
		if ((unsigned char)*text > 0x7e)
			return refuse(place,
				      "is not ASCII: clearml-agent would hand it to tasks as "
				      "something else",
				      err);
		buf_add(out, escape ? slice_of(escape) : (struct slice){ text, 1 });
	}
	buf_add(out, slice_of("\""));
	return 0;
}

/* Its parser reads a name raw, without undoing escapes. */
static int print_name(const struct place *place, struct buf *out, struct error *err)
{
	if (!place->name[0])
		return refuse(place, "a member's name is empty", err);
	for (const char *byte = place->name; *byte; byte++)
		if (escape_of(*byte))
			return refuse(place, "a name cannot hold quotes, backslashes or line ends",
				      err);
	if (print_text(place, place->name, out, err) < 0)
		return -1;
	buf_add(out, slice_of(":"));
	return 0;
}

static int print_value(const struct place *place, const struct json *value, struct buf *out,
		       struct error *err);

static int print_list(const struct place *place, const struct json *list, struct buf *out,
		      struct error *err)
{
	struct place inside = { place, "[]" };
	const char *comma = "";

	buf_add(out, slice_of("["));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		const char *text = json_text_value(item);

		if (text && !text[0])
			return refuse(place,
				      "an empty text in a list, which clearml-agent's "
				      "parser drops",
				      err);
		buf_add(out, slice_of(comma));
		if (print_value(&inside, item, out, err) < 0)
			return -1;
		comma = ",";
	}
	buf_add(out, slice_of("]"));
	return 0;
}

static const struct json *member_of(const struct json *object, const char *name)
{
	for (const struct json *member = json_first(object); member; member = json_next(member))
		if (!strcmp(json_name(member), name))
			return member;
	return NULL;
}

static bool is_object(const struct json *value)
{
	return value && json_kind(value) == JSON_OBJECT;
}

static int print_merged(const struct place *place, const struct json *ours,
			const struct json *extra, struct buf *out, struct error *err);

static int print_member(const struct place *place, const struct json *ours,
			const struct json *extra, struct buf *out, struct error *err)
{
	if (print_name(place, out, err) < 0)
		return -1;
	if (is_object(ours) && is_object(extra))
		return print_merged(place, ours, extra, out, err);
	return print_value(place, extra ? extra : ours, out, err);
}

/* Every member of both; where both have it, extra's wins, or two objects are merged. */
static int print_merged(const struct place *place, const struct json *ours,
			const struct json *extra, struct buf *out, struct error *err)
{
	const char *comma = "";

	buf_add(out, slice_of("{"));
	for (const struct json *item = json_first(ours); item; item = json_next(item)) {
		struct place inside = { place, json_name(item) };

		buf_add(out, slice_of(comma));
		if (print_member(&inside, item, member_of(extra, inside.name), out, err) < 0)
			return -1;
		comma = ",\n";
	}
	for (const struct json *item = json_first(extra); item; item = json_next(item)) {
		struct place inside = { place, json_name(item) };

		if (member_of(ours, inside.name))
			continue;
		buf_add(out, slice_of(comma));
		if (print_member(&inside, NULL, item, out, err) < 0)
			return -1;
		comma = ",\n";
	}
	buf_add(out, slice_of("}"));
	return 0;
}

static int print_value(const struct place *place, const struct json *value, struct buf *out,
		       struct error *err)
{
	switch (json_kind(value)) {
	case JSON_TEXT:
		return print_text(place, json_text_value(value), out, err);
	case JSON_LIST:
		return print_list(place, value, out, err);
	case JSON_OBJECT:
		return print_merged(place, value, NULL, out, err);
	default:
		json_print(value, false, out);
		return 0;
	}
}

/* ---- our part ---- */

/* (json_add_text() replaces what is no UTF-8; that is not ASCII either, and refused when printed.)
 */
static int add_secret(struct json *object, const char *name, const struct secret *secret,
		      struct error *err)
{
	const char *text = secret_text(secret);

	if (strlen(text) != secret->len)
		return error_set(err, ERROR_CONFIGURATION, "clearml.conf: %s: holds a NUL", name);
	json_add_text(object, name, text);
	return 0;
}

static int add_api(const struct machine *machine, struct json *root, struct error *err)
{
	const struct ticket *ticket = &machine->ticket;
	struct json *api = json_add_object(root, "api");

	json_add_text(api, "api_server", ticket->api_server);
	if (ticket->web_server[0])
		json_add_text(api, "web_server", ticket->web_server);
	if (ticket->files_server[0])
		json_add_text(api, "files_server", ticket->files_server);
	struct json *credentials = json_add_object(api, "credentials");
	json_add_text(credentials, "access_key", machine->bundle.access_key);
	return add_secret(credentials, "secret_key", &machine->bundle.secret_key, err);
}

static void add_path(struct json *object, const char *name, const char *folder, const char *below)
{
	char path[MACHINE_PATH_ROOM + 96];

	snprintf(path, sizeof(path), "%s/%s", folder, below);
	json_add_text(object, name, path);
}

/* All that an agent keeps from task to task. */
static void add_caches(struct json *agent, struct json *sdk, const char *folder)
{
	static const struct {
		const char *object, *name, *below; /* object NULL: of agent itself */
	} paths[] = {
		{ NULL, "venvs_dir", "venvs-builds" },
		{ NULL, "docker_pip_cache", "pip-cache" },
		{ NULL, "docker_apt_cache", "apt-cache" },
		{ "venvs_cache", "path", "venvs-cache" },
		{ "vcs_cache", "path", "vcs-cache" },
		{ "pip_download_cache", "path", "pip-download-cache" },
	};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct json *object =
			paths[i].object ? json_add_object(agent, paths[i].object) : agent;
		add_path(object, paths[i].name, folder, paths[i].below);
	}
	struct json *cache = json_add_object(json_add_object(sdk, "storage"), "cache");
	add_path(cache, "default_base_dir", folder, "cache");
}

/* What of a task's docker arguments the agent lets through. */
static void add_filters(const struct ticket_docker *docker, struct json *agent)
{
	SCOPED(docker_words) struct docker_words patterns = { 0 };
	const struct docker_policy policy = { docker->allow, docker->arguments };
	struct json *list = json_add_list(agent, "docker_args_filters");

	docker_policy_patterns(&policy, &patterns);
	for (size_t i = 0; i < patterns.count; i++)
		json_add_text(list, NULL, patterns.list[i]);
}

/*
 * Below the seat's home; or, as the agent's container sees it, in the one part of the host
 * mount that is on the disk (agent_room.h).
 */
static void add_mode(const struct machine *machine, unsigned seat, struct json *agent,
		     struct json *sdk)
{
	const struct ticket_docker *docker = &machine->ticket.agent.docker;
	char folder[MACHINE_PATH_ROOM + 64];

	if (machine->ticket.agent.mode != AGENT_DOCKER) {
		snprintf(folder, sizeof(folder), "%s/agent/%u/home/.clearml", machine->folder,
			 seat);
		add_caches(agent, sdk, folder);
		return;
	}
	add_caches(agent, sdk, "/root/.clearml/caches");
	json_add_text(json_add_object(agent, "default_docker"), "image", docker->image);
	if (docker->is_image_fixed)
		json_add_bool(agent, "disable_task_docker_override", true);
	add_filters(docker, agent);
}

static int add_git(const struct bundle *bundle, struct json *agent, struct error *err)
{
	if (!bundle->git_token.len)
		return 0;
	json_add_text(agent, "git_user", bundle->git_user);
	if (bundle->git_host[0])
		json_add_text(agent, "git_host", bundle->git_host);
	return add_secret(agent, "git_pass", &bundle->git_token, err);
}

static int add_ours(const struct machine *machine, unsigned seat, struct json *root,
		    struct error *err)
{
	struct json *agent = json_add_object(root, "agent");

	add_mode(machine, seat, agent, json_add_object(root, "sdk"));
	if (add_api(machine, root, err) < 0 || add_git(&machine->bundle, agent, err) < 0)
		return -1;
	struct json *environment = json_add_object(root, "environment");
	for (size_t i = 0; i < machine->bundle.environment_count; i++) {
		const struct bundle_variable *variable = &machine->bundle.environment[i];
		if (add_secret(environment, variable->name, &variable->value, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the operator's part ---- */

static int parse_extra(const struct secret *text, struct json_document *out, struct error *err)
{
	if (!text->len) {
		json_new_object(out);
		return 0;
	}
	/* The parser's words would quote what it met there: a secret, perhaps. */
	struct error parse = { 0 };
	if (json_parse_commented(secret_expose(text), out, &parse) < 0 || !is_object(out->root))
		return error_set(err, ERROR_CONFIGURATION,
				 "bundle: the extra clearml.conf is no JSON object (comments are "
				 "fine, HOCON's other forms are not): write it as JSON");
	return 0;
}

/*
 * clearml-agent writes user and token into a shell script between double
 * quotes, with only the quotes escaped (its GIT_ASKPASS): so what a shell would
 * read is refused, unless the operator turned ask-pass off (then git's own
 * arguments show the token; SECURITY.md).
 */
static int check_git(const struct json *ours, const struct json *extra, struct error *err)
{
	static const char *const paths[] = { "agent.git_user", "agent.git_pass" };

	if (!json_bool_or(extra, "agent.enable_git_ask_pass", true))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const char *text = json_text_or(extra, paths[i], json_text_or(ours, paths[i], ""));

		for (; *text; text++)
			if (*text <= ' ' || *text > '~' || strchr("$`\\\"", *text))
				return error_set(
					err, ERROR_CONFIGURATION,
					"clearml.conf: %s: holds a blank, one of $ ` \\ \", "
					"or what is not ASCII, and clearml-agent passes it "
					"through a shell script: use one without",
					paths[i]);
	}
	return 0;
}

/* 32 levels are more than any setting has, and bound the recursion. */
static bool is_too_deep(const struct json *value, unsigned levels)
{
	if (!levels)
		return true;
	for (const struct json *item = json_first(value); item; item = json_next(item))
		if (is_too_deep(item, levels - 1))
			return true;
	return false;
}

static int print_both(const struct json *ours, const struct json *extra, struct buf *out,
		      struct error *err)
{
	struct place root = { NULL, "" };

	if (is_too_deep(extra, CONF_MAX_DEPTH))
		return refuse(&root, "nested too deep", err);
	if (check_git(ours, extra, err) < 0 || print_merged(&root, ours, extra, out, err) < 0)
		return -1;
	buf_add(out, slice_of("\n"));
	return buf_finish(out, err);
}

int clearml_conf_print(const struct machine *machine, unsigned seat, struct buf *out,
		       struct error *err)
{
	struct json_document ours = { 0 }, extra = { 0 };

	json_new_object(&ours);
	int result = parse_extra(&machine->bundle.extra_conf, &extra, err);
	if (!result)
		result = add_ours(machine, seat, ours.root, err);
	if (!result)
		result = print_both(ours.root, extra.root, out, err);
	if (result < 0)
		buf_clear(out);
	json_document_wipe(&ours);
	json_document_wipe(&extra);
	return result;
}
