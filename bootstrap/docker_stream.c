#include "bootstrap/docker_stream.h"

#include <string.h>

#include "bootstrap/docker_call.h"

/* ---- frames ---- */

static struct slice skip(struct slice bytes, size_t len)
{
	return (struct slice){ bytes.ptr + len, bytes.len - len };
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int read_head(struct docker_frames *frames, struct error *err)
{
	const unsigned char *head = frames->head;

	if (head[0] > 2 || head[1] || head[2] || head[3])
		return error_set(err, ERROR_MALFORMED,
				 "the container's output is not in frames as it should be");
	frames->left = (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 | (uint32_t)head[6] << 8 |
		       head[7];
	frames->head_len = 0;
	return 0;
}

int docker_frames_take(struct docker_frames *frames, struct slice bytes, struct buf *out,
		       struct error *err)
{
	while (bytes.len) {
		size_t len = smaller(bytes.len, frames->left);

		if (len) {
			buf_add(out, (struct slice){ bytes.ptr, len });
			frames->left -= (uint32_t)len;
			bytes = skip(bytes, len);
			continue;
		}
		frames->head[frames->head_len++] = (unsigned char)bytes.ptr[0];
		bytes = skip(bytes, 1);
		if (frames->head_len == sizeof(frames->head) && read_head(frames, err) < 0)
			return -1;
	}
	return 0;
}

bool docker_frames_is_between(const struct docker_frames *frames)
{
	return !frames->head_len && !frames->left;
}

/* ---- lines ---- */

static bool is_blank(struct slice line)
{
	while (line.len && strchr(" \t\r", line.ptr[0]))
		line = skip(line, 1);
	return !line.len;
}

static int take_line(struct docker_lines *lines, docker_line_taker *take, void *context,
		     struct error *err)
{
	struct slice line = buf_slice(&lines->line);

	while (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (!is_blank(line) && take(context, line, err) < 0)
		return -1;
	buf_clear(&lines->line);
	return 0;
}

int docker_lines_take(struct docker_lines *lines, struct slice bytes, docker_line_taker *take,
		      void *context, struct error *err)
{
	lines->line.limit = DOCKER_LINE_MAX;
	while (bytes.len) {
		const char *end = memchr(bytes.ptr, '\n', bytes.len);
		size_t len = end ? (size_t)(end - bytes.ptr) : bytes.len;

		buf_add(&lines->line, (struct slice){ bytes.ptr, len });
		if (buf_finish(&lines->line, err) < 0)
			return error_wrap(err, "a line of the engine's answer");
		if (end && take_line(lines, take, context, err) < 0)
			return -1;
		bytes = skip(bytes, end ? len + 1 : len);
	}
	return 0;
}

int docker_lines_end(struct docker_lines *lines, docker_line_taker *take, void *context,
		     struct error *err)
{
	return take_line(lines, take, context, err);
}

void docker_lines_release(struct docker_lines *lines)
{
	buf_release(&lines->line);
}

/* ---- a pull ---- */

/* A sum of all layers fits; nobody has a layer of a petabyte. */
static const int64_t layer_max_bytes = 1LL << 50;

enum layer_step { STEP_KNOWN, STEP_DOWNLOADS, STEP_LOADED, STEP_DONE };

/* moby: distribution/pull_v2.go and distribution/xfer/download.go; its containerd store's
 * daemon/containerd/progress.go says the same words. What is not here is no layer's: the id of
 * "Pulling from" is a tag. */
static const struct {
	const char *status;
	enum layer_step step;
} layer_steps[] = {
	{ "Pulling fs layer", STEP_KNOWN },   { "Waiting", STEP_KNOWN },
	{ "Downloading", STEP_DOWNLOADS },    { "Verifying Checksum", STEP_LOADED },
	{ "Download complete", STEP_LOADED }, { "Extracting", STEP_LOADED },
	{ "Pull complete", STEP_DONE },	      { "Already exists", STEP_DONE },
};

static struct docker_layer *find_layer(struct docker_layers *layers, const char *id)
{
	struct error ignored;
	size_t i = 0;

	while (i < layers->count && strcmp(layers->list[i].id, id) != 0)
		i++;
	if (i < layers->count)
		return &layers->list[i];
	if (i == DOCKER_LAYERS_MAX)
		return NULL;
	if (text_copy(layers->list[i].id, sizeof(layers->list[i].id), slice_of(id), &ignored) < 0)
		return NULL;
	layers->count++;
	return &layers->list[i];
}

static int64_t within(int64_t bytes)
{
	if (bytes < 0)
		return 0;
	return bytes < layer_max_bytes ? bytes : layer_max_bytes;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void count_bytes(struct docker_layer *layer, const struct json *from)
{
	layer->done_bytes = larger(layer->done_bytes,
				   within(json_integer_or(from, "progressDetail.current", 0)));
	layer->total_bytes = larger(layer->total_bytes,
				    within(json_integer_or(from, "progressDetail.total", 0)));
	layer->total_bytes = larger(layer->total_bytes, layer->done_bytes);
}

static void take_step(struct docker_layers *layers, const struct json *from)
{
	const char *status = json_text_or(from, "status", ""), *id = json_text_or(from, "id", "");
	size_t i = 0;

	while (i < ARRAY_LEN(layer_steps) && strcmp(layer_steps[i].status, status) != 0)
		i++;
	if (i == ARRAY_LEN(layer_steps) || !*id)
		return;
	struct docker_layer *layer = find_layer(layers, id);

	if (!layer)
		return;
	if (layer_steps[i].step == STEP_DOWNLOADS)
		count_bytes(layer, from);
	if (layer_steps[i].step >= STEP_LOADED)
		layer->done_bytes = layer->total_bytes;
	if (layer_steps[i].step == STEP_DONE)
		layer->is_done = true;
}

int docker_layers_take(struct docker_layers *layers, struct slice line, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };

	if (layers->has_failed)
		return 0;
	if (json_parse(line, &document, err) < 0)
		return -1;
	const struct json *from = document.root;

	if (json_kind(from) != JSON_OBJECT)
		return error_set(err, ERROR_MALFORMED, "expected an object, got %s",
				 json_kind_name(json_kind(from)));
	if (!json_find(from, "error") && !json_find(from, "errorDetail")) {
		take_step(layers, from);
		return 0;
	}
	const char *words = json_text_or(from, "errorDetail.message", "");

	if (!*words)
		words = json_text_or(from, "error", "");
	layers->has_failed = true;
	docker_message_copy(layers->words, sizeof(layers->words), slice_of(words));
	return 0;
}

struct docker_progress docker_layers_progress(const struct docker_layers *layers)
{
	struct docker_progress progress = { .layers = (unsigned)layers->count };

	for (size_t i = 0; i < layers->count; i++) {
		progress.done_bytes += layers->list[i].done_bytes;
		progress.total_bytes += layers->list[i].total_bytes;
		progress.layers_done += layers->list[i].is_done;
	}
	return progress;
}

/* ---- events ---- */

static int64_t event_time_ms(const struct json *from)
{
	/* More than 2^53: exact to some 256 ns as a double, and milliseconds are asked. */
	double ms = json_number_value(json_find(from, "timeNano")) / 1e6;

	if (!(ms > 0))
		ms = json_number_value(json_find(from, "time")) * 1e3;
	return ms > 0 && ms < 9e15 ? (int64_t)ms : 0;
}

/* A text in the engine's JSON, where "137" is an exit code. */
static int event_exit_code(const struct json *from)
{
	const char *text = json_text_or(from, "Actor.Attributes.exitCode", "");
	int code = 0;

	if (!*text || strlen(text) > 3 || text[strspn(text, "0123456789")])
		return -1;
	for (; *text; text++)
		code = code * 10 + *text - '0';
	return code;
}

static int read_event(const struct json *from, struct docker_event *out, struct error *err)
{
	const char *type, *action;

	if (json_text(from, "Type", &type, err) < 0 || json_text(from, "Action", &action, err) < 0)
		return -1;
	text_cut(out->type, sizeof(out->type), type);
	text_cut(out->action, sizeof(out->action), action);
	if (strcmp(type, "container") == 0) {
		const char *id;

		if (json_text(from, "Actor.ID", &id, err) < 0)
			return -1;
		if (text_copy(out->container, sizeof(out->container), slice_of(id), err) < 0)
			return error_wrap(err, "Actor.ID");
	}
	out->exit_code = strcmp(action, "die") == 0 ? event_exit_code(from) : -1;
	out->wall_ms = event_time_ms(from);
	return 0;
}

int docker_event_read(struct slice line, struct docker_event *out, struct error *err)
{
	struct docker_event event = { .exit_code = -1 };

	if (json_parse(line, &event.all, err) < 0)
		return error_wrap(err, "an event");
	if (read_event(event.all.root, &event, err) < 0) {
		json_document_release(&event.all);
		return error_wrap(err, "an event");
	}
	*out = event;
	return 0;
}

void docker_event_release(struct docker_event *event)
{
	json_document_release(&event->all);
	*event = (struct docker_event){ .exit_code = -1 };
}
