#include "bootstrap/init_output.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

enum { KEEP_BYTES = 1 << 20, CHUNK_LEN = 16384, MAX_LINES = 4000 };

/* Whoever shows the last line, on a terminal perhaps, shows no control character of it. */
static void remember(struct init_output *output, struct slice line)
{
	char shown[INIT_OUTPUT_LINE_ROOM];
	size_t at = 0;

	for (size_t step; at < line.len; at += step) {
		struct slice rest = { line.ptr + at, line.len - at };
		uint32_t character = 0;
		size_t len = text_character(rest, &character);

		step = len ? len : 1;
		if (!len || character < 0x20 || (character >= 0x7f && character < 0xa0))
			memset(shown + at, ' ', step);
		else
			memcpy(shown + at, rest.ptr, step);
	}
	shown[at] = '\0';
	text_cut(output->last, sizeof(output->last), shown);
}

static void tell_line(struct init_output *output)
{
	char shown[INIT_OUTPUT_LINE_ROOM];

	output->line[output->len] = '\0';
	text_cut(shown, sizeof(shown), output->line);
	remember(output, slice_of(shown));
	if (output->lines < MAX_LINES)
		log_info("init", "%s%s", shown, output->is_long ? " ..." : "");
	else if (output->lines == MAX_LINES)
		log_info("init", "%d lines are told here: all that follow stand in init.log alone",
			 (int)MAX_LINES);
	output->lines++;
}

static void end_line(struct init_output *output)
{
	if (output->len)
		tell_line(output);
	output->len = 0;
	output->is_long = false;
}

static void take(struct init_output *output, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] == '\n' || bytes[i] == '\r')
			end_line(output);
		else if (output->len == sizeof(output->line) - 1)
			output->is_long = true;
		else
			output->line[output->len++] = bytes[i] ? bytes[i] : ' ';
	}
}

/* The writers append, so they go on behind what is put in place of the whole. */
static void cut_file(struct init_output *output)
{
	char *kept = memory_array(KEEP_BYTES, 1);
	ssize_t got = pread(output->fd, kept, KEEP_BYTES, output->at - KEEP_BYTES);

	if (got > 0 && ftruncate(output->fd, 0) == 0 && write(output->fd, kept, (size_t)got) == got)
		output->at = lseek(output->fd, 0, SEEK_CUR);
	free(kept);
}

int init_output_open(const char *path, struct init_output *out, struct error *err)
{
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	if (end < 0) {
		(void)error_errno(err, "open %s", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*out = (struct init_output){ .fd = fd, .at = end };
	return 0;
}

void init_output_turn(struct init_output *output)
{
	char chunk[CHUNK_LEN];
	struct stat found;
	ssize_t got;

	if (fstat(output->fd, &found) < 0)
		return;
	/* Cut by somebody else, or written faster than anybody reads. */
	if (found.st_size < output->at)
		output->at = found.st_size;
	if (found.st_size - output->at > KEEP_BYTES)
		output->at = found.st_size - KEEP_BYTES;
	while (output->at < found.st_size) {
		got = pread(output->fd, chunk, sizeof(chunk), output->at);
		if (got <= 0)
			break;
		take(output, chunk, (size_t)got);
		output->at += got;
	}
	if (output->at > 2 * KEEP_BYTES)
		cut_file(output);
}

void init_output_end(struct init_output *output)
{
	init_output_turn(output);
	end_line(output);
}

void init_output_release(struct init_output *output)
{
	if (output->fd > 0)
		close(output->fd);
	*output = (struct init_output){ 0 };
}
