#include "reaper/money/money.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"

/* A budget has three clocks: what is being spent an hour, since the day began, since the month
 * began. */
struct limit {
	const char *name;
	int64_t most, spent; /* most 0: no limit */
	bool is_rate;
};

enum { LIMITS = 3, CENTS = 100, MICROS = 1000000 };

static void limits_of(const struct money_gate *gate, struct limit out[static LIMITS])
{
	out[0] = (struct limit){ "$/h", gate->budget->hour, gate->rate, true };
	out[1] = (struct limit){ "$/day", gate->budget->day, gate->spent.day, false };
	out[2] = (struct limit){ "$/month", gate->budget->month, gate->spent.month, false };
}

void money_text(int64_t money, char out[static MONEY_TEXT_ROOM])
{
	SCOPED(buf) struct buf text = BUF(MONEY_TEXT_ROOM - 1);

	if (money < 0) {
		buf_addf(&text, "unknown");
	} else if (money >= MICROS) {
		/* Rounded half up to cents, without a sum that could overflow. */
		int64_t cents =
			money / (MICROS / CENTS) + (money % (MICROS / CENTS) >= MICROS / CENTS / 2);

		buf_addf(&text, "%lld.%02lld", (long long)(cents / CENTS),
			 (long long)(cents % CENTS));
	} else {
		buf_addf(&text, "0.%06lld", (long long)money);
		while (text.len > sizeof("0.00") - 1 && text.bytes[text.len - 1] == '0')
			text.bytes[--text.len] = '\0';
	}
	text_cut(out, MONEY_TEXT_ROOM, buf_text(&text));
}

/* a / b >= c / d, all of them at least zero and the lower ones above it; the products need more
 * than 64 bits. */
static bool is_share_greater(int64_t a, int64_t b, int64_t c, int64_t d)
{
	__extension__ typedef unsigned __int128 wide;

	return (wide)(uint64_t)a * (uint64_t)d > (wide)(uint64_t)c * (uint64_t)b;
}

/* Which one is used up most; one of which nothing is known comes before all. */
static bool is_tighter(const struct limit *a, const struct limit *b)
{
	if (a->spent < 0 || b->spent < 0)
		return b->spent >= 0;
	return is_share_greater(a->spent, a->most, b->spent, b->most);
}

static bool is_spent(const struct limit *limit, int64_t price)
{
	if (!limit->most)
		return false;
	if (limit->spent < 0 || price < 0)
		return true;
	return limit->is_rate ? price > limit->most - limit->spent : limit->spent >= limit->most;
}

static void say(const struct limit *limit, const char *name, int64_t price, struct buf *words)
{
	char spent[MONEY_TEXT_ROOM], most[MONEY_TEXT_ROOM], more[MONEY_TEXT_ROOM];

	money_text(limit->spent, spent);
	money_text(limit->most, most);
	money_text(price, more);
	buf_addf(words, "%s of %s: ", limit->name, name);
	if (limit->spent < 0)
		buf_addf(words, "what is spent is not known, of %s", most);
	else if (price < 0)
		buf_addf(words, "what a machine costs is not known, of %s", most);
	else if (limit->is_rate && price)
		buf_addf(words, "%s, and %s more, of %s", spent, more, most);
	else
		buf_addf(words, "%s of %s %s", spent, most, limit->is_rate ? "in use" : "spent");
}

bool money_allows(const struct money_gate *gate, int64_t price, char *words, size_t room)
{
	SCOPED(buf) struct buf text = BUF(room);
	struct limit limits[LIMITS];
	const struct limit *tightest = NULL;

	limits_of(gate, limits);
	for (size_t i = 0; i < LIMITS; i++)
		if (is_spent(&limits[i], price) && (!tightest || is_tighter(&limits[i], tightest)))
			tightest = &limits[i];
	if (!tightest)
		return true;
	say(tightest, gate->name, price, &text);
	text_cut(words, room, buf_text(&text));
	return false;
}

bool money_is_past(const struct money_gate *gate)
{
	const struct budget *budget = gate->budget;

	return (budget->hour && (gate->rate >= budget->hour || gate->rate == MONEY_UNKNOWN)) ||
	       (budget->day && gate->spent.day >= budget->day) ||
	       (budget->month && gate->spent.month >= budget->month);
}

/* spent / most >= percent / 100 */
static bool is_past(const struct limit *limit, unsigned percent)
{
	if (!limit->most || limit->spent < 0)
		return false;
	return !is_share_greater(percent, 100, limit->spent, limit->most);
}

bool money_warns(const struct money_gate *gate, unsigned percent, char *words, size_t room)
{
	SCOPED(buf) struct buf text = BUF(room);
	struct limit limits[LIMITS];
	const struct limit *tightest = NULL;

	limits_of(gate, limits);
	for (size_t i = 0; i < LIMITS; i++)
		if (is_past(&limits[i], percent) && (!tightest || is_tighter(&limits[i], tightest)))
			tightest = &limits[i];
	if (!tightest)
		return false;
	say(tightest, gate->name, 0, &text);
	text_cut(words, room, buf_text(&text));
	return true;
}
