#ifndef TESTS_UNIT_SUPPORT_BUNDLE_ROWS_H
#define TESTS_UNIT_SUPPORT_BUNDLE_ROWS_H

#include "common/bundle.h"

/* bundle_rows: tables of bundles, most of which are refused. */

/* No message may hold it. */
#define CANARY "canary-7f3a9c51"

/* A bundle whose second line is the part. */
#define KEYS \
	"\"prefix\": \"p\", \"clearml\": {\"access_key\": \"AK\", \"secret_key\": \"" CANARY "\"}"
#define BUNDLE(part) "{" KEYS ",\n" part "}"

struct bundle_row {
	const char *when, *text;
	const char *want; /* in the message; NULL: it is taken */
};

void bundle_check_rows(const struct bundle_row *rows, size_t count);

/* Of a text that is taken; the test fails when it is not. */
void bundle_take(const char *text, struct bundle *out);

#endif
