#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/settle.h"

/* ---- one look ---- */

enum { PATIENCE = 55000, NOW = 1000000, LAUNCHED = 5000 };

enum { ELDER = LAUNCHED - 1, YOUNGER = LAUNCHED + 1 };

static struct settle_rival rival_of(const char *instance, int64_t launched_s, enum claim claim,
				    int64_t last_report_ms)
{
	struct settle_rival rival = { .launched_s = launched_s,
				      .claim = claim,
				      .last_report_ms = last_report_ms };

	text_cut(rival.instance, sizeof(rival.instance), instance);
	return rival;
}

/* The second look at one rival that has reported in between. */
static void when_a_living_rival_is_seen(void **state)
{
	static const struct {
		const char *when;
		enum claim ours;
		const char *instance;
		int64_t launched_s;
		enum claim claim;
		enum settle_answer answer;
	} cases[] = {
		{ "an elder has no claim yet", CLAIM_INTENT, "r", ELDER, CLAIM_NONE, SETTLE_CLAIM },
		{ "an elder intends", CLAIM_INTENT, "r", ELDER, CLAIM_INTENT, SETTLE_LEAVE },
		{ "an elder serves", CLAIM_INTENT, "r", ELDER, CLAIM_SERVES, SETTLE_LEAVE },
		{ "a younger has no claim yet", CLAIM_INTENT, "r", YOUNGER, CLAIM_NONE,
		  SETTLE_CLAIM },
		{ "a younger intends", CLAIM_INTENT, "r", YOUNGER, CLAIM_INTENT, SETTLE_WAIT },
		{ "a younger serves", CLAIM_INTENT, "r", YOUNGER, CLAIM_SERVES, SETTLE_LEAVE },
		{ "one of our age, before us by name", CLAIM_INTENT, "a", LAUNCHED, CLAIM_INTENT,
		  SETTLE_LEAVE },
		{ "one of our age, after us by name", CLAIM_INTENT, "z", LAUNCHED, CLAIM_INTENT,
		  SETTLE_WAIT },
		{ "one of our age and name", CLAIM_INTENT, "m", LAUNCHED, CLAIM_INTENT,
		  SETTLE_WAIT },
		{ "we serve, an elder intends", CLAIM_SERVES, "r", ELDER, CLAIM_INTENT,
		  SETTLE_HOLD },
		{ "we serve, an elder serves", CLAIM_SERVES, "r", ELDER, CLAIM_SERVES,
		  SETTLE_LEAVE },
		{ "we serve, a younger serves", CLAIM_SERVES, "r", YOUNGER, CLAIM_SERVES,
		  SETTLE_HOLD },
		{ "we serve, one of our age before us serves", CLAIM_SERVES, "a", LAUNCHED,
		  CLAIM_SERVES, SETTLE_LEAVE },
		{ "we serve, one of our age after us serves", CLAIM_SERVES, "z", LAUNCHED,
		  CLAIM_SERVES, SETTLE_HOLD },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct settle_self self = { "m", LAUNCHED, cases[i].ours };
		struct settle settle = { .patience_ms = PATIENCE };
		struct settle_rival rival =
			rival_of(cases[i].instance, cases[i].launched_s, cases[i].claim, 1);

		(void)settle_look(&settle, &self, &rival, 1, NOW);
		rival.last_report_ms = 2;
		enum settle_answer answer = settle_look(&settle, &self, &rival, 1, NOW + 2000);

		if (answer != cases[i].answer)
			fail_msg("when %s: got %d", cases[i].when, answer);
	}
}

