/* settings: the signing key, the recipients, and the sealed bundles that a configuration names. */
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
#include "common/hash.h"
#include "reaper/settings/settings.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/sealed_files.h"

static char folder[SCRATCH_ROOM];
static struct sealed_files files;
static const char *environment[] = { "PATH=/usr/bin:/bin", "S=secret", NULL, NULL };
static char key_variable[1024];

#define CLEARML                                                                  \
	"\"clearml\": {\"api_server\": \"http://h:1/\", \"access_key\": \"A\", " \
	"\"secret_key\": {\"env\": \"S\"}},\n"
#define OURS "mayfly bundle for p"

/* Line 3 is the test's, 4 has the bundle. */
static const char form[] =
	"{\"prefix\": \"p\", \"state_folder\": \"s\",\n" CLEARML "%s\n"
	"\"defaults\": {\"bundle\": {\"file\": \"%s\"}, \"max_instances\": 1, \"agent\": "
	"{\"command\": [\"true\"]}, \"local\": {\"bootstrap\": \"/bin/true\"}, \"queues\": "
	"[\"cpu\"]},\n"
	"\"resources\": [{\"name\": \"a\"}, {\"name\": \"b\"}%s]}\n";
#define KEY "\"signing_key\": {\"file\": \"signing.key\"},"

static void write_text(const char *name, const char *text)
{
	sealed_files_write(&files, name, slice_of(text));
}

static int read_key_into_environment(void)
{
	SCOPED(buf) struct buf text = BUF(900);
	struct error err;

	if (file_read(scratch_path(folder, "signing.key"), &text, &err) < 0)
		return -1;
	snprintf(key_variable, sizeof(key_variable), "KEY=%s", buf_text(&text));
	environment[2] = key_variable;
	return 0;
}

static int make_folder(void **state)
{
	struct minisign_key foreign = { 0 };
	struct stat about;
	bool is_locked;
	struct error err;

	(void)state;
	scratch_make(folder);
	if (chdir(folder) < 0 || secret_prepare_process(&is_locked, &err) < 0 ||
	    minisign_key_new(&foreign, &err) < 0)
		return -1;
	sealed_files_make(folder, &files);
	sealed_files_bundle(&files, "b.age", "{\"any\": 1}", NULL, OURS);
	sealed_files_bundle(&files, "c.age", "{\"any\": 2}", NULL, OURS);
	sealed_files_bundle(&files, "foreign.age", "{}", &foreign, OURS);
	sealed_files_bundle(&files, "elsewhere.age", "{}", NULL, "mayfly bundle for q");
	sealed_files_bundle(&files, "ticket.age", "{}", NULL, "mayfly ticket for p");
	sealed_files_bundle(&files, "altered.age", "{}", NULL, OURS);
	sealed_files_bundle(&files, "unsigned.age", "{}", NULL, OURS);
	sealed_files_bundle(&files, "scribbled.age", "{}", NULL, OURS);
	minisign_key_release(&foreign);
	write_text("plain.json", "\n {\"clearml\": {}}");
	write_text("empty.age", "");
	write_text("scribbled.age.minisig", "no signature\n");
	write_text("scribbled.key", "no key\n");
	write_text("open.key", "no key\n");
	if (unlink(scratch_path(folder, "unsigned.age.minisig")) < 0 ||
	    chmod(scratch_path(folder, "open.key"), 0644) < 0 ||
	    mkfifo(scratch_path(folder, "pipe.age"), 0600) < 0 ||
	    stat(scratch_path(folder, "altered.age"), &about) < 0 ||
	    truncate(scratch_path(folder, "altered.age"), about.st_size - 1) < 0)
		return -1;
	return read_key_into_environment();
}

static int remove_folder(void **state)
{
	(void)state;
	sealed_files_release(&files);
	scratch_remove(folder);
	return 0;
}

static int load(const char *keys, const char *bundle, const char *more, struct settings *out,
		struct error *err)
{
	SCOPED(buf) struct buf text = BUF(1 << 16);

	buf_addf(&text, form, keys, bundle, more);
	sealed_files_write(&files, "c.json", buf_slice(&text));
	return settings_load("c.json", environment, out, err);
}

