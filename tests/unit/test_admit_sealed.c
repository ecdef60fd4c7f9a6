#include "bootstrap/admit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/file.h"
#include "tests/unit/support/sealed_bench.h"

static void check_admitted(struct sealed_bench *bench)
{
	struct error err = { 0 };

	if (sealed_bench_admit(bench, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(secret_text(&bench->machine.bundle.secret_key), "hunter2");
	assert_string_equal(bench->machine.ticket.resource, "cpu");
	assert_string_equal(bench->machine.record_id, "mayfly:cpu:small:local-1:bootstrap");
}

static void when_all_is_right(void **state)
{
	SCOPED(buf) struct buf kept = BUF(1 << 20);
	struct sealed_bench bench;
	struct error err;

	(void)state;
	sealed_bench_begin(&bench);
	sealed_bench_launch(&bench);
	check_admitted(&bench);
	assert_int_equal(file_read(sealed_bench_path(&bench, "ticket.json"), &kept, &err), 0);
	assert_string_equal(buf_text(&kept), buf_text(&bench.envelope.ticket));
	assert_int_equal(file_read(sealed_bench_path(&bench, "bundle.age"), &kept, &err), 0);
	assert_int_equal(kept.len, bench.sealed.len);
	assert_memory_equal(kept.bytes, bench.sealed.bytes, kept.len);
	sealed_bench_end(&bench);
}

/* An instance of a cloud has nothing but what its ticket says; a local one was told. */
static void when_the_provider_names_no_slot(void **state)
{
	struct sealed_bench bench;

	(void)state;
	sealed_bench_begin(&bench);
	bench.ticket.slot = 3;
	bench.ticket.generation = 5;
	bench.note.names_slot = false;
	bench.note.prefix[0] = bench.note.resource[0] = '\0';
	sealed_bench_launch(&bench);
	check_admitted(&bench);
	assert_string_equal(bench.note.prefix, "mayfly");
	assert_string_equal(bench.note.resource, "cpu");
	assert_int_equal(bench.note.slot, 3);
	assert_int_equal(bench.note.generation, 5);
	sealed_bench_end(&bench);
}

/* ---- one thing is wrong ---- */

static void seal_for_another(struct sealed_bench *bench)
{
	bench->sealed_to = 1;
}

static void sign_with_another(struct sealed_bench *bench)
{
	bench->signed_by = 1;
}

static void sign_bundle_with_another(struct sealed_bench *bench)
{
	bench->bundle_signed_by = 1;
}

static void name_another_prefix(struct sealed_bench *bench)
{
	bench->bundle_prefix = "other";
}

static void sign_for_another_prefix(struct sealed_bench *bench)
{
	bench->ticket_comment = "mayfly ticket for other";
}

static void sign_bundle_for_another_prefix(struct sealed_bench *bench)
{
	bench->bundle_comment = "mayfly bundle for other";
}

static void sign_as_bundle(struct sealed_bench *bench)
{
	bench->ticket_comment = "mayfly bundle for mayfly";
}

static void name_another_digest(struct sealed_bench *bench)
{
	hash_sha256(slice_of("another"), bench->ticket.bundle.digest);
}

static void fill_another_slot(struct sealed_bench *bench)
{
	bench->ticket.slot = 1;
}

static void leave_out_bundle(struct sealed_bench *bench)
{
	bench->is_bundle_beside = false;
}

static void replace_user_data(struct sealed_bench *bench)
{
	sealed_bench_write(bench, "user-data", slice_of("#cloud-config\npackages: [git]\n"), 0600);
}

static void remove_file_named(struct sealed_bench *bench, const char *name)
{
	struct error err;

	assert_int_equal(file_remove(sealed_bench_path(bench, name), &err), 0);
}

static void remove_user_data(struct sealed_bench *bench)
{
	remove_file_named(bench, "user-data");
}

static void remove_image_key(struct sealed_bench *bench)
{
	remove_file_named(bench, "image.key");
}

static void remove_trusted(struct sealed_bench *bench)
{
	remove_file_named(bench, "trusted.pub");
}

static void open_image_key(struct sealed_bench *bench)
{
	assert_int_equal(chmod(sealed_bench_path(bench, "image.key"), 0640), 0);
}

static void open_trusted(struct sealed_bench *bench)
{
	assert_int_equal(chmod(sealed_bench_path(bench, "trusted.pub"), 0664), 0);
}

static void spoil_image_key(struct sealed_bench *bench)
{
	sealed_bench_write(bench, "image.key", slice_of("AGE-SECRET-KEY-1QQQQ\n"), 0600);
}

static void spoil_trusted(struct sealed_bench *bench)
{
	sealed_bench_write(bench, "trusted.pub", slice_of("RWQ\n"), 0644);
}

static void when_something_is_wrong(void **state)
{
	static const struct {
		const char *when;
		void (*before)(struct sealed_bench *bench), (*after)(struct sealed_bench *bench);
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
		struct sealed_bench bench;

		sealed_bench_begin(&bench);
		if (cases[i].before)
			cases[i].before(&bench);
		sealed_bench_launch(&bench);
		if (cases[i].after)
			cases[i].after(&bench);
		if (sealed_bench_admit(&bench, &err) == 0)
			fail_msg("when %s: admitted", cases[i].when);
		if (err.class != cases[i].class || !strstr(err.message, cases[i].says))
			fail_msg("when %s: %s: %s", cases[i].when, error_class_name(err.class),
				 err.message);
		assert_null(strstr(err.message, "hunter2"));
		assert_int_equal(bench.machine.bundle.secret_key.len, 0);
		assert_false(file_exists(sealed_bench_path(&bench, "bundle.age")));
		sealed_bench_end(&bench);
	}
}

/* As the keys lie in an image, for root alone, and bootstrap was started by somebody else. */
static void when_keys_are_not_ours_to_read(void **state)
{
	SCOPED(age_identities) struct age_identities identities = { 0 };
	struct minisign_trusted signers;
	struct sealed_bench bench;
	char image[256], trusted[256];
	struct error err[2] = { { 0 } };

	(void)state;
	if (geteuid() != 0)
		skip();
	sealed_bench_begin(&bench);
	snprintf(image, sizeof(image), "%s", sealed_bench_path(&bench, "image.key"));
	snprintf(trusted, sizeof(trusted), "%s", sealed_bench_path(&bench, "trusted.pub"));
	const struct trust_files trust = { .trusted_keys = trusted, .image_key = image };

	assert_int_equal(seteuid(12345), 0);
	int signers_read = trust_signers(&trust, &signers, &err[0]);
	int identities_read = trust_identities(&trust, &identities, &err[1]);

	assert_int_equal(seteuid(0), 0);
	assert_int_equal(signers_read, -1);
	assert_int_equal(identities_read, -1);
	for (size_t i = 0; i < ARRAY_LEN(err); i++) {
		/* Starting again, as for ERROR_SYSTEM, would leave no word of why. */
		assert_int_equal(err[i].class, ERROR_CONFIGURATION);
		assert_non_null(strstr(err[i].message, "user 12345 may not read it"));
	}
	sealed_bench_end(&bench);
}

/* ---- where the bundle is ---- */

static void when_the_bundle_is_a_file_of_the_machine(void **state)
{
	struct sealed_bench bench;
	struct error err = { 0 };

	(void)state;
	sealed_bench_begin(&bench);
	bench.is_bundle_beside = false;
	snprintf(bench.ticket.bundle.source, sizeof(bench.ticket.bundle.source), "file:%s",
		 sealed_bench_path(&bench, "baked.age"));
	sealed_bench_launch(&bench);
	assert_int_equal(sealed_bench_admit(&bench, &err), -1);
	assert_int_equal(err.class, ERROR_NOT_FOUND);
	assert_non_null(strstr(err.message, "baked.age"));
	sealed_bench_restart(&bench);
	sealed_bench_write(&bench, "baked.age", buf_slice(&bench.sealed), 0644);
	check_admitted(&bench);
	sealed_bench_end(&bench);
}

/* Another bundle was put in its place since: this machine keeps to its own. */
static void when_the_machine_starts_again(void **state)
{
	struct sealed_bench bench;

	(void)state;
	sealed_bench_begin(&bench);
	bench.is_bundle_beside = false;
	snprintf(bench.ticket.bundle.source, sizeof(bench.ticket.bundle.source), "file:%s",
		 sealed_bench_path(&bench, "baked.age"));
	sealed_bench_launch(&bench);
	sealed_bench_write(&bench, "baked.age", buf_slice(&bench.sealed), 0644);
	check_admitted(&bench);
	sealed_bench_write(&bench, "baked.age", slice_of("new"), 0644);
	sealed_bench_restart(&bench);
	check_admitted(&bench);
	/* What was kept is believed no more than what is fetched. */
	sealed_bench_write(&bench, "bundle.age", slice_of("altered"), 0600);
	sealed_bench_restart(&bench);
	struct error err = { 0 };
	assert_int_equal(sealed_bench_admit(&bench, &err), -1);
	assert_int_equal(err.class, ERROR_DENIED);
	sealed_bench_end(&bench);
}

static ino_t number_of(const struct sealed_bench *bench, const char *name)
{
	struct stat found;

	assert_int_equal(stat(sealed_bench_path(bench, name), &found), 0);
	return found.st_ino;
}

/* A task may have filled the disk: then nothing could be written, and it would be given up. */
static void when_it_starts_again_it_writes_nothing(void **state)
{
	static const char *const kept[] = { "ticket.json", "bundle.age" };
	struct sealed_bench bench;
	ino_t before[ARRAY_LEN(kept)];

	(void)state;
	sealed_bench_begin(&bench);
	sealed_bench_launch(&bench);
	check_admitted(&bench);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		before[i] = number_of(&bench, kept[i]);
	sealed_bench_restart(&bench);
	check_admitted(&bench);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (number_of(&bench, kept[i]) != before[i])
			fail_msg("%s was written again", kept[i]);
	sealed_bench_end(&bench);
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
		struct sealed_bench bench;

		sealed_bench_begin(&bench);
		sealed_bench_trust(&bench, cases[i].trusted_first, cases[i].trusted_count);
		bench.signed_by = bench.bundle_signed_by = cases[i].signed_by;
		sealed_bench_launch(&bench);
		if ((sealed_bench_admit(&bench, &err) == 0) != cases[i].is_admitted)
			fail_msg("when %s: %s", cases[i].when, err.message);
		sealed_bench_end(&bench);
	}
}

/* A machine holds the old image key and the new one; the bundle is for one of them. */
static void when_image_keys_are_rotated(void **state)
{
	(void)state;
	for (unsigned sealed_to = 0; sealed_to < SEALED_KEYS; sealed_to++) {
		struct sealed_bench bench;

		sealed_bench_begin(&bench);
		sealed_bench_hold(&bench, 0, SEALED_KEYS);
		bench.sealed_to = sealed_to;
		sealed_bench_launch(&bench);
		check_admitted(&bench);
		sealed_bench_end(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_all_is_right),
		cmocka_unit_test(when_the_provider_names_no_slot),
		cmocka_unit_test(when_something_is_wrong),
		cmocka_unit_test(when_keys_are_not_ours_to_read),
		cmocka_unit_test(when_the_bundle_is_a_file_of_the_machine),
		cmocka_unit_test(when_the_machine_starts_again),
		cmocka_unit_test(when_it_starts_again_it_writes_nothing),
		cmocka_unit_test(when_keys_are_rotated),
		cmocka_unit_test(when_image_keys_are_rotated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
