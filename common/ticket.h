#ifndef COMMON_TICKET_H
#define COMMON_TICKET_H

#include <stdint.h>

#include "common/hash.h"
#include "common/json.h"

/*
 * ticket: the description that an instance is launched with, both ways. It is
 * a pure function of configuration, slot, generation and offering: no time in
 * it but the day, no secret at all. templates/ticket.schema.json is its form.
 * It is signed, and travels in an envelope (envelope.h).
 */

enum {
	TICKET_FIELD_ROOM = 65,
	TICKET_MAX_QUEUES = 32,
	TICKET_PATH_ROOM = 512,
	TICKET_SCRIPT_BYTES = 65536, /* of an init script, at most */
	TICKET_FILE_BYTES = 256 * 1024, /* of a ticket; a machine reads no longer one */
};

struct ticket_span {
	int64_t from_s, until_s; /* wall seconds: a slot below a minimum does not idle out */
};

struct ticket_limits {
	int64_t idle_timeout_s; /* > 0 */
	int64_t max_age_s; /* then it drains */
	int64_t max_life_s; /* then it ends, whatever runs */
	int64_t dead_man_s; /* no contact to ClearML and no task running */
	int64_t boot_deadline_s; /* from launch to serve */
	int64_t task_timeout_s; /* 0: none */
	int64_t report_every_s; /* machine record; 25 */
	int64_t poll_min_ms,
		poll_max_ms; /* queue polls by an idle machine; 5 s to 15 s after a minute */
	unsigned max_attempts; /* of a task; 3 */
};

struct ticket_gates {
	uint64_t free_bytes; /* of the machine's folder */
	unsigned free_inode_percent;
	int64_t max_clock_skew_s;
};

/* Where the sealed bundle is, and which one. */
struct ticket_bundle {
	/* "inline" (with the ticket), "file:/path" (on the machine), "https://...",
	 * "s3://bucket/key", "aws-secretsmanager:name or ARN" */
	char source[TICKET_PATH_ROOM];
	char digest[HASH_SHA256_ROOM]; /* SHA-256 of its sealed bytes, lower-case hex */
};

enum agent_mode { AGENT_HOST, AGENT_DOCKER };

/* When an image is fetched: where it is not here yet, each time (for tags that move), never. */
enum docker_pull_policy { PULL_MISSING, PULL_ALWAYS, PULL_NEVER };

/* How tasks run in containers (agent mode docker). */
struct ticket_docker {
	char socket[TICKET_PATH_ROOM]; /* of the engine; /var/run/docker.sock */
	char agent_image[TICKET_PATH_ROOM]; /* has clearml-agent and the docker program */
	char image[TICKET_PATH_ROOM]; /* the default container of tasks that name none */
	bool is_image_fixed; /* every task runs in it, whatever the task names */
	enum docker_pull_policy pull;
	char network[TICKET_FIELD_ROOM]; /* "bridge" */
	char **arguments; /* of docker run, for every task container; NULL-terminated */
	char **allow; /* options ("--ipc") that a task may bring beside the harmless ones; "*": all
		       */
	unsigned gpus; /* promised; shared out among the seats; 0: CPU mode */
	int64_t pull_timeout_s; /* 1800 */
	int64_t wait_s; /* for an engine that does not answer; 120 */
};

/* The operator's own script, once, before the first task. */
struct ticket_init {
	char *script; /* NULL: none */
	bool is_login; /* bash reads the login files (/etc/profile, ~/.profile) */
	bool is_optional; /* when it fails: go on with a warning, instead of leaving */
	int64_t timeout_s; /* 600 */
};

/* After ticket_parse() the lists in it and in docker are never NULL, but may be empty. */
struct ticket_agent {
	enum agent_mode mode;
	char **command; /* argv of clearml-agent up to "execute"; NULL-terminated, absolute;
			 * empty in docker mode */
	char **environment; /* "NAME=value" beside the base set; NULL-terminated; no secrets */
	char user[TICKET_FIELD_ROOM]; /* run as this user; "": as bootstrap itself; host mode only
				       */
	struct ticket_docker docker; /* docker mode only: else no image, and defaults */
};

struct ticket {
	char prefix[TICKET_FIELD_ROOM], resource[TICKET_FIELD_ROOM];
	char provider[TICKET_FIELD_ROOM], type[TICKET_FIELD_ROOM];
	unsigned slot, generation;
	char day[11]; /* "2026-11-24", the UTC day of ClearML's Date header at planning */
	char queues[TICKET_MAX_QUEUES][256]; /* names, in order of preference */
	size_t queue_count;
	unsigned seats;
	bool one_task;
	char api_server[TICKET_PATH_ROOM], web_server[TICKET_PATH_ROOM],
		files_server[TICKET_PATH_ROOM];
	struct ticket_bundle bundle;
	struct ticket_limits limits;
	struct ticket_gates gates;
	struct ticket_agent agent;
	struct ticket_init init;
	struct ticket_span *hold;
	size_t hold_count;
};

/* Checked against the schema first; source names the file for messages. ERROR_CONFIGURATION. */
CHECKED int ticket_parse(struct slice text, const char *source, struct ticket *out,
			 struct error *err);
void ticket_print(const struct ticket *ticket, struct buf *out); /* same ticket, same bytes */
void ticket_release(struct ticket *ticket);

/* The defaults of DESIGN's table of numbers; what the configuration does not say. */
void ticket_defaults(struct ticket *out);

#endif
