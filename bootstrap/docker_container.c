#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootstrap/docker_call.h"
#include "bootstrap/docker_stream.h"

enum { GPUS_SINCE_MINOR = 40, TOP_MAX = 1 << 16, STOP_MARGIN_MS = 30000 };

/* ---- making one ---- */

static void add_texts(struct json *to, const char *name, const char *const *texts)
{
	struct json *list = texts ? json_add_list(to, name) : NULL;

	for (; list && *texts; texts++)
		json_add_text(list, NULL, *texts);
}

static size_t name_len(const char *label)
{
	return strcspn(label, "=");
}

/* Is the same name in the list once more? The last one counts, as with docker's own program. */
static bool is_named_again(const char *const *labels)
{
	size_t len = name_len(labels[0]);

	for (const char *const *next = labels + 1; *next; next++)
		if (name_len(*next) == len && strncmp(*next, labels[0], len) == 0)
			return true;
	return false;
}

static void add_labels(struct json *to, const char *const *labels)
{
	struct json *object = labels ? json_add_object(to, "Labels") : NULL;

	for (; object && *labels; labels++) {
		size_t len = name_len(*labels);
		char *name = memory_text((struct slice){ *labels, len });

		if (!is_named_again(labels))
			json_add_text(object, name, (*labels)[len] ? *labels + len + 1 : "");
		free(name);
	}
}

static int add_device_ids(struct json *request, const char *gpus, struct error *err)
{
	struct json *list = json_add_list(request, "DeviceIDs");

	for (const char *at = gpus; at; at = at[strcspn(at, ",")] ? strchr(at, ',') + 1 : NULL) {
		char *id = memory_text((struct slice){ at, strcspn(at, ",") });
		bool is_blank = !id[strspn(id, " \t")];

		json_add_text(list, NULL, id);
		free(id);
		if (is_blank)
			return error_set(err, ERROR_CONFIGURATION,
					 "docker: gpus: expected \"all\" or ids such as \"0,1\", "
					 "got \"%s\"",
					 gpus);
	}
	return 0;
}

/* What docker run --gpus sends. */
static int add_gpus(const struct docker *docker, struct json *host, const char *gpus,
		    struct error *err)
{
	if (!gpus || !*gpus)
		return 0;
	if (docker->minor < GPUS_SINCE_MINOR)
		return error_set(err, ERROR_REFUSED,
				 "docker: the engine's API is %s: it would leave out the GPUs "
				 "without a word, which 1.%d or newer does not: update docker",
				 docker->version, GPUS_SINCE_MINOR);
	struct json *request = json_add_object(json_add_list(host, "DeviceRequests"), NULL);

	json_add_text(json_add_list(json_add_list(request, "Capabilities"), NULL), NULL, "gpu");
	if (strcmp(gpus, "all") != 0)
		return add_device_ids(request, gpus, err);
	json_add_integer(request, "Count", -1);
	return 0;
}

static void add_log(struct json *host, unsigned max_megabytes)
{
	char size[24];

	if (!max_megabytes)
		return;
	struct json *log = json_add_object(host, "LogConfig");

	json_add_text(log, "Type", "json-file");
	struct json *config = json_add_object(log, "Config");

	snprintf(size, sizeof(size), "%um", max_megabytes);
	json_add_text(config, "max-size", size);
	json_add_text(config, "max-file", "2");
}

static int build(const struct docker *docker, const struct docker_spec *spec, struct buf *out,
		 struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };

	json_new_object(&document);
	struct json *body = document.root, *host = json_add_object(body, "HostConfig");

	json_add_text(body, "Image", spec->image);
	add_texts(body, "Entrypoint", spec->entrypoint);
	add_texts(body, "Cmd", spec->command);
	add_texts(body, "Env", spec->environment);
	add_labels(body, spec->labels);
	add_texts(host, "Binds", spec->binds);
	if (spec->network)
		json_add_text(host, "NetworkMode", spec->network);
	if (spec->has_init)
		json_add_bool(host, "Init", true);
	add_log(host, spec->log_max_megabytes);
	if (add_gpus(docker, host, spec->gpus, err) < 0)
		return -1;
	json_print(body, false, out);
	return buf_finish(out, err) < 0 ? error_wrap(err, "docker: create %s", spec->name) : 0;
}