/* One rival, an elder that serves, over several looks. */
static void when_it_is_not_known_who_lives(void **state)
{
	static const struct {
		const char *when;
		struct {
			int64_t at_ms, report_ms, silent_ms; /* report_ms 0: not listed */
			enum settle_answer answer;
		} looks[4];
	} cases[] = {
		{ "it is seen once", { { 0, 1, 0, SETTLE_WAIT }, { 2000, 1, 2000, SETTLE_WAIT } } },
		{ "it reports, and is seen again before its next report",
		  { { 0, 1, 0, SETTLE_WAIT },
		    { 2000, 2, 0, SETTLE_LEAVE },
		    { 4000, 2, 0, SETTLE_LEAVE } } },
		{ "it never reports again",
		  { { 0, 1, 0, SETTLE_WAIT },
		    { PATIENCE, 1, PATIENCE, SETTLE_WAIT },
		    { PATIENCE + 1, 1, PATIENCE + 1, SETTLE_CLAIM } } },
		{ "it was silent for long before we came",
		  { { 0, 1, PATIENCE + 1, SETTLE_CLAIM }, { 2000, 1, 0, SETTLE_CLAIM } } },
		{ "it was silent for a while before we came",
		  { { 0, 1, PATIENCE - 1000, SETTLE_WAIT }, { 1001, 1, 0, SETTLE_CLAIM } } },
		{ "it was only slow",
		  { { 0, 1, 0, SETTLE_WAIT },
		    { PATIENCE + 1, 1, 0, SETTLE_CLAIM },
		    { PATIENCE + 2, 2, 0, SETTLE_LEAVE } } },
		{ "its record ends", { { 0, 1, 0, SETTLE_WAIT }, { 2000, 0, 0, SETTLE_CLAIM } } },
		{ "its record ends and comes back",
		  { { 0, 1, 0, SETTLE_WAIT },
		    { 2000, 0, 0, SETTLE_CLAIM },
		    { 4000, 1, 0, SETTLE_WAIT } } },
		{ "the server's clock is behind itself",
		  { { 0, 1, -90000, SETTLE_WAIT }, { 2000, 2, 0, SETTLE_LEAVE } } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct settle_self self = { "m", LAUNCHED, CLAIM_INTENT };
		struct settle settle = { .patience_ms = PATIENCE };

		for (size_t j = 0; j < 4 && (!j || cases[i].looks[j].at_ms); j++) {
			struct settle_rival rival =
				rival_of("r", ELDER, CLAIM_SERVES, cases[i].looks[j].report_ms);

			rival.silent_ms = cases[i].looks[j].silent_ms;
			enum settle_answer answer = settle_look(&settle, &self, &rival,
								cases[i].looks[j].report_ms != 0,
								NOW + cases[i].looks[j].at_ms);

			if (answer != cases[i].looks[j].answer)
				fail_msg("when %s: look %zu: got %d", cases[i].when, j, answer);
		}
	}
}

/* A rival that lived and then fell silent is waited for no longer than one that never did. */
static void when_a_living_rival_dies(void **state)
{
	const struct settle_self self = { "m", LAUNCHED, CLAIM_INTENT };
	struct settle settle = { .patience_ms = PATIENCE };
	struct settle_rival rival = rival_of("r", YOUNGER, CLAIM_INTENT, 1);

	(void)state;
	(void)settle_look(&settle, &self, &rival, 1, NOW);
	rival.last_report_ms = 2;
	assert_int_equal(settle_look(&settle, &self, &rival, 1, NOW + 1), SETTLE_WAIT);
	assert_int_equal(settle_look(&settle, &self, &rival, 1, NOW + 1 + PATIENCE), SETTLE_WAIT);
	assert_int_equal(settle_look(&settle, &self, &rival, 1, NOW + 2 + PATIENCE), SETTLE_CLAIM);
}

static void when_there_are_many(void **state)
{
	const struct settle_self self = { "m", LAUNCHED, CLAIM_INTENT };
	struct settle_rival rivals[SETTLE_MAX_RIVALS + 1] = { 0 };
	struct settle settle = { .patience_ms = PATIENCE };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rivals); i++) {
		const char name[2] = { (char)('n' + i % 12), '\0' };

		rivals[i] = rival_of(name, YOUNGER, CLAIM_NONE, 1);
	}
	assert_int_equal(settle_look(&settle, &self, rivals, SETTLE_MAX_RIVALS, NOW), SETTLE_CLAIM);
	assert_int_equal(settle_look(&settle, &self, rivals, SETTLE_MAX_RIVALS + 1, NOW),
			 SETTLE_WAIT);
	rivals[0] = rival_of("one that is not watched", YOUNGER, CLAIM_INTENT, 1);
	assert_int_equal(settle_look(&settle, &self, rivals, 1, NOW), SETTLE_WAIT);
	assert_int_equal(settle_look(&settle, &self, rivals, 0, NOW), SETTLE_CLAIM);
}

