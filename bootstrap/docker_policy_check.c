#include <string.h>
#include <strings.h>

#include "bootstrap/docker_policy.h"

enum { SHOWN_LEN = 120 };

static int beyond(struct error *err, const char *what, const char *which, const char *option)
{
	return error_set(err, ERROR_REFUSED,
			 "the task's container %s%s%.*s: docker run %s is not allowed to tasks",
			 what, which[0] ? " " : "", SHOWN_LEN, which, option);
}

/* The engine leaves out what is not asked for, or writes null, 0, "", [] or {}. */
static bool is_set(const struct json *value)
{
	if (!value)
		return false;
	switch (json_kind(value)) {
	case JSON_NULL:
		return false;
	case JSON_BOOL:
		return json_bool_value(value);
	case JSON_NUMBER:
		return json_number_value(value) < 0 || json_number_value(value) > 0;
	case JSON_TEXT:
		return json_text_value(value)[0];
	default:
		return json_count(value) > 0;
	}
}

static const char *text_of(const struct json *value)
{
	const char *text = json_text_value(value);

	return text ? text : "";
}

static bool is_one_of(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(*list, text))
			return true;
	return false;
}

/* By the policy, or because the operator's own arguments have it. */
static bool may_have(const struct docker_rules *rules, const char *option)
{
	return docker_policy_allows(&rules->policy, option) ||
	       docker_policy_value(&rules->policy, option, 0);
}

/* ---- what is on or off, or has few harmless values ---- */

static int check_settings(const struct json *host, const struct docker_rules *rules,
			  struct error *err)
{
	static const struct {
		const char *path, *option, *what;
		const char *harmless[5]; /* values; also what is not set */
	} settings[] = {
		{ "Privileged", "--privileged", "is privileged", { NULL } },
		{ "PidMode", "--pid", "has a process namespace that is not its own:", { NULL } },
		{ "IpcMode",
		  "--ipc",
		  "has an IPC namespace that is not its own:",
		  { "private", "shareable", "none" } },
		{ "UTSMode", "--uts", "has a hostname that is not its own:", { NULL } },
		{ "UsernsMode", "--userns", "has a user namespace that is not its own:", { NULL } },
		{ "CgroupParent", "--cgroup-parent", "is in the control group", { NULL } },
		{ "VolumesFrom", "--volumes-from", "has another container's volumes", { NULL } },
		{ "VolumeDriver", "--volume-driver", "has a volume driver:", { "local" } },
		{ "Links", "--link", "is linked to another container", { NULL } },
		{ "Sysctls", "--sysctl", "sets kernel parameters", { NULL } },
		{ "DeviceCgroupRules", "--device-cgroup-rule", "has device rules", { NULL } },
		{ "PortBindings", "--publish", "publishes ports", { NULL } },
		{ "PublishAllPorts", "--publish-all", "publishes ports", { NULL } },
		{ "StorageOpt", "--storage-opt", "has storage options", { NULL } },
		{ "OomKillDisable",
		  "--oom-kill-disable",
		  "cannot be ended for its memory",
		  { NULL } },
		{ "CpuRealtimePeriod", "--cpu-rt-period", "has real-time periods", { NULL } },
		{ "CpuRealtimeRuntime", "--cpu-rt-runtime", "has real-time slices", { NULL } },
		{ "RestartPolicy.Name", "--restart", "starts again by itself:", { "no" } },
		{ "Isolation", "--isolation", "is isolated otherwise:", { "default" } },
	};

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const struct json *value = json_find(host, settings[i].path);

		if (is_set(value) && !is_one_of(text_of(value), settings[i].harmless) &&
		    !may_have(rules, settings[i].option))
			return beyond(err, settings[i].what, text_of(value), settings[i].option);
	}
	return 0;
}

static int check_numbers(const struct json *host, const struct docker_rules *rules,
			 struct error *err)
{
	const char *runtime = text_of(json_find(host, "Runtime"));
	const char *usual = rules->runtime ? rules->runtime : "runc";
	const char *cgroups = text_of(json_find(host, "CgroupnsMode"));

	if (json_integer_or(host, "OomScoreAdj", 0) < 0 && !may_have(rules, "--oom-score-adj=-1"))
		return beyond(err, "outlives others when memory is short", "",
			      "--oom-score-adj below 0");
	if (runtime[0] && strcmp(runtime, usual) != 0 && !may_have(rules, "--runtime"))
		return beyond(err, "has the runtime", runtime, "--runtime");
	if (rules->has_private_cgroups && !strcmp(cgroups, "host") &&
	    !may_have(rules, "--cgroupns"))
		return beyond(err, "sees the host's control groups", "", "--cgroupns");
	return 0;
}