int docker_create(struct docker *docker, const struct docker_spec *spec,
		  char id[static DOCKER_ID_ROOM], struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf path = BUF(DOCKER_PATH_MAX), body = BUF(1 << 20);
	const char *made;

	if (docker_check_container(spec->name, err) < 0)
		return -1;
	/* What may be asked for depends on the version. */
	if (!docker->version[0] && docker_ping(docker, err) < 0)
		return -1;
	if (build(docker, spec, &body, err) < 0)
		return -1;
	buf_addf(&path, "/containers/create");
	docker_add_query(&path, "name", spec->name);
	const struct docker_ask ask = { .method = "POST",
					.path = &path,
					.doing = "create",
					.subject = spec->name,
					.body = buf_slice(&body) };

	if (docker_call_json(docker, &ask, JSON_OBJECT, &document, err) < 0)
		return -1;
	if (json_text(document.root, "Id", &made, err) < 0 ||
	    text_copy(id, DOCKER_ID_ROOM, slice_of(made), err) < 0)
		return error_wrap(err, "docker: create %s", spec->name);
	return 0;
}

/* ---- its life ---- */

/* METHOD /containers/CONTAINER/verb, where the status says all. */
static int order(struct docker *docker, const char *container, const char *verb,
		 struct docker_ask ask, struct error *err)
{
	SCOPED(buf) struct buf path = BUF(DOCKER_PATH_MAX);

	if (docker_check_container(container, err) < 0)
		return -1;
	buf_addf(&path, "/containers/%s%s", container, verb);
	if (!ask.method)
		ask.method = "POST";
	ask.path = &path;
	ask.subject = container;
	return docker_tell(docker, &ask, err);
}

/* GET /containers/CONTAINER/what */
static int ask_json(struct docker *docker, const char *container, const char *what,
		    struct json_document *out, struct error *err)
{
	SCOPED(buf) struct buf path = BUF(DOCKER_PATH_MAX);
	const struct docker_ask ask = {
		.method = "GET", .path = &path, .doing = "look at", .subject = container
	};

	if (docker_check_container(container, err) < 0)
		return -1;
	buf_addf(&path, "/containers/%s%s", container, what);
	return docker_call_json(docker, &ask, JSON_OBJECT, out, err);
}

int docker_start(struct docker *docker, const char *container, struct error *err)
{
	return order(docker, container, "/start",
		     (struct docker_ask){ .doing = "start", .timeout_ms = DOCKER_SLOW_MS }, err);
}

static int read_exit(const struct json *from, int *exit_code, struct error *err)
{
	char words[200];
	int64_t code;

	docker_message_copy(words, sizeof(words),
			    slice_of(json_text_or(from, "Error.Message", "")));
	if (words[0])
		return error_set(err, ERROR_REFUSED, "%s", words);
	if (json_integer(from, "StatusCode", &code, err) < 0)
		return -1;
	if (code < INT32_MIN || code > UINT32_MAX)
		return error_set(err, ERROR_MALFORMED, "StatusCode: %lld is no exit code",
				 (long long)code);
	*exit_code = (int)code;
	return 0;
}

int docker_wait(struct docker *docker, const char *container, int64_t timeout_ms, int *exit_code,
		struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf path = BUF(DOCKER_PATH_MAX);
	const struct docker_ask ask = { .method = "POST",
					.path = &path,
					.doing = "wait for",
					.subject = container,
					.timeout_ms = timeout_ms > 0 ? timeout_ms : 1 };

	if (docker_check_container(container, err) < 0)
		return -1;
	buf_addf(&path, "/containers/%s/wait", container);
	if (docker_call_json(docker, &ask, JSON_OBJECT, &document, err) < 0)
		return -1;
	if (read_exit(document.root, exit_code, err) < 0)
		return error_wrap(err, "docker: wait for %s", container);
	return 0;
}

int docker_stop(struct docker *docker, const char *container, unsigned grace_s, struct error *err)
{
	char verb[32];

	snprintf(verb, sizeof(verb), "/stop?t=%u", grace_s);
	return order(docker, container, verb,
		     (struct docker_ask){ .doing = "stop",
					  .timeout_ms = grace_s * 1000LL + STOP_MARGIN_MS },
		     err);
}

int docker_kill(struct docker *docker, const char *container, const char *signal_name,
		struct error *err)
{
	SCOPED(buf) struct buf verb = BUF(256);

	buf_addf(&verb, "/kill");
	docker_add_query(&verb, "signal", signal_name);
	return order(docker, container, buf_text(&verb), (struct docker_ask){ .doing = "kill" },
		     err);
}

int docker_pause(struct docker *docker, const char *container, struct error *err)
{
	return order(docker, container, "/pause", (struct docker_ask){ .doing = "pause" }, err);
}

int docker_unpause(struct docker *docker, const char *container, struct error *err)
{
	return order(docker, container, "/unpause", (struct docker_ask){ .doing = "unpause" }, err);
}

/* ---- its end ---- */

int docker_remove_ended(struct docker *docker, const char *container, struct error *err)
{
	return order(docker, container, "?v=1",
		     (struct docker_ask){
			     .method = "DELETE", .doing = "remove", .timeout_ms = DOCKER_SLOW_MS },
		     err);
}

