/* local_slot: what the lists of provider local say of a slot whose machine has no folder. */
#include "reaper/providers/local_slot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "reaper/providers/provider.h"
#include "tests/unit/support/scratch.h"

enum { SLOT = 2 };

struct bench {
	char folder[SCRATCH_ROOM];
	struct settings settings;
	struct resource resource;
};

static void open_bench(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	scratch_make(bench->folder);
	text_cut(bench->settings.prefix, sizeof(bench->settings.prefix), "p");
	text_cut(bench->resource.name, sizeof(bench->resource.name), "cpu");
	text_cut(bench->resource.local.machines, sizeof(bench->resource.local.machines),
		 scratch_path(bench->folder, "machines"));
}

static int take(const struct bench *bench)
{
	struct local_slot was;
	struct error err;
	int fd;

	if (local_slot_take(&bench->settings, &bench->resource, SLOT, &fd, &was, &err) < 0)
		fail_msg("%s", err.message);
	return fd;
}

static void write_note(int fd)
{
	struct local_note note = { .slot = SLOT, .generation = 7, .launched_s = 1800000000 };
	struct error err;

	text_cut(note.instance, sizeof(note.instance), "local-1f0e");
	text_cut(note.prefix, sizeof(note.prefix), "p");
	text_cut(note.resource, sizeof(note.resource), "cpu");
	text_cut(note.type, sizeof(note.type), "local");
	text_cut(note.zone, sizeof(note.zone), LOCAL_ZONE);
	text_cut(note.boot_id, sizeof(note.boot_id), "boot");
	text_cut(note.key, sizeof(note.key), "key");
	if (local_slot_write(fd, &note, &err) < 0)
		fail_msg("%s", err.message);
}

/* A launch takes the slot first and writes the note then: a list in between knows no id. */
static void test_what_a_list_says_of_a_slot(void **state)
{
	static const struct {
		const char *when;
		bool has_note, is_held, is_listed;
		enum instance_state state;
		bool is_unnamed;
	} cases[] = {
		{ "a launch has just begun", false, true, true, INSTANCE_PENDING, true },
		{ "a launch died before its note", false, false, false, INSTANCE_PENDING, false },
		{ "its machine lives", true, true, true, INSTANCE_RUNNING, false },
		{ "its machine has ended", true, false, true, INSTANCE_TERMINATED, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(fleet) struct fleet fleet = { 0 };
		struct bench bench;
		struct error err;

		open_bench(&bench);
		int fd = take(&bench);
		if (cases[i].has_note)
			write_note(fd);
		if (!cases[i].is_held)
			close(fd);
		if (provider_local.list(&bench.settings, &bench.resource, &fleet, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (fleet.count != cases[i].is_listed)
			fail_msg("when %s: %zu", cases[i].when, fleet.count);
		if (fleet.count &&
		    (fleet.list[0].slot != SLOT || fleet.list[0].state != cases[i].state ||
		     fleet.list[0].is_unnamed != cases[i].is_unnamed))
			fail_msg("when %s: slot %u, state %d, unnamed %d", cases[i].when,
				 fleet.list[0].slot, fleet.list[0].state, fleet.list[0].is_unnamed);
		if (cases[i].is_held)
			close(fd);
		scratch_remove(bench.folder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_list_says_of_a_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
