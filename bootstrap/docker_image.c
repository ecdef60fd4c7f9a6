#include <stdlib.h>
#include <string.h>

#include "bootstrap/docker_call.h"
#include "bootstrap/docker_stream.h"

enum {
	REFUSAL_MAX = 64 << 10,
	/* The status line comes when the registry has given the manifest; the engine itself gives
	 * up a registry that does not answer far sooner. */
	PULL_START_MS = 5 * 60 * 1000,
	/* Of a layer that is verified or unpacked, little is said; of one that hangs, nothing. */
	PULL_SILENCE_MS = 10 * 60 * 1000,
};

/* ---- looking ---- */

static bool is_id(const char *image)
{
	return image[strspn(image, "0123456789abcdef")] == '\0' && strlen(image) == 64;
}

static int read_image(const struct json *from, struct docker_image *out, struct error *err)
{
	const char *id, *architecture, *os;

	if (json_text(from, "Id", &id, err) < 0 ||
	    json_text(from, "Architecture", &architecture, err) < 0 ||
	    json_text(from, "Os", &os, err) < 0 || json_integer(from, "Size", &out->bytes, err) < 0)
		return -1;
	text_cut(out->architecture, sizeof(out->architecture), architecture);
	text_cut(out->os, sizeof(out->os), os);
	return text_copy(out->id, sizeof(out->id), slice_of(id), err);
}

int docker_image_look(struct docker *docker, const char *image, struct docker_image *out,
		      struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf path = BUF(DOCKER_PATH_MAX);
	struct docker_image found = { 0 };
	const struct docker_ask ask = {
		.method = "GET", .path = &path, .doing = "look at the image", .subject = image
	};

	if (!is_id(image) && docker_reference_check(image, err) < 0)
		return error_wrap(err, "docker");
	/* After the check there is nothing in it that a path would have to escape. */
	buf_addf(&path, "/images/%s/json", image);
	if (docker_call_json(docker, &ask, JSON_OBJECT, &document, err) < 0)
		return -1;
	if (read_image(document.root, &found, err) < 0)
		return error_wrap(err, "docker: look at the image %s", image);
	*out = found;
	return 0;
}

int docker_login_check(struct docker *docker, const struct docker_login *login, struct error *err)
{
	SCOPED(secret) struct secret body = { 0 };
	SCOPED(buf) struct buf path = BUF(DOCKER_PATH_MAX);
	struct docker_ask ask = { .method = "POST",
				  .path = &path,
				  .doing = "log in at",
				  .subject = login->server,
				  .timeout_ms = DOCKER_SLOW_MS };

	buf_addf(&path, "/auth");
	if (docker_login_json(login, &body, err) < 0)
		return -1;
	ask.body = secret_expose(&body);
	if (docker_tell(docker, &ask, err) == 0)
		return 0;
	/* An engine's 500 says what the registry said, as with a pull. */
	if (err->class == ERROR_REFUSED)
		err->class = docker_pull_class(500, err->message);
	return -1;
}

/* ---- pulling ---- */

struct docker_pull {
	struct docker *docker;
	struct http_stream *stream;
	char *image;
	struct docker_lines lines;
	struct docker_layers layers;
	struct buf refusal; /* the body of a status that is none of success */
	bool has_ended, is_broken;
	struct error err; /* is_broken: what came of it */
};

static int take_line(void *context, struct slice line, struct error *err)
{
	struct docker_pull *pull = context;

	return docker_layers_take(&pull->layers, line, err);
}

static int broken(struct docker_pull *pull, const struct error *err)
{
	pull->is_broken = true;
	pull->err = *err;
	return error_wrap(&pull->err, "docker: pull %s", pull->image);
}

static void take(void *context, struct slice bytes)
{
	struct docker_pull *pull = context;
	struct error err = { 0 };

	if (pull->is_broken)
		return;
	if (http_stream_status(pull->stream) != 200)
		buf_add(&pull->refusal, bytes); /* what is beyond the limit adds nothing */
	else if (docker_lines_take(&pull->lines, bytes, take_line, pull, &err) < 0)
		(void)broken(pull, &err);
}

