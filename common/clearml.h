#ifndef COMMON_CLEARML_H
#define COMMON_CLEARML_H

#include <stdint.h>

#include "common/http.h"
#include "common/json.h"

/*
 * clearml: queues, workers, tasks, events: all we know of ClearML's API.
 *
 * POST only (proxies drop the body of a GET). Credentials: access key and
 * secret by Basic on auth.login, then the token; a 401 logs in once more, then
 * it is ERROR_DENIED. The requested API version is pinned in the path; what is
 * newer than the server (server.info, asked once) is not called.
 * Every answer must be JSON in ClearML's envelope: a proxy's HTML page with
 * status 200, a cut or huge body is ERROR_MALFORMED and decides nothing.
 *
 * Classes: 401, 403 ERROR_DENIED; 400/101 (task), 400/701 (queue), 400/1001
 * and 400/1004 (worker) ERROR_NOT_FOUND; 400/110 (wrong status), 400/121
 * (changed meanwhile), 400/703 (not in that queue), 400/706 (queued already),
 * 400/801 (name taken) ERROR_CONFLICT; 429, 509 ERROR_THROTTLED; connection,
 * 502, 503, 504, 500/102 ERROR_UNREACHABLE; other 4xx and 500 (a wrong type:
 * not worth a retry) ERROR_REFUSED. 404 too: it says that the endpoint is not
 * there, never that a task is. A 4xx without ClearML's envelope (but 401, 403,
 * 429) is some proxy's and ERROR_MALFORMED. clearml_subcode() is the last
 * answer's subcode. The message is "endpoint: result_msg (code/subcode)".
 *
 * Foreign bytes: an id is 32 lower-case hex digits or the answer is
 * ERROR_MALFORMED; so is one whose list is missing (that is no empty list).
 *
 * Repeated by itself after a lost answer is only what does no harm twice:
 * reads, properties, worker reports, a console line, a move to the front.
 * Not the pop, and not a change of status: meanwhile another machine may have
 * taken the task, and a forced change would hit its run. After their
 * ERROR_UNREACHABLE the caller reads the task again.
 * Sources: clearml/NOTES.md, clearml/SERVER.md of the design.
 */

enum {
	CLEARML_ID_ROOM = 33, /* 32 hex digits */
	CLEARML_NAME_ROOM = 256,
	CLEARML_WORKER_ROOM = 340, /* ours are at most 324 bytes: worker_id.h */
	CLEARML_KEY_ROOM = 512,
	CLEARML_IMAGE_ROOM = 512, /* the longest image reference is shorter */
	CLEARML_REASON_ROOM = 256,
	CLEARML_TAG_ROOM = 160,
	CLEARML_USER_ROOM = 128,
};

struct clearml_settings {
	const char *api_server; /* "https://api.example.org[/base/path]"; borrowed during open */
	const char *client_name; /* "mayfly-reaper/0.1.0": User-Agent and X-Clearml-Client */
	const char *worker; /* X-Clearml-Worker; NULL: none */
	int64_t timeout_ms; /* for one function below: its login, pages and retries; 0: 10 s */
};

struct clearml; /* opaque: http, credentials, token, version, the server's clock */

/* access_key is copied; secret_key is moved out of *secret_key. No call is made. */
CHECKED int clearml_open(const struct clearml_settings *settings, const char *access_key,
			 struct secret *secret_key, struct clearml **out, struct error *err);
void clearml_close(struct clearml *clearml); /* NULL is fine; wipes */

/* server.info and auth.login anew: a fresh proof that the server takes the keys. Each call below
 * does by itself what of them is still due. A server whose API is older than 2.9 is ERROR_REFUSED.
 */
CHECKED int clearml_login_again(struct clearml *clearml, struct error *err);

/* The time that each function below may take, from now on (a pass has a deadline). */
void clearml_set_timeout(struct clearml *clearml, int64_t timeout_ms);

/* The server's clock: its last Date header plus the monotonic time since. 0: never answered.
 * skew is that header minus our wall clock at its receipt (seconds' resolution). */
int64_t clearml_now_ms(const struct clearml *clearml);
int64_t clearml_skew_ms(const struct clearml *clearml);
bool clearml_has(const struct clearml *clearml, unsigned major, unsigned minor); /* API version */
int clearml_subcode(const struct clearml *clearml);
unsigned clearml_calls(const struct clearml *clearml); /* made so far, logins too: DESIGN I10 */

/* ---- queues ---- */

struct clearml_entry {
	char task[CLEARML_ID_ROOM];
	int64_t added_ms;
};

struct clearml_queue {
	char id[CLEARML_ID_ROOM];
	char name[CLEARML_NAME_ROOM]; /* "": too long for the room, so none of ours */
	bool is_forced_off; /* tag force_workers:off: nobody shall pull */
	struct clearml_entry *entries; /* head first */
	size_t entry_count;
};

