#include "reaper/providers/local_launch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/child.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "reaper/providers/local_machine.h"

enum { KEEP_ENDED_S = 86400, SWEEP_AT_ONCE = 8, ID_DIGITS = 12, ENVIRONMENT_ROOM = 24 };

static void fd_release(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int read_boot_id(char out[static LOCAL_BOOT_ID_ROOM], struct error *err)
{
	SCOPED(buf) struct buf text = BUF(256);

	if (file_read("/proc/sys/kernel/random/boot_id", &text, err) < 0)
		return -1;
	return text_copy(out, LOCAL_BOOT_ID_ROOM,
			 (struct slice){ buf_text(&text), strcspn(buf_text(&text), "\n") }, err);
}

static int write_note(const struct launch *launch, struct local_note *out, struct error *err)
{
	const struct offering *offering = launch->offering;
	struct local_note note = {
		.market = offering->market,
		.slot = launch->slot,
		.generation = launch->generation,
		.launched_s = clock_wall_ms() / 1000,
		.launched_boottime_ms = clock_monotonic_ms(),
	};
	char random[HASH_HEX_LEN];

	hash_random_hex(random);
	snprintf(note.instance, sizeof(note.instance), "local-%.*s", ID_DIGITS, random);
	memcpy(note.prefix, launch->settings->prefix, sizeof(note.prefix));
	memcpy(note.resource, launch->resource->name, sizeof(note.resource));
	memcpy(note.type, offering->type, sizeof(note.type));
	text_cut(note.zone, sizeof(note.zone), *offering->zone ? offering->zone : LOCAL_ZONE);
	memcpy(note.key, launch->key, sizeof(note.key));
	if (read_boot_id(note.boot_id, err) < 0)
		return -1;
	*out = note;
	return 0;
}

static int make_machine(const struct launch *launch, const struct local_note *note,
			struct error *err)
{
	SCOPED(buf) struct buf text = BUF(LOCAL_NOTE_BYTES);
	char path[LOCAL_PATH_ROOM];

	local_machine_path(launch->resource, note->instance, "", path);
	if (file_make_folder(path, 0700, err) < 0)
		return -1;
	local_machine_path(launch->resource, note->instance, "user-data", path);
	if (file_write(path, launch->user_data, 0600, err) < 0)
		return -1;
	local_note_print(note, &text);
	local_machine_path(launch->resource, note->instance, "instance.json", path);
	return buf_finish(&text, err) < 0 ? -1 : file_write(path, buf_slice(&text), 0600, err);
}

/* What a machine on this computer needs of our own environment: how to find
 * programs and how to reach the network, nothing else of ours. */
static void fill_environment(const char *marker, const char *out[static ENVIRONMENT_ROOM])
{
	static const char *const kept[] = {
		"PATH=",	"HOME=",	  "LANG=",	   "LC_ALL=",	  "TZ=",
		"TMPDIR=",	"SSL_CERT_FILE=", "SSL_CERT_DIR=", "http_proxy=", "https_proxy=",
		"HTTPS_PROXY=", "all_proxy=",	  "ALL_PROXY=",	   "no_proxy=",	  "NO_PROXY=",
	};
	size_t count = 0;

	out[count++] = marker;
	for (char **variable = environ; *variable; variable++)
		for (size_t i = 0; i < ARRAY_LEN(kept) && count < ENVIRONMENT_ROOM - 1; i++)
			if (!strncmp(*variable, kept[i], strlen(kept[i])))
				out[count++] = *variable;
	out[count] = NULL;
}

static int start_keeper(const struct launch *launch, const struct local_note *note, int lock,
			struct error *err)
{
	char folder[LOCAL_PATH_ROOM], log[LOCAL_PATH_ROOM], number[16];
	char marker[LOCAL_MARKER_ROOM];
	const char *environment[ENVIRONMENT_ROOM];
	const struct local_settings *local = &launch->resource->local;
	const char *argv[] = { local->bootstrap,
			       "keeper",
			       "--folder",
			       folder,
			       "--lock-fd",
			       number,
			       "--image-key",
			       local->image_key,
			       "--trusted-keys",
			       local->trusted_keys,
			       NULL };
	struct child_spec spec = { .argv = argv,
				   .environment = environment,
				   .folder = folder,
				   .output = log,
				   .keep_fd = lock };
	pid_t pid;

	local_machine_path(launch->resource, note->instance, "", folder);
	local_machine_path(launch->resource, note->instance, "keeper.log", log);
	snprintf(number, sizeof(number), "%d", lock);
	local_machine_marker(note->instance, marker);
	fill_environment(marker, environment);
	if (child_start(&spec, &pid, err) == 0)
		return 0;
	if (err->class == ERROR_NOT_FOUND)
		err->class = ERROR_CONFIGURATION;
	return -1;
}

/* Nothing was started: the slot is as it was, and so is its generation. */
static void undo(const struct launch *launch, const struct local_note *note,
		 const struct local_slot *was, int lock)
{
	char path[LOCAL_PATH_ROOM];
	struct error err;

	local_machine_path(launch->resource, note->instance, "", path);
	if (file_remove_tree(path, &err) < 0)
		log_failure("undo-launch", &err);
	if (was->has_note && local_slot_write(lock, &was->note, &err) < 0)
		log_failure("undo-launch", &err);
	if (!was->has_note && ftruncate(lock, 0) < 0)
		log_warn("undo-launch", "slot %u keeps a note of what was not started", was->slot);
}

/* Each pass would launch one more machine that cannot admit its ticket. */
static int check_key(const char *name, const char *path, struct error *err)
{
	if (access(path, R_OK) == 0)
		return 0;
	return error_set(
		err, ERROR_CONFIGURATION,
		"%s: %s: %s: a machine without it refuses its ticket (mayfly-reaper keygen "
		"makes it)",
		name, path, strerror(errno));
}

static int check_keys(const struct local_settings *local, struct error *err)
{
	if (check_key("local.image_key", local->image_key, err) < 0)
		return -1;
	return check_key("local.trusted_keys", local->trusted_keys, err);
}

static int launch_in(const struct launch *launch, const struct local_slot *was, int lock,
		     struct local_note *note, struct error *err)
{
	if (check_keys(&launch->resource->local, err) < 0 || write_note(launch, note, err) < 0)
		return -1;
	if (make_machine(launch, note, err) == 0 && local_slot_write(lock, note, err) == 0 &&
	    start_keeper(launch, note, lock, err) == 0)
		return 0;
	undo(launch, note, was, lock);
	return -1;
}

/* Is the slot free for this generation, now that we hold its lock? */
static int refuse_occupied(const struct launch *launch, const struct local_slot *was,
			   struct error *err)
{
	bool is_alive = false;

	if (!was->has_note)
		return 0;
	if (was->note.generation >= launch->generation)
		return error_set(err, ERROR_CONFLICT,
				 "%s slot %u had generation %u already (%s): nothing launched",
				 launch->resource->name, launch->slot, was->note.generation,
				 was->note.instance);
	if (local_machine_is_marked(was->note.instance, &is_alive, err) < 0)
		return -1;
	if (is_alive)
		return error_set(err, ERROR_CONFLICT, "processes of %s still live in %s slot %u",
				 was->note.instance, launch->resource->name, launch->slot);
	return 0;
}

/* ---- old folders ---- */

/* Of this slot, ended longer than a day ago, and not its newest but the one that starts now. */
static bool is_swept(const struct launch *launch, const struct local_slot *was, const char *name,
		     int64_t now_s)
{
	struct local_note note;
	struct error ignored;

	if (!strcmp(name, "slots") ||
	    local_machine_read(launch->resource, name, &note, &ignored) < 0 ||
	    strcmp(note.prefix, launch->settings->prefix) != 0 ||
	    strcmp(note.resource, launch->resource->name) != 0 || note.slot != launch->slot ||
	    note.generation >= launch->generation ||
	    (was->has_note && !strcmp(note.instance, was->note.instance)))
		return false;

	int64_t end_s = local_machine_ended_s(launch->resource, note.instance);
	return end_s && now_s - end_s > KEEP_ENDED_S;
}

static void sweep(const struct launch *launch, const struct local_slot *was)
{
	struct folder_entry *entries = NULL;
	size_t count = 0, swept = 0;
	int64_t now_s = clock_wall_ms() / 1000;
	struct error err;

	if (file_list(launch->resource->local.machines, &entries, &count, &err) < 0) {
		log_failure("sweep", &err);
		return;
	}
	for (size_t i = 0; i < count && swept < SWEEP_AT_ONCE; i++) {
		char path[LOCAL_PATH_ROOM];

		if (!is_swept(launch, was, entries[i].name, now_s))
			continue;
		swept++;
		local_machine_path(launch->resource, entries[i].name, "", path);
		if (file_remove_tree(path, &err) < 0)
			log_failure("sweep", &err);
	}
	free(entries);
}

int local_launch(const struct launch *launch, char id[static TICKET_FIELD_ROOM], struct error *err)
{
	struct local_slot was = { 0 };
	struct local_note note;
	SCOPED(fd) int lock = -1;

	if (local_slot_take(launch->settings, launch->resource, launch->slot, &lock, &was, err) <
	    0) {
		if (err->class != ERROR_CONFLICT || !was.has_note)
			return error_wrap(err, "launch in %s slot %u", launch->resource->name,
					  launch->slot);
		if (strcmp(was.note.key, launch->key) != 0)
			return error_set(err, ERROR_CONFLICT, "%s slot %u is held by %s",
					 launch->resource->name, launch->slot, was.note.instance);
		/* The same key: this very launch was carried out before. */
		memcpy(id, was.note.instance, TICKET_FIELD_ROOM);
		return 0;
	}
	if (refuse_occupied(launch, &was, err) < 0)
		return -1;
	if (launch_in(launch, &was, lock, &note, err) < 0)
		return error_wrap(err, "launch in %s slot %u", launch->resource->name,
				  launch->slot);
	memcpy(id, note.instance, TICKET_FIELD_ROOM);
	sweep(launch, &was);
	return 0;
}