static void test_what_is_wrong_with_a_key_or_a_bundle(void **state)
{
	static const struct {
		const char *when, *keys, *bundle;
		const char *want; /* %s: the folder; * at the end: another module's words */
	} rows[] = {
		{ "the signing key is not there", "\"signing_key\": {\"file\": \"none.key\"},",
		  "b.age",
		  "c.json:3: signing_key: cannot open %s/none.key: No such file or directory" },
		{ "others may read it", "\"signing_key\": {\"file\": \"open.key\"},", "b.age",
		  "c.json:3: signing_key: %s/open.key has mode 0644 and holds secrets: chmod 600 "
		  "it" },
		{ "it is no key", "\"signing_key\": {\"file\": \"scribbled.key\"},", "b.age",
		  "c.json:3: signing_key: scribbled.key: *" },
		{ "it is the public one", "\"signing_key\": {\"file\": \"trusted.pub\"},", "b.age",
		  "c.json:3: signing_key: trusted.pub: *" },
		{ "its variable is not set", "\"signing_key\": {\"env\": \"NONE\"},", "b.age",
		  "c.json:3: signing_key: the environment has no variable NONE" },
		{ "its variable holds something else", "\"signing_key\": {\"env\": \"S\"},",
		  "b.age", "c.json:3: signing_key: S: *" },
		{ "it is said in two ways",
		  "\"signing_key\": {\"env\": \"KEY\", \"file\": \"signing.key\"},", "b.age",
		  "c.json:3: signing_key: expected {\"env\": NAME} or {\"file\": PATH}" },
		{ "it is not said", "\"signing_key\": {},", "b.age",
		  "c.json:3: signing_key: expected {\"env\": NAME} or {\"file\": PATH}" },
		{ "it is given itself", "\"signing_key\": \"RWQAA\",", "b.age",
		  "c.json:3: signing_key: expected an object, got a text" },
		{ "the bundle is not there", KEY, "none.age",
		  "c.json:4: defaults.bundle.file: %s/none.age is not there: `mayfly-reaper seal "
		  "--in bundle.json --out *" },
		{ "the bundle is not sealed", KEY, "plain.json",
		  "c.json:4: defaults.bundle.file: %s/plain.json is not sealed: `mayfly-reaper "
		  "seal --in *" },
		{ "the bundle is empty", KEY, "empty.age",
		  "c.json:4: defaults.bundle.file: %s/empty.age is empty" },
		{ "the bundle is a folder", KEY, ".",
		  "c.json:4: defaults.bundle.file: %s/.: expected a regular file" },
		{ "the bundle is a pipe", KEY, "pipe.age",
		  "c.json:4: defaults.bundle.file: %s/pipe.age: expected a regular file" },
		{ "the bundle has no signature", KEY, "unsigned.age",
		  "c.json:4: defaults.bundle.file: %s/unsigned.age.minisig is not there: "
		  "`mayfly-reaper seal` makes it together with *" },
		{ "its signature is none", KEY, "scribbled.age",
		  "c.json:4: defaults.bundle.file: %s/scribbled.age.minisig: *" },
		{ "another key signed it", KEY, "foreign.age",
		  "c.json:4: defaults.bundle.file: %s/foreign.age.minisig: *" },
		{ "it is signed for another installation", KEY, "elsewhere.age",
		  "c.json:4: defaults.bundle.file: %s/elsewhere.age.minisig: *" },
		{ "it is signed as a ticket", KEY, "ticket.age",
		  "c.json:4: defaults.bundle.file: %s/ticket.age.minisig: *" },
		{ "it was cut after it was signed", KEY, "altered.age",
		  "c.json:4: defaults.bundle.file: %s/altered.age.minisig: *" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *mark = strstr(rows[i].want, "%s");
		SCOPED(buf) struct buf want = BUF(1024);
		struct settings settings = { 0 };
		struct error err = { 0 };

		buf_addf(&want, "%.*s%s%s", mark ? (int)(mark - rows[i].want) : 4096, rows[i].want,
			 mark ? folder : "", mark ? mark + 2 : "");
		bool is_part = want.bytes[want.len - 1] == '*';
		size_t len = is_part ? want.len - 1 : strlen(err.message) + want.len + 1;

		if (load(rows[i].keys, rows[i].bundle, "", &settings, &err) == 0)
			fail_msg("when %s: it was taken", rows[i].when);
		if (err.class != ERROR_CONFIGURATION ||
		    strncmp(err.message, want.bytes, len) != 0 ||
		    strlen(err.message) <= (is_part ? len : 0))
			fail_msg("when %s: %s", rows[i].when, err.message);
		if (strstr(err.message, "minisig: ") &&
		    !strstr(err.message, "only a bundle that our signing_key signed for prefix "
					 "\"p\" is used: `mayfly-reaper seal` it again"))
			fail_msg("when %s: %s", rows[i].when, err.message);
		assert_null(settings.resources);
		assert_null(settings.bundles);
	}
}

static void test_bundles_are_read_once_and_named_by_digest(void **state)
{
	static const char more[] = ", {\"name\": \"c\", \"bundle\": {\"file\": \"c.age\"}}";
	SCOPED(settings) struct settings settings = { 0 };
	SCOPED(buf) struct buf b = BUF(4096), c = BUF(4096);
	char digest[HASH_SHA256_ROOM];
	struct error err;

	(void)state;
	if (load(KEY, "b.age", more, &settings, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(file_read("b.age", &b, &err), 0);
	assert_int_equal(file_read("c.age", &c, &err), 0);
	assert_int_equal(settings.bundle_count, 2);
	assert_int_equal(settings.bundles[0].sealed.len, b.len);
	assert_memory_equal(settings.bundles[0].sealed.bytes, b.bytes, b.len);
	hash_sha256(buf_slice(&b), digest);
	assert_string_equal(settings.resources[0].ticket.bundle.digest, digest);
	assert_string_equal(settings.resources[1].ticket.bundle.digest, digest);
	hash_sha256(buf_slice(&c), digest);
	assert_string_equal(settings.resources[2].ticket.bundle.digest, digest);
	assert_memory_equal(secret_expose(&settings.signing_key.key).ptr,
			    secret_expose(&files.signing_key.key).ptr, 64);
}

static void test_the_key_may_be_in_the_environment(void **state)
{
	SCOPED(settings) struct settings settings = { 0 };
	struct error err;

	(void)state;
	if (load("\"signing_key\": {\"env\": \"KEY\"},", "b.age", "", &settings, &err) < 0)
		fail_msg("%s", err.message);
	assert_memory_equal(settings.signing_key.id, files.signing_key.id, MINISIGN_ID_BYTES);
}

/* What a bundle is sealed with is there before the bundle, and before much else. */
static void test_the_keys_alone(void **state)
{
	static const struct {
		const char *when, *text, *want; /* want NULL: it is taken */
	} rows[] = {
		{ "nothing else is there", "{" KEY "\n\"prefix\": \"p\", \"recipients\": %s}",
		  NULL },
		{ "the bundle is not there yet",
		  "{" KEY "\n\"prefix\": \"p\", \"recipients\": %s, \"resources\": [{\"name\": "
		  "\"a\", \"bundle\": {\"file\": \"none\"}}]}",
		  NULL },
		{ "the rest is still full of faults",
		  "{" KEY "\n\"prefix\": \"p\", \"recipients\": %s, \"resources\": [{\"names\": "
		  "1}], \"defaults\": [], \"clearml\": {\"x\": 1}}",
		  NULL },
		{ "there is no prefix", "{" KEY "\n\"recipients\": %s}",
		  "c.json:1: prefix: missing, expected a text" },
		{ "a word of the whole is misspelt",
		  "{" KEY "\n\"prefix\": \"p\", \"recipient\": %s}",
		  "c.json:2: recipient: unknown, did you mean recipients?" },
		{ "there is no signing key", "{\"prefix\": \"p\", \"recipients\": %s}",
		  "c.json: signing_key is missing: *" },
		{ "it is no object", "[%s]",
		  "c.json:1: top level: expected an object, got a list" },
		{ "it is cut", "{\"recipients\": %s",
		  "c.json:1: column 82: expected ',' or '}', but the text ends" },
	};
	char list[AGE_RECIPIENT_ROOM + 8], text[AGE_RECIPIENT_ROOM];

	(void)state;
	age_recipient_print(&files.recipient, text);
	snprintf(list, sizeof(list), "[\"%s\"]", text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *mark = strstr(rows[i].text, "%s"), *want = rows[i].want;
		SCOPED(settings) struct settings settings = { 0 };
		SCOPED(buf) struct buf document = BUF(4096);
		struct error err = { 0 };

		buf_addf(&document, "%.*s%s%s", (int)(mark - rows[i].text), rows[i].text, list,
			 mark + 2);
		sealed_files_write(&files, "c.json", buf_slice(&document));
		int result = settings_load_keys("c.json", environment, &settings, &err);

		if (!want) {
			if (result < 0)
				fail_msg("when %s: %s", rows[i].when, err.message);
			assert_string_equal(settings.prefix, "p");
			assert_int_equal(settings.recipient_count, 1);
			assert_memory_equal(&settings.recipients[0], &files.recipient,
					    sizeof(files.recipient));
			assert_memory_equal(settings.signing_key.id, files.signing_key.id,
					    MINISIGN_ID_BYTES);
			continue;
		}
		size_t len = want[strlen(want) - 1] == '*' ? strlen(want) - 1 : strlen(want) + 1;

		if (result == 0 || strncmp(err.message, want, len) != 0)
			fail_msg("when %s: %s", rows[i].when, err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_wrong_with_a_key_or_a_bundle),
		cmocka_unit_test(test_bundles_are_read_once_and_named_by_digest),
		cmocka_unit_test(test_the_key_may_be_in_the_environment),
		cmocka_unit_test(test_the_keys_alone),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
