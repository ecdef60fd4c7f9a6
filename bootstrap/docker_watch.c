#include <stdio.h>
#include <stdlib.h>

#include "bootstrap/docker_call.h"
#include "bootstrap/docker_stream.h"
#include "common/clock.h"

enum { REFUSAL_MAX = 64 << 10 };

struct docker_watch {
	struct docker *docker;
	struct http_stream *stream;
	struct docker_lines lines;
	struct docker_event *events; /* a queue: those from next on are still to be given */
	size_t next, count, room;
	struct buf refusal;
	struct error err; /* a line made no sense: told when the events before it are given */
};

static int keep_event(void *context, struct slice line, struct error *err)
{
	struct docker_watch *watch = context;
	struct docker_event event;

	if (docker_event_read(line, &event, err) < 0)
		return -1;
	if (watch->count == watch->room) {
		watch->room = 2 * watch->room + 8;
		watch->events = memory_grow(watch->events, watch->room, sizeof(*watch->events));
	}
	watch->events[watch->count++] = event;
	return 0;
}

static void take(void *context, struct slice bytes)
{
	struct docker_watch *watch = context;

	if (watch->err.class)
		return;
	if (http_stream_status(watch->stream) != 200)
		buf_add(&watch->refusal, bytes);
	else if (docker_lines_take(&watch->lines, bytes, keep_event, watch, &watch->err) < 0)
		(void)error_wrap(&watch->err, "docker: the events");
}

int docker_watch_open(struct docker *docker, const char *label, struct docker_watch **out,
		      struct error *err)
{
	SCOPED(buf) struct buf path = BUF(DOCKER_PATH_MAX);
	const char *const labels[] = { label, NULL };
	const struct docker_filter filters[] = {
		{ "label", labels }, { "type", (const char *const[]){ "container", NULL } }
	};
	const struct docker_ask ask = {
		.method = "GET", .path = &path, .doing = "watch", .subject = label
	};
	const int64_t now_ms = clock_wall_ms();
	char since[48];

	/* The engine begins to listen some time after it was asked. What happens until then it
	 * tells from its memory, if it is told since when. */
	snprintf(since, sizeof(since), "%lld.%03lld000000", (long long)(now_ms / 1000),
		 (long long)(now_ms % 1000));
	buf_addf(&path, "/events?since=%s", since);
	docker_add_filters(&path, filters, ARRAY_LEN(filters));
	struct docker_watch *watch = memory_array(1, sizeof(*watch));

	watch->docker = docker;
	watch->refusal = BUF(REFUSAL_MAX);
	if (docker_begin(docker, &ask, take, watch, &watch->stream, err) < 0) {
		docker_watch_close(watch);
		return -1;
	}
	*out = watch;
	return 0;
}

static bool has_more(const struct docker_watch *watch)
{
	return watch->next < watch->count;
}

static int tell_end(const struct docker_watch *watch, struct error *err)
{
	long status = http_stream_status(watch->stream);
	char words[DOCKER_WORDS_ROOM];

	if (status == 200)
		return error_set(err, ERROR_UNREACHABLE,
				 "docker: the events have ended: the engine went");
	docker_message_read(buf_slice(&watch->refusal), words, sizeof(words));
	return error_set(err, docker_status_class(status), "docker: the events: %s (status %ld)",
			 words, status);
}

/* Only when all that came is given, so that the queue stays short. */
static int turn(struct docker_watch *watch, struct error *err)
{
	struct error why = { 0 };
	bool is_over = false;

	watch->next = 0;
	watch->count = 0;
	int result = http_stream_turn(watch->stream, &is_over, &why);

	if (has_more(watch) || (result == 0 && !is_over && !watch->err.class))
		return 0;
	if (watch->err.class) {
		*err = watch->err;
		return -1;
	}
	if (result == 0)
		return tell_end(watch, err);
	(void)docker_stream_failed(watch->docker, watch->stream, &why);
	*err = why;
	return error_wrap(err, "docker: the events");
}

int docker_watch_turn(struct docker_watch *watch, bool *has_event, struct docker_event *out,
		      struct error *err)
{
	if (!has_more(watch) && turn(watch, err) < 0)
		return -1;
	*has_event = has_more(watch);
	if (*has_event)
		*out = watch->events[watch->next++];
	return 0;
}

void docker_watch_close(struct docker_watch *watch)
{
	if (!watch)
		return;
	http_stream_close(watch->stream);
	while (has_more(watch))
		docker_event_release(&watch->events[watch->next++]);
	free(watch->events);
	docker_lines_release(&watch->lines);
	buf_release(&watch->refusal);
	free(watch);
}
