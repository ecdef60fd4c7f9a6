#ifndef BOOTSTRAP_DOCKER_H
#define BOOTSTRAP_DOCKER_H

#include "common/http.h"
#include "common/json.h"

/*
 * docker: the Docker Engine API over its Unix socket; no docker program is
 * needed. What is written here is of API 1.41 to 1.5x
 * (docs.docker.com/reference/api/engine): docker_ping() takes the lower of ours
 * (1.47) and the engine's newest; an engine older than 1.24 is refused.
 *
 * Each call has a deadline (10 s unless said otherwise) and is tried once; the
 * first one pings before it, where the caller has not. What is turned never waits.
 * Errors: ERROR_UNREACHABLE (no engine at the socket, or no answer in time: it
 * may or may not have been done), ERROR_DENIED (the socket, a registry's login),
 * ERROR_NOT_FOUND (no such container or image), ERROR_CONFLICT (the name is
 * taken, the container runs), ERROR_REFUSED (the engine understood and will
 * not), ERROR_MALFORMED (the answer makes no sense), ERROR_CONFIGURATION.
 * Of the engine's own message the first line is kept, printable and cut, and
 * of the URLs in it what is before the query. That the engine goes in the middle of
 * its answer is ERROR_UNREACHABLE, too.
 *
 * Files: docker.c (opening, the one call that all others make, facts, disk
 * usage, prune), docker_container.c, docker_image.c (images and pulls),
 * docker_watch.c (events), docker_stream.c (pure: the formats that the engine
 * streams), docker_message.c (pure: its words, and what they mean),
 * docker_login.c (a login as the engine takes it, wiped after),
 * docker_reference.c (pure: names of images).
 */

enum { DOCKER_ID_ROOM = 65, DOCKER_NAME_ROOM = 256, DOCKER_IMAGE_ROOM = 512 };

struct docker; /* opaque */

/* Calls nothing. The socket is an absolute path, else ERROR_CONFIGURATION. */
CHECKED int docker_open(const char *socket, struct docker **out, struct error *err);
void docker_close(struct docker *docker); /* after its pulls and watches; NULL is fine */

/* Is it there? Agrees on the API version, again each time (the engine may be another by now). */
CHECKED int docker_ping(struct docker *docker, struct error *err);
const char *docker_api_version(const struct docker *docker); /* "1.41"; "" before the first ping */

struct docker_facts {
	char version[64], os[32], architecture[32]; /* "20.10.24", "linux", "amd64" */
	char root_folder[512]; /* where it keeps images and containers */
	unsigned cgroup_version; /* 1 or 2; 0: it does not say */
	bool has_live_restore; /* containers outlive a restart of the engine */
	char runtime[64]; /* the default one: "runc"; "": it does not say */
};
CHECKED int docker_look(struct docker *docker, struct docker_facts *out, struct error *err);

/* ---- containers ---- */

struct docker_spec {
	const char *name, *image;
	const char *const *entrypoint; /* NULL: the image's; all lists are NULL-terminated */
	const char *const *command; /* NULL: the image's */
	const char *const *environment; /* "NAME=value"; docker inspect shows it: no secrets */
	const char *const *labels; /* "name=value" */
	const char *const *binds; /* "/host:/container[:ro]" */
	const char *network; /* "bridge", "host", ...; NULL: the engine's default */
	/* "all", "0,1" (device ids or UUIDs); NULL or "": none. An API older than 1.40 would leave
	 * them out without a word: ERROR_REFUSED. */
	const char *gpus;
	unsigned log_max_megabytes; /* of json-file, two files; 0: the engine's own log setting */
	bool has_init; /* tini as process 1, which collects the dead and passes signals on */
};

/* Nothing runs yet. ERROR_NOT_FOUND: no such image here; ERROR_CONFLICT: the name is taken. */
CHECKED int docker_create(struct docker *docker, const struct docker_spec *spec,
			  char id[static DOCKER_ID_ROOM], struct error *err);
/* Running already is success. Waits up to 60 s. */
CHECKED int docker_start(struct docker *docker, const char *container, struct error *err);
/* To its end. ERROR_UNREACHABLE when it has not ended by timeout_ms. One that was never started
 * has ended, with 0. */
CHECKED int docker_wait(struct docker *docker, const char *container, int64_t timeout_ms,
			int *exit_code, struct error *err);
/* SIGTERM, after grace_s SIGKILL; back when it has ended. Ended already is success. */
CHECKED int docker_stop(struct docker *docker, const char *container, unsigned grace_s,
			struct error *err);
/* "SIGKILL", "SIGUSR1", ...: sent, not waited for. Not running, or gone: ERROR_CONFLICT or
 * NOT_FOUND. */
CHECKED int docker_kill(struct docker *docker, const char *container, const char *signal_name,
			struct error *err);
CHECKED int docker_pause(struct docker *docker, const char *container, struct error *err);
CHECKED int docker_unpause(struct docker *docker, const char *container, struct error *err);
/* Killed first if it runs; with its anonymous volumes. Gone already is success, and one that
 * somebody else removes is waited for. Up to 60 s, or twice that. */
CHECKED int docker_remove(struct docker *docker, const char *container, struct error *err);

