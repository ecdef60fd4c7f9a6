#include "bootstrap/docker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "bootstrap/docker_call.h"

enum { OUR_MINOR = 47, OLDEST_MINOR = 24, WORDS_ROOM = 300 };

#define BASE "http://localhost" /* a Host header must be there; the socket is the address */

/* ---- opening ---- */

int docker_open(const char *socket, struct docker **out, struct error *err)
{
	const size_t room = sizeof(((struct sockaddr_un *)NULL)->sun_path);
	struct http *http;

	if (socket[0] != '/' || strlen(socket) >= room)
		return error_set(err, ERROR_CONFIGURATION,
				 "docker's socket: expected an absolute path of up to %zu bytes, "
				 "such as /var/run/docker.sock, got \"%s\"",
				 room - 1, socket);
	if (http_open("mayfly-bootstrap/" MAYFLY_VERSION, &http, err) < 0)
		return -1;
	struct docker *docker = memory_array(1, sizeof(*docker));

	docker->http = http;
	docker->socket = memory_text(slice_of(socket));
	*out = docker;
	return 0;
}

void docker_close(struct docker *docker)
{
	if (!docker)
		return;
	http_close(docker->http);
	free(docker->socket);
	free(docker);
}

const char *docker_api_version(const struct docker *docker)
{
	return docker->version;
}

/* ---- one call ---- */

/* libcurl only says that it could not connect; why is seen at the socket. */
static int explain(const struct docker *docker, struct error *err)
{
	if (err->class != ERROR_UNREACHABLE ||
	    faccessat(AT_FDCWD, docker->socket, R_OK | W_OK, AT_EACCESS) == 0)
		return -1;
	if (errno == ENOENT)
		return error_set(err, ERROR_UNREACHABLE,
				 "there is no socket %s: is docker installed, and does it run?",
				 docker->socket);
	if (errno == EACCES)
		return error_set(err, ERROR_DENIED,
				 "we may not use the socket %s: run as root, or add the user to "
				 "its group (docker)",
				 docker->socket);
	return -1;
}

static void set_request(const struct docker *docker, const struct docker_ask *ask,
			struct http_request *request)
{
	*request = (struct http_request){ .method = ask->method,
					  .headers = ask->headers,
					  .body = ask->body,
					  .unix_socket = docker->socket,
					  .timeout_ms = ask->timeout_ms > 0 ? ask->timeout_ms :
									      DOCKER_TIMEOUT_MS,
					  .max_attempts = 1 };
}

static int refused(const struct http_answer *answer, struct error *err)
{
	char words[WORDS_ROOM];

	docker_message_read(buf_slice(&answer->body), words, sizeof(words));
	return error_set(err, docker_status_class(answer->status), "%s (status %ld)", words,
			 answer->status);
}

static int exchange(struct docker *docker, const struct docker_ask *ask, const struct buf *url,
		    struct http_answer *answer, struct error *err)
{
	struct http_request request;

	set_request(docker, ask, &request);
	request.url = buf_text(url);
	if (http_exchange(docker->http, &request, answer, err) < 0) {
		/* It has answered our ping: what is cut short now is a sign that it went. */
		if (err->class == ERROR_MALFORMED)
			err->class = ERROR_UNREACHABLE;
		return explain(docker, err);
	}
	if (answer->status >= 200 && answer->status < 400)
		return 0;
	(void)refused(answer, err);
	http_answer_release(answer);
	return -1;
}

/* The URL of a call; before the first one it is asked which version there is. */
static int begin(struct docker *docker, const struct docker_ask *ask, struct buf *url,
		 struct error *err)
{
	if (!docker->version[0] && docker_ping(docker, err) < 0)
		return -1;
	*url = BUF(DOCKER_PATH_MAX + 64);
	buf_addf(url, BASE "/v%s", docker->version);
	buf_add(url, buf_slice(ask->path));
	if (ask->path->overflowed || buf_finish(url, err) < 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "docker: %s %s: the names in the request are longer than %d bytes",
				 ask->doing, ask->subject, DOCKER_PATH_MAX);
	return 0;
}

int docker_call(struct docker *docker, const struct docker_ask *ask, struct http_answer *answer,
		struct error *err)
{
	SCOPED(buf) struct buf url = { 0 };

	if (begin(docker, ask, &url, err) < 0)
		return -1;
	if (exchange(docker, ask, &url, answer, err) < 0)
		return error_wrap(err, "docker: %s%s%s", ask->doing, *ask->subject ? " " : "",
				  ask->subject);
	return 0;
}

int docker_tell(struct docker *docker, const struct docker_ask *ask, struct error *err)
{
	struct http_answer answer;

	if (docker_call(docker, ask, &answer, err) < 0)
		return -1;
	http_answer_release(&answer);
	return 0;
}