static int begin(struct docker_pull *pull, const struct docker_login *login, struct error *err)
{
	SCOPED(secret) struct secret header = { 0 };
	SCOPED(buf) struct buf path = BUF(DOCKER_PATH_MAX);
	size_t name_len;
	const char *tag = docker_reference_tag(pull->image, &name_len);
	char *name = memory_text((struct slice){ pull->image, name_len });

	buf_addf(&path, "/images/create");
	docker_add_query(&path, "fromImage", name);
	if (tag)
		docker_add_query(&path, "tag", tag);
	free(name);
	if (login && docker_login_header(login, &header, err) < 0)
		return -1;
	const char *const headers[] = { login ? secret_text(&header) : NULL, NULL };
	const struct docker_ask ask = { .method = "POST",
					.path = &path,
					.doing = "pull",
					.subject = pull->image,
					.headers = headers,
					.timeout_ms = PULL_START_MS,
					.silence_ms = PULL_SILENCE_MS };

	return docker_begin(pull->docker, &ask, take, pull, &pull->stream, err);
}

int docker_pull_begin(struct docker *docker, const char *image, const struct docker_login *login,
		      struct docker_pull **out, struct error *err)
{
	if (docker_reference_check(image, err) < 0)
		return error_wrap(err, "docker: pull");
	/* The engine sends a login to whatever registry the name says. */
	if (login && !docker_login_fits(login, image))
		return error_set(err, ERROR_CONFIGURATION,
				 "docker: pull %s: the login is one for %s, another registry",
				 image, login->server);
	struct docker_pull *pull = memory_array(1, sizeof(*pull));

	pull->docker = docker;
	pull->image = memory_text(slice_of(image));
	pull->refusal = BUF(REFUSAL_MAX);
	if (begin(pull, login, err) < 0) {
		docker_pull_close(pull);
		return -1;
	}
	*out = pull;
	return 0;
}

/* What the engine itself has said counts before what became of the connection. */
static int tell_failure(struct docker_pull *pull)
{
	long status = http_stream_status(pull->stream);
	char words[DOCKER_WORDS_ROOM];
	struct error err = { 0 };

	if (pull->layers.has_failed)
		text_cut(words, sizeof(words), pull->layers.words);
	else
		docker_message_read(buf_slice(&pull->refusal), words, sizeof(words));
	error_set(&err, docker_pull_class(status, words), "%s (status %ld)", words, status);
	return broken(pull, &err);
}

static int turn(struct docker_pull *pull)
{
	struct error err = { 0 };
	bool is_over = false;
	int result = http_stream_turn(pull->stream, &is_over, &err);
	long status = http_stream_status(pull->stream);

	if (pull->is_broken)
		return -1;
	if (pull->layers.has_failed || (is_over && status != 200))
		return tell_failure(pull);
	if (result < 0) {
		(void)docker_stream_failed(pull->docker, pull->stream, &err);
		return broken(pull, &err);
	}
	if (!is_over)
		return 0;
	if (docker_lines_end(&pull->lines, take_line, pull, &err) < 0)
		return broken(pull, &err);
	if (pull->layers.has_failed)
		return tell_failure(pull);
	pull->has_ended = true;
	return 0;
}

int docker_pull_turn(struct docker_pull *pull, bool *has_ended, struct error *err)
{
	if (!pull->has_ended && !pull->is_broken)
		(void)turn(pull);
	if (pull->is_broken) {
		*err = pull->err;
		return -1;
	}
	*has_ended = pull->has_ended;
	return 0;
}

struct docker_progress docker_pull_progress(const struct docker_pull *pull)
{
	return docker_layers_progress(&pull->layers);
}

void docker_pull_close(struct docker_pull *pull)
{
	if (!pull)
		return;
	http_stream_close(pull->stream);
	docker_lines_release(&pull->lines);
	buf_release(&pull->refusal);
	free(pull->image);
	free(pull);
}
