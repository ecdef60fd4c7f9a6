#ifndef BOOTSTRAP_DOCKER_CALL_H
#define BOOTSTRAP_DOCKER_CALL_H

#include "bootstrap/docker.h"
#include "common/http_stream.h"

/*
 * docker_call: what the files of docker share: one call to the engine, and the
 * opening of a stream. Nobody else includes this (but tests).
 */

enum {
	DOCKER_PATH_MAX = 16 << 10,
	DOCKER_TIMEOUT_MS = 10000,
	DOCKER_SLOW_MS = 60000,
	DOCKER_TAIL_MAX = 1000, /* lines of a log; the engine cuts each at 16 KiB */
};

struct docker {
	struct http *http;
	char *socket;
	unsigned minor; /* of the API version agreed on */
	char version[16]; /* "1.41"; "": not asked yet */
};

struct docker_ask {
	const char *method;
	const struct buf *path; /* "/containers/x/start?t=3": without the version */
	const char *doing, *subject; /* for messages: "start", "x" */
	struct slice body; /* JSON, or none */
	const char *const *headers; /* as of http_request */
	int64_t timeout_ms; /* 0: DOCKER_TIMEOUT_MS */
	int64_t silence_ms; /* of a stream; 0: no limit */
};

/*
 * One call; before the first one the engine is pinged. 0: a status below 400
 * (also 304, "is so already"). Else a class by the status and the engine's own
 * words, "docker: start x: " in front. The answer is the caller's to release
 * after success alone.
 */
CHECKED int docker_call(struct docker *docker, const struct docker_ask *ask,
			struct http_answer *answer, struct error *err);
CHECKED int docker_tell(struct docker *docker, const struct docker_ask *ask, struct error *err);
/* The answer must be JSON, of this kind. */
CHECKED int docker_call_json(struct docker *docker, const struct docker_ask *ask,
			     enum json_kind kind, struct json_document *out, struct error *err);

CHECKED int docker_begin(struct docker *docker, const struct docker_ask *ask,
			 http_stream_sink *sink, void *context, struct http_stream **out,
			 struct error *err);
/* Of a stream's failure: its class as docker.h has it, and the words in front. */
int docker_stream_failed(const struct docker *docker, const struct http_stream *stream,
			 struct error *err);

/* As docker_remove(), of one that has ended. ERROR_NOT_FOUND; ERROR_CONFLICT: it runs again. */
CHECKED int docker_remove_ended(struct docker *docker, const char *container, struct error *err);

/* A name or id of a container as the engine takes it; anything else would be another path.
 * ERROR_CONFIGURATION. */
CHECKED int docker_check_container(const char *container, struct error *err);
/* Adds "?name=value", or "&name=value" to a path that has a query, escaped. */
void docker_add_query(struct buf *path, const char *name, const char *value);
/* {"label": [...]} and the like, as a query: lists are NULL-terminated, NULL adds nothing. */
struct docker_filter {
	const char *name;
	const char *const *values;
};
void docker_add_filters(struct buf *path, const struct docker_filter *filters, size_t count);

/* ---- messages (pure) ---- */

/* A message for people out of foreign text: its first line that has one, printable, cut; the
 * queries of URLs left out, since they may sign a download. */
void docker_message_copy(char *field, size_t room, struct slice text);
/* What the body of a refusal says: its "message" when it is the engine's JSON, else its text. */
void docker_message_read(struct slice body, char *field, size_t room);
enum error_class docker_status_class(long status);
/* Of a pull that failed; status is 200 when the words came in the stream. */
enum error_class docker_pull_class(long status, const char *message);

/* ---- logins ---- */

/* {"username": ..., "password": ..., "serveraddress": ...}, and the header that holds it. */
CHECKED int docker_login_json(const struct docker_login *login, struct secret *out,
			      struct error *err);
CHECKED int docker_login_header(const struct docker_login *login, struct secret *out,
				struct error *err);
/* Is the login one for this image's registry? */
bool docker_login_fits(const struct docker_login *login, const char *image);

/* ---- names of images ---- */

/* How to ask for it: the bytes of the name, and the tag beside it; NULL: a digest is in the name.
 * Without one it is "latest": asked for no tag, the engine pulls all of them. */
const char *docker_reference_tag(const char *image, size_t *name_len);

#endif
