#ifndef COMMON_HOCON_H
#define COMMON_HOCON_H

#include "common/buf.h"

/*
 * hocon: a text of HOCON that a person wrote, looked over before clearml-agent
 * reads it. The grammar is that of the pyhocon inside clearml-agent, which knows
 * less than HOCON does, without two of its forms: include, and names or values
 * that are not ASCII (clearml-agent hands them to tasks as something else). So
 * what passes is read by it, save for a ${substitution} that leads nowhere.
 * Pure. A message says the line, and repeats nothing of the text.
 */

enum { HOCON_DEPTH_MAX = 32 };

/* Where pyhocon takes a name apart; one of nothing else stops clearml-agent when it prints its
 * configuration. */
#define HOCON_NAME_MARKS "$}[]:=+#`^?!@*&."

/*
 * *members: borrowed from text, what is between the outer braces, or all of it
 * where there are none; other members may stand before it, on lines of their own
 * (not after it: "a =" at its end would take the next line).
 * ERROR_CONFIGURATION such as "line 3: a { is not closed".
 */
CHECKED int hocon_check(struct slice text, struct slice *members, struct error *err);

#endif
