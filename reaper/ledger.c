#include "reaper/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/file.h"
#include "common/log.h"
#include "reaper/ledger_text.h"

enum { MOST_BYTES = 64 << 20, PATH_ROOM = TICKET_PATH_ROOM + 32 };

static void ledger_path(const char *folder, const char *ending, char out[static PATH_ROOM])
{
	snprintf(out, PATH_ROOM, "%s/ledger.json%s", folder, ending);
}

/* Kept for a person to look at; what it knew is rebuilt from the world (I6). */
static int set_aside(const char *folder, const struct error *why, struct error *err)
{
	char path[PATH_ROOM], aside[PATH_ROOM];

	ledger_path(folder, "", path);
	ledger_path(folder, ".unreadable", aside);
	if (rename(path, aside) < 0)
		return error_errno(err, "set %s aside (%s)", path, why->message);
	log_warn("ledger", "%s makes no sense (%s): set aside as %s, a fresh one begins", path,
		 why->message, aside);
	return 0;
}

struct ledger_file {
	char folder[TICKET_PATH_ROOM];
	int64_t now_s;
};

int ledger_open(const char *folder, int64_t now_s, struct ledger_file **out, struct error *err)
{
	struct ledger_file *file = memory_array(1, sizeof(*file));

	(void)err;
	text_cut(file->folder, sizeof(file->folder), folder);
	file->now_s = now_s;
	*out = file;
	return 0;
}

void ledger_close(struct ledger_file *file)
{
	free(file);
}

int ledger_read(struct ledger_file *file, struct ledger *out, struct error *err)
{
	const char *folder = file->folder;
	int64_t now_s = file->now_s;
	SCOPED(buf) struct buf text = BUF(MOST_BYTES);
	char path[PATH_ROOM];

	ledger_path(folder, "", path);
	if (file_read(path, &text, err) == 0 && ledger_parse(buf_slice(&text), out, err) == 0)
		return 0;
	if (err->class == ERROR_MALFORMED) {
		struct error why = *err;

		if (set_aside(folder, &why, err) < 0)
			return -1;
	} else if (err->class != ERROR_NOT_FOUND) {
		return error_wrap(err, "read the ledger");
	}
	*out = (struct ledger){ .since_s = now_s };
	return 0;
}

int ledger_write(struct ledger_file *file, const struct ledger *ledger, struct error *err)
{
	const char *folder = file->folder;
	SCOPED(buf) struct buf text = BUF(MOST_BYTES);
	char path[PATH_ROOM];

	ledger_path(folder, "", path);
	ledger_print(ledger, &text);
	if (buf_finish(&text, err) < 0 || file_write(path, buf_slice(&text), 0600, err) < 0)
		return error_wrap(err, "write the ledger");
	return 0;
}

void ledger_release(struct ledger *ledger)
{
	free(ledger->attempts);
	free(ledger->marks);
	free(ledger->machines);
	free(ledger->resources);
	free(ledger->offerings);
	free(ledger->orders);
	*ledger = (struct ledger){ 0 };
}