struct clearml_queues {
	struct clearml_queue *list;
	size_t count;
};

/*
 * Queues by exact name (count names; NULL: all, hidden ones included), in
 * pages of 500; a name without a queue is just not in the list. max_entries
 * caps each entry list where the server can (2.20); 0: uncapped. In order of
 * id. A queue that is deleted while more than one page is read can push
 * another one out of sight: what depends on absence takes two looks.
 */
CHECKED int clearml_queues(struct clearml *clearml, const char *const *names, size_t count,
			   unsigned max_entries, struct clearml_queues *out, struct error *err);
void clearml_queues_release(struct clearml_queues *queues);
const struct clearml_queue *clearml_queue_named(const struct clearml_queues *queues,
						const char *name); /* NULL: none */

/* ERROR_CONFLICT: there is one of that name; ERROR_REFUSED: the name is shorter than 3 characters.
 * Never repeated: after an answer that was lost, look whether it is there. */
CHECKED int clearml_create_queue(struct clearml *clearml, const char *name,
				 char id[static CLEARML_ID_ROOM], struct error *err);

/* The head's task id, "" when the queue is empty (servers before 2.15: by get_by_id). */
CHECKED int clearml_peek(struct clearml *clearml, const char *queue,
			 char task[static CLEARML_ID_ROOM], struct error *err);

/*
 * Pop. With expected set (server 2.21 and newer) only if that task is the
 * head; popped is "" when nothing was popped. The status stays queued.
 * Older servers pop their head whatever was expected: compare.
 * Never repeated. Whenever the outcome is in doubt (no answer, one that makes
 * no sense, 5xx) the class is ERROR_UNREACHABLE: it may have popped, so look
 * at the task before deciding. Any other class: nothing was popped.
 */
CHECKED int clearml_pop(struct clearml *clearml, const char *queue, const char *expected,
			char popped[static CLEARML_ID_ROOM], struct error *err);
CHECKED int clearml_move_to_front(struct clearml *clearml, const char *queue, const char *task,
				  struct error *err);

/* ---- tasks ---- */

enum task_status {
	TASK_UNKNOWN, /* a word that we do not know: nothing is decided from it */
	TASK_CREATED,
	TASK_QUEUED,
	TASK_IN_PROGRESS,
	TASK_STOPPED,
	TASK_CLOSED,
	TASK_FAILED,
	TASK_COMPLETED,
	TASK_PUBLISHED, /* and publishing */
};
const char *task_status_name(enum task_status status);

struct clearml_task {
	char id[CLEARML_ID_ROOM];
	enum task_status status;
	/* Texts that do not fit are cut: these two are for people, ... */
	char name[CLEARML_NAME_ROOM];
	char status_reason[CLEARML_REASON_ROOM], status_message[CLEARML_REASON_ROOM];
	/* ... and what is cut of these is longer than any that we write or could use. */
	char last_worker[CLEARML_WORKER_ROOM];
	char owner[CLEARML_NAME_ROOM]; /* user property mayfly_owner: "instance/attempt" */
	char attempt[64]; /* user property mayfly_attempt: "task id/n" */
	char image[CLEARML_IMAGE_ROOM]; /* container.image */
	char queue[CLEARML_ID_ROOM]; /* execution.queue: the last one it was in; "": none */
	int64_t started_ms, completed_ms, last_update_ms, status_changed_ms; /* 0: never */
};

struct clearml_tasks {
	struct clearml_task *list;
	size_t count;
};

/* ERROR_NOT_FOUND when it was deleted: by the server's own word (400/101), not by an empty list. */
CHECKED int clearml_task(struct clearml *clearml, const char *id, struct clearml_task *out,
			 struct error *err);

/* container.arguments as they stand (a list is joined by blanks, each word quoted for a shell where
 * it needs to be), added to out (buf_finish() is the caller's); nothing when there are none. The
 * classes of clearml_task(). */
CHECKED int clearml_task_arguments(struct clearml *clearml, const char *id, struct buf *out,
				   struct error *err);

struct clearml_filter {
	const enum task_status *statuses;
	size_t status_count;
	const char *const *queues; /* ids */
	size_t queue_count;
	const char *status_reason; /* word for word; NULL: any */
	int64_t changed_since_ms; /* the status, by the server's wall time; 0: whenever */
};

/* All in one of these statuses whose execution.queue is one of the queues (and that have that
 * reason, and came into their status since then), every page, in order of id. No statuses or no
 * queues: none, without a call. */
CHECKED int clearml_tasks_in(struct clearml *clearml, const struct clearml_filter *filter,
			     struct clearml_tasks *out, struct error *err);
