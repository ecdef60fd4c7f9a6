#ifndef TESTS_UNIT_SUPPORT_DRIVEN_H
#define TESTS_UNIT_SUPPORT_DRIVEN_H

#include "common/json.h"

/*
 * driven: a program that Python drives line by line (tests/vectors/driven.py). Each line of
 * standard input is a call, its words set apart by tabs; each gets one line of JSON:
 * {"ok": true, ...what it gave} or {"ok": false, "class": ..., "message": ...}.
 */

struct driven_call {
	const char *name; /* the first word */
	size_t words; /* with it */
	int (*make)(char *const *words, struct json *out, struct error *err);
};

/* Until standard input ends; a call that is not in the table ends the program with status 2. */
int driven_serve(const struct driven_call *calls, size_t count);

#endif
