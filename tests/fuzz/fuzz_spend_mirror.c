/* Property: a mirror that is accepted is printed and read back with the same sums; printing that
 * again changes nothing. */
#include <assert.h>
#include <string.h>

#include "reaper/money/spend_mirror.h"

enum { TEXT_BYTES = 64 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct spend_row sum_of(const struct spend_list *list)
{
	struct spend_row sum = { 0 };

	for (size_t i = 0; i < list->count; i++) {
		sum.seconds += list->rows[i].seconds;
		sum.money += list->rows[i].money;
		sum.unpriced_s += list->rows[i].unpriced_s;
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(spend_mirror) struct spend_mirror first = { 0 }, second = { 0 };
	SCOPED(buf) struct buf text = BUF(TEXT_BYTES), again = BUF(TEXT_BYTES);
	struct error err = { 0 };

	if (spend_mirror_parse((struct slice){ (const char *)data, size }, &first, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && err.message[0]);
		return 0;
	}
	assert(first.number > 0 && *first.issuer);
	spend_mirror_print(&first, &text);
	assert(buf_finish(&text, &err) == 0);
	/* Sums may have grown past what a row may hold. */
	if (spend_mirror_parse(buf_slice(&text), &second, &err) < 0)
		return 0;
	struct spend_row one = sum_of(&first.rows), other = sum_of(&second.rows);

	assert(first.until_s == second.until_s && first.number == second.number);
	assert(!strcmp(first.issuer, second.issuer) && one.seconds == other.seconds);
	assert(one.money == other.money && one.unpriced_s == other.unpriced_s);
	assert(second.rows.count <= SPEND_MIRROR_ROWS || second.rows.count <= first.rows.count);
	spend_mirror_print(&second, &again);
	assert(buf_finish(&again, &err) == 0 && !strcmp(buf_text(&text), buf_text(&again)));
	return 0;
}