void clearml_tasks_release(struct clearml_tasks *tasks);

/* For whom a task runs or waits, and since when: what spend is put down to. */
struct clearml_purpose {
	char task[CLEARML_ID_ROOM];
	enum task_status status;
	char user[CLEARML_USER_ROOM]; /* id of who made it; "": not said, or longer than any of
					 theirs */
	char queue[CLEARML_ID_ROOM]; /* execution.queue: the last one it was in; "": none */
	int64_t started_ms; /* 0: not yet */
};

struct clearml_purposes {
	struct clearml_purpose *list;
	size_t count;
};

/* Of these tasks (ids); one that is gone is just not in the list. A call for each 500 of them. */
CHECKED int clearml_purposes_of(struct clearml *clearml, const char *const *tasks, size_t count,
				struct clearml_purposes *out, struct error *err);
/* Of all that these users (ids) have queued, every page. No users: none, without a call. */
CHECKED int clearml_purposes_queued(struct clearml *clearml, const char *const *users, size_t count,
				    struct clearml_purposes *out, struct error *err);
void clearml_purposes_release(struct clearml_purposes *purposes);

struct clearml_user {
	char id[CLEARML_USER_ROOM];
	char name[CLEARML_NAME_ROOM]; /* "": none, longer than the room, or with control characters
				       */
};

struct clearml_users {
	struct clearml_user *list;
	size_t count;
};

/* All users of the company, in order of id, each once; names need not be unique. One whose id is
 * longer than the room is left out. A call for each 500 of them. ClearML counts this endpoint as
 * internal: a hosted server may refuse it. */
CHECKED int clearml_users(struct clearml *clearml, struct clearml_users *out, struct error *err);
void clearml_users_release(struct clearml_users *users);

/* User properties (hyperparams section "properties"): editable in any status. */
CHECKED int clearml_property_set(struct clearml *clearml, const char *task, const char *name,
				 const char *value, struct error *err);
CHECKED int clearml_property_delete(struct clearml *clearml, const char *task, const char *name,
				    struct error *err); /* absent is success */

/*
 * To the end of a queue (id), with force: also what is in progress; never resets.
 * Queued already (400/706): ERROR_CONFLICT, and the server then has left the
 * status queued but written "failed enqueueing" over the status_reason.
 */
CHECKED int clearml_enqueue(struct clearml *clearml, const char *task, const char *queue,
			    const char *reason, struct error *err);
CHECKED int clearml_fail(struct clearml *clearml, const char *task, const char *reason,
			 const char *message, struct error *err); /* tasks.failed, forced;
								   * message may be NULL */

struct clearml_line {
	const char *task, *worker; /* who says it */
	const char *level; /* "info", "warning", "error" */
	const char *text;
	int64_t wall_ms;
};

/* One line for the task's console. */
CHECKED int clearml_console(struct clearml *clearml, const struct clearml_line *line,
			    struct error *err);

/* ---- workers ---- */

struct clearml_worker {
	char id[CLEARML_WORKER_ROOM],
		key[CLEARML_KEY_ROOM]; /* ids may repeat (two users), keys not */
	char task[CLEARML_ID_ROOM]; /* "" when idle */
	char (*tags)[CLEARML_TAG_ROOM]; /* those that fit; a longer one is none of ours */
	size_t tag_count;
	int64_t registered_ms, last_activity_ms,
		last_report_ms; /* the server's wall time; 0: never */
};

struct clearml_workers {
	struct clearml_worker *list;
	size_t count;
};

/* Every worker (last_seen 0); when prefix (of the id; NULL: all) is given, others
 * are dropped here, so that it works on every server. One whose id is longer
 * than the room is none of ours and dropped too. */
CHECKED int clearml_workers(struct clearml *clearml, const char *prefix,
			    struct clearml_workers *out, struct error *err);
void clearml_workers_release(struct clearml_workers *workers);

struct clearml_report {
	const char *worker;
	const char *const *queues; /* ids; none for the machine record */
	size_t queue_count;
	const char *task; /* NULL: none: the server blanks what was there */
	const char *const *tags; /* a report without tags clears them, so always all */
	size_t tag_count;
	unsigned timeout_s; /* for register: the record ends so long after its last report */
	int64_t wall_ms;
};

CHECKED int clearml_register(struct clearml *clearml, const struct clearml_report *report,
			     struct error *err);
/* ERROR_NOT_FOUND: an unknown task (subcode 101), or an unknown worker on a server
 * that registers none by itself (1001, 1004): register again. */
CHECKED int clearml_report(struct clearml *clearml, const struct clearml_report *report,
			   struct error *err);
CHECKED int clearml_unregister(struct clearml *clearml, const char *worker,
			       struct error *err); /* unknown is success */

#endif
