/* ticket_make: the same input gives the same bytes, any other input gives others, a machine takes
 * them, and what is too large is told by its parts. */
#include "reaper/ticket_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/file.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/sealed_files.h"

static char folder[SCRATCH_ROOM];
static struct sealed_files files;
static const char *const environment[] = { "PATH=/usr/bin:/bin", "S=secret", NULL };

/* What a document may say otherwise than the one that all others are compared with. */
struct words {
	const char *prefix, *key, *server, *resource;
};
static const struct words usual = { "p", "signing.key", "http://h:1", "" };

static const char form[] =
	"{\"prefix\": \"%s\", \"state_folder\": \"s\", \"signing_key\": {\"file\": \"%s\"}, "
	"\"clearml\": {\"api_server\": \"%s\", \"access_key\": \"A\", \"secret_key\": {\"env\": "
	"\"S\"}}, \"defaults\": {\"bundle\": {\"file\": \"b.age\"}, \"max_instances\": 1, "
	"\"agent\": {\"command\": [\"true\"]}, \"local\": {\"bootstrap\": \"/bin/true\"}, "
	"\"queues\": [\"cpu\"]}, \"resources\": [{\"name\": \"cpu\"%s}]}\n";

/* Another installation in the same folder: its key and its bundle. */
static int make_other(const struct minisign_key *key)
{
	SCOPED(secret) struct secret text = { 0 };
	struct error err;

	if (minisign_key_print(key, &text, &err) < 0)
		return -1;
	sealed_files_write(&files, "other.key", secret_expose(&text));
	sealed_files_bundle(&files, "of_other_key.age", "{}", key, "mayfly bundle for p");
	return 0;
}

static int make_folder(void **state)
{
	SCOPED(minisign_key) struct minisign_key other = { 0 };
	bool is_locked;
	struct error err;

	(void)state;
	scratch_make(folder);
	if (chdir(folder) < 0 || secret_prepare_process(&is_locked, &err) < 0 ||
	    minisign_key_new(&other, &err) < 0)
		return -1;
	sealed_files_make(folder, &files);
	sealed_files_bundle(&files, "b.age", "{\"a\": \"bundle\"}", NULL, "mayfly bundle for p");
	sealed_files_bundle(&files, "c.age", "{\"a\": \"bundle\"}", NULL, "mayfly bundle for p");
	sealed_files_bundle(&files, "q.age", "{\"a\": \"bundle\"}", NULL, "mayfly bundle for q");
	return make_other(&other);
}

static int remove_folder(void **state)
{
	(void)state;
	sealed_files_release(&files);
	scratch_remove(folder);
	return 0;
}

/* From the disk each time, as each pass of the reaper does. */
static void load(const struct words *words, struct settings *out)
{
	SCOPED(buf) struct buf text = BUF(1 << 18);
	struct error err;

	buf_addf(&text, form, words->prefix, words->key, words->server, words->resource);
	sealed_files_write(&files, "c.json", buf_slice(&text));
	if (settings_load("c.json", environment, out, &err) < 0)
		fail_msg("%s", err.message);
}

static void make(const struct settings *settings, struct ticket_order *order,
		 struct ticket_made *out)
{
	struct error err;

