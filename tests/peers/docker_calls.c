/*
 * docker_calls: our client of the docker engine, driven line by line, for
 * test_docker_engine.py and test_docker_pull.py. Usage: docker_calls SOCKET
 * Each line of standard input is a call, its words set apart by tabs ("-":
 * left out); each gets one line of JSON: {"ok": true, ...what it gave} or
 * {"ok": false, "class": ..., "message": ...}.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootstrap/docker.h"
#include "common/file.h"

enum { WORDS_MAX = 16, LINE_MAX_BYTES = 1 << 16, SLOTS = 4, ITEMS_MAX = 64 };

struct words {
	const char *list[WORDS_MAX];
	size_t count;
};

/* What a test has open. */
static struct docker_pull *pulls[SLOTS];
static struct docker_watch *watches[SLOTS];

static const char *word(const struct words *words, size_t place)
{
	return place < words->count && strcmp(words->list[place], "-") != 0 ? words->list[place] :
									      NULL;
}

static _Noreturn void misused(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(2);
}

static const char *must(const struct words *words, size_t place)
{
	const char *found = word(words, place);

	if (!found)
		misused(words->list[0]);
	return found;
}

static long number(const struct words *words, size_t place)
{
	return strtol(must(words, place), NULL, 10);
}

static size_t slot(const struct words *words, size_t place)
{
	size_t found = (size_t)number(words, place);

	if (found >= SLOTS)
		misused("no such slot");
	return found;
}

/* ---- the engine ---- */

static int ping(struct docker *docker, const struct words *words, struct json *out,
		struct error *err)
{
	(void)words;
	if (docker_ping(docker, err) < 0)
		return -1;
	json_add_text(out, "version", docker_api_version(docker));
	return 0;
}

static int look(struct docker *docker, const struct words *words, struct json *out,
		struct error *err)
{
	struct docker_facts facts;

	(void)words;
	if (docker_look(docker, &facts, err) < 0)
		return -1;
	json_add_text(out, "version", facts.version);
	json_add_text(out, "os", facts.os);
	json_add_text(out, "architecture", facts.architecture);
	json_add_text(out, "root_folder", facts.root_folder);
	json_add_integer(out, "cgroup_version", facts.cgroup_version);
	json_add_bool(out, "has_live_restore", facts.has_live_restore);
	return 0;
}

static int disk_usage(struct docker *docker, const struct words *words, struct json *out,
		      struct error *err)
{
	struct docker_usage usage;

	(void)words;
	if (docker_disk_usage(docker, &usage, err) < 0)
		return -1;
	json_add_integer(out, "image_bytes", usage.image_bytes);
	json_add_integer(out, "container_bytes", usage.container_bytes);
	json_add_integer(out, "volume_bytes", usage.volume_bytes);
	json_add_integer(out, "cache_bytes", usage.cache_bytes);
	json_add_integer(out, "images", usage.images);
	json_add_integer(out, "containers", usage.containers);
	return 0;
}

static int prune(struct docker *docker, const struct words *words, struct json *out,
		 struct error *err)
{
	unsigned removed;

	if (docker_prune(docker, must(words, 1), &removed, err) < 0)
		return -1;
	json_add_integer(out, "removed", removed);
	return 0;
}

/* ---- containers ---- */

/* Room for a list of texts; they stay the document's. */
static const char *const *texts(const struct json *from, const char *name, const char **room)
{
	const struct json *list = json_find(from, name);
	size_t count = 0;

	if (!list)
		return NULL;
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		if (count + 1 == ITEMS_MAX)
			misused(name);
		room[count++] = json_text_value(item);
	}
	room[count] = NULL;
	return room;
}

/* NAME IMAGE {"command": [...], ...} */
static int create(struct docker *docker, const struct words *words, struct json *out,
		  struct error *err)
{
	SCOPED(json_document) struct json_document more = { 0 };
	static const char *room[5][ITEMS_MAX];
	char id[DOCKER_ID_ROOM];

