#include "tests/unit/support/bundle_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check_refusal(const struct bundle_row *row, const struct bundle *bundle,
			  const struct error *err)
{
	static const struct bundle untouched = { 0 };

	if (err->class != ERROR_CONFIGURATION)
		fail_msg("when %s: %s", row->when, error_class_name(err->class));
	if (memcmp(bundle, &untouched, sizeof(untouched)) != 0)
		fail_msg("when %s: a part of it is handed out", row->when);
	if (!strstr(err->message, row->want) || !strstr(err->message, "b.json"))
		fail_msg("when %s: \"%s\" lacks \"%s\"", row->when, err->message, row->want);
	if (strstr(err->message, CANARY))
		fail_msg("when %s: the message tells the secret", row->when);
}

void bundle_check_rows(const struct bundle_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		SCOPED(bundle) struct bundle bundle = { 0 };
		struct error err = { 0 };
		int got = bundle_parse(slice_of(rows[i].text), "b.json", &bundle, &err);

		if ((got == 0) != !rows[i].want)
			fail_msg("when %s: %d %s", rows[i].when, got, err.message);
		if (got < 0)
			check_refusal(&rows[i], &bundle, &err);
	}
}

void bundle_take(const char *text, struct bundle *out)
{
	struct error err = { 0 };

	if (bundle_parse(slice_of(text), "b.json", out, &err) < 0)
		fail_msg("%s", err.message);
}
