#include "tests/unit/support/driven.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 8, LINE_MAX_BYTES = 1 << 16 };

struct driven {
	const struct driven_call *calls;
	size_t count;
};

static int make_call(const struct driven *driven, char *const *words, size_t count,
		     struct json *out, struct error *err)
{
	for (size_t i = 0; i < driven->count; i++)
		if (!strcmp(driven->calls[i].name, words[0]) && driven->calls[i].words == count)
			return driven->calls[i].make(words, out, err);
	fprintf(stderr, "no such call: %s of %zu words\n", words[0], count);
	exit(2);
}

static void answer(const struct driven *driven, char *const *words, size_t count)
{
	SCOPED(json_document) struct json_document out = { 0 };
	SCOPED(buf) struct buf text = BUF(SIZE_MAX);
	struct error err = { 0 };

	json_new_object(&out);
	bool is_ok = make_call(driven, words, count, out.root, &err) == 0;

	json_add_bool(out.root, "ok", is_ok);
	if (!is_ok) {
		json_add_text(out.root, "class", error_class_name(err.class));
		json_add_text(out.root, "message", err.message);
	}
	json_print(out.root, false, &text);
	puts(buf_text(&text));
	fflush(stdout);
}

int driven_serve(const struct driven_call *calls, size_t count)
{
	const struct driven driven = { calls, count };
	static char line[LINE_MAX_BYTES];

	while (fgets(line, sizeof(line), stdin)) {
		char *words[WORDS_MAX] = { line }, *rest = line;
		size_t found = 0;

		line[strcspn(line, "\n")] = '\0';
		while (rest && found < WORDS_MAX)
			words[found++] = strsep(&rest, "\t");
		answer(&driven, words, found);
	}
	return 0;
}