struct docker_container {
	char id[DOCKER_ID_ROOM], name[DOCKER_NAME_ROOM], image[DOCKER_IMAGE_ROOM];
	/* "created", "running", "paused", "restarting", "removing", "exited", "dead" */
	char state[16];
	bool is_running; /* its processes may live: running, paused, restarting */
	bool is_out_of_memory; /* of docker_inspect() alone, as the two that follow */
	int exit_code; /* 0 while it has not ended */
	int pid; /* on the host; 0: not running */
	struct json_document all; /* of docker_inspect(): what the engine said; released with it */
};
CHECKED int docker_inspect(struct docker *docker, const char *container,
			   struct docker_container *out, struct error *err);
void docker_container_release(struct docker_container *container);

struct docker_containers {
	struct docker_container *list;
	size_t count;
};
/* In any state, those that bear all the labels ("name=value" or "name"; NULL-terminated). */
CHECKED int docker_list(struct docker *docker, const char *const *labels,
			struct docker_containers *out, struct error *err);
void docker_containers_release(struct docker_containers *containers);

/* The last lines (at most 1000) of its output, be it framed (no TTY) or raw (TTY), added to out:
 * when they are more than it has room for, the end of them. */
CHECKED int docker_logs(struct docker *docker, const char *container, unsigned last_lines,
			struct buf *out, struct error *err);

/* The host's pids of its processes. The caller frees *pids. ERROR_CONFLICT: it does not run. */
CHECKED int docker_top(struct docker *docker, const char *container, int **pids, size_t *count,
		       struct error *err);

/* ---- images ---- */

struct docker_login {
	const char *server, *user; /* "registry.example.com:5000" */
	const struct secret *password;
};

struct docker_image {
	char id[80], architecture[32], os[32];
	int64_t bytes;
};
CHECKED int docker_image_look(struct docker *docker, const char *image, struct docker_image *out,
			      struct error *err);

/* Are user and password good? Asks the registry through the engine (up to 60 s). */
CHECKED int docker_login_check(struct docker *docker, const struct docker_login *login,
			       struct error *err);

/*
 * A pull, turned by the caller. Its end, as the class says: ERROR_NOT_FOUND (no such image or tag),
 * ERROR_DENIED (no login, or a wrong one), ERROR_REFUSED (none for this architecture, a
 * name that the engine will not take), ERROR_CAPACITY (the disk is full) are for good;
 * ERROR_THROTTLED (a registry's rate limit), ERROR_UNREACHABLE (registry or engine),
 * ERROR_MALFORMED (bad bytes came) are for a moment. On most engines only the message tells them
 * apart: a table with the source of each phrase, and what it does not know is ERROR_UNREACHABLE.
 */
struct docker_pull; /* opaque */

struct docker_progress {
	int64_t done_bytes, total_bytes; /* of the layers known so far: both grow */
	unsigned layers, layers_done;
};

/* login NULL: none. One for another registry than the image's is ERROR_CONFIGURATION, since the
 * engine would send it there. All is copied. */
CHECKED int docker_pull_begin(struct docker *docker, const char *image,
			      const struct docker_login *login, struct docker_pull **out,
			      struct error *err);
CHECKED int docker_pull_turn(struct docker_pull *pull, bool *has_ended, struct error *err);
struct docker_progress docker_pull_progress(const struct docker_pull *pull);
void docker_pull_close(struct docker_pull *pull); /* cancels one that still runs; NULL is fine */

/* ---- what happens ---- */

/*
 * Events as they come. That the stream ends says that the engine has gone:
 * a restart too short for a ping to notice is noticed here.
 */
struct docker_watch; /* opaque */

struct docker_event {
	char type[16], action[64]; /* "container", "die" | "oom" | "start" | ... */
	char container[DOCKER_ID_ROOM];
	int exit_code; /* of "die"; -1: it does not say */
	int64_t wall_ms;
	struct json_document all; /* labels: Actor.Attributes; released by docker_event_release() */
};

/* Of containers with this label ("name=value"), from now on, and nothing is missed: what happens
 * before the engine has the request comes, too. */
CHECKED int docker_watch_open(struct docker *docker, const char *label, struct docker_watch **out,
			      struct error *err);
/* *has_event false: nothing new. -1: it is over (ERROR_UNREACHABLE mostly): open another. */
CHECKED int docker_watch_turn(struct docker_watch *watch, bool *has_event, struct docker_event *out,
			      struct error *err);
void docker_event_release(struct docker_event *event);
void docker_watch_close(struct docker_watch *watch);

/* ---- the disk ---- */

struct docker_usage {
	int64_t image_bytes, container_bytes, volume_bytes, cache_bytes;
	unsigned images, containers;
};
CHECKED int docker_disk_usage(struct docker *docker, struct docker_usage *out,
			      struct error *err); /* up to 60 s */
/* Remove the containers that have ended and bear the label ("name=value"); not those that were
 * never started, which somebody may be about to. Removes all that it can, then tells the first
 * failure. */
CHECKED int docker_prune(struct docker *docker, const char *label, unsigned *removed,
			 struct error *err);

/* ---- names of images (pure) ---- */

/*
 * Is this a name that the engine takes, by the grammar of
 * distribution/reference, at most DOCKER_IMAGE_ROOM - 1 bytes? What is not may be an option, or two
 * words, to the docker program that clearml-agent calls. ERROR_REFUSED says what is wrong with it.
 */
CHECKED int docker_reference_check(const char *image, struct error *err);
/* The registry in it, "docker.io" when it names none; borrowed room of the caller. */
void docker_reference_registry(const char *image, char out[static DOCKER_NAME_ROOM]);

#endif