/* ---- every order of every step ---- */

/*
 * Machines 0, 1, 2 (elder first) of one slot. Each writes its claim, reads the others' records
 * one by one (a list is no snapshot), asks settle_look(), and does as it says, again
 * and again. Each move of each machine is explored in every order. A record's report time has
 * advanced whenever it is read again.
 */
enum { MAX_MACHINES = 3, SEEN_NOTHING = 3, MAX_STATES = 1 << 18, TABLE = 1 << 19 };

enum step { STEP_WRITE_INTENT, STEP_WRITE_SERVES, STEP_READ, STEP_GONE };

struct racer {
	unsigned char step, next_read, holds, parity;
	unsigned char record; /* what the others can read: enum claim, or SEEN_NOTHING */
	unsigned char claim; /* what it wrote last */
	unsigned char seen[MAX_MACHINES];
	unsigned char watches[MAX_MACHINES]; /* 0: none, else 1 + parity + 2 * has_advanced */
};

struct world {
	struct racer racers[MAX_MACHINES];
};

static const char *const names[MAX_MACHINES] = { "a", "b", "c" };

struct search {
	unsigned count;
	bool may_die;
	struct world *states;
	size_t state_count;
	unsigned *table; /* of state numbers + 1 */
};

static struct settle settle_of(const struct racer *racer)
{
	struct settle settle = { .patience_ms = PATIENCE };

	for (unsigned i = 0; i < MAX_MACHINES; i++) {
		if (!racer->watches[i])
			continue;
		struct settle_watch *watch = &settle.watched[settle.count++];

		text_cut(watch->instance, sizeof(watch->instance), names[i]);
		watch->last_report_ms = 1 + ((racer->watches[i] - 1) & 1);
		watch->has_advanced = (racer->watches[i] - 1) & 2;
		watch->changed_ms = NOW;
	}
	return settle;
}

static void keep_watches(struct racer *racer, const struct settle *settle)
{
	memset(racer->watches, 0, sizeof(racer->watches));
	for (size_t i = 0; i < settle->count; i++) {
		const struct settle_watch *watch = &settle->watched[i];
		unsigned parity = (unsigned)(watch->last_report_ms - 1);

		racer->watches[watch->instance[0] - 'a'] =
			(unsigned char)(1 + parity + (watch->has_advanced ? 2 : 0));
	}
}

static enum settle_answer ask(struct racer *racer, unsigned self)
{
	const struct settle_self me = { names[self], LAUNCHED + self, racer->claim };
	struct settle settle = settle_of(racer);
	struct settle_rival rivals[MAX_MACHINES];
	size_t count = 0;

	for (unsigned i = 0; i < MAX_MACHINES; i++)
		if (i != self && racer->seen[i] != SEEN_NOTHING)
			rivals[count++] = rival_of(names[i], LAUNCHED + i,
						   (enum claim)racer->seen[i], 1 + racer->parity);
	enum settle_answer answer = settle_look(&settle, &me, rivals, count, NOW);

	keep_watches(racer, &settle);
	racer->parity ^= 1;
	return answer;
}

static void go(struct racer *racer)
{
	memset(racer, 0, sizeof(*racer));
	racer->step = STEP_GONE;
	racer->record = SEEN_NOTHING;
}

static void decide(struct racer *racer, unsigned self)
{
	enum settle_answer answer = ask(racer, self);

	racer->next_read = 0;
	memset(racer->seen, 0, sizeof(racer->seen));
	if (answer == SETTLE_LEAVE)
		go(racer);
	else if (answer == SETTLE_CLAIM)
		racer->step = STEP_WRITE_SERVES;
	else if (answer == SETTLE_HOLD)
		racer->holds = true;
}

static void write_claim(struct racer *racer, enum claim claim)
{
	racer->record = racer->claim = (unsigned char)claim;
	racer->step = STEP_READ;
}