	order->settings = settings;
	order->resource = &settings->resources[0];
	if (ticket_make(order, out, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(buf_finish(&out->user_data, &err), 0);
}

static void make_usual(struct ticket_made *out)
{
	struct ticket_order order = { .slot = 1, .generation = 2, .day = "2026-11-24" };
	SCOPED(settings) struct settings settings = { 0 };

	load(&usual, &settings);
	make(&settings, &order, out);
}

static void test_the_same_input_gives_the_same_bytes(void **state)
{
	SCOPED(ticket_made) struct ticket_made first = { 0 }, second = { 0 };

	(void)state;
	make_usual(&first);
	make_usual(&second);
	assert_true(first.user_data.len > 500);
	assert_int_equal(first.user_data.len, second.user_data.len);
	assert_memory_equal(first.user_data.bytes, second.user_data.bytes, first.user_data.len);
}

static void test_each_input_changes_the_bytes(void **state)
{
	static const struct {
		const char *when;
		struct words words;
		unsigned slot, generation;
		const char *day;
	} rows[] = {
		{ "it is another slot",
		  { "p", "signing.key", "http://h:1", "" },
		  3,
		  2,
		  "2026-11-24" },
		{ "the slot and its generation change places",
		  { "p", "signing.key", "http://h:1", "" },
		  2,
		  1,
		  "2026-11-24" },
		{ "it is the next generation",
		  { "p", "signing.key", "http://h:1", "" },
		  1,
		  3,
		  "2026-11-24" },
		{ "it is the next day",
		  { "p", "signing.key", "http://h:1", "" },
		  1,
		  2,
		  "2026-11-25" },
		{ "it is another offering",
		  { "p", "signing.key", "http://h:1", ", \"instance_type\": \"big\"" },
		  1,
		  2,
		  "2026-11-24" },
		{ "the configuration is another one",
		  { "p", "signing.key", "http://h:2", "" },
		  1,
		  2,
		  "2026-11-24" },
		{ "the bundle was sealed again",
		  { "p", "signing.key", "http://h:1", ", \"bundle\": {\"file\": \"c.age\"}" },
		  1,
		  2,
		  "2026-11-24" },
		{ "the bundle is elsewhere",
		  { "p", "signing.key", "http://h:1", ", \"bundle\": {\"source\": \"file:/b\"}" },
		  1,
		  2,
		  "2026-11-24" },
		{ "it is another installation",
		  { "q", "signing.key", "http://h:1", ", \"bundle\": {\"file\": \"q.age\"}" },
		  1,
		  2,
		  "2026-11-24" },
		{ "another key signs",
		  { "p", "other.key", "http://h:1",
		    ", \"bundle\": {\"file\": \"of_other_key.age\"}" },
		  1,
		  2,
		  "2026-11-24" },
	};
	SCOPED(ticket_made) struct ticket_made first = { 0 };

	(void)state;
	make_usual(&first);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ticket_order order = { .slot = rows[i].slot,
					      .generation = rows[i].generation,
					      .day = rows[i].day };
		SCOPED(settings) struct settings settings = { 0 };
		SCOPED(ticket_made) struct ticket_made made = { 0 };

		load(&rows[i].words, &settings);
		make(&settings, &order, &made);
		if (made.user_data.len == first.user_data.len &&
		    !memcmp(made.user_data.bytes, first.user_data.bytes, first.user_data.len))
			fail_msg("when %s: the same bytes", rows[i].when);
		if (made.envelope.ticket_signature.len == first.envelope.ticket_signature.len &&
		    !memcmp(made.envelope.ticket_signature.bytes,
			    first.envelope.ticket_signature.bytes,
			    first.envelope.ticket_signature.len))
			fail_msg("when %s: the same signature", rows[i].when);
	}
}

/* ---- what depends on slot and offering ---- */

static void parse_made(const struct ticket_made *made, struct ticket *out)
{
	struct error err;

	if (ticket_parse(buf_slice(&made->envelope.ticket), "made", out, &err) < 0)
		fail_msg("%s", err.message);
}

static void test_the_type_is_the_offering_s(void **state)
{
	static const struct words two = {
		"p", "signing.key", "http://h:1",
		", \"offerings\": [{\"instance_types\": [\"small\", \"big\"]}]"
	};
	SCOPED(settings) struct settings settings = { 0 };

	(void)state;
	load(&two, &settings);
	for (size_t i = 0; i < 3; i++) {
		const struct offering *given = i ? &settings.resources[0].offerings[i - 1] : NULL;
		struct ticket_order order = { .offering = given, .day = "2026-11-24" };
		SCOPED(ticket_made) struct ticket_made made = { 0 };
		SCOPED(ticket) struct ticket ticket = { 0 };

		make(&settings, &order, &made);
		parse_made(&made, &ticket);
		assert_string_equal(ticket.type, i == 2 ? "big" : "small");
	}
}

/* Slot 0 is below min_instances, slot 1 in a window of each day, slot 2 in none. max_age is 24h,
 * and a ticket is valid to the end of the second day after its own. */
static void test_slots_of_a_minimum_are_held(void **state)
{
	static const struct words held = {
		"p", "signing.key", "http://h:1",
		", \"max_instances\": 3, \"min_instances\": 1, \"schedules\": [{\"from\": "
		"\"06:00\", \"until\": \"07:00\", "
		"\"min_instances\": 2}]"
	};
	const int64_t day_s = 86400, from_s = 20781 * day_s; /* 2026-11-24 */
	SCOPED(settings) struct settings settings = { 0 };

	(void)state;
	load(&held, &settings);
	for (unsigned slot = 0; slot < 3; slot++) {
		struct ticket_order order = { .slot = slot, .day = "2026-11-24" };
		SCOPED(ticket_made) struct ticket_made made = { 0 };
		SCOPED(ticket) struct ticket ticket = { 0 };

		make(&settings, &order, &made);
		parse_made(&made, &ticket);
		assert_int_equal(ticket.hold_count, slot == 0 ? 1 : slot == 1 ? 4 : 0);
		if (slot == 0) {
			assert_int_equal(ticket.hold[0].from_s, from_s);
			assert_int_equal(ticket.hold[0].until_s, from_s + 4 * day_s);
		}
		for (size_t i = 0; slot == 1 && i < 4; i++) {
			int64_t begin_s = from_s + (int64_t)i * day_s + 6 * 3600;

			assert_int_equal(ticket.hold[i].from_s, begin_s);
			assert_int_equal(ticket.hold[i].until_s, begin_s + 3600);
		}
	}
}

static void test_no_ticket_holds_more_spans_than_a_machine_takes(void **state)
{
	static const struct words often = {
		"p", "signing.key", "http://h:1",
		", \"max_instances\": 3, \"max_age\": \"100d\", \"max_life\": \"100d\", "
		"\"schedules\": [{\"from\": \"06:00\", "
		"\"until\": \"07:00\", \"min_instances\": 2}]"
	};
	struct ticket_order order = { .slot = 1, .day = "2026-11-24" };
	SCOPED(settings) struct settings settings = { 0 };
	SCOPED(ticket_made) struct ticket_made made = { 0 };
	SCOPED(ticket) struct ticket ticket = { 0 };

	(void)state;
	load(&often, &settings);
	make(&settings, &order, &made);
	parse_made(&made, &ticket);
	assert_int_equal(ticket.hold_count, 64);
}

/* A machine's way: find, verify, parse, compare. */
static void test_a_machine_takes_it(void **state)
{
	static const struct {
		const char *when;
		struct words words;
		bool is_inline;
	} rows[] = {
		{ "the bundle is inline", { "p", "signing.key", "http://h:1", "" }, true },
		{ "the bundle is on the machine",
		  { "p", "signing.key", "http://h:1", ", \"bundle\": {\"source\": \"file:/b\"}" },
		  false },
		{ "the bundle is in the web",
		  { "p", "signing.key", "http://h:1",
		    ", \"bundle\": {\"source\": \"https://h/b.age\"}" },
		  false },
	};
	SCOPED(buf) struct buf sealed = BUF(4096);
	struct minisign_trusted trusted = { .count = 1 };
	struct error err;

	(void)state;
	minisign_key_public(&files.signing_key, &trusted.list[0]);
	assert_int_equal(file_read("b.age", &sealed, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ticket_order order = { .slot = 1, .generation = 2, .day = "2026-11-24" };
		SCOPED(settings) struct settings settings = { 0 };
		SCOPED(ticket_made) struct ticket_made made = { 0 };
		SCOPED(envelope) struct envelope found = envelope_new();
		SCOPED(ticket) struct ticket ticket = { 0 };

		load(&rows[i].words, &settings);
		make(&settings, &order, &made);
		assert_int_equal(ticket_fits(&order, &made, &err), 0);
		if (envelope_find(buf_slice(&made.user_data), &found, &err) < 0 ||
		    envelope_ticket(&found, &trusted, &ticket, &err) < 0 ||
		    envelope_check_bundle(&ticket, buf_slice(&sealed),
					  buf_slice(&found.bundle_signature), &trusted, &err) < 0)
			fail_msg("when %s: %s", rows[i].when, err.message);
		assert_int_equal(ticket.slot, 1);
		assert_int_equal(ticket.generation, 2);
		assert_string_equal(ticket.day, "2026-11-24");
		assert_int_equal(found.bundle.len, rows[i].is_inline ? sealed.len : 0);
		if (rows[i].is_inline)
			assert_memory_equal(found.bundle.bytes, sealed.bytes, sealed.len);
	}
}

/* Hexadecimal digits of digests: half of it is what no packing makes smaller. */
static void add_noise(struct buf *out, unsigned seed, size_t len)
{
	char digest[HASH_SHA256_ROOM];

	for (size_t at = 0; at < len; at += 64) {
		SCOPED(buf) struct buf number = BUF(64);

		buf_addf(&number, "%u.%zu", seed, at);
		hash_sha256(buf_slice(&number), digest);
		buf_addf(out, "%.*s", len - at < 64 ? (int)(len - at) : 64, digest);
	}
}

struct sizes {
	size_t script, variable;
};

static void load_large(const struct sizes *sizes, const char *bundle, struct settings *out)
{
	SCOPED(buf) struct buf more = BUF(1 << 17);
	struct words words = usual;

	buf_addf(&more, ", \"bundle\": {\"file\": \"%s\"}, \"init\": {\"script\": \"#", bundle);
	add_noise(&more, 1, sizes->script);
	buf_addf(&more, "\"}, \"agent\": {\"environment\": {\"A\": \"");
	/* A variable has at most 4000 characters. */
	for (size_t at = 0; at < sizes->variable; at += 4000) {
		if (at)
			buf_addf(&more, "\", \"A%zu\": \"", at);
		add_noise(&more, 2 + (unsigned)at,
			  sizes->variable - at < 4000 ? sizes->variable - at : 4000);
	}
	buf_addf(&more, "\"}}");
	words.resource = buf_text(&more);
	load(&words, out);
}

static void test_what_is_too_large_is_told_by_its_parts(void **state)
{
#define BUNDLE " (publish it and give bundle.source)"
#define SCRIPT " (put it into the image, or let a short one fetch it)"
#define VARIABLES " (put it into the image)"
	static const struct {
		const char *when;
		struct sizes sizes;
		const char *bundle;
		const char *want[4]; /* what the message names, in this order */
	} rows[] = {
		{ "it is the script",
		  { 24000, 10 },
		  "small.age",
		  { "init.script ", SCRIPT, "bundle " } },
		{ "it is the variables",
		  { 10, 24000 },
		  "small.age",
		  { "agent.environment ", VARIABLES, "bundle " } },
		{ "it is the bundle", { 10, 10 }, "large.age", { "bundle ", BUNDLE } },
		{ "it is all of them",
		  { 8000, 9000 },
		  "large.age",
		  { "bundle ", BUNDLE "; agent.environment ", VARIABLES "; init.script ",
		    SCRIPT } },
	};
	/* Sealed twice it has other bytes, and so another size when packed: well above what is
	 * told. */
	SCOPED(buf) struct buf small = BUF(1 << 16);
	SCOPED(buf) struct buf large = BUF(1 << 16);

	(void)state;
	add_noise(&small, 8, 800);
	sealed_files_bundle(&files, "small.age", buf_text(&small), NULL, "mayfly bundle for p");
	add_noise(&large, 9, 14000);
	sealed_files_bundle(&files, "large.age", buf_text(&large), NULL, "mayfly bundle for p");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ticket_order order = { .day = "2026-11-24" };
		SCOPED(settings) struct settings settings = { 0 };
		SCOPED(ticket_made) struct ticket_made made = { 0 };
		char begin[200];
		struct error err = { 0 };

		load_large(&rows[i].sizes, rows[i].bundle, &settings);
		make(&settings, &order, &made);
		snprintf(begin, sizeof(begin),
			 "resource cpu: its user data have %zu bytes, of 16384 that clouds take; "
			 "move out what is large: %s",
			 made.user_data.len, rows[i].want[0]);
		if (ticket_fits(&order, &made, &err) == 0)
			fail_msg("when %s: %zu bytes fit", rows[i].when, made.user_data.len);
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		const char *at = err.message;
		if (strncmp(at, begin, strlen(begin)) != 0 || strchr(at, '\n') ||
		    strstr(at, "the rest"))
			fail_msg("when %s: %s", rows[i].when, err.message);
		for (size_t w = 0; w < ARRAY_LEN(rows[i].want) && rows[i].want[w]; w++) {
			at = strstr(at, rows[i].want[w]);
			if (!at)
				fail_msg("when %s: %s", rows[i].when, err.message);
			at += strlen(rows[i].want[w]);
		}
	}
}

static void test_the_limit_is_exact(void **state)
{
	struct ticket_order order = { .day = "2026-11-24" };
	SCOPED(settings) struct settings settings = { 0 };
	SCOPED(ticket_made) struct ticket_made made = { 0 };
	struct error err;

	(void)state;
	load(&usual, &settings);
	make(&settings, &order, &made);
	struct ticket_made shown = made; /* borrows; only how long it is counts */
	shown.user_data.len = ENVELOPE_USER_DATA_BYTES;
	assert_int_equal(ticket_fits(&order, &shown, &err), 0);
	shown.user_data.len = ENVELOPE_USER_DATA_BYTES + 1;
	assert_int_equal(ticket_fits(&order, &shown, &err), -1);
}

/* What a part is said to cost is what goes when it goes. */
static void test_parts_are_what_they_save(void **state)
{
	struct ticket_order order = { .day = "2026-11-24" };
	SCOPED(settings) struct settings with = { 0 }, without = { 0 };
	SCOPED(ticket_made) struct ticket_made large = { 0 }, small = { 0 };
	struct ticket_part parts[TICKET_PARTS];
	size_t sum = 0;

	(void)state;
	load_large(&(struct sizes){ 6000, 3000 }, "b.age", &with);
	load_large(&(struct sizes){ 6000, 3000 }, "b.age", &without);
	free(without.resources[0].ticket.init.script);
	without.resources[0].ticket.init.script = NULL;
	make(&without, &order, &small);
	make(&with, &order, &large);
	ticket_parts(&order, &large, parts);
	assert_string_equal(parts[0].name, "init.script");
	/* The signature is another one, which packs a little better or worse. */
	size_t saved = large.user_data.len - small.user_data.len;
	assert_true(parts[0].bytes + 64 > saved && parts[0].bytes < saved + 64);
	assert_int_equal(parts[0].plain_bytes,
			 large.envelope.ticket.len - small.envelope.ticket.len);
	for (size_t i = 0; i < TICKET_PARTS; i++) {
		sum += parts[i].bytes;
		assert_true(!i || parts[i - 1].bytes >= parts[i].bytes);
	}
	assert_int_equal(sum, large.user_data.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_input_gives_the_same_bytes),
		cmocka_unit_test(test_each_input_changes_the_bytes),
		cmocka_unit_test(test_the_type_is_the_offering_s),
		cmocka_unit_test(test_slots_of_a_minimum_are_held),
		cmocka_unit_test(test_no_ticket_holds_more_spans_than_a_machine_takes),
		cmocka_unit_test(test_a_machine_takes_it),
		cmocka_unit_test(test_what_is_too_large_is_told_by_its_parts),
		cmocka_unit_test(test_the_limit_is_exact),
		cmocka_unit_test(test_parts_are_what_they_save),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
