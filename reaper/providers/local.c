#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/marked.h"
#include "reaper/providers/local_launch.h"
#include "reaper/providers/local_machine.h"
#include "reaper/providers/provider.h"

/*
 * local: machines that are processes of this computer: a keeper with a
 * mayfly-bootstrap below it, in a folder of its own. An instance exists while
 * its slot's lock is held by it or any process marked with its id lives.
 */

enum {
	KILL_LIMIT_MS = 10000,
	LOOK_EVERY_MS = 20,
	STATUS_KILLED = 137, /* as a shell tells of SIGKILL */
};

static void fd_release(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- list ---- */

struct listing {
	const struct settings *settings;
	const struct resource *resource;
	struct local_slot *slots;
	size_t slot_count;
	struct fleet fleet;
};

static void listing_release(struct listing *listing)
{
	free(listing->slots);
	fleet_release(&listing->fleet);
}

static struct instance *add_instance(struct listing *listing, const struct local_note *note,
				     enum instance_state state)
{
	struct fleet *fleet = &listing->fleet;

	fleet->list = memory_grow(fleet->list, fleet->count + 1, sizeof(*fleet->list));
	struct instance *instance = &fleet->list[fleet->count++];
	*instance = (struct instance){
		.slot = note->slot,
		.generation = note->generation,
		.state = state,
		.launched_s = note->launched_s,
		.market = note->market,
	};
	memcpy(instance->id, note->instance, sizeof(instance->id));
	memcpy(instance->resource, note->resource, sizeof(instance->resource));
	memcpy(instance->type, note->type, sizeof(instance->type));
	if (strcmp(note->zone, LOCAL_ZONE) != 0)
		memcpy(instance->zone, note->zone, sizeof(instance->zone));
	if (state == INSTANCE_TERMINATED)
		instance->ended_s = local_machine_ended_s(listing->resource, note->instance);
	return instance;
}

/* A resource's slots are named by it: those of another one in this folder, which may be configured
 * no more, are reached by its name. */
static struct resource named_as(const struct resource *resource, const char *name)
{
	struct resource other = *resource; /* borrows all it has */

	text_cut(other.name, sizeof(other.name), name);
	return other;
}

static int is_holding(const struct settings *settings, const struct resource *resource,
		      const struct local_note *note, bool *out, struct error *err)
{
	struct resource of = named_as(resource, note->resource);
	struct local_slot slot;

	if (local_slot_look(settings, &of, note->slot, &slot, err) < 0)
		return -1;
	*out = slot.is_held && slot.has_note && !strcmp(slot.note.instance, note->instance);
	return 0;
}

static int holds_slot(const struct listing *listing, const struct local_note *note, bool *out,
		      struct error *err)
{
	*out = false;
	if (strcmp(note->resource, listing->resource->name) != 0)
		return is_holding(listing->settings, listing->resource, note, out, err);
	for (size_t i = 0; i < listing->slot_count; i++) {
		const struct local_slot *slot = &listing->slots[i];

		if (slot->slot == note->slot && slot->is_held && slot->has_note &&
		    !strcmp(slot->note.instance, note->instance))
			*out = true;
	}
	return 0;
}

static int find_state(const struct listing *listing, const struct local_note *note,
		      enum instance_state *out, struct error *err)
{
	bool is_alive;

	if (holds_slot(listing, note, &is_alive, err) < 0)
		return -1;
	/* Its keeper writes ended.json after it has seen the last process gone. */
	if (!is_alive && !local_machine_has(listing->resource, note->instance, "ended.json") &&
	    local_machine_is_marked(note->instance, &is_alive, err) < 0)
		return -1;
	if (!is_alive)
		*out = INSTANCE_TERMINATED;
	else if (local_machine_has(listing->resource, note->instance, "bootstrap.log"))
		*out = INSTANCE_RUNNING;
	else
		*out = INSTANCE_PENDING;
	return 0;
}

static bool is_ours(const struct listing *listing, const struct local_note *note)
{
	return !strcmp(note->prefix, listing->settings->prefix);
}

static int list_folder(struct listing *listing, const char *name, struct error *err)
{
	struct local_note note;
	enum instance_state state;

	if (!strcmp(name, "slots"))
		return 0;
	if (local_machine_read(listing->resource, name, &note, err) < 0) {
		/* No note: a launch that has begun, or that died before it started anything. */
		if (err->class == ERROR_NOT_FOUND)
			return 0;
		return error_wrap(err, "repair or remove the machine's folder");
	}
	if (!is_ours(listing, &note))
		return 0;
	if (find_state(listing, &note, &state, err) < 0)
		return -1;
	(void)add_instance(listing, &note, state);
	return 0;
}

static bool is_listed(const struct listing *listing, const char *instance)
{
	for (size_t i = 0; i < listing->fleet.count; i++)
		if (!strcmp(listing->fleet.list[i].id, instance))
			return true;
	return false;
}

/* An occupant whose folder is gone is known by its slot alone. */
static void list_slot(struct listing *listing, const struct local_slot *slot)
{
	struct local_note note = slot->note;

	if (slot->has_note) {
		if (!is_listed(listing, note.instance))
			(void)add_instance(listing, &note,
					   slot->is_held ? INSTANCE_RUNNING : INSTANCE_TERMINATED);
		return;
	}
	if (!slot->is_held)
		return;
	note = (struct local_note){ .slot = slot->slot, .launched_s = clock_wall_ms() / 1000 };
	memcpy(note.resource, listing->resource->name, sizeof(note.resource));
	snprintf(note.instance, sizeof(note.instance), "local-launching-%u", slot->slot);
	add_instance(listing, &note, INSTANCE_PENDING)->is_unnamed = true;
}

/* By slot and age: the same machines in the same order, whatever their folders are called. */
static int by_slot(const void *a, const void *b)
{
	const struct instance *left = a, *right = b;

	if (left->slot != right->slot)
		return left->slot < right->slot ? -1 : 1;
	if (left->generation != right->generation)
		return left->generation < right->generation ? -1 : 1;
	return strcmp(left->id, right->id);
}

static int list_all(struct listing *listing, struct error *err)
{
	struct folder_entry *entries = NULL;
	size_t count = 0;
	int result = 0;

	if (local_slot_list(listing->settings, listing->resource, &listing->slots,
			    &listing->slot_count, err) < 0 ||
	    file_list(listing->resource->local.machines, &entries, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count && result == 0; i++)
		result = list_folder(listing, entries[i].name, err);
	free(entries);
	for (size_t i = 0; i < listing->slot_count && result == 0; i++)
		list_slot(listing, &listing->slots[i]);
	if (listing->fleet.count)
		qsort(listing->fleet.list, listing->fleet.count, sizeof(*listing->fleet.list),
		      by_slot);
	return result;
}

static int local_list(const struct settings *settings, const struct resource *resource,
		      struct fleet *out, struct error *err)
{
	SCOPED(listing) struct listing listing = { .settings = settings, .resource = resource };

	if (list_all(&listing, err) < 0)
		return error_wrap(err, "list the machines of %s", resource->name);
	*out = listing.fleet;
	listing.fleet = (struct fleet){ 0 };
	return 0;
}

/* ---- terminate ---- */

static int write_end(const struct resource *resource, const char *instance, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf text = BUF(1024);
	char path[LOCAL_PATH_ROOM];

	if (local_machine_has(resource, instance, "ended.json"))
		return 0;
	json_new_object(&document);
	json_add_integer(document.root, "ended_s", clock_wall_ms() / 1000);
	json_add_integer(document.root, "status", STATUS_KILLED);
	json_add_integer(document.root, "restarts", 0);
	json_add_text(document.root, "ended_by", "mayfly-reaper");
	json_print(document.root, true, &text);
	local_machine_path(resource, instance, "ended.json", path);
	return file_write(path, buf_slice(&text), 0600, err);
}

/* Killing is not enough: the instance is gone when its slot is free. */
static int kill_all(const struct settings *settings, const struct resource *resource,
		    const struct local_note *note, struct error *err)
{
	char marker[LOCAL_MARKER_ROOM];
	int64_t give_up_ms = clock_monotonic_ms() + KILL_LIMIT_MS;
	bool is_held = true;

	local_machine_marker(note->instance, marker);
	if (marked_kill(marker, 0, 0, KILL_LIMIT_MS, err) < 0)
		return -1;
	for (;;) {
		if (is_holding(settings, resource, note, &is_held, err) < 0)
			return -1;
		if (!is_held)
			return 0;
		if (clock_monotonic_ms() > give_up_ms)
			return error_set(err, ERROR_SYSTEM,
					 "its slot %u is still held by a process that cannot be "
					 "found (run as the user who launched it, or as root)",
					 note->slot);
		clock_sleep_ms(LOOK_EVERY_MS);
	}
}

static int local_terminate(const struct settings *settings, const struct resource *resource,
			   const char *instance, struct error *err)
{
	struct listing listing = { .settings = settings, .resource = resource };
	struct local_note note;
	bool is_held = false, is_marked = false;

	if (local_machine_read(resource, instance, &note, err) < 0)
		return error_wrap(err, "terminate %s", instance);
	if (!is_ours(&listing, &note))
		return error_set(err, ERROR_REFUSED, "%s is a machine of %s, not of %s", instance,
				 note.prefix, settings->prefix);
	if (is_holding(settings, resource, &note, &is_held, err) < 0 ||
	    local_machine_is_marked(instance, &is_marked, err) < 0)
		return -1;
	if (!is_held && !is_marked) {
		if (write_end(resource, instance, err) < 0)
			return -1;
		return error_set(err, ERROR_NOT_FOUND, "%s is gone already", instance);
	}
	if (kill_all(settings, resource, &note, err) < 0 || write_end(resource, instance, err) < 0)
		return error_wrap(err, "terminate %s", instance);
	return 0;
}

/* ---- console ---- */

static int read_tail(const char *path, struct buf *out, struct error *err)
{
	SCOPED(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat about;
	char chunk[4096];
	off_t at;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &about) < 0)
		return error_errno(err, "open %s", path);
	at = about.st_size > (off_t)out->limit ? about.st_size - (off_t)out->limit : 0;
	while (out->len < out->limit) {
		size_t room = out->limit - out->len;
		ssize_t got = pread(fd, chunk, room < sizeof(chunk) ? room : sizeof(chunk), at);

		if (got < 0)
			return error_errno(err, "read %s", path);
		if (got == 0)
			return 0;
		buf_add(out, (struct slice){ chunk, (size_t)got });
		at += got;
	}
	return 0;
}

static int local_console(const struct settings *settings, const struct resource *resource,
			 const char *instance, struct buf *out, struct error *err)
{
	static const char *const logs[] = { "bootstrap.log", "keeper.log" };
	char path[LOCAL_PATH_ROOM];

	(void)settings;
	for (size_t i = 0; i < ARRAY_LEN(logs) && !out->len; i++) {
		local_machine_path(resource, instance, logs[i], path);
		if (read_tail(path, out, err) < 0)
			return error_wrap(err, "console of %s", instance);
	}
	return 0;
}

const struct provider provider_local = {
	.name = "local",
	.list = local_list,
	.launch = local_launch,
	.terminate = local_terminate,
	.console = local_console,
};
