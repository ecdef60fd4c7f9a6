#ifndef BOOTSTRAP_CONTROL_H
#define BOOTSTRAP_CONTROL_H

#include <poll.h>
#include <stdint.h>

#include "common/buf.h"

/*
 * control: the local command socket, FOLDER/control.sock (0600 in a 0700
 * folder), both ends. One line is asked, one JSON object is answered, and the
 * connection is closed. Root and the machine's own user are served
 * (SO_PEERCRED), nobody else. A client that dawdles is dropped.
 *
 *   status
 *   drain                take no more tasks, let the running one end, leave
 *   leave                end now: a running task goes back to its queue
 *   keep for 2h          stay at least so long, idle or not (bounded by max_life)
 *   keep until 2026-11-24T18:00:00Z
 *   keep off             forget that
 */

enum control_verb {
	CONTROL_STATUS,
	CONTROL_DRAIN,
	CONTROL_LEAVE,
	CONTROL_KEEP_FOR,
	CONTROL_KEEP_UNTIL,
	CONTROL_KEEP_OFF,
};

struct control_command {
	enum control_verb verb;
	int64_t seconds; /* KEEP_FOR: a span; KEEP_UNTIL: wall; else 0 */
};

/* Without the newline. ERROR_MALFORMED says what was expected. */
CHECKED int control_parse(struct slice line, struct control_command *out, struct error *err);
void control_print(const struct control_command *command, struct buf *out); /* no newline */

/* ---- the machine's end ---- */

enum { CONTROL_CLIENTS = 4, CONTROL_POLLS = CONTROL_CLIENTS + 1, CONTROL_ANSWER_MAX = 32768 };

struct control; /* opaque */

struct control_server {
	/* Does what the command says and adds the answer: one line of JSON. */
	void (*obey)(void *context, const struct control_command *command, struct buf *answer);
	void *context;
};

/* A socket that a dead one left behind is replaced: hold the folder's lock before. */
CHECKED int control_open(const char *folder, struct control **out, struct error *err);
void control_refuse(const struct error *why, struct buf *answer); /* {"error": "..."} */
size_t control_polls(const struct control *control, struct pollfd polls[static CONTROL_POLLS]);
int64_t control_next_ms(const struct control *control); /* monotonic: when a client is dropped */
/* Accept, read, answer, drop; never waits. Call it when poll says so or the time has come. */
void control_turn(struct control *control, const struct control_server *server, int64_t now_ms);
void control_close(struct control *control); /* removes the socket; NULL is fine */

/* ---- the operator's end ---- */

/* ERROR_NOT_FOUND: no bootstrap runs there; ERROR_DENIED: not for us. */
CHECKED int control_ask(const char *folder, const struct control_command *command,
			int64_t timeout_ms, struct buf *answer, struct error *err);

#endif
