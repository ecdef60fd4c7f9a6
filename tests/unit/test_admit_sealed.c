#include "bootstrap/admit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "common/age.h"
#include "common/envelope.h"
#include "common/file.h"
#include "tests/unit/support/scratch.h"

/*
 * A machine's folder with a real signed ticket and a real sealed bundle; each
 * row spoils one thing of it.
 */

#define MUST(call)                                               \
	do {                                                     \
		struct error must = { 0 };                       \
		struct error *err = &must;                       \
		if ((call) < 0)                                  \
			fail_msg("%s: %s", #call, must.message); \
	} while (0)

enum { TEXT_MAX = 1 << 20, KEYS = 2 };

struct bench {
	char folder[SCRATCH_ROOM];
	struct machine machine;
	struct launch_note note;
	struct ticket ticket;
	struct minisign_key signing[KEYS];
	struct age_identities image[KEYS];
	struct age_recipient recipients[KEYS];
	struct envelope envelope;
	struct buf sealed;
	const char *bundle_prefix, *ticket_comment, *bundle_comment;
	unsigned sealed_to, signed_by, bundle_signed_by;
	bool is_bundle_beside; /* with the ticket */
};

static const char *in(const struct bench *bench, const char *name)
{
	return scratch_path(bench->folder, name);
}

static void write_file(const struct bench *bench, const char *name, struct slice bytes, mode_t mode)
{
	MUST(file_write(in(bench, name), bytes, mode, err));
}

static void write_identities(const struct bench *bench, unsigned which)
{
	SCOPED(secret) struct secret text = { 0 };

	MUST(age_identity_print(&bench->image[which].keys[0], &text, err));
	write_file(bench, "image.key", secret_expose(&text), 0400);
}

static void write_trusted(const struct bench *bench, unsigned first, unsigned count)
{
	SCOPED(buf) struct buf text = BUF(TEXT_MAX);

	for (unsigned i = first; i < first + count; i++) {
		struct minisign_public key;

		minisign_key_public(&bench->signing[i], &key);
		minisign_public_print(&key, &text);
	}
	write_file(bench, "trusted.pub", buf_slice(&text), 0644);
}

static void fill_ticket(struct bench *bench)
{
	static char *command[] = { (char *)(uintptr_t) "/bin/true", NULL };
	struct ticket *ticket = &bench->ticket;

	ticket_defaults(ticket);
	text_cut(ticket->prefix, sizeof(ticket->prefix), "mayfly");
	text_cut(ticket->resource, sizeof(ticket->resource), "cpu");
	text_cut(ticket->provider, sizeof(ticket->provider), "local");
	text_cut(ticket->type, sizeof(ticket->type), "small");
	text_cut(ticket->day, sizeof(ticket->day), "2026-11-24");
	text_cut(ticket->queues[0], sizeof(ticket->queues[0]), "cpu");
	ticket->queue_count = 1;
	text_cut(ticket->api_server, sizeof(ticket->api_server), "http://127.0.0.1:9");
	ticket->agent.command = command;
	text_cut(ticket->bundle.source, sizeof(ticket->bundle.source), "inline");
}

static void begin(struct bench *bench)
{
	*bench = (struct bench){ .bundle_prefix = "mayfly",
				 .ticket_comment = "mayfly ticket for mayfly",
				 .bundle_comment = "mayfly bundle for mayfly",
				 .sealed = BUF(TEXT_MAX),
				 .envelope = envelope_new(),
				 .is_bundle_beside = true };
	scratch_make(bench->folder);
	text_cut(bench->machine.folder, sizeof(bench->machine.folder), bench->folder);
	text_cut(bench->machine.identity.provider, TICKET_FIELD_ROOM, "local");
	text_cut(bench->machine.identity.instance, TICKET_FIELD_ROOM, "local-1");
	text_cut(bench->machine.identity.type, TICKET_FIELD_ROOM, "small");
	bench->note.identity = bench->machine.identity;
	text_cut(bench->note.prefix, sizeof(bench->note.prefix), "mayfly");
	text_cut(bench->note.resource, sizeof(bench->note.resource), "cpu");
	fill_ticket(bench);
	for (unsigned i = 0; i < KEYS; i++) {
		MUST(minisign_key_new(&bench->signing[i], err));
		MUST(age_identity_new(&bench->image[i], &bench->recipients[i], err));
	}
	write_identities(bench, 0);
	write_trusted(bench, 0, 1);
}

/* As the reaper does it, with what the bench says. */
static void launch(struct bench *bench)
{
	SCOPED(buf) struct buf plain = BUF(TEXT_MAX), user_data = BUF(TEXT_MAX);
	struct envelope *envelope = &bench->envelope;
	const struct age_recipients to = { &bench->recipients[bench->sealed_to], 1 };

	buf_addf(&plain,
		 "{\"prefix\": \"%s\", \"clearml\": {\"access_key\": \"A\", \"secret_key\": "
		 "\"hunter2\"}}",
		 bench->bundle_prefix);
	MUST(age_seal(buf_slice(&plain), &to, AGE_BINARY, &bench->sealed, err));
	if (!bench->ticket.bundle.digest[0])
		hash_sha256(buf_slice(&bench->sealed), bench->ticket.bundle.digest);
	ticket_print(&bench->ticket, &envelope->ticket);
	MUST(minisign_sign(buf_slice(&envelope->ticket), &bench->signing[bench->signed_by],
			   bench->ticket_comment, &envelope->ticket_signature, err));
	MUST(minisign_sign(buf_slice(&bench->sealed), &bench->signing[bench->bundle_signed_by],
			   bench->bundle_comment, &envelope->bundle_signature, err));
	if (bench->is_bundle_beside)
		buf_add(&envelope->bundle, buf_slice(&bench->sealed));
	MUST(envelope_print(envelope, &user_data, err));
	write_file(bench, "user-data", buf_slice(&user_data), 0600);
}

static int try_admit(struct bench *bench, struct error *err)
{
	char image_key[SCRATCH_ROOM], trusted_keys[SCRATCH_ROOM];
	const struct trust_files trust = { trusted_keys, image_key };

	text_cut(image_key, sizeof(image_key), in(bench, "image.key"));
	text_cut(trusted_keys, sizeof(trusted_keys), in(bench, "trusted.pub"));
	ticket_defaults(&bench->machine.ticket);
	return admit(&bench->machine, &bench->note, &trust, err);
}

static void end(struct bench *bench)
{
	machine_release(&bench->machine);
	for (unsigned i = 0; i < KEYS; i++) {
		minisign_key_release(&bench->signing[i]);
		age_identities_release(&bench->image[i]);
	}
	envelope_release(&bench->envelope);
	buf_release(&bench->sealed);
	scratch_remove(bench->folder);
}

static void check_admitted(struct bench *bench)
{
	struct error err = { 0 };

	if (try_admit(bench, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(secret_text(&bench->machine.bundle.secret_key), "hunter2");
	assert_string_equal(bench->machine.ticket.resource, "cpu");
	assert_string_equal(bench->machine.record_id, "mayfly:cpu:small:local-1:bootstrap");
}

static void when_all_is_right(void **state)
{
	SCOPED(buf) struct buf kept = BUF(TEXT_MAX);
	struct bench bench;

	(void)state;
	begin(&bench);
	launch(&bench);
	check_admitted(&bench);
	MUST(file_read(in(&bench, "ticket.json"), &kept, err));
	assert_string_equal(buf_text(&kept), buf_text(&bench.envelope.ticket));
	MUST(file_read(in(&bench, "bundle.age"), &kept, err));
	assert_int_equal(kept.len, bench.sealed.len);
	assert_memory_equal(kept.bytes, bench.sealed.bytes, kept.len);
	end(&bench);
}

/* ---- one thing is wrong ---- */

static void seal_for_another(struct bench *bench)
{
	bench->sealed_to = 1;
}

static void sign_with_another(struct bench *bench)
{
	bench->signed_by = 1;
}

static void sign_bundle_with_another(struct bench *bench)
{
	bench->bundle_signed_by = 1;
}

static void name_another_prefix(struct bench *bench)
{
	bench->bundle_prefix = "other";
}

static void sign_for_another_prefix(struct bench *bench)
{
	bench->ticket_comment = "mayfly ticket for other";
}

static void sign_bundle_for_another_prefix(struct bench *bench)
{
	bench->bundle_comment = "mayfly bundle for other";
}

static void sign_as_bundle(struct bench *bench)
{
	bench->ticket_comment = "mayfly bundle for mayfly";
}

static void name_another_digest(struct bench *bench)
{
	hash_sha256(slice_of("another"), bench->ticket.bundle.digest);
}

static void fill_another_slot(struct bench *bench)
{
	bench->ticket.slot = 1;
}

static void leave_out_bundle(struct bench *bench)
{
	bench->is_bundle_beside = false;
}

static void replace_user_data(struct bench *bench)
{
	write_file(bench, "user-data", slice_of("#cloud-config\npackages: [git]\n"), 0600);
}

static void remove_file_named(struct bench *bench, const char *name)
{
	MUST(file_remove(in(bench, name), err));
}

static void remove_user_data(struct bench *bench)
{
	remove_file_named(bench, "user-data");
}

static void remove_image_key(struct bench *bench)
{
	remove_file_named(bench, "image.key");
}

static void remove_trusted(struct bench *bench)
{
	remove_file_named(bench, "trusted.pub");
}

static void open_image_key(struct bench *bench)
{
	assert_int_equal(chmod(in(bench, "image.key"), 0640), 0);
}

static void open_trusted(struct bench *bench)
{
	assert_int_equal(chmod(in(bench, "trusted.pub"), 0664), 0);
}

static void spoil_image_key(struct bench *bench)
{
	write_file(bench, "image.key", slice_of("AGE-SECRET-KEY-1QQQQ\n"), 0600);
}

static void spoil_trusted(struct bench *bench)
{
	write_file(bench, "trusted.pub", slice_of("RWQ\n"), 0644);
}

static void when_something_is_wrong(void **state)
{
	static const struct {
		const char *when;
		void (*before)(struct bench *bench), (*after)(struct bench *bench);
		enum error_class class;
		const char *says;
	} cases[] = {
		{ "the bundle is sealed for another image", seal_for_another, NULL, ERROR_DENIED,
		  "image.key" },
		{ "the ticket is signed with another key", sign_with_another, NULL, ERROR_DENIED,
		  "user-data" },
		{ "the bundle is signed with another key", sign_bundle_with_another, NULL,
		  ERROR_DENIED, "bundle" },
		{ "the bundle is for another prefix", name_another_prefix, NULL, ERROR_DENIED,
		  "the bundle is for prefix other" },
		{ "the ticket is signed for another prefix", sign_for_another_prefix, NULL,
		  ERROR_DENIED, "other" },
		{ "the bundle is signed for another prefix", sign_bundle_for_another_prefix, NULL,
		  ERROR_DENIED, "other" },
		{ "the ticket's signature is one of a bundle", sign_as_bundle, NULL, ERROR_DENIED,
		  "bundle" },
		{ "the ticket names another bundle", name_another_digest, NULL, ERROR_DENIED,
		  "bundle" },
		{ "the ticket is for another slot", fill_another_slot, NULL, ERROR_CONFIGURATION,
		  "slot" },
		{ "the bundle did not come", leave_out_bundle, NULL, ERROR_NOT_FOUND,
		  "brings none" },
		{ "the user data holds no ticket", NULL, replace_user_data, ERROR_NOT_FOUND,
		  "user-data" },
		{ "there is no user data", NULL, remove_user_data, ERROR_NOT_FOUND, "user-data" },
		{ "there is no image key", NULL, remove_image_key, ERROR_NOT_FOUND,
		  "mayfly-reaper keygen" },
		{ "nobody is trusted", NULL, remove_trusted, ERROR_NOT_FOUND,
		  "mayfly-reaper keygen" },
		{ "others can read the image key", NULL, open_image_key, ERROR_CONFIGURATION,
		  "chmod 600" },
		{ "others can change who is trusted", NULL, open_trusted, ERROR_CONFIGURATION,
		  "chmod 644" },
		{ "the image key is damaged", NULL, spoil_image_key, ERROR_CONFIGURATION,
		  "line 1" },
		{ "the trusted keys are damaged", NULL, spoil_trusted, ERROR_CONFIGURATION,
		  "trusted.pub" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };
		struct bench bench;

		begin(&bench);
		if (cases[i].before)
			cases[i].before(&bench);
		launch(&bench);
		if (cases[i].after)
			cases[i].after(&bench);
		if (try_admit(&bench, &err) == 0)
			fail_msg("when %s: admitted", cases[i].when);
		if (err.class != cases[i].class || !strstr(err.message, cases[i].says))
			fail_msg("when %s: %s: %s", cases[i].when, error_class_name(err.class),
				 err.message);
		assert_null(strstr(err.message, "hunter2"));
		assert_int_equal(bench.machine.bundle.secret_key.len, 0);
		assert_false(file_exists(in(&bench, "bundle.age")));
		end(&bench);
	}
}

/* ---- where the bundle is ---- */

static void when_the_bundle_is_a_file_of_the_machine(void **state)
{
	struct bench bench;
	struct error err = { 0 };

	(void)state;
	begin(&bench);
	bench.is_bundle_beside = false;
	snprintf(bench.ticket.bundle.source, sizeof(bench.ticket.bundle.source), "file:%s",
		 in(&bench, "baked.age"));
	launch(&bench);
	assert_int_equal(try_admit(&bench, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
	assert_non_null(strstr(err.message, "baked.age"));
	machine_release(&bench.machine);
	text_cut(bench.machine.folder, sizeof(bench.machine.folder), bench.folder);
	bench.machine.identity = bench.note.identity;
	write_file(&bench, "baked.age", buf_slice(&bench.sealed), 0644);
	check_admitted(&bench);
	end(&bench);
}

/* Another bundle was put in its place since: this machine keeps to its own. */
static void when_the_machine_starts_again(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench);
	bench.is_bundle_beside = false;
	snprintf(bench.ticket.bundle.source, sizeof(bench.ticket.bundle.source), "file:%s",
		 in(&bench, "baked.age"));
	launch(&bench);
	write_file(&bench, "baked.age", buf_slice(&bench.sealed), 0644);
	check_admitted(&bench);
	write_file(&bench, "baked.age", slice_of("new"), 0644);
	machine_release(&bench.machine);
	text_cut(bench.machine.folder, sizeof(bench.machine.folder), bench.folder);
	bench.machine.identity = bench.note.identity;
	check_admitted(&bench);
	/* What was kept is believed no more than what is fetched. */
	write_file(&bench, "bundle.age", slice_of("altered"), 0600);
	machine_release(&bench.machine);
	text_cut(bench.machine.folder, sizeof(bench.machine.folder), bench.folder);
	bench.machine.identity = bench.note.identity;
	struct error err = { 0 };
	assert_int_equal(try_admit(&bench, &err), -1);
	assert_int_equal(err.class, ERROR_DENIED);
	end(&bench);
}

/* ---- rotation ---- */

static void when_keys_are_rotated(void **state)
{
	static const struct {
		const char *when;
		unsigned trusted_first, trusted_count, signed_by;
		bool is_admitted;
	} cases[] = {
		{ "both keys are trusted, and the old one signs", 0, 2, 0, true },
		{ "both keys are trusted, and the new one signs", 0, 2, 1, true },
		{ "only the new one is trusted any more", 1, 1, 1, true },
		{ "the old one signs, and is trusted no more", 1, 1, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };
		struct bench bench;

		begin(&bench);
		write_trusted(&bench, cases[i].trusted_first, cases[i].trusted_count);
		bench.signed_by = bench.bundle_signed_by = cases[i].signed_by;
		launch(&bench);
		if ((try_admit(&bench, &err) == 0) != cases[i].is_admitted)
			fail_msg("when %s: %s", cases[i].when, err.message);
		end(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_all_is_right),
		cmocka_unit_test(when_something_is_wrong),
		cmocka_unit_test(when_the_bundle_is_a_file_of_the_machine),
		cmocka_unit_test(when_the_machine_starts_again),
		cmocka_unit_test(when_keys_are_rotated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