/* ---- lists, of which the operator's own items are within the rules ---- */

static bool is_capability(const char *a, const char *b)
{
	a += strncasecmp(a, "CAP_", 4) ? 0 : 4;
	b += strncasecmp(b, "CAP_", 4) ? 0 : 4;
	return !strcasecmp(a, b);
}

/* docker reads a seccomp profile's file, and gives the engine what stands in it. */
static bool is_security_option(const char *wanted, const char *found)
{
	return !strcmp(wanted, found) ||
	       (!strncmp(wanted, "seccomp=", 8) && !strncmp(found, "seccomp=", 8));
}

/* "/dev/kvm:/dev/kvm:rwm" */
static bool is_device(const char *wanted, const char *found)
{
	size_t len = strcspn(wanted, ":");

	return strlen(found) == len && !strncmp(wanted, found, len);
}

static bool is_same(const char *wanted, const char *found)
{
	return !strcmp(wanted, found);
}

static bool has_operator_value(const struct docker_rules *rules, const char *option,
			       const char *found, bool (*is_it)(const char *, const char *))
{
	const char *wanted = docker_policy_value(&rules->policy, option, 0);

	for (size_t n = 1; wanted; n++) {
		if (is_it(wanted, found))
			return true;
		wanted = docker_policy_value(&rules->policy, option, n);
	}
	return false;
}

static int check_capabilities(const struct json *host, const struct docker_rules *rules,
			      struct error *err)
{
	const struct json *list = json_find(host, "CapAdd");

	if (docker_policy_allows(&rules->policy, "--cap-add"))
		return 0;
	for (const struct json *item = json_first(list); item; item = json_next(item))
		if (!has_operator_value(rules, "--cap-add", text_of(item), is_capability))
			return beyond(err, "has the capability", text_of(item), "--cap-add");
	return 0;
}

/* The engine itself adds label=disable where a namespace is the host's, which was judged already.
 */
static bool is_usual_security(const struct json *host, const char *option)
{
	if (!strcmp(option, "label=disable"))
		return !strcmp(text_of(json_find(host, "IpcMode")), "host") ||
		       !strcmp(text_of(json_find(host, "PidMode")), "host");
	return !strncmp(option, "no-new-privileges", strlen("no-new-privileges"));
}

static int check_security(const struct json *host, const struct docker_rules *rules,
			  struct error *err)
{
	static const char *const emptied[] = { "MaskedPaths", "ReadonlyPaths" };
	const struct json *list = json_find(host, "SecurityOpt");
	bool is_privileged = is_set(json_find(host, "Privileged")); /* judged already */

	if (docker_policy_allows(&rules->policy, "--security-opt") || is_privileged)
		return 0;
	for (const struct json *item = json_first(list); item; item = json_next(item))
		if (!is_usual_security(host, text_of(item)) &&
		    !has_operator_value(rules, "--security-opt", text_of(item), is_security_option))
			return beyond(err, "has the security option", text_of(item),
				      "--security-opt");
	for (size_t i = 0; i < ARRAY_LEN(emptied); i++) {
		const struct json *paths = json_find(host, emptied[i]);

		if (paths && !json_count(paths) &&
		    !has_operator_value(rules, "--security-opt", "systempaths=unconfined", is_same))
			return beyond(err, "sees all of /proc and /sys", "",
				      "--security-opt systempaths");
	}
	return 0;
}

static int check_devices(const struct json *host, const struct docker_rules *rules,
			 struct error *err)
{
	const struct json *list = json_find(host, "Devices");

	if (docker_policy_allows(&rules->policy, "--device"))
		return 0;
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		const char *path = json_text_or(item, "PathOnHost", "");

		if (!has_operator_value(rules, "--device", path, is_device))
			return beyond(err, "has the device", path, "--device");
	}
	return 0;
}

/* ---- the seat's GPUs ---- */

/* Is it in "0,1"? */
static bool is_listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (; *list; list += strcspn(list, ","), list += *list == ',')
		if (len && strcspn(list, ",") == len && !strncmp(list, word, len))
			return true;
	return false;
}