int docker_remove(struct docker *docker, const char *container, struct error *err)
{
	struct docker_ask ask = { .method = "DELETE",
				  .doing = "remove",
				  .timeout_ms = DOCKER_SLOW_MS };
	int result = order(docker, container, "?force=1&v=1", ask, err);

	/* Somebody removes it already: gone is what was asked for, so that is waited for. */
	if (result < 0 && err->class == ERROR_CONFLICT) {
		ask.method = "POST";
		result = order(docker, container, "/wait?condition=removed", ask, err);
	}
	return result < 0 && err->class == ERROR_NOT_FOUND ? 0 : result;
}

/* ---- looking ---- */

static int copy_text(const struct json *from, const char *path, char *field, size_t room,
		     struct error *err)
{
	const char *text;

	if (json_text(from, path, &text, err) < 0)
		return -1;
	return text_copy(field, room, slice_of(text), err) < 0 ? error_wrap(err, "%s", path) : 0;
}

/* Names begin with a slash; with a second one they are another container's links. */
static int copy_name(const char *name, char field[static DOCKER_NAME_ROOM], struct error *err)
{
	return text_copy(field, DOCKER_NAME_ROOM, slice_of(name + (*name == '/')), err);
}

static bool is_state_of_life(const char *state)
{
	return strcmp(state, "running") == 0 || strcmp(state, "paused") == 0 ||
	       strcmp(state, "restarting") == 0;
}

static int read_inspected(const struct json *from, struct docker_container *out, struct error *err)
{
	int64_t exit_code, pid;
	const char *name;

	if (copy_text(from, "Id", out->id, sizeof(out->id), err) < 0 ||
	    json_text(from, "Name", &name, err) < 0 || copy_name(name, out->name, err) < 0 ||
	    copy_text(from, "Config.Image", out->image, sizeof(out->image), err) < 0 ||
	    copy_text(from, "State.Status", out->state, sizeof(out->state), err) < 0 ||
	    json_integer(from, "State.ExitCode", &exit_code, err) < 0 ||
	    json_integer(from, "State.Pid", &pid, err) < 0)
		return -1;
	if (exit_code < INT32_MIN || exit_code > UINT32_MAX || pid < 0 || pid > INT32_MAX)
		return error_set(err, ERROR_MALFORMED, "State: its numbers are out of range");
	out->is_running = is_state_of_life(out->state);
	out->is_out_of_memory = json_bool_or(from, "State.OOMKilled", false);
	out->exit_code = (int)exit_code;
	out->pid = (int)pid;
	return 0;
}

int docker_inspect(struct docker *docker, const char *container, struct docker_container *out,
		   struct error *err)
{
	struct docker_container found = { 0 };

	if (ask_json(docker, container, "/json", &found.all, err) < 0)
		return -1;
	if (read_inspected(found.all.root, &found, err) < 0) {
		docker_container_release(&found);
		return error_wrap(err, "docker: look at %s", container);
	}
	*out = found;
	return 0;
}

void docker_container_release(struct docker_container *container)
{
	json_document_release(&container->all);
	*container = (struct docker_container){ 0 };
}

static int read_listed(const struct json *from, struct docker_container *out, struct error *err)
{
	const struct json *names = json_find(from, "Names");

	for (const struct json *item = json_first(names); item; item = json_next(item)) {
		const char *name = json_text_value(item);

		if (name && !strchr(name + (*name == '/'), '/') &&
		    copy_name(name, out->name, err) < 0)
			return -1;
	}
	if (copy_text(from, "Id", out->id, sizeof(out->id), err) < 0 ||
	    copy_text(from, "Image", out->image, sizeof(out->image), err) < 0 ||
	    copy_text(from, "State", out->state, sizeof(out->state), err) < 0)
		return -1;
	out->is_running = is_state_of_life(out->state);
	return 0;
}

static int read_list(const struct json *from, struct docker_containers *out, struct error *err)
{
	size_t room = json_count(from);

	out->list = memory_array(room ? room : 1, sizeof(*out->list));
	for (const struct json *item = json_first(from); item; item = json_next(item))
		if (read_listed(item, &out->list[out->count++], err) < 0)
			return error_wrap(err, "docker: list the containers: [%zu]",
					  out->count - 1);
	return 0;
}

