#include "bootstrap/docker_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Text with NULs in it. */
#define BYTES(text)                    \
	{                              \
		text, sizeof(text) - 1 \
	}

/* ---- frames ---- */

static void frames_are_taken_apart_wherever_they_are_cut(void **state)
{
	static const struct {
		const char *when;
		struct slice bytes;
		const char *want; /* NULL: refused */
		bool is_between;
	} cases[] = {
		{ "there are none", BYTES(""), "", true },
		{ "there is one", BYTES("\1\0\0\0\0\0\0\3abc"), "abc", true },
		{ "both streams speak",
		  BYTES("\1\0\0\0\0\0\0\2a\n\2\0\0\0\0\0\0\3err\0\0\0\0\0\0\0\1x"), "a\nerrx",
		  true },
		{ "one is empty", BYTES("\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\1a"), "a", true },
		{ "the head is cut", BYTES("\1\0\0\0\0\0\0\1a\1\0\0\0"), "a", false },
		{ "a frame is cut", BYTES("\1\0\0\0\0\0\1\0abc"), "abc", false },
		{ "it is longer than 255 bytes are", BYTES("\1\0\0\0\0\1\0\0ab"), "ab", false },
		{ "the stream's number is another", BYTES("\3\0\0\0\0\0\0\1a"), NULL, false },
		{ "it is plain text", BYTES("hello, world\n"), NULL, false },
		{ "what pads it is not zero", BYTES("\1\0\1\0\0\0\0\1a"), NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t step = 1; step <= cases[i].bytes.len + 1; step++) {
			SCOPED(buf) struct buf out = BUF(1024);
			struct docker_frames frames = { 0 };
			struct error err = { 0 };
			int result = 0;

			for (size_t at = 0; at < cases[i].bytes.len && result == 0; at += step) {
				size_t left = cases[i].bytes.len - at;
				struct slice piece = { cases[i].bytes.ptr + at,
						       left < step ? left : step };

				result = docker_frames_take(&frames, piece, &out, &err);
			}
			if ((result == 0) != (cases[i].want != NULL) ||
			    (result < 0 && err.class != ERROR_MALFORMED))
				fail_msg("when %s: %d in pieces of %zu: %s", cases[i].when, result,
					 step, err.message);
			if (result < 0)
				continue;
			if (strcmp(buf_text(&out), cases[i].want) != 0 ||
			    docker_frames_is_between(&frames) != cases[i].is_between)
				fail_msg("when %s: \"%s\" in pieces of %zu", cases[i].when,
					 buf_text(&out), step);
		}
	}
}

/* ---- lines ---- */

static int note_line(void *context, struct slice line, struct error *err)
{
	if (slice_equals(line, "bad"))
		return error_set(err, ERROR_REFUSED, "a bad line");
	buf_addf(context, "[%.*s]", (int)line.len, line.ptr);
	return 0;
}