static bool is_gpu_request(const struct json *request)
{
	const char *driver = json_text_or(request, "Driver", "");
	const struct json *either = json_find(request, "Capabilities");

	if (driver[0] && strcmp(driver, "nvidia") != 0)
		return false;
	for (const struct json *all = json_first(either); all; all = json_next(all)) {
		const struct json *word = json_first(all);

		while (word && strcmp(text_of(word), "gpu") != 0)
			word = json_next(word);
		if (!word)
			return false;
	}
	return json_count(either) > 0;
}

static bool is_ours(const struct json *request, const char *gpus)
{
	const struct json *ids = json_find(request, "DeviceIDs");

	if (!gpus || !gpus[0] || !is_gpu_request(request))
		return false;
	if (!strcmp(gpus, "all"))
		return true;
	if (json_integer_or(request, "Count", 0) != 0 || !json_count(ids))
		return false;
	for (const struct json *id = json_first(ids); id; id = json_next(id))
		if (!is_listed(gpus, text_of(id)))
			return false;
	return true;
}

static int check_gpus(const struct json *host, const struct docker_rules *rules, struct error *err)
{
	const struct json *list = json_find(host, "DeviceRequests");

	if (may_have(rules, "--gpus"))
		return 0;
	for (const struct json *item = json_first(list); item; item = json_next(item))
		if (!is_ours(item, rules->gpus))
			return beyond(err, "has GPUs or devices that are not its seat's", "",
				      "--gpus");
	return 0;
}

/* ---- what is mounted ---- */

/* path is below folder, and does not climb out of it. */
static bool is_below(const char *path, const char *folder)
{
	size_t len = folder ? strlen(folder) : 0;

	while (len && folder[len - 1] == '/')
		len--;
	if (!len || strncmp(path, folder, len) != 0 || (path[len] && path[len] != '/'))
		return false;
	for (const char *step = path; step; step = strchr(step + 1, '/'))
		if (!strncmp(step, "/..", 3) && (!step[3] || step[3] == '/'))
			return false;
	return true;
}

/* Up to the first of ends, without slashes at its end. */
static struct slice path_of(const char *text, const char *ends)
{
	size_t len = strcspn(text, ends);

	while (len && text[len - 1] == '/')
		len--;
	return (struct slice){ text, len };
}

/* Of "/data/:/data:ro" and of "type=bind,source=/data,target=/data". */
static bool is_source(const char *wanted, const char *found)
{
	const char *source = strstr(wanted, "source=");
	const char *src = strstr(wanted, "src=");
	struct slice path = path_of(found, "");

	if (source)
		wanted = source + strlen("source=");
	else if (src)
		wanted = src + strlen("src=");
	struct slice other = path_of(wanted, ":,");

	return path.len == other.len && !strncmp(path.ptr, other.ptr, path.len);
}

static bool is_operators_source(const struct docker_rules *rules, const char *source)
{
	return has_operator_value(rules, "--volume", source, is_source) ||
	       has_operator_value(rules, "--mount", source, is_source);
}

static int check_bind(const char *bind, const struct docker_rules *rules, struct error *err)
{
	char source[4096];
	size_t len = strcspn(bind, ":");

	text_cut(source, sizeof(source), bind);
	if (len < sizeof(source))
		source[len] = '\0';
	if (is_below(source, rules->folder) || has_operator_value(rules, "--volume", bind, is_same))
		return 0;
	return beyond(err, "mounts", source, "--volume");
}

/* host.Mounts is what was asked for, the list beside HostConfig what came of all of it. There a
 * volume may be the image's own, which every container gets anew. */
static int check_mount(const struct json *mount, bool is_asked_for,
		       const struct docker_rules *rules, struct error *err)
{
	const char *type = json_text_or(mount, "Type", "");
	const char *source = json_text_or(mount, "Source", "");

	if (!strcmp(type, "tmpfs") || (!strcmp(type, "volume") && !is_asked_for))
		return 0;
	if ((!strcmp(type, "bind") && is_below(source, rules->folder)) ||
	    is_operators_source(rules, source))
		return 0;
	return beyond(err, "mounts", source[0] ? source : type,
		      is_asked_for ? "--mount" : "--volume");
}