int docker_call_json(struct docker *docker, const struct docker_ask *ask, enum json_kind kind,
		     struct json_document *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(http_answer) struct http_answer answer = { 0 };

	if (docker_call(docker, ask, &answer, err) < 0)
		return -1;
	if (json_parse(buf_slice(&answer.body), &document, err) < 0)
		return error_wrap(err, "docker: %s %s: the answer", ask->doing, ask->subject);
	if (json_kind(document.root) != kind)
		return error_set(err, ERROR_MALFORMED, "docker: %s %s: expected %s, got %s",
				 ask->doing, ask->subject, json_kind_name(kind),
				 json_kind_name(json_kind(document.root)));
	*out = document;
	document.root = NULL;
	return 0;
}

int docker_begin(struct docker *docker, const struct docker_ask *ask, http_stream_sink *sink,
		 void *context, struct http_stream **out, struct error *err)
{
	SCOPED(buf) struct buf url = { 0 };
	struct http_request request;

	if (begin(docker, ask, &url, err) < 0)
		return -1;
	set_request(docker, ask, &request);
	request.url = buf_text(&url);
	request.attempt_timeout_ms = ask->silence_ms;
	if (http_stream_open(docker->http, &request, sink, context, out, err) < 0)
		return error_wrap(err, "docker: %s %s", ask->doing, ask->subject);
	return 0;
}

int docker_stream_failed(const struct docker *docker, const struct http_stream *stream,
			 struct error *err)
{
	if (err->class == ERROR_MALFORMED && http_stream_status(stream))
		err->class = ERROR_UNREACHABLE; /* cut short: it went */
	return explain(docker, err);
}

/* ---- paths ---- */

int docker_check_container(const char *container, struct error *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";
	size_t len = strlen(container);

	if (!len || len >= DOCKER_NAME_ROOM || strchr("_.-", container[0]) ||
	    container[strspn(container, letters)])
		return error_set(err, ERROR_CONFIGURATION,
				 "docker: a container's name or id is expected, up to %d letters, "
				 "digits, dots, dashes and underscores, a letter or digit first",
				 DOCKER_NAME_ROOM - 1);
	return 0;
}

static void add_escaped(struct buf *path, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_.~";

	while (*text) {
		size_t len = strspn(text, plain);

		buf_add(path, (struct slice){ text, len });
		text += len;
		if (*text)
			buf_addf(path, "%%%02X", (unsigned)(unsigned char)*text++);
	}
}

void docker_add_query(struct buf *path, const char *name, const char *value)
{
	buf_addf(path, "%c%s=", strchr(buf_text(path), '?') ? '&' : '?', name);
	add_escaped(path, value);
}

void docker_add_filters(struct buf *path, const struct docker_filter *filters, size_t count)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf text = BUF(DOCKER_PATH_MAX);

	json_new_object(&document);
	for (size_t i = 0; i < count; i++) {
		struct json *list = filters[i].values && filters[i].values[0] ?
					    json_add_list(document.root, filters[i].name) :
					    NULL;

		for (const char *const *value = filters[i].values; list && *value; value++)
			json_add_text(list, NULL, *value);
	}
	json_print(document.root, false, &text);
	path->overflowed |= text.overflowed;
	docker_add_query(path, "filters", buf_text(&text));
}

/* ---- the engine ---- */

/* "1.41": two numbers, and nothing else. */
static int read_version(const char *text, unsigned *major, unsigned *minor, struct error *err)
{
	static const char digits[] = "0123456789";
	size_t major_len = strspn(text, digits);
	const char *rest = text + major_len + (text[major_len] == '.');
	size_t minor_len = strspn(rest, digits);

	if (!major_len || major_len > 3 || text[major_len] != '.' || !minor_len || minor_len > 3 ||
	    rest[minor_len])
		return error_set(err, ERROR_MALFORMED,
				 "what answers at the socket is no docker: its Api-Version is "
				 "\"%s\", expected one such as 1.41",
				 text);
	*major = (unsigned)strtoul(text, NULL, 10);
	*minor = (unsigned)strtoul(rest, NULL, 10);
	return 0;
}

static int agree(struct docker *docker, const char *newest, struct error *err)
{
	unsigned major = 0, minor = 0;

	if (read_version(newest, &major, &minor, err) < 0)
		return -1;
	if (major < 1 || (major == 1 && minor < OLDEST_MINOR))
		return error_set(err, ERROR_REFUSED,
				 "the engine's API is %s, expected 1.%d or newer: update docker",
				 newest, OLDEST_MINOR);
	docker->minor = major == 1 && minor < OUR_MINOR ? minor : OUR_MINOR;
	snprintf(docker->version, sizeof(docker->version), "1.%u", docker->minor);
	return 0;
}

static int ping(struct docker *docker, struct error *err)
{
	SCOPED(http_answer) struct http_answer answer = { 0 };
	struct http_request request;

	set_request(docker, &(struct docker_ask){ .method = "GET" }, &request);
	request.url = BASE "/_ping";
	request.note_header = "Api-Version";
	if (http_exchange(docker->http, &request, &answer, err) < 0)
		return explain(docker, err);
	if (answer.status != 200) {
		(void)refused(&answer, err);
		/* It is there and not well: a moment later it may be. */
		if (answer.status >= 500)
			err->class = ERROR_UNREACHABLE;
		return -1;
	}
	return agree(docker, answer.noted, err);
}