	if (json_parse(slice_of(must(words, 3)), &more, err) < 0)
		misused(err->message);
	const struct docker_spec spec = {
		.name = must(words, 1),
		.image = must(words, 2),
		.entrypoint = texts(more.root, "entrypoint", room[0]),
		.command = texts(more.root, "command", room[1]),
		.environment = texts(more.root, "environment", room[2]),
		.labels = texts(more.root, "labels", room[3]),
		.binds = texts(more.root, "binds", room[4]),
		.network = json_text_or(more.root, "network", NULL),
		.gpus = json_text_or(more.root, "gpus", NULL),
		.log_max_megabytes = (unsigned)json_integer_or(more.root, "log_max_megabytes", 0),
		.has_init = json_bool_or(more.root, "has_init", false),
	};

	if (docker_create(docker, &spec, id, err) < 0)
		return -1;
	json_add_text(out, "id", id);
	return 0;
}

static int start(struct docker *docker, const struct words *words, struct json *out,
		 struct error *err)
{
	(void)out;
	return docker_start(docker, must(words, 1), err);
}

static int wait_for_end(struct docker *docker, const struct words *words, struct json *out,
			struct error *err)
{
	int code;

	if (docker_wait(docker, must(words, 1), number(words, 2), &code, err) < 0)
		return -1;
	json_add_integer(out, "exit_code", code);
	return 0;
}

static int stop(struct docker *docker, const struct words *words, struct json *out,
		struct error *err)
{
	(void)out;
	return docker_stop(docker, must(words, 1), (unsigned)number(words, 2), err);
}

static int send_signal(struct docker *docker, const struct words *words, struct json *out,
		       struct error *err)
{
	(void)out;
	return docker_kill(docker, must(words, 1), must(words, 2), err);
}

static int pause_it(struct docker *docker, const struct words *words, struct json *out,
		    struct error *err)
{
	(void)out;
	return docker_pause(docker, must(words, 1), err);
}

static int unpause(struct docker *docker, const struct words *words, struct json *out,
		   struct error *err)
{
	(void)out;
	return docker_unpause(docker, must(words, 1), err);
}

static int remove_it(struct docker *docker, const struct words *words, struct json *out,
		     struct error *err)
{
	(void)out;
	return docker_remove(docker, must(words, 1), err);
}

static void add_container(const struct docker_container *container, struct json *out)
{
	json_add_text(out, "id", container->id);
	json_add_text(out, "name", container->name);
	json_add_text(out, "image", container->image);
	json_add_text(out, "state", container->state);
	json_add_bool(out, "is_running", container->is_running);
	json_add_bool(out, "is_out_of_memory", container->is_out_of_memory);
	json_add_integer(out, "exit_code", container->exit_code);
	json_add_integer(out, "pid", container->pid);
}

static int inspect(struct docker *docker, const struct words *words, struct json *out,
		   struct error *err)
{
	SCOPED(docker_container) struct docker_container container = { 0 };

	if (docker_inspect(docker, must(words, 1), &container, err) < 0)
		return -1;
	add_container(&container, out);
	json_add_text(out, "whole_id", json_text_or(container.all.root, "Id", ""));
	return 0;
}

static int list(struct docker *docker, const struct words *words, struct json *out,
		struct error *err)
{
	SCOPED(docker_containers) struct docker_containers found = { 0 };
	const char *labels[WORDS_MAX + 1] = { NULL };

	for (size_t i = 1; i < words->count; i++)
		labels[i - 1] = words->list[i];
	if (docker_list(docker, labels, &found, err) < 0)
		return -1;
	struct json *containers = json_add_list(out, "containers");

	for (size_t i = 0; i < found.count; i++)
		add_container(&found.list[i], json_add_object(containers, NULL));
	return 0;
}

/* NAME LINES ROOM */
static int logs(struct docker *docker, const struct words *words, struct json *out,
		struct error *err)
{
	SCOPED(buf) struct buf text = BUF((size_t)number(words, 3));

	if (docker_logs(docker, must(words, 1), (unsigned)number(words, 2), &text, err) < 0)
		return -1;
	json_add_text(out, "text", buf_text(&text));
	return 0;
}

