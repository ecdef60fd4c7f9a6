#include "bootstrap/life.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/file.h"
#include "common/json.h"

enum { LIFE_FILE_MAX = 4096 };

static const char *const claims[] = {
	[CLAIM_NONE] = "none",
	[CLAIM_INTENT] = "intent",
	[CLAIM_SERVES] = "serves",
};

static int life_path(const char *folder, char path[static MACHINE_PATH_ROOM], struct error *err)
{
	if (snprintf(path, MACHINE_PATH_ROOM, "%s/life.json", folder) >= MACHINE_PATH_ROOM)
		return error_set(err, ERROR_CONFIGURATION, "the folder's name is too long: %s",
				 folder);
	return 0;
}

static unsigned count_of(const struct json *root, const char *name)
{
	int64_t number = json_integer_or(root, name, 0);

	return number > 0 && number < UINT_MAX ? (unsigned)number : 0;
}

static enum claim claim_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(claims); i++)
		if (!strcmp(claims[i], word))
			return (enum claim)i;
	return CLAIM_NONE;
}

int life_read(const char *folder, struct life *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf text = BUF(LIFE_FILE_MAX);
	char path[MACHINE_PATH_ROOM];
	struct life life = { 0 };

	if (life_path(folder, path, err) < 0)
		return -1;
	if (file_read(path, &text, err) < 0) {
		if (err->class != ERROR_NOT_FOUND)
			return -1;
		*out = life;
		return 0;
	}
	if (json_parse(buf_slice(&text), &document, err) < 0)
		return error_wrap(err, "%s", path);
	life.starts = count_of(document.root, "starts");
	life.tasks_taken = count_of(document.root, "tasks_taken");
	life.claim = claim_of(json_text_or(document.root, "claim", "none"));
	life.keep_until_s = json_integer_or(document.root, "keep_until_s", 0);
	life.orders = json_integer_or(document.root, "orders", 0);
	text_cut(life.drain, sizeof(life.drain), json_text_or(document.root, "drain", ""));
	*out = life;
	return 0;
}

/* A slot is claimed behind the gates. */
bool life_is_admitted(const struct life *life)
{
	return life->claim != CLAIM_NONE;
}

int life_write(const char *folder, const struct life *life, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf text = BUF(LIFE_FILE_MAX);
	char path[MACHINE_PATH_ROOM];

	if (life_path(folder, path, err) < 0)
		return -1;
	json_new_object(&document);
	json_add_integer(document.root, "starts", life->starts);
	json_add_integer(document.root, "tasks_taken", life->tasks_taken);
	json_add_text(document.root, "claim", claims[life->claim]);
	json_add_integer(document.root, "keep_until_s", life->keep_until_s);
	json_add_integer(document.root, "orders", life->orders);
	json_add_text(document.root, "drain", life->drain);
	json_print(document.root, true, &text);
	if (buf_finish(&text, err) < 0)
		return -1;
	return file_write(path, buf_slice(&text), 0600, err);
}