static int check_mounts(const struct json *inspect, const struct json *host,
			const struct docker_rules *rules, struct error *err)
{
	const struct json *item = json_first(json_find(host, "Binds"));

	if (docker_policy_allows(&rules->policy, "--volume") ||
	    docker_policy_allows(&rules->policy, "--mount"))
		return 0;
	for (; item; item = json_next(item))
		if (check_bind(text_of(item), rules, err) < 0)
			return -1;
	for (item = json_first(json_find(host, "Mounts")); item; item = json_next(item))
		if (check_mount(item, true, rules, err) < 0)
			return -1;
	for (item = json_first(json_find(inspect, "Mounts")); item; item = json_next(item))
		if (check_mount(item, false, rules, err) < 0)
			return -1;
	return 0;
}

/* ---- networks and labels ---- */

static bool may_join(const struct docker_rules *rules, const char *network)
{
	const char *ours = rules->network ? rules->network : "bridge";

	return !strcmp(network, ours) || (!strcmp(network, "default") && !strcmp(ours, "bridge")) ||
	       has_operator_value(rules, "--network", network, is_same) ||
	       has_operator_value(rules, "--net", network, is_same);
}

static int check_networks(const struct json *inspect, const struct json *host,
			  const struct docker_rules *rules, struct error *err)
{
	const char *mode = text_of(json_find(host, "NetworkMode"));
	const struct json *joined = json_first(json_find(inspect, "NetworkSettings.Networks"));

	if (docker_policy_allows(&rules->policy, "--network") ||
	    docker_policy_allows(&rules->policy, "--net"))
		return 0;
	if (!may_join(rules, mode[0] ? mode : "default"))
		return beyond(err, "is in the network", mode, "--network");
	for (; joined; joined = json_next(joined))
		if (!may_join(rules, json_name(joined)))
			return beyond(err, "is in the network", json_name(joined), "--network");
	return 0;
}

static int check_labels(const struct json *inspect, const struct docker_rules *rules,
			struct error *err)
{
	const struct json *labels = json_find(inspect, "Config.Labels");

	for (const char *const *label = rules->labels; label && *label; label++) {
		size_t len = strcspn(*label, "=");
		const struct json *item = json_first(labels);

		while (item && (strlen(json_name(item)) != len ||
				strncmp(json_name(item), *label, len) != 0))
			item = json_next(item);
		if (!item || strcmp(text_of(item), *label + len + ((*label)[len] == '=')) != 0)
			return error_set(err, ERROR_REFUSED,
					 "the task's container lacks the label %s, by which its "
					 "machine finds it",
					 *label);
	}
	return 0;
}

/* Another one would come from a word of the task's that docker took for it. */
static int check_image(const struct json *config, const struct docker_rules *rules,
		       struct error *err)
{
	const char *image = text_of(json_find(config, "Image"));

	if (!rules->image || !strcmp(rules->image, image))
		return 0;
	return error_set(err, ERROR_REFUSED, "the task's container runs the image %.*s, not %.*s",
			 SHOWN_LEN, image, SHOWN_LEN, rules->image);
}

/* By it its processes are found where the engine cannot tell. */
static int check_mark(const struct json *config, const struct docker_rules *rules,
		      struct error *err)
{
	const struct json *list = json_find(config, "Env");
	size_t len = rules->mark ? strcspn(rules->mark, "=") + 1 : 0;
	bool is_there = !len;

	for (const struct json *item = json_first(list); len && item; item = json_next(item)) {
		if (strncmp(text_of(item), rules->mark, len) != 0)
			continue;
		is_there = !strcmp(text_of(item), rules->mark);
		if (!is_there)
			break;
	}
	if (is_there)
		return 0;
	return error_set(err, ERROR_REFUSED,
			 "the task's container has another %.*s than its machine gave it",
			 (int)len - 1, rules->mark);
}

int docker_policy_check(const struct json *inspect, const struct docker_rules *rules,
			struct error *err)
{
	const struct json *host, *config;

	if (json_object(inspect, "HostConfig", &host, err) < 0 ||
	    json_object(inspect, "Config", &config, err) < 0)
		return error_wrap(err, "the engine's answer about a container");
	if (check_labels(inspect, rules, err) < 0 || check_image(config, rules, err) < 0 ||
	    check_mark(config, rules, err) < 0 || check_settings(host, rules, err) < 0 ||
	    check_numbers(host, rules, err) < 0 || check_capabilities(host, rules, err) < 0 ||
	    check_security(host, rules, err) < 0 || check_devices(host, rules, err) < 0 ||
	    check_gpus(host, rules, err) < 0)
		return -1;
	if (check_mounts(inspect, host, rules, err) < 0)
		return -1;
	return check_networks(inspect, host, rules, err);
}