static int top(struct docker *docker, const struct words *words, struct json *out,
	       struct error *err)
{
	size_t count;
	int *pids;

	if (docker_top(docker, must(words, 1), &pids, &count, err) < 0)
		return -1;
	struct json *numbers = json_add_list(out, "pids");

	for (size_t i = 0; i < count; i++)
		json_add_integer(numbers, NULL, pids[i]);
	free(pids);
	return 0;
}

/* ---- images ---- */

static int image_look(struct docker *docker, const struct words *words, struct json *out,
		      struct error *err)
{
	struct docker_image image;

	if (docker_image_look(docker, must(words, 1), &image, err) < 0)
		return -1;
	json_add_text(out, "id", image.id);
	json_add_text(out, "architecture", image.architecture);
	json_add_text(out, "os", image.os);
	json_add_integer(out, "bytes", image.bytes);
	return 0;
}

static int reference(struct docker *docker, const struct words *words, struct json *out,
		     struct error *err)
{
	char registry[DOCKER_NAME_ROOM];

	(void)docker;
	if (docker_reference_check(must(words, 1), err) < 0)
		return -1;
	docker_reference_registry(must(words, 1), registry);
	json_add_text(out, "registry", registry);
	return 0;
}

/* SERVER USER FILE: from that place on; the file holds the password. */
static int read_login(const struct words *words, size_t place, struct secret *password,
		      struct docker_login *login, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(4096);

	*login = (struct docker_login){ must(words, place), must(words, place + 1), password };
	if (file_read_private(must(words, place + 2), &text, err) < 0)
		return -1;
	return secret_copy(password, buf_slice(&text), err);
}

static int login_check(struct docker *docker, const struct words *words, struct json *out,
		       struct error *err)
{
	SCOPED(secret) struct secret password = { 0 };
	struct docker_login login;

	(void)out;
	if (read_login(words, 1, &password, &login, err) < 0)
		return -1;
	return docker_login_check(docker, &login, err);
}

static int pull_close(struct docker *docker, const struct words *words, struct json *out,
		      struct error *err)
{
	struct docker_pull **pull = &pulls[slot(words, 1)];

	(void)docker;
	(void)out;
	(void)err;
	docker_pull_close(*pull);
	*pull = NULL;
	return 0;
}

/* SLOT IMAGE [SERVER USER FILE]; what was in the slot is closed. */
static int pull_begin(struct docker *docker, const struct words *words, struct json *out,
		      struct error *err)
{
	SCOPED(secret) struct secret password = { 0 };
	bool has_login = word(words, 3);
	struct docker_login login;

	(void)pull_close(docker, words, out, err);
	if (has_login && read_login(words, 3, &password, &login, err) < 0)
		return -1;
	return docker_pull_begin(docker, must(words, 2), has_login ? &login : NULL,
				 &pulls[slot(words, 1)], err);
}

/* SLOT: one turn. */
static int pull_turn(struct docker *docker, const struct words *words, struct json *out,
		     struct error *err)
{
	struct docker_pull *pull = pulls[slot(words, 1)];
	bool has_ended;

	(void)docker;
	if (!pull)
		misused("no such pull");
	if (docker_pull_turn(pull, &has_ended, err) < 0)
		return -1;
	const struct docker_progress progress = docker_pull_progress(pull);

	json_add_bool(out, "has_ended", has_ended);
	json_add_integer(out, "done_bytes", progress.done_bytes);
	json_add_integer(out, "total_bytes", progress.total_bytes);
	json_add_integer(out, "layers", progress.layers);
	json_add_integer(out, "layers_done", progress.layers_done);
	return 0;
}

/* ---- events ---- */

static int watch_close(struct docker *docker, const struct words *words, struct json *out,
		       struct error *err)
{
	struct docker_watch **watch = &watches[slot(words, 1)];

	(void)docker;
	(void)out;
	(void)err;
	docker_watch_close(*watch);
	*watch = NULL;
	return 0;
}

