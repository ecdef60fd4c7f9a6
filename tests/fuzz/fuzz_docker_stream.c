/* The engine's streams, read whole and read in pieces: the first byte says how long the pieces
 * are, and the outcome must be the same. Progress only grows, done never passes total; words for
 * people are printable. */
#include "bootstrap/docker_stream.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "bootstrap/docker_call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_words(const char *words, size_t room)
{
	size_t len = strnlen(words, room);

	assert(len < room);
	for (size_t i = 0; i < len; i++)
		assert(words[i] >= 0x20 && words[i] < 0x7f);
}

/* ---- frames ---- */

static int take_frames(struct slice bytes, size_t step, struct buf *out, bool *is_between)
{
	struct docker_frames frames = { 0 };
	struct error err = { 0 };

	for (size_t at = 0; at < bytes.len; at += step) {
		size_t left = bytes.len - at;
		struct slice piece = { bytes.ptr + at, left < step ? left : step };

		if (docker_frames_take(&frames, piece, out, &err) < 0) {
			assert(err.class == ERROR_MALFORMED && err.message[0]);
			return -1;
		}
	}
	*is_between = docker_frames_is_between(&frames);
	return 0;
}

static void check_frames(struct slice bytes, size_t step)
{
	SCOPED(buf) struct buf whole = BUF(1 << 20), cut = BUF(1 << 20);
	bool is_between[2] = { false, false };
	int result = take_frames(bytes, bytes.len + 1, &whole, &is_between[0]);

	assert(take_frames(bytes, step, &cut, &is_between[1]) == result);
	assert(is_between[0] == is_between[1] && whole.len == cut.len && whole.len <= bytes.len);
	assert(!whole.len || memcmp(whole.bytes, cut.bytes, whole.len) == 0);
}

/* ---- pulls ---- */

struct pull {
	struct docker_layers layers;
	struct docker_progress progress;
	unsigned lines;
};

static int take_progress(void *context, struct slice line, struct error *err)
{
	struct pull *pull = context;
	const struct docker_progress before = pull->progress;

	pull->lines++;
	assert(line.len && !memchr(line.ptr, '\n', line.len));
	if (docker_layers_take(&pull->layers, line, err) < 0)
		return -1;
	struct docker_progress now = docker_layers_progress(&pull->layers);

	assert(now.done_bytes >= before.done_bytes && now.total_bytes >= before.total_bytes);
	assert(now.layers >= before.layers && now.layers_done >= before.layers_done);
	assert(now.done_bytes >= 0 && now.done_bytes <= now.total_bytes);
	assert(now.layers_done <= now.layers && now.layers <= DOCKER_LAYERS_MAX);
	pull->progress = now;
	return 0;
}

/* ---- events ---- */

struct events {
	unsigned count;
	int64_t sum; /* of what they say, so that two readings compare */
};

static int take_event(void *context, struct slice line, struct error *err)
{
	struct events *events = context;
	struct docker_event event;

	if (docker_event_read(line, &event, err) < 0)
		return -1;
	assert(event.exit_code >= -1 && event.exit_code <= 999 && event.wall_ms >= 0);
	assert(strlen(event.type) < sizeof(event.type));
	assert(strlen(event.container) < sizeof(event.container));
	events->count++;
	events->sum = events->sum * 31 % 1000003 + event.exit_code + event.wall_ms % 1000003 +
		      (int64_t)strlen(event.action);
	docker_event_release(&event);
	return 0;
}

static int read_lines(struct slice bytes, size_t step, docker_line_taker *take, void *context)
{
	struct docker_lines lines = { 0 };
	struct error err = { 0 };
	int result = 0;

	for (size_t at = 0; at < bytes.len && result == 0; at += step) {
		size_t left = bytes.len - at;
		struct slice piece = { bytes.ptr + at, left < step ? left : step };

		result = docker_lines_take(&lines, piece, take, context, &err);
	}
	if (result == 0)
		result = docker_lines_end(&lines, take, context, &err);
	if (result < 0)
		assert(err.class == ERROR_MALFORMED && err.message[0]);
	docker_lines_release(&lines);
	return result;
}

static void check_pull(struct slice bytes, size_t step)
{
	static struct pull whole, cut;

	memset(&whole, 0, sizeof(whole));
	memset(&cut, 0, sizeof(cut));
	int result = read_lines(bytes, bytes.len + 1, take_progress, &whole);

	assert(read_lines(bytes, step, take_progress, &cut) == result);
	assert(whole.lines == cut.lines && whole.layers.has_failed == cut.layers.has_failed);
	assert(strcmp(whole.layers.words, cut.layers.words) == 0);
	assert(memcmp(&whole.progress, &cut.progress, sizeof(cut.progress)) == 0);
	check_words(whole.layers.words, sizeof(whole.layers.words));
}

static void check_events(struct slice bytes, size_t step)
{
	struct events whole = { 0 }, cut = { 0 };
	int result = read_lines(bytes, bytes.len + 1, take_event, &whole);

	assert(read_lines(bytes, step, take_event, &cut) == result);
	assert(whole.count == cut.count && whole.sum == cut.sum);
}

static void check_message(struct slice bytes)
{
	char words[DOCKER_WORDS_ROOM];

	docker_message_copy(words, sizeof(words), bytes);
	check_words(words, sizeof(words));
	docker_message_read(bytes, words, sizeof(words));
	check_words(words, sizeof(words));
	assert(words[0]);
	enum error_class class = docker_pull_class(500, words);

	assert(class > ERROR_NONE && class < ERROR_CLASS_COUNT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct slice bytes = { (const char *)data + 1, size - 1 };
	size_t step = (size_t)data[0] + 1;

	check_frames(bytes, step);
	check_pull(bytes, step);
	check_events(bytes, step);
	check_message(bytes);
	return 0;
}
