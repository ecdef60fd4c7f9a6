#ifndef COMMON_CLEARML_BOARD_H
#define COMMON_CLEARML_BOARD_H

#include "common/clearml.h"

/*
 * clearml_board: a ClearML task as a notice board: in no queue, run by nobody,
 * kept in_progress, read by many. What is pinned to it are user properties;
 * its console takes lines.
 *
 * A board is found by its name alone, so that everybody finds the same one
 * without being told its id: the oldest task of exactly that name and of type
 * "monitor" (by creation, then id). Those that were published do not count:
 * nothing can be written to them.
 */

enum { CLEARML_BOARD_VALUES = 4, CLEARML_BOARD_LINES = 200 };

struct clearml_board {
	char id[CLEARML_ID_ROOM];
	enum task_status status;
	int64_t created_ms, last_update_ms;
	char *values[CLEARML_BOARD_VALUES]; /* owned; of the properties that were asked for, in
					     * their order; NULL: not there; "": no text */
};
void clearml_board_release(struct clearml_board *board);

struct clearml_board_wish {
	const char *name; /* of the task */
	const char *const *properties;
	size_t property_count; /* at most CLEARML_BOARD_VALUES */
};

/* One call. ERROR_NOT_FOUND: there is none (by an answer that makes sense). */
CHECKED int clearml_board_find(struct clearml *clearml, const struct clearml_board_wish *wish,
			       struct clearml_board *out, struct error *err);

/* The same by id, which costs the server less; ERROR_NOT_FOUND too when it has another name now,
 * or was published. */
CHECKED int clearml_board_read(struct clearml *clearml, const char *id,
			       const struct clearml_board_wish *wish, struct clearml_board *out,
			       struct error *err);

/* Makes the project when it is missing, and in it a task of that name, whether or not there is one
 * already: look for an older one after it. Not repeated. */
CHECKED int clearml_board_make(struct clearml *clearml, const char *project, const char *name,
			       const char *comment, char id[static CLEARML_ID_ROOM],
			       struct error *err);

/* Away with a board that was made for nothing: only while its status is created. */
CHECKED int clearml_board_drop(struct clearml *clearml, const char *id, struct error *err);

/* Into in_progress, whatever the status; and a sign of life, for the server stops what gives none
 * for two hours. */
CHECKED int clearml_board_start(struct clearml *clearml, const char *id, struct error *err);
CHECKED int clearml_board_ping(struct clearml *clearml, const char *id, struct error *err);

/* Lines for consoles, at most CLEARML_BOARD_LINES, in one call; a sign of life of their tasks too.
 * ERROR_REFUSED: not all were kept. */
CHECKED int clearml_console_lines(struct clearml *clearml, const struct clearml_line *lines,
				  size_t count, struct error *err);

/* For clearml_board.c and its tests: the oldest of the answer's tasks that is one of these. */
CHECKED int clearml_read_board(const struct json *data, const struct clearml_board_wish *wish,
			       struct clearml_board *out, struct error *err);

#endif