/* SLOT LABEL; what was in the slot is closed. */
static int watch_open(struct docker *docker, const struct words *words, struct json *out,
		      struct error *err)
{
	(void)watch_close(docker, words, out, err);
	return docker_watch_open(docker, must(words, 2), &watches[slot(words, 1)], err);
}

/* SLOT: one turn; without an event there is no member "action". */
static int watch_turn(struct docker *docker, const struct words *words, struct json *out,
		      struct error *err)
{
	struct docker_watch *watch = watches[slot(words, 1)];
	struct docker_event event;
	bool has_event;

	(void)docker;
	if (!watch)
		misused("no such watch");
	if (docker_watch_turn(watch, &has_event, &event, err) < 0)
		return -1;
	if (!has_event)
		return 0;
	json_add_text(out, "type", event.type);
	json_add_text(out, "action", event.action);
	json_add_text(out, "container", event.container);
	json_add_integer(out, "exit_code", event.exit_code);
	json_add_integer(out, "wall_ms", event.wall_ms);
	json_add_text(out, "name", json_text_or(event.all.root, "Actor.Attributes.name", ""));
	docker_event_release(&event);
	return 0;
}

/* ---- the loop ---- */

static const struct {
	const char *name;
	int (*make)(struct docker *docker, const struct words *words, struct json *out,
		    struct error *err);
} calls[] = {
	{ "ping", ping },
	{ "look", look },
	{ "disk_usage", disk_usage },
	{ "prune", prune },
	{ "create", create },
	{ "start", start },
	{ "wait", wait_for_end },
	{ "stop", stop },
	{ "kill", send_signal },
	{ "pause", pause_it },
	{ "unpause", unpause },
	{ "remove", remove_it },
	{ "inspect", inspect },
	{ "list", list },
	{ "logs", logs },
	{ "top", top },
	{ "image_look", image_look },
	{ "reference", reference },
	{ "login_check", login_check },
	{ "pull_begin", pull_begin },
	{ "pull_turn", pull_turn },
	{ "pull_close", pull_close },
	{ "watch_open", watch_open },
	{ "watch_turn", watch_turn },
	{ "watch_close", watch_close },
};

static int make_call(struct docker *docker, const struct words *words, struct json *out,
		     struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (words->count && strcmp(calls[i].name, words->list[0]) == 0)
			return calls[i].make(docker, words, out, err);
	misused("no such call");
}

static void answer(struct docker *docker, const struct words *words)
{
	SCOPED(json_document) struct json_document out = { 0 };
	SCOPED(buf) struct buf text = BUF(SIZE_MAX);
	struct error err = { 0 };

	json_new_object(&out);
	bool is_ok = make_call(docker, words, out.root, &err) == 0;

	json_add_bool(out.root, "ok", is_ok);
	if (!is_ok) {
		json_add_text(out.root, "class", error_class_name(err.class));
		json_add_text(out.root, "message", err.message);
	}
	json_print(out.root, false, &text);
	puts(buf_text(&text));
	fflush(stdout);
}

static void serve(struct docker *docker)
{
	static char line[LINE_MAX_BYTES];

	while (fgets(line, sizeof(line), stdin)) {
		struct words words = { .count = 0 };
		char *rest = line;

		line[strcspn(line, "\n")] = '\0';
		while (rest && words.count < WORDS_MAX)
			words.list[words.count++] = strsep(&rest, "\t");
		answer(docker, &words);
	}
}

int main(int argc, char **argv)
{
	struct docker *docker = NULL;
	struct error err = { 0 };
	bool is_locked;

	if (argc != 2)
		misused("usage: docker_calls SOCKET");
	if (secret_prepare_process(&is_locked, &err) < 0 || docker_open(argv[1], &docker, &err) < 0)
		misused(err.message);
	serve(docker);
	for (size_t i = 0; i < SLOTS; i++) {
		docker_pull_close(pulls[i]);
		docker_watch_close(watches[i]);
	}
	docker_close(docker);
	return 0;
}
