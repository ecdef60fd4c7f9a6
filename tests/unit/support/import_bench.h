#ifndef TESTS_UNIT_SUPPORT_IMPORT_BENCH_H
#define TESTS_UNIT_SUPPORT_IMPORT_BENCH_H

#include "reaper/import/import_source.h"

/* import_bench: a text of theirs, imported, and what is looked at of it. */

struct import_bench {
	struct import_source *source; /* owned */
	struct import_notes notes;
	struct json_document config; /* root NULL: it was refused */
	struct buf text; /* as it is printed */
	struct error err; /* when it was refused */
};

/* Of a script with these lines in hyper_params, and in its one resource, gpu, which serves
 * the queue train; each line with its line end, "" for none. */
void import_bench_script(const char *hyper, const char *resource, struct import_bench *out);
void import_bench_text(const char *text, struct import_bench *out);
void import_bench_release(struct import_bench *bench);

/* The value at a path of the configuration as JSON, "" where there is none; good until the next
 * call. */
const char *import_bench_value(const struct import_bench *bench, const char *path);
/* Is there a note with these words? */
bool import_bench_says(const struct import_bench *bench, enum import_weight weight,
		       const char *words);

#endif
