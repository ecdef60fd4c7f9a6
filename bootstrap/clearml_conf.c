#include "bootstrap/clearml_conf.h"

#include <stdio.h>
#include <string.h>

#include "bootstrap/clearml_conf_part.h"
#include "bootstrap/docker_policy.h"
#include "common/hocon.h"
#include "common/hocon_print.h"

/* (json_add_text() replaces what is no UTF-8; that is not ASCII either, and refused when printed.)
 */
int clearml_conf_add_secret(struct json *object, const char *name, const struct secret *secret,
			    struct error *err)
{
	const char *text = secret_text(secret);

	if (strlen(text) != secret->len)
		return error_set(err, ERROR_CONFIGURATION, "%s: holds a NUL", name);
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
	return clearml_conf_add_secret(credentials, "secret_key", &machine->bundle.secret_key, err);
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

/* The first login: clearml-agent knows one. Further ones are in a file (clearml_conf_files.c). */
static int add_git(const struct bundle *bundle, struct json *agent, struct error *err)
{
	const struct bundle_git *first = bundle->git;

	if (!bundle->git_count)
		return 0;
	json_add_text(agent, "git_user", first->user);
	if (first->host[0])
		json_add_text(agent, "git_host", first->host);
	return clearml_conf_add_secret(agent, "git_pass", &first->token, err);
}

/*
 * clearml-agent prints its configuration to the task's console, without what has
 * these words in its name. Its own list has all but the last. What the operator
 * adds may hold a secret by any name: then nothing at all is shown.
 */
static void add_hidden_names(const struct bundle *bundle, struct json *agent)
{
	static const char *const all[] = { "^" };
	static const char *const words[] = { "^sanitize_config_printout$",
					     "secret",
					     "pass",
					     "token",
					     "account_key",
					     "contents",
					     "credentials_json" };
	bool hides_all = bundle->extra_conf.len;

	if (!bundle->gcs_count && !hides_all)
		return;
	struct json *list =
		json_add_list(json_add_object(agent, "sanitize_config_printout"), "hide_secrets");
	for (size_t i = 0; i < (hides_all ? ARRAY_LEN(all) : ARRAY_LEN(words)); i++)
		json_add_text(list, NULL, hides_all ? all[i] : words[i]);
}

static int add_environment(const struct bundle *bundle, struct json *root, struct error *err)
{
	struct json *environment = json_add_object(root, "environment");

	for (size_t i = 0; i < bundle->environment_count; i++) {
		const struct bundle_variable *variable = &bundle->environment[i];

		if (clearml_conf_add_secret(environment, variable->name, &variable->value, err) < 0)
			return -1;
	}
	return 0;
}

static int add_ours(const struct machine *machine, unsigned seat, struct json *root,
		    struct error *err)
{
	const struct bundle *bundle = &machine->bundle;
	struct json *agent = json_add_object(root, "agent");
	struct json *sdk = json_add_object(root, "sdk");

	add_mode(machine, seat, agent, sdk);
	add_hidden_names(bundle, agent);
	if (add_api(machine, root, err) < 0 || add_git(bundle, agent, err) < 0 ||
	    clearml_conf_add_storage(bundle, sdk, err) < 0 ||
	    add_environment(bundle, root, err) < 0)
		return -1;
	return clearml_conf_add_files(bundle, root, err);
}

/* ---- the operator's part ---- */

/* JSON is merged here, member by member; HOCON follows our part, and its own rules merge it. */
struct extra {
	struct json_document json; /* without members where there is none */
	struct slice hocon; /* borrowed from the bundle; len 0: none */
};

static int parse_extra(const struct secret *text, struct extra *out, struct error *err)
{
	struct error parse = { 0 }; /* not told: it would quote what it met */
	struct slice members = { NULL, 0 };

	if (text->len && json_parse_commented(secret_expose(text), &out->json, &parse) == 0 &&
	    json_kind(out->json.root) == JSON_OBJECT)
		return 0;
	if (text->len && hocon_check(secret_expose(text), &members, err) < 0)
		return error_wrap(err, "in extra_conf");
	json_document_wipe(&out->json);
	json_new_object(&out->json);
	out->hocon = members;
	return 0;
}

/*
 * clearml-agent writes user and token into a shell script between double
 * quotes, with only the quotes escaped (its GIT_ASKPASS): so what a shell would
 * read is refused of those that extra_conf brings, unless the operator turned ask-pass off (then
 * git's own arguments show the token; SECURITY.md). The bundle's were looked at when it was read.
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
					"%s: holds a blank, one of $ ` \\ \", or what is not "
					"ASCII, and clearml-agent passes it through a shell "
					"script: use one without",
					paths[i]);
	}
	return 0;
}

static int print_both(const struct json *ours, const struct extra *extra, struct buf *out,
		      struct error *err)
{
	bool is_hocon = extra->hocon.len > 0;

	if ((!is_hocon && check_git(ours, extra->json.root, err) < 0) ||
	    hocon_print(ours, extra->json.root, is_hocon, out, err) < 0)
		return -1;
	buf_add(out, slice_of("\n"));
	if (is_hocon) {
		buf_add(out, extra->hocon);
		/* Two line ends, as its parser takes "10 s" for a time at the end of the whole
		 * only, and a time is what it cannot hand to a task. */
		buf_add(out, slice_of("\n\n"));
	}
	return buf_finish(out, err);
}

int clearml_conf_print(const struct machine *machine, unsigned seat, struct buf *out,
		       struct error *err)
{
	struct json_document ours = { 0 };
	struct extra extra = { 0 };

	json_new_object(&ours);
	int result = parse_extra(&machine->bundle.extra_conf, &extra, err);
	if (!result)
		result = add_ours(machine, seat, ours.root, err);
	if (!result)
		result = print_both(ours.root, &extra, out, err);
	if (result < 0) {
		buf_clear(out);
		result = error_wrap(err, "clearml.conf");
	}
	json_document_wipe(&ours);
	json_document_wipe(&extra.json);
	return result;
}
