#ifndef TESTS_UNIT_SUPPORT_LEDGER_SAMPLE_H
#define TESTS_UNIT_SUPPORT_LEDGER_SAMPLE_H

#include "reaper/ledger/ledger.h"

/*
 * ledger_sample: a ledger in which every field has a value of its own, made
 * from a number, and the comparison of two ledgers. Whatever fails in here ends
 * the test.
 */

/* count items in each list, in the order in which they are read back. */
void ledger_sample(unsigned seed, size_t count, struct ledger *out);

/* The first difference, in words; NULL: they say the same. */
const char *ledger_difference(const struct ledger *one, const struct ledger *other);

/* Opens, and fails the test when it cannot. */
struct ledger_file *ledger_opened(const char *folder, int64_t now_s);

#endif
