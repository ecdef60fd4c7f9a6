#include "common/gzip.h"

#include <stdlib.h>
#include <zlib.h>

enum {
	CHUNK_BYTES = 16384,
	FEED_BYTES = 1 << 30, /* zlib counts what it is given in an unsigned int */
	WINDOW_GZIP = MAX_WBITS + 16, /* a gzip head and tail around it, and no other form */
	MEMORY_MOST = 9,
};

bool gzip_is(struct slice bytes)
{
	return bytes.len >= 2 && bytes.ptr[0] == '\x1f' && bytes.ptr[1] == '\x8b';
}

/* The next part of the input. zlib has no const here, and writes nothing. */
static void feed(z_stream *stream, struct slice *rest)
{
	size_t len = rest->len < FEED_BYTES ? rest->len : FEED_BYTES;

	if (stream->avail_in || !len)
		return;
	stream->next_in = (Bytef *)(uintptr_t)rest->ptr;
	stream->avail_in = (uInt)len;
	rest->ptr += len;
	rest->len -= len;
}

static void drain(z_stream *stream, const unsigned char *chunk, struct buf *out)
{
	buf_add(out, (struct slice){ (const char *)chunk, CHUNK_BYTES - stream->avail_out });
}

static void give_room(z_stream *stream, unsigned char *chunk)
{
	stream->next_out = chunk;
	stream->avail_out = CHUNK_BYTES;
}

void gzip_pack(struct slice bytes, struct buf *out)
{
	unsigned char chunk[CHUNK_BYTES];
	z_stream stream = { 0 };
	int result = deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, WINDOW_GZIP, MEMORY_MOST,
				  Z_DEFAULT_STRATEGY);

	if (result != Z_OK)
		abort(); /* no memory, or another zlib than we were built for */
	while (result == Z_OK || result == Z_BUF_ERROR) {
		feed(&stream, &bytes);
		give_room(&stream, chunk);
		result = deflate(&stream, bytes.len ? Z_NO_FLUSH : Z_FINISH);
		drain(&stream, chunk, out);
	}
	deflateEnd(&stream);
}

/* Z_OK where neither the end nor a fault was met: more can be had. */
static int inflate_some(z_stream *stream, struct slice *rest, struct buf *out)
{
	unsigned char chunk[CHUNK_BYTES];

	feed(stream, rest);
	give_room(stream, chunk);
	int result = inflate(stream, Z_NO_FLUSH);

	drain(stream, chunk, out);
	return result;
}

static int inflate_all(z_stream *stream, struct slice bytes, struct buf *out, struct error *err)
{
	int result = Z_OK;

	while (result == Z_OK && !out->overflowed)
		result = inflate_some(stream, &bytes, out);
	if (out->overflowed)
		return error_set(err, ERROR_MALFORMED, "unpacks to more than %zu bytes",
				 out->limit);
	if (result == Z_BUF_ERROR)
		return error_set(err, ERROR_MALFORMED, "a gzip file that was cut");
	if (result != Z_STREAM_END)
		return error_set(err, ERROR_MALFORMED, "a damaged gzip file: %s",
				 stream->msg ? stream->msg : "needs a dictionary");
	if (stream->avail_in || bytes.len)
		return error_set(err, ERROR_MALFORMED, "a gzip file with %zu bytes after its end",
				 stream->avail_in + bytes.len);
	return 0;
}

int gzip_unpack(struct slice bytes, struct buf *out, struct error *err)
{
	SCOPED(buf) struct buf unpacked = BUF(out->limit - out->len);
	z_stream stream = { 0 };

	if (inflateInit2(&stream, WINDOW_GZIP) != Z_OK)
		abort();
	int result = inflate_all(&stream, bytes, &unpacked, err);

	inflateEnd(&stream);
	if (result < 0)
		return -1;
	buf_add(out, buf_slice(&unpacked));
	return buf_finish(out, err);
}