static void move(struct world *world, unsigned self, unsigned count)
{
	struct racer *racer = &world->racers[self];

	switch ((enum step)racer->step) {
	case STEP_WRITE_INTENT:
		write_claim(racer, CLAIM_INTENT);
		break;
	case STEP_WRITE_SERVES:
		write_claim(racer, CLAIM_SERVES);
		break;
	case STEP_READ:
		racer->seen[racer->next_read] = world->racers[racer->next_read].record;
		racer->next_read++;
		if (racer->next_read == count)
			decide(racer, self);
		break;
	case STEP_GONE:
		break;
	}
}

static uint64_t hash_of(const struct world *world)
{
	const unsigned char *bytes = (const unsigned char *)world;
	uint64_t hash = 1469598103934665603u;

	for (size_t i = 0; i < sizeof(*world); i++)
		hash = (hash ^ bytes[i]) * 1099511628211u;
	return hash ^ (hash >> 29);
}

/* Remembers the world if it is new: its moves are explored later. */
static void add(struct search *search, const struct world *world)
{
	size_t place = hash_of(world) % TABLE;

	for (; search->table[place]; place = (place + 1) % TABLE)
		if (!memcmp(&search->states[search->table[place] - 1], world, sizeof(*world)))
			return;
	assert_true(search->state_count < MAX_STATES);
	search->states[search->state_count++] = *world;
	search->table[place] = (unsigned)search->state_count;
}

static unsigned holders_of(const struct world *world)
{
	unsigned holders = 0;

	for (unsigned i = 0; i < MAX_MACHINES; i++)
		holders += world->racers[i].holds;
	return holders;
}

/* From here on each moves in turn: the slot gets one holder, and the others go. */
static void check_progress(const struct world *from, unsigned count)
{
	struct world world = *from;
	unsigned gone = 0;

	for (unsigned round = 0; round < 64; round++)
		for (unsigned i = 0; i < count; i++)
			move(&world, i, count);
	for (unsigned i = 0; i < count; i++)
		gone += world.racers[i].step == STEP_GONE;
	assert_int_equal(holders_of(&world), 1);
	assert_int_equal(gone, count - 1);
}

static void explore(struct search *search, const struct world *start)
{
	add(search, start);
	for (size_t next = 0; next < search->state_count; next++) {
		const struct world world = search->states[next];

		if (holders_of(&world) > 1)
			fail_msg("two hold the slot at once (state %zu)", next);
		if (!search->may_die && next % 16 == 0)
			check_progress(&world, search->count);
		for (unsigned i = 0; i < search->count; i++) {
			struct world after = world;

			move(&after, i, search->count);
			add(search, &after);
			if (!search->may_die)
				continue;
			go(&after.racers[i]);
			add(search, &after);
		}
	}
}

/* restarted: which one was killed while it served, and begins with that claim; -1: none. */
static void race(unsigned count, bool may_die, int restarted)
{
	struct search search = { .count = count, .may_die = may_die };
	struct world start = { 0 };

	search.states = calloc(MAX_STATES, sizeof(*search.states));
	search.table = calloc(TABLE, sizeof(*search.table));
	assert_non_null(search.states);
	assert_non_null(search.table);
	for (unsigned i = count; i < MAX_MACHINES; i++)
		go(&start.racers[i]);
	if (restarted >= 0)
		write_claim(&start.racers[restarted], CLAIM_SERVES);
	explore(&search, &start);
	print_message("%u machines, %s: %zu states\n", count, may_die ? "any may die" : "all live",
		      search.state_count);
	assert_true(search.state_count > 50);
	free(search.states);
	free(search.table);
}

static void when_two_race(void **state)
{
	(void)state;
	race(2, false, -1);
	race(2, false, 0);
	race(2, false, 1);
}

static void when_two_race_and_any_may_die(void **state)
{
	(void)state;
	race(2, true, -1);
	race(2, true, 1);
}

static void when_three_race(void **state)
{
	(void)state;
	race(3, false, -1);
	race(3, false, 0);
	race(3, false, 2);
	race(3, true, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_a_living_rival_is_seen),
		cmocka_unit_test(when_it_is_not_known_who_lives),
		cmocka_unit_test(when_a_living_rival_dies),
		cmocka_unit_test(when_there_are_many),
		cmocka_unit_test(when_two_race),
		cmocka_unit_test(when_two_race_and_any_may_die),
		cmocka_unit_test(when_three_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