int docker_list(struct docker *docker, const char *const *labels, struct docker_containers *out,
		struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf path = BUF(DOCKER_PATH_MAX);
	const struct docker_filter filter = { "label", labels };
	const struct docker_ask ask = {
		.method = "GET", .path = &path, .doing = "list the containers", .subject = ""
	};
	struct docker_containers found = { 0 };

	buf_addf(&path, "/containers/json?all=1");
	docker_add_filters(&path, &filter, 1);
	if (docker_call_json(docker, &ask, JSON_LIST, &document, err) < 0)
		return -1;
	if (read_list(document.root, &found, err) < 0) {
		docker_containers_release(&found);
		return -1;
	}
	*out = found;
	return 0;
}

void docker_containers_release(struct docker_containers *containers)
{
	for (size_t i = 0; i < containers->count; i++)
		docker_container_release(&containers->list[i]);
	free(containers->list);
	*containers = (struct docker_containers){ 0 };
}

/* ---- its output ---- */

/* As much of the end as there is room for, from the start of a line. */
static void add_end(struct slice text, struct buf *out)
{
	size_t room = out->limit - out->len;

	if (text.len > room) {
		struct slice end = { text.ptr + text.len - room, room };
		const char *line = room ? memchr(end.ptr, '\n', end.len) : NULL;
		size_t skip = line ? (size_t)(line - end.ptr) + 1 : 0;

		text = (struct slice){ end.ptr + skip, end.len - skip };
	}
	buf_add(out, text);
}

static int read_output(struct docker *docker, const char *container, unsigned last_lines,
		       struct http_answer *answer, struct error *err)
{
	SCOPED(buf) struct buf path = BUF(DOCKER_PATH_MAX);
	const struct docker_ask ask = {
		.method = "GET", .path = &path, .doing = "read the output of", .subject = container
	};

	buf_addf(&path, "/containers/%s/logs?stdout=1&stderr=1&tail=%u", container,
		 last_lines < DOCKER_TAIL_MAX ? last_lines : DOCKER_TAIL_MAX);
	return docker_call(docker, &ask, answer, err);
}

int docker_logs(struct docker *docker, const char *container, unsigned last_lines, struct buf *out,
		struct error *err)
{
	SCOPED(json_document) struct json_document about = { 0 };
	SCOPED(http_answer) struct http_answer answer = { 0 };
	SCOPED(buf) struct buf text = BUF(SIZE_MAX);
	struct docker_frames frames = { 0 };

	/* Only newer engines say in the answer whether it is in frames. */
	if (ask_json(docker, container, "/json", &about, err) < 0 ||
	    read_output(docker, container, last_lines, &answer, err) < 0)
		return -1;
	if (json_bool_or(about.root, "Config.Tty", false)) {
		add_end(buf_slice(&answer.body), out);
		return 0;
	}
	if (docker_frames_take(&frames, buf_slice(&answer.body), &text, err) < 0)
		return error_wrap(err, "docker: read the output of %s", container);
	if (!docker_frames_is_between(&frames))
		return error_set(err, ERROR_MALFORMED,
				 "docker: read the output of %s: it is cut short", container);
	add_end(buf_slice(&text), out);
	return 0;
}

/* ---- its processes ---- */

static int find_column(const struct json *titles, size_t *place)
{
	*place = 0;
	for (const struct json *title = json_first(titles); title; title = json_next(title)) {
		const char *text = json_text_value(title);

		if (text && strcmp(text, "PID") == 0)
			return 0;
		++*place;
	}
	return -1;
}

static int read_pid(const struct json *row, size_t place, int *pid)
{
	const struct json *cell = json_first(row);

	for (size_t i = 0; i < place; i++)
		cell = json_next(cell);
	const char *text = json_text_value(cell);

	if (!text || !*text || strlen(text) > 9 || text[strspn(text, "0123456789")])
		return -1;
	*pid = (int)strtol(text, NULL, 10);
	return *pid > 0 ? 0 : -1;
}

static int read_top(const struct json *from, int *pids, size_t *count, struct error *err)
{
	size_t place;

	if (find_column(json_find(from, "Titles"), &place) < 0)
		return error_set(err, ERROR_MALFORMED, "there is no column PID");
	for (const struct json *row = json_first(json_find(from, "Processes")); row;
	     row = json_next(row))
		if (read_pid(row, place, &pids[(*count)++]) < 0)
			return error_set(err, ERROR_MALFORMED,
					 "Processes: one has no number as its PID");
	return 0;
}

int docker_top(struct docker *docker, const char *container, int **pids, size_t *count,
	       struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	size_t found = 0;

	if (ask_json(docker, container, "/top?ps_args=-eo%20pid", &document, err) < 0)
		return -1;
	size_t room = json_count(json_find(document.root, "Processes"));
	int *list = memory_array(room ? room : 1, sizeof(*list));

	if (read_top(document.root, list, &found, err) < 0) {
		free(list);
		return error_wrap(err, "docker: the processes of %s", container);
	}
	*pids = list;
	*count = found;
	return 0;
}
