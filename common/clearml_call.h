#ifndef COMMON_CLEARML_CALL_H
#define COMMON_CLEARML_CALL_H

#include "common/clearml.h"

/*
 * clearml_call: what the files of clearml share: one call to the API, and the
 * reading of its answer apart from the network, so that it can be fuzzed.
 * Nobody else includes this (but tests).
 */

enum { CLEARML_PAGE = 500, CLEARML_MAX_PAGES = 100, CLEARML_ARGUMENTS_BYTES = 1 << 20 };

enum clearml_repeat { CLEARML_ONCE, CLEARML_MAY_REPEAT };

/* Each public function begins with this: its calls share one deadline. */
void clearml_begin(struct clearml *clearml);

/* The same, and the login where it is still due: what the server can do is known then. */
CHECKED int clearml_begin_ready(struct clearml *clearml, struct error *err);

/*
 * POST body to the endpoint, logging in where that is due. *out is the whole
 * answer, with an object at "data". Words of the endpoint stand in front of
 * every message.
 */
CHECKED int clearml_call(struct clearml *clearml, const char *endpoint, enum clearml_repeat repeat,
			 const struct json_document *body, struct json_document *out,
			 struct error *err);

/* The same with one event a line instead of an object (application/json-lines). */
CHECKED int clearml_call_lines(struct clearml *clearml, const char *endpoint,
			       enum clearml_repeat repeat, struct slice lines,
			       struct json_document *out, struct error *err);

/* The same for calls whose data say nothing of use. */
CHECKED int clearml_tell(struct clearml *clearml, const char *endpoint, enum clearml_repeat repeat,
			 const struct json_document *body, struct error *err);

/* A name as part of a pattern that matches only it. */
void clearml_add_escaped(struct buf *pattern, const char *name);

/* A member that is a list of texts. */
void clearml_add_texts(struct json *body, const char *key, const char *const *texts, size_t count);

/* The last answer's HTTP status; 0: there was none. */
long clearml_status(const struct clearml *clearml);

/* ---- answers ---- */

struct clearml_answer {
	const char *endpoint;
	long status; /* HTTP's */
	const char *content_type; /* "" when there was none */
	struct slice body;
	/* filled: */
	int subcode; /* 0 where there is no envelope */
	bool has_envelope; /* it is ClearML itself that answered */
};

/* Is this ClearML's envelope, and does it say success? Else a class as clearml.h tells. */
CHECKED int clearml_answer_read(struct clearml_answer *answer, struct json_document *out,
				struct error *err);

/* A required id, and one that may be absent, null or "" (then "" comes out). */
CHECKED int clearml_read_id(const struct json *from, const char *path,
			    char out[static CLEARML_ID_ROOM], struct error *err);
CHECKED int clearml_read_id_or_none(const struct json *from, const char *path,
				    char out[static CLEARML_ID_ROOM], struct error *err);

/* Absent or null is 0; another form than ISO 8601 is ERROR_MALFORMED. */
CHECKED int clearml_read_time(const struct json *from, const char *path, int64_t *wall_ms,
			      struct error *err);

/* What is absent or null is "", another kind than text ERROR_MALFORMED; cut to the room. */
CHECKED int clearml_read_text(const struct json *from, const char *path, char *out, size_t room,
			      struct error *err);

/* Append what the data of an answer list. On failure *out may have grown; release it. */
CHECKED int clearml_read_queues(const struct json *data, struct clearml_queues *out,
				struct error *err);
CHECKED int clearml_read_tasks(const struct json *data, struct clearml_tasks *out,
			       struct error *err);
/* container.arguments of a task, as clearml_task_arguments() gives them. On failure *out is as it
 * was. */
CHECKED int clearml_read_arguments(const struct json *task, struct buf *out, struct error *err);
CHECKED int clearml_read_workers(const struct json *data, const char *prefix,
				 struct clearml_workers *out, struct error *err);

#endif
