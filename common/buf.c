#include "common/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_WORD = 63 }; /* longer words get no suggestion */

static _Noreturn void end_without_memory(void)
{
	fputs("out of memory\n", stderr);
	abort();
}

struct slice slice_of(const char *text)
{
	return text ? (struct slice){ text, strlen(text) } : (struct slice){ "", 0 };
}

bool slice_equals(struct slice slice, const char *text)
{
	size_t len = strlen(text);

	return slice.len == len && (!len || !memcmp(slice.ptr, text, len));
}

/* Not realloc(): it would leave the old bytes behind in freed memory. */
static void buf_grow(struct buf *buf, size_t room)
{
	char *bytes = malloc(room);

	if (!bytes)
		end_without_memory();
	if (buf->bytes) {
		memcpy(bytes, buf->bytes, buf->len + 1);
		explicit_bzero(buf->bytes, buf->len);
		free(buf->bytes);
	}
	buf->bytes = bytes;
	buf->room = room;
}

static bool buf_reserve(struct buf *buf, size_t more)
{
	size_t limit = buf->limit < SIZE_MAX / 4 ? buf->limit : SIZE_MAX / 4;

	if (buf->overflowed || more > limit - buf->len) {
		buf->overflowed = true;
		return false;
	}
	if (buf->len + more >= buf->room)
		buf_grow(buf, 2 * (buf->len + more) + 1);
	return true;
}

void buf_add(struct buf *buf, struct slice bytes)
{
	if (!bytes.len || !buf_reserve(buf, bytes.len))
		return;
	memcpy(buf->bytes + buf->len, bytes.ptr, bytes.len);
	buf->len += bytes.len;
	buf->bytes[buf->len] = '\0';
}

void buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	if (len < 0)
		buf->overflowed = true;
	if (len > 0 && buf_reserve(buf, (size_t)len)) {
		vsnprintf(buf->bytes + buf->len, (size_t)len + 1, fmt, again);
		buf->len += (size_t)len;
	}
	va_end(again);
	va_end(args);
}

const char *buf_text(const struct buf *buf)
{
	return buf->bytes ? buf->bytes : "";
}

struct slice buf_slice(const struct buf *buf)
{
	return (struct slice){ buf_text(buf), buf->len };
}

void buf_clear(struct buf *buf)
{
	if (buf->bytes)
		explicit_bzero(buf->bytes, buf->len + 1);
	buf->len = 0;
	buf->overflowed = false;
}

int buf_finish(const struct buf *buf, struct error *err)
{
	if (buf->overflowed)
		return error_set(err, ERROR_MALFORMED, "more than %zu bytes", buf->limit);
	return 0;
}

void buf_release(struct buf *buf)
{
	buf_clear(buf);
	free(buf->bytes);
	*buf = BUF(buf->limit);
}

int text_copy(char *field, size_t room, struct slice text, struct error *err)
{
	if (text.len >= room)
		return error_set(err, ERROR_MALFORMED, "%zu bytes where at most %zu are expected",
				 text.len, room ? room - 1 : 0);
	if (text.len && memchr(text.ptr, '\0', text.len))
		return error_set(err, ERROR_MALFORMED, "a NUL byte in a text");
	if (text.len)
		memcpy(field, text.ptr, text.len);
	field[text.len] = '\0';
	return 0;
}

void text_cut(char *field, size_t room, const char *text)
{
	size_t len = strnlen(text, room);

	if (len == room) {
		len--;
		/* Back to the first byte of the character that would be split. */
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(field, text, len);
	field[len] = '\0';
}

/* What a first byte promises: how many bytes, and which bits of it belong to the character. */
static size_t character_len(unsigned char first, uint32_t *bits)
{
	static const struct {
		unsigned char mask, mark;
	} forms[] = { { 0x80, 0x00 }, { 0xe0, 0xc0 }, { 0xf0, 0xe0 }, { 0xf8, 0xf0 } };

	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if ((first & forms[i].mask) == forms[i].mark) {
			*bits = first & (unsigned char)~forms[i].mask;
			return i + 1;
		}
	return 0;
}

size_t text_character(struct slice text, uint32_t *code_point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t value = 0;
	size_t len = text.len ? character_len((unsigned char)text.ptr[0], &value) : 0;

	if (!len || len > text.len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];

		if ((byte & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (byte & 0x3f);
	}
	if (value < least[len] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*code_point = value;
	return len;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool is_same_letter(char a, char b)
{
	if (a >= 'A' && a <= 'Z')
		a = (char)(a - 'A' + 'a');
	if (b >= 'A' && b <= 'Z')
		b = (char)(b - 'A' + 'a');
	return a == b;
}

/* Both at most LONGEST_WORD. A letter may take part in one swap only (optimal string alignment). */
static size_t edit_distance(struct slice a, struct slice b)
{
	size_t rows[3][LONGEST_WORD + 1]; /* row i is rows[i % 3]: a swap looks two back */

	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t differs = !is_same_letter(a.ptr[i - 1], b.ptr[j - 1]);

			row[j] = smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + differs);
			if (i > 1 && j > 1 && is_same_letter(a.ptr[i - 1], b.ptr[j - 2]) &&
			    is_same_letter(a.ptr[i - 2], b.ptr[j - 1]))
				row[j] = smaller(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[a.len % 3][b.len];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t count)
{
	struct slice wanted = slice_of(word);
	const char *nearest = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < count && wanted.len <= LONGEST_WORD; i++) {
		struct slice candidate = slice_of(candidates[i]);

		if (candidate.len > LONGEST_WORD)
			continue;
		size_t longer = candidate.len > wanted.len ? candidate.len : wanted.len;
		size_t distance = edit_distance(wanted, candidate);

		if (distance < least && distance <= longer / 3) {
			nearest = candidates[i];
			least = distance;
		}
	}
	return nearest;
}

void *memory_array(size_t count, size_t item_len)
{
	/* One byte at least: calloc() of nothing may answer NULL, which is no failure. */
	void *items = count && item_len ? calloc(count, item_len) : calloc(1, 1);

	if (!items)
		end_without_memory();
	return items;
}

void *memory_grow(void *items, size_t count, size_t item_len)
{
	size_t len;

	if (__builtin_mul_overflow(count, item_len, &len))
		end_without_memory();
	void *grown = realloc(items, len ? len : 1);

	if (!grown)
		end_without_memory();
	return grown;
}

char *memory_text(struct slice text)
{
	char *copy = memory_array(text.len + 1, 1);

	if (text.len)
		memcpy(copy, text.ptr, text.len);
	return copy;
}
