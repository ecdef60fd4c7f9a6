#include "reaper/providers/local_slot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"

/* Somebody who looks holds the lock for a moment; a machine holds it for its life. */
enum { TAKE_TRIES = 5, TAKE_PAUSE_MS = 20 };

static void fd_release(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void slots_folder(const struct resource *resource, char out[static LOCAL_PATH_ROOM])
{
	snprintf(out, LOCAL_PATH_ROOM, "%s/slots", resource->local.machines);
}

static void slot_path(const struct settings *settings, const struct resource *resource,
		      unsigned slot, char out[static LOCAL_PATH_ROOM])
{
	snprintf(out, LOCAL_PATH_ROOM, "%s/slots/%s.%s.%u.lock", resource->local.machines,
		 settings->prefix, resource->name, slot);
}

/* A note that was cut by a crash is none: then nothing was started either. */
static int read_note(int fd, const char *path, struct local_slot *out, struct error *err)
{
	char text[LOCAL_NOTE_BYTES];
	ssize_t len = pread(fd, text, sizeof(text), 0);
	struct error ignored;

	if (len < 0)
		return error_errno(err, "read %s", path);
	out->has_note =
		local_note_parse((struct slice){ text, (size_t)len }, &out->note, &ignored) == 0;
	return 0;
}

int local_slot_look(const struct settings *settings, const struct resource *resource, unsigned slot,
		    struct local_slot *out, struct error *err)
{
	char path[LOCAL_PATH_ROOM];
	struct local_slot found = { .slot = slot };

	slot_path(settings, resource, slot, path);
	SCOPED(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno != ENOENT)
		return error_errno(err, "open %s", path);
	if (fd >= 0) {
		found.is_held = flock(fd, LOCK_SH | LOCK_NB) < 0;
		if (found.is_held && errno != EWOULDBLOCK)
			return error_errno(err, "look at the lock %s", path);
		if (read_note(fd, path, &found, err) < 0)
			return -1;
	}
	*out = found;
	return 0;
}

/* The slot's number in "PREFIX.RESOURCE.7.lock"; false when it is another resource's. */
static bool is_slot_of(const char *name, const char *start, unsigned *slot)
{
	size_t len = strlen(start);
	unsigned number = 0;
	size_t digits = 0;

	if (strncmp(name, start, len) != 0)
		return false;
	for (name += len; *name >= '0' && *name <= '9' && digits < 6; name++, digits++)
		number = number * 10 + (unsigned)(*name - '0');
	*slot = number;
	return digits && !strcmp(name, ".lock");
}

int local_slot_list(const struct settings *settings, const struct resource *resource,
		    struct local_slot **out, size_t *count, struct error *err)
{
	char folder[LOCAL_PATH_ROOM], start[2 * TICKET_FIELD_ROOM + 2];
	struct folder_entry *entries = NULL;
	size_t entry_count = 0, found = 0;
	int result = 0;

	slots_folder(resource, folder);
	snprintf(start, sizeof(start), "%s.%s.", settings->prefix, resource->name);
	if (file_list(folder, &entries, &entry_count, err) < 0)
		return -1;
	struct local_slot *slots = memory_array(entry_count + 1, sizeof(*slots));
	for (size_t i = 0; i < entry_count && result == 0; i++) {
		unsigned slot;

		if (is_slot_of(entries[i].name, start, &slot))
			result = local_slot_look(settings, resource, slot, &slots[found++], err);
	}
	free(entries);
	if (result < 0) {
		free(slots);
		return -1;
	}
	*out = slots;
	*count = found;
	return 0;
}

int local_slot_take(const struct settings *settings, const struct resource *resource, unsigned slot,
		    int *fd, struct local_slot *was, struct error *err)
{
	char path[LOCAL_PATH_ROOM];
	SCOPED(fd) int taken = -1;
	int result = -1;

	slots_folder(resource, path);
	if (file_make_folder(path, 0700, err) < 0)
		return -1;
	slot_path(settings, resource, slot, path);
	for (unsigned i = 0; i < TAKE_TRIES && result < 0; i++) {
		if (i)
			clock_sleep_ms(TAKE_PAUSE_MS);
		result = file_lock(path, &taken, err);
		if (result < 0 && err->class != ERROR_CONFLICT)
			return -1;
	}
	if (result < 0) {
		struct error why = *err;

		if (local_slot_look(settings, resource, slot, was, err) == 0)
			*err = why;
		return -1;
	}
	*was = (struct local_slot){ .slot = slot };
	if (read_note(taken, path, was, err) < 0)
		return -1;
	*fd = taken;
	taken = -1;
	return 0;
}

int local_slot_write(int fd, const struct local_note *note, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(LOCAL_NOTE_BYTES);

	local_note_print(note, &text);
	if (buf_finish(&text, err) < 0)
		return -1;
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text.bytes, text.len, 0) != (ssize_t)text.len ||
	    fsync(fd) < 0)
		return error_errno(err, "write the slot's note");
	return 0;
}
