#ifndef BOOTSTRAP_DOCKER_STREAM_H
#define BOOTSTRAP_DOCKER_STREAM_H

#include "bootstrap/docker.h"

/*
 * docker_stream: the formats that the engine streams, read out of pieces that
 * are cut anywhere. Pure: bytes in, records out. Each reader starts as zero.
 */

/* ---- output of a container without a TTY ---- */

/* Frames: a stream's number (0 to 2), three zeros, a length of 4 bytes (big endian), the bytes. */
struct docker_frames {
	unsigned char head[8];
	size_t head_len;
	uint32_t left; /* bytes of the frame that are still to come */
};

/* Appends what is in the frames. ERROR_MALFORMED: no frame. */
CHECKED int docker_frames_take(struct docker_frames *frames, struct slice bytes, struct buf *out,
			       struct error *err);
bool docker_frames_is_between(const struct docker_frames *frames); /* false: cut in a frame */

/* ---- lines of JSON ---- */

enum { DOCKER_LINE_MAX = 1 << 20 };

struct docker_lines {
	struct buf line; /* the part of a line that has come */
};

/* Line ends left out, blank lines too. It may fail, and that ends the reading. */
typedef int docker_line_taker(void *context, struct slice line, struct error *err);

/* ERROR_MALFORMED: a line longer than DOCKER_LINE_MAX; or as take() says. */
CHECKED int docker_lines_take(struct docker_lines *lines, struct slice bytes,
			      docker_line_taker *take, void *context, struct error *err);
/* At the end of all: what has come after the last line end is a line, too. */
CHECKED int docker_lines_end(struct docker_lines *lines, docker_line_taker *take, void *context,
			     struct error *err);
void docker_lines_release(struct docker_lines *lines);

/* ---- a pull ---- */

enum { DOCKER_LAYERS_MAX = 256, DOCKER_WORDS_ROOM = 400 };

struct docker_layers {
	struct docker_layer {
		char id[24];
		int64_t done_bytes, total_bytes; /* 0 <= done <= total; both only grow */
		bool is_done;
	} list[DOCKER_LAYERS_MAX];
	size_t count; /* more than there is room for are left out */
	bool has_failed;
	char words[DOCKER_WORDS_ROOM]; /* has_failed: the engine's */
};

/* ERROR_MALFORMED: no object of JSON. After a failure nothing is taken any more. */
CHECKED int docker_layers_take(struct docker_layers *layers, struct slice line, struct error *err);
struct docker_progress docker_layers_progress(const struct docker_layers *layers);

/* ---- events ---- */

/* ERROR_MALFORMED: no event. *out is released by docker_event_release(). */
CHECKED int docker_event_read(struct slice line, struct docker_event *out, struct error *err);

#endif