static void lines_are_found_wherever_they_are_cut(void **state)
{
	static const struct {
		const char *when, *text, *want;
	} cases[] = {
		{ "there are none", "", "" },
		{ "they end as Unix does", "a\nb\n", "[a][b]" },
		{ "they end as the engine's pulls do", "a\r\nb\r\n", "[a][b]" },
		{ "the last has no end", "a\nbc", "[a][bc]" },
		{ "some are blank", "\r\n\n  \t\na\n\r\n", "[a]" },
		{ "one is blank at the end", "a\n \r", "[a]" },
		{ "a line holds a carriage return", "a\rb\n", "[a\rb]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const size_t len = strlen(cases[i].text);

		for (size_t step = 1; step <= len + 1; step++) {
			SCOPED(buf) struct buf found = BUF(1024);
			struct docker_lines lines = { 0 };
			struct error err;

			for (size_t at = 0; at < len; at += step) {
				struct slice piece = { cases[i].text + at,
						       len - at < step ? len - at : step };

				assert_int_equal(
					docker_lines_take(&lines, piece, note_line, &found, &err),
					0);
			}
			assert_int_equal(docker_lines_end(&lines, note_line, &found, &err), 0);
			if (strcmp(buf_text(&found), cases[i].want) != 0)
				fail_msg("when %s: %s in pieces of %zu", cases[i].when,
					 buf_text(&found), step);
			docker_lines_release(&lines);
		}
	}
}

static void a_line_that_cannot_be_ends_the_reading(void **state)
{
	SCOPED(buf) struct buf found = BUF(64);
	struct docker_lines lines = { 0 };
	char *endless = malloc(DOCKER_LINE_MAX + 1);
	struct error err = { 0 };

	(void)state;
	assert_non_null(endless);
	assert_int_equal(
		docker_lines_take(&lines, slice_of("a\nbad\nb\n"), note_line, &found, &err), -1);
	assert_int_equal(err.class, ERROR_REFUSED);
	assert_string_equal(buf_text(&found), "[a]");
	docker_lines_release(&lines);
	memset(endless, 'x', DOCKER_LINE_MAX + 1);
	assert_int_equal(docker_lines_take(&lines, (struct slice){ endless, DOCKER_LINE_MAX + 1 },
					   note_line, &found, &err),
			 -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
	docker_lines_release(&lines);
	free(endless);
}

/* ---- a pull ---- */

#define OF(id, status, more) "{\"status\":\"" status "\"," more "\"id\":\"" id "\"}"
#define BYTES_OF(id, status, current, total) \
	OF(id, status, "\"progressDetail\":{\"current\":" current ",\"total\":" total "},")

static void a_pull_is_followed(void **state)
{
	static const struct {
		const char *when;
		const char *lines[8];
		struct docker_progress want;
		const char *words; /* NULL: it has not failed */
	} cases[] = {
		{ "it begins",
		  { "{\"status\":\"Pulling from library/a\",\"id\":\"latest\"}" },
		  { 0, 0, 0, 0 },
		  NULL },
		{ "layers are known",
		  { OF("a", "Pulling fs layer", ""), OF("b", "Pulling fs layer", ""),
		    OF("b", "Waiting", "") },
		  { 0, 0, 2, 0 },
		  NULL },
		{ "one downloads",
		  { OF("a", "Pulling fs layer", ""), BYTES_OF("a", "Downloading", "10", "100") },
		  { 10, 100, 1, 0 },
		  NULL },
		{ "one is loaded",
		  { BYTES_OF("a", "Downloading", "10", "100"), OF("a", "Verifying Checksum", "") },
		  { 100, 100, 1, 0 },
		  NULL },
		{ "one is unpacked, which counts other bytes",
		  { BYTES_OF("a", "Downloading", "10", "100"), OF("a", "Download complete", ""),
		    BYTES_OF("a", "Extracting", "5", "100") },
		  { 100, 100, 1, 0 },
		  NULL },
		{ "one is done and one was there",
		  { BYTES_OF("a", "Downloading", "10", "100"), OF("a", "Pull complete", ""),
		    OF("b", "Already exists", ""), "{\"status\":\"Digest: sha256:1234\"}",
		    "{\"status\":\"Status: Downloaded newer image for a:latest\"}" },
		  { 100, 100, 2, 2 },
		  NULL },
		{ "one is done twice",
		  { OF("a", "Pull complete", ""), OF("a", "Pull complete", "") },
		  { 0, 0, 1, 1 },
		  NULL },
		{ "one begins anew: nothing shrinks",
		  { BYTES_OF("a", "Downloading", "50", "100"), OF("a", "Retrying in 1 second", ""),
		    BYTES_OF("a", "Downloading", "10", "100") },
		  { 50, 100, 1, 0 },
		  NULL },
		{ "the size is not known",
		  { BYTES_OF("a", "Downloading", "50", "-1") },
		  { 50, 50, 1, 0 },
		  NULL },
		{ "the numbers make no sense",
		  { BYTES_OF("a", "Downloading", "-50", "1e300"),
		    OF("b", "Downloading", "\"progressDetail\":7,") },
		  { 0, 0, 2, 0 },
		  NULL },
		{ "an id is too long to be one",
		  { OF("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "Pull complete", "") },
		  { 0, 0, 0, 0 },
		  NULL },
		{ "it fails",
		  { OF("a", "Pulling fs layer", ""),
		    "{\"errorDetail\":{\"message\":\"no\\nspace\"},\"error\":\"other\"}" },
		  { 0, 0, 1, 0 },
		  "no" },
		{ "it fails as of old", { "{\"error\":\"broken\"}" }, { 0, 0, 0, 0 }, "broken" },
		{ "it fails without a reason", { "{\"errorDetail\":{}}" }, { 0, 0, 0, 0 }, "" },
		{ "the first failure counts",
		  { "{\"error\":\"first\"}", "{\"error\":\"second\"}", "no JSON",
		    OF("a", "Pull complete", "") },
		  { 0, 0, 0, 0 },
		  "first" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct docker_layers layers = { .count = 0 };
		struct error err = { 0 };

		for (size_t j = 0; j < ARRAY_LEN(cases[i].lines) && cases[i].lines[j]; j++)
			if (docker_layers_take(&layers, slice_of(cases[i].lines[j]), &err) < 0)
				fail_msg("when %s: %s", cases[i].when, err.message);
		struct docker_progress got = docker_layers_progress(&layers);

		if (memcmp(&got, &cases[i].want, sizeof(got)) != 0)
			fail_msg("when %s: %lld of %lld, %u of %u", cases[i].when,
				 (long long)got.done_bytes, (long long)got.total_bytes,
				 got.layers_done, got.layers);
		if (layers.has_failed != (cases[i].words != NULL) ||
		    strcmp(layers.words, cases[i].words ? cases[i].words : "") != 0)
			fail_msg("when %s: \"%s\"", cases[i].when, layers.words);
	}
}

static void a_pull_has_room_for_so_many_layers(void **state)
{
	struct docker_layers *layers = calloc(1, sizeof(*layers));
	struct error err = { 0 };

	(void)state;
	assert_non_null(layers);
	for (int i = 0; i < DOCKER_LAYERS_MAX + 10; i++) {
		char line[128];

		snprintf(line, sizeof(line),
			 BYTES_OF("%d", "Downloading", "9007199254740991", "9007199254740991"), i);
		assert_int_equal(docker_layers_take(layers, slice_of(line), &err), 0);
	}
	struct docker_progress got = docker_layers_progress(layers);

	assert_int_equal(got.layers, DOCKER_LAYERS_MAX);
	assert_true(got.done_bytes > 0 && got.done_bytes == got.total_bytes);
	free(layers);
}

static void a_line_that_is_no_object_is_refused(void **state)
{
	static const char *const lines[] = {
		"x", "[]", "\"error\"", "{\"error\":", "{} {}", "null"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct docker_layers layers = { .count = 0 };
		struct docker_event event;
		struct error err = { 0 };

		assert_int_equal(docker_layers_take(&layers, slice_of(lines[i]), &err), -1);
		assert_int_equal(err.class, ERROR_MALFORMED);
		assert_int_equal(docker_event_read(slice_of(lines[i]), &event, &err), -1);
		assert_int_equal(err.class, ERROR_MALFORMED);
	}
}

/* ---- events ---- */

#define ID "4f2b3e0cd1f9e0f8a7c6b5d4e3f201234f2b3e0cd1f9e0f8a7c6b5d4e3f20123"
#define EVENT(type, action, id, attributes, time)                                      \
	"{\"status\":\"x\",\"Type\":\"" type "\",\"Action\":\"" action "\",\"Actor\":" \
	"{\"ID\":\"" id "\",\"Attributes\":{" attributes "}},\"scope\":\"local\"," time "}"

static void an_event_is_read(void **state)
{
	static const struct {
		const char *when, *line;
		struct docker_event want;
	} cases[] = {
		{ "a container has died",
		  EVENT("container", "die", ID, "\"exitCode\":\"137\",\"a\":\"b\"",
			"\"time\":1764061200,\"timeNano\":1764061200123456789"),
		  { "container", "die", ID, 137, 1764061200123, { NULL } } },
		{ "the time is in seconds alone",
		  EVENT("container", "oom", ID, "", "\"time\":1764061200"),
		  { "container", "oom", ID, -1, 1764061200000, { NULL } } },
		{ "the exit code is no number",
		  EVENT("container", "die", ID, "\"exitCode\":\"-1\"", "\"time\":1"),
		  { "container", "die", ID, -1, 1000, { NULL } } },
		{ "the exit code is too large",
		  EVENT("container", "die", ID, "\"exitCode\":\"99999999999\"", "\"time\":1"),
		  { "container", "die", ID, -1, 1000, { NULL } } },
		{ "the exit code is of something else",
		  EVENT("container", "exec_die", ID, "\"exitCode\":\"1\"", "\"time\":1"),
		  { "container", "exec_die", ID, -1, 1000, { NULL } } },
		{ "it is of another thing, whose id is a long name",
		  EVENT("image", "pull",
			"a-very-long-registry.example.com:5000/with/a/long/path/and/more/of/it:1",
			"", "\"time\":1"),
		  { "image", "pull", "", -1, 1000, { NULL } } },
		{ "the time is beyond all",
		  EVENT("network", "x", "", "", "\"time\":1e300"),
		  { "network", "x", "", -1, 0, { NULL } } },
		{ "the action is long",
		  EVENT("container",
			"exec_create: /bin/sh -c 0123456789012345678901234567890123456789012345678",
			ID, "", "\"time\":1"),
		  { "container",
		    "exec_create: /bin/sh -c 012345678901234567890123456789012345678",
		    ID,
		    -1,
		    1000,
		    { NULL } } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct docker_event *want = &cases[i].want;
		struct docker_event got = { .exit_code = 0 };
		struct error err = { 0 };

		if (docker_event_read(slice_of(cases[i].line), &got, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (strcmp(got.type, want->type) != 0 || strcmp(got.action, want->action) != 0 ||
		    strcmp(got.container, want->container) != 0 ||
		    got.exit_code != want->exit_code || got.wall_ms != want->wall_ms)
			fail_msg("when %s: %s %s %s %d %lld", cases[i].when, got.type, got.action,
				 got.container, got.exit_code, (long long)got.wall_ms);
		assert_string_equal(json_text_or(got.all.root, "scope", ""), "local");
		docker_event_release(&got);
		assert_null(got.all.root);
	}
}

static void an_event_that_lacks_what_it_must_have_is_refused(void **state)
{
	static const struct {
		const char *when, *line, *words;
	} cases[] = {
		{ "it has no type", "{\"Action\":\"die\"}", "Type" },
		{ "it has no action", "{\"Type\":\"container\"}", "Action" },
		{ "it is of no container", "{\"Type\":\"container\",\"Action\":\"die\"}", "Actor" },
		{ "the container's id is too long",
		  EVENT("container", "die", ID "0", "", "\"time\":1"), "Actor.ID" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct docker_event got;
		struct error err = { 0 };

		if (docker_event_read(slice_of(cases[i].line), &got, &err) == 0 ||
		    err.class != ERROR_MALFORMED || !strstr(err.message, cases[i].words))
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_taken_apart_wherever_they_are_cut),
		cmocka_unit_test(lines_are_found_wherever_they_are_cut),
		cmocka_unit_test(a_line_that_cannot_be_ends_the_reading),
		cmocka_unit_test(a_pull_is_followed),
		cmocka_unit_test(a_pull_has_room_for_so_many_layers),
		cmocka_unit_test(a_line_that_is_no_object_is_refused),
		cmocka_unit_test(an_event_is_read),
		cmocka_unit_test(an_event_that_lacks_what_it_must_have_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
