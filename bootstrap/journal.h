#ifndef BOOTSTRAP_JOURNAL_H
#define BOOTSTRAP_JOURNAL_H

#include "bootstrap/machine.h"

/*
 * journal: which task each seat is about to take or runs, on disk before it
 * happens, so that a bootstrap that was killed at any step finds its work
 * again. One file, replaced whole. No secrets in it.
 */

struct journal_entry {
	unsigned seat, attempt;
	char queue[CLEARML_ID_ROOM], task[CLEARML_ID_ROOM];
	int64_t taken_s; /* wall seconds */
};

struct journal {
	struct journal_entry entries[16]; /* by seat; task "" means free */
	unsigned restarts; /* how often bootstrap found an earlier life of its own here */
};

CHECKED int journal_read(const char *path, struct journal *out,
			 struct error *err); /* absent: empty */
CHECKED int journal_write(const char *path, const struct journal *journal, struct error *err);

/* The same in memory. ERROR_MALFORMED: not what journal_print() writes. */
CHECKED int journal_parse(struct slice text, struct journal *out, struct error *err);
void journal_print(const struct journal *journal, struct buf *out);

#endif