int docker_ping(struct docker *docker, struct error *err)
{
	return ping(docker, err) < 0 ? error_wrap(err, "docker: ping") : 0;
}

static int get(struct docker *docker, const char *where, int64_t timeout_ms,
	       struct json_document *out, struct error *err)
{
	SCOPED(buf) struct buf path = BUF(DOCKER_PATH_MAX);

	buf_add(&path, slice_of(where));
	const struct docker_ask ask = { .method = "GET",
					.path = &path,
					.doing = "ask",
					.subject = where,
					.timeout_ms = timeout_ms };

	return docker_call_json(docker, &ask, JSON_OBJECT, out, err);
}

static int read_facts(const struct json *version, const struct json *info, struct docker_facts *out,
		      struct error *err)
{
	const char *number, *os, *architecture, *folder;

	if (json_text(version, "Version", &number, err) < 0 ||
	    json_text(version, "Os", &os, err) < 0 ||
	    json_text(version, "Arch", &architecture, err) < 0 ||
	    json_text(info, "DockerRootDir", &folder, err) < 0 ||
	    text_copy(out->root_folder, sizeof(out->root_folder), slice_of(folder), err) < 0)
		return error_wrap(err, "docker: what it says of itself");
	text_cut(out->version, sizeof(out->version), number);
	text_cut(out->os, sizeof(out->os), os);
	text_cut(out->architecture, sizeof(out->architecture), architecture);
	text_cut(out->runtime, sizeof(out->runtime), json_text_or(info, "DefaultRuntime", ""));
	const char *cgroup = json_text_or(info, "CgroupVersion", "");

	out->cgroup_version = strcmp(cgroup, "1") == 0 ? 1 : strcmp(cgroup, "2") == 0 ? 2 : 0;
	out->has_live_restore = json_bool_or(info, "LiveRestoreEnabled", false);
	return 0;
}

int docker_look(struct docker *docker, struct docker_facts *out, struct error *err)
{
	SCOPED(json_document) struct json_document version = { 0 }, info = { 0 };
	struct docker_facts facts = { 0 };

	if (get(docker, "/version", 0, &version, err) < 0 ||
	    get(docker, "/info", 0, &info, err) < 0 ||
	    read_facts(version.root, info.root, &facts, err) < 0)
		return -1;
	*out = facts;
	return 0;
}

/* ---- the disk ---- */

/* The engine says -1 of what it has not measured. */
static int64_t sum(const struct json *from, const char *list, const char *size)
{
	const struct json *items = json_find(from, list);
	int64_t total = 0;

	for (const struct json *item = json_first(items); item; item = json_next(item)) {
		int64_t bytes = json_integer_or(item, size, 0);

		if (bytes > 0 && total < INT64_MAX - bytes)
			total += bytes;
	}
	return total;
}

int docker_disk_usage(struct docker *docker, struct docker_usage *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };

	if (get(docker, "/system/df", DOCKER_SLOW_MS, &document, err) < 0)
		return -1;
	const struct json *from = document.root;
	int64_t image_bytes;

	if (json_integer(from, "LayersSize", &image_bytes, err) < 0)
		return error_wrap(err, "docker: ask /system/df");
	*out = (struct docker_usage){
		.image_bytes = image_bytes,
		.container_bytes = sum(from, "Containers", "SizeRw"),
		.volume_bytes = sum(from, "Volumes", "UsageData.Size"),
		.cache_bytes = sum(from, "BuildCache", "Size"),
		.images = (unsigned)json_count(json_find(from, "Images")),
		.containers = (unsigned)json_count(json_find(from, "Containers")),
	};
	return 0;
}

static int remove_all(struct docker *docker, const struct json *list, unsigned *removed,
		      struct error *err)
{
	struct error first = { 0 };

	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		const char *id = json_text_or(item, "Id", "");
		struct error one = { 0 };

		if (docker_remove_ended(docker, id, &one) == 0)
			++*removed;
		else if (one.class != ERROR_NOT_FOUND && one.class != ERROR_CONFLICT &&
			 !first.class)
			first = one;
	}
	if (!first.class)
		return 0;
	*err = first;
	return -1;
}

/* Not the engine's own prune: that one also takes containers that are made and not started. */
int docker_prune(struct docker *docker, const char *label, unsigned *removed, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf path = BUF(DOCKER_PATH_MAX);
	const char *const labels[] = { label, NULL };
	const struct docker_filter filters[] = {
		{ "label", labels }, { "status", (const char *const[]){ "exited", "dead", NULL } }
	};
	const struct docker_ask ask = {
		.method = "GET", .path = &path, .doing = "list what has ended of", .subject = label
	};
	unsigned count = 0;

	buf_addf(&path, "/containers/json?all=1");
	docker_add_filters(&path, filters, ARRAY_LEN(filters));
	if (docker_call_json(docker, &ask, JSON_LIST, &document, err) < 0 ||
	    remove_all(docker, document.root, &count, err) < 0)
		return -1;
	*removed = count;
	return 0;
}
