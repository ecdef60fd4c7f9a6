#include "bootstrap/identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bootstrap/identity_aws.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/worker_id.h"

enum { INSTANCE_FILE_MAX = 64 * 1024, BOOT_ID_ROOM = 64, MAX_NUMBER = 1000000000 };

int identity_folder(const char *folder, char out[static MACHINE_PATH_ROOM], struct error *err)
{
	char *real = realpath(folder, NULL);
	struct stat at;

	if (!real)
		return error_set(err, ERROR_CONFIGURATION, "the machine's folder %s: %s", folder,
				 strerror(errno));
	int status = text_copy(out, MACHINE_PATH_ROOM, slice_of(real), err);

	if (!status && (stat(real, &at) < 0 || !S_ISDIR(at.st_mode)))
		status = error_set(err, ERROR_CONFIGURATION, "%s is no folder", real);
	free(real);
	if (status < 0) {
		err->class = ERROR_CONFIGURATION;
		return error_wrap(err, "the machine's folder");
	}
	return 0;
}

static int read_name(const struct json *from, const char *path, char field[TICKET_FIELD_ROOM],
		     struct error *err)
{
	const char *text;

	if (json_text(from, path, &text, err) < 0)
		return -1;
	if (!worker_id_is_field(slice_of(text)))
		return error_set(err, ERROR_MALFORMED,
				 "%s: expected 1 to 64 characters of A-Z a-z 0-9 _ . -", path);
	return text_copy(field, TICKET_FIELD_ROOM, slice_of(text), err);
}

static int read_number(const struct json *from, const char *path, unsigned *out, struct error *err)
{
	int64_t number;

	if (json_integer(from, path, &number, err) < 0)
		return -1;
	if (number < 0 || number > MAX_NUMBER)
		return error_set(err, ERROR_MALFORMED, "%s: expected 0 to %d, got %lld", path,
				 MAX_NUMBER, (long long)number);
	*out = (unsigned)number;
	return 0;
}

static int read_names(const struct json *root, struct launch_note *note, struct error *err)
{
	const struct {
		const char *path;
		char *field;
	} names[] = {
		{ "provider", note->identity.provider }, { "instance", note->identity.instance },
		{ "type", note->identity.type },	 { "zone", note->identity.zone },
		{ "market", note->identity.market },	 { "prefix", note->prefix },
		{ "resource", note->resource },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (read_name(root, names[i].path, names[i].field, err) < 0)
			return -1;
	if (strcmp(note->identity.provider, "local") != 0)
		return error_set(err, ERROR_MALFORMED, "provider: expected local, got %s",
				 note->identity.provider);
	return 0;
}

/* In another boot than the launcher's, only wall time still tells how long ago it was. */
static int64_t launched_monotonic(int64_t launched_s, int64_t launched_boottime_ms,
				  bool is_same_boot, const struct identity_clock *clock)
{
	int64_t then_ms = is_same_boot ? launched_boottime_ms :
					 clock->monotonic_ms - (clock->wall_ms - launched_s * 1000);

	return then_ms < clock->monotonic_ms ? then_ms : clock->monotonic_ms;
}

static int read_times(const struct json *root, const struct identity_clock *clock,
		      struct identity *identity, struct error *err)
{
	const int64_t year_9999_s = 253402300799;
	int64_t launched_s, boottime_ms;
	const char *boot_id;

	if (json_integer(root, "launched_s", &launched_s, err) < 0 ||
	    json_integer(root, "launched_boottime_ms", &boottime_ms, err) < 0 ||
	    json_text(root, "boot_id", &boot_id, err) < 0)
		return -1;
	if (launched_s <= 0 || launched_s > year_9999_s)
		return error_set(err, ERROR_MALFORMED, "launched_s: %lld is no time",
				 (long long)launched_s);
	if (boottime_ms < 0 || boottime_ms > year_9999_s * 1000)
		return error_set(err, ERROR_MALFORMED, "launched_boottime_ms: %lld is no time",
				 (long long)boottime_ms);
	identity->launched_s = launched_s;
	identity->launched_monotonic_ms = launched_monotonic(
		launched_s, boottime_ms, !strcmp(boot_id, clock->boot_id), clock);
	return 0;
}

int identity_parse(struct slice text, const struct identity_clock *clock, struct launch_note *out,
		   struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct launch_note note = { .names_slot = true };

	if (json_parse(text, &document, err) < 0)
		return -1;
	if (json_kind(document.root) != JSON_OBJECT)
		return error_set(err, ERROR_MALFORMED, "expected an object, got %s",
				 json_kind_name(json_kind(document.root)));
	if (read_names(document.root, &note, err) < 0 ||
	    read_number(document.root, "slot", &note.slot, err) < 0 ||
	    read_number(document.root, "generation", &note.generation, err) < 0 ||
	    read_times(document.root, clock, &note.identity, err) < 0)
		return -1;
	*out = note;
	return 0;
}

static int read_boot_id(char out[static BOOT_ID_ROOM], struct error *err)
{
	SCOPED(buf) struct buf text = BUF(BOOT_ID_ROOM);

	if (file_read("/proc/sys/kernel/random/boot_id", &text, err) < 0)
		return -1;
	size_t len = strcspn(buf_text(&text), "\n");

	return text_copy(out, BOOT_ID_ROOM, (struct slice){ buf_text(&text), len }, err);
}

static int identify_local(const char *folder, struct launch_note *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(INSTANCE_FILE_MAX);
	char path[MACHINE_PATH_ROOM], boot_id[BOOT_ID_ROOM];

	if (snprintf(path, sizeof(path), "%s/instance.json", folder) >= (int)sizeof(path))
		return error_set(err, ERROR_CONFIGURATION, "the folder's name is too long: %s",
				 folder);
	if (file_read(path, &text, err) < 0)
		return error_wrap(err, "who am I (mayfly-reaper writes this file at a launch)");
	if (read_boot_id(boot_id, err) < 0)
		return -1;
	const struct identity_clock clock = { clock_wall_ms(), clock_monotonic_ms(), boot_id };

	if (identity_parse(buf_slice(&text), &clock, out, err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

static int identify_aws(const char *folder, struct launch_note *out, struct error *err)
{
	(void)folder;
	return identity_aws_read(out, err);
}

static const struct {
	const char *name;
	int (*identify)(const char *folder, struct launch_note *out, struct error *err);
} providers[] = {
	{ "local", identify_local },
	{ "aws", identify_aws },
};

int identity_read(const char *provider, const char *folder, struct launch_note *out,
		  struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(providers); i++)
		if (!strcmp(providers[i].name, provider))
			return providers[i].identify(folder, out, err);
	return error_set(err, ERROR_CONFIGURATION, "provider %s: this release knows local and aws",
			 provider);
}
