#ifndef BOOTSTRAP_INIT_SCRIPT_H
#define BOOTSTRAP_INIT_SCRIPT_H

#include "bootstrap/machine.h"

/*
 * init_script: the operator's own script of the ticket, run by bash once in a
 * machine's life, before the gates (it may install what they look for). With
 * or without login files; in a session of its own, as bootstrap's user, its
 * working folder the machine's, MAYFLY_INSTANCE, MAYFLY_RESOURCE, MAYFLY_SLOT,
 * MAYFLY_PROVIDER, MAYFLY_TYPE and MAYFLY_ZONE in its environment and no secret.
 * The script reaches bash through a file of mode 0700 in the machine's folder
 * (init.sh), its output goes to init.log there (the last 1 MiB is what counts) and,
 * line by line as it comes, to our log: so to console and journal.
 *
 * That it ran is on disk (init.json) before bash starts and after it ended: after
 * a crash a script that has ended is not run again, one that was cut off is, once
 * what is left of it was killed. What a script that ended well leaves running stays;
 * of any other end, all that bears its mark (MAYFLY_INIT=<instance>) is killed.
 */

struct init_script; /* opaque; of one bootstrap's life */

/* Starts it, unless the ticket has none or it has run already (then *out is an ended one).
 * ERROR_SYSTEM: it could not be started. machine is borrowed until the close. */
CHECKED int init_script_begin(const struct machine *machine, struct init_script **out,
			      struct error *err);

/*
 * Never waits long: what is killed has 5 s to be gone. *has_ended: over, and well, or the ticket
 * says that its failure is no matter (a warning is logged). ERROR_REFUSED: it failed (exit status,
 * signal, time limit, no bash), with its last line. At its time limit bash's process group gets
 * SIGTERM, and 2 s later what still lives is killed.
 */
CHECKED int init_script_turn(struct init_script *script, bool *has_ended, struct error *err);
void init_script_close(struct init_script *script); /* kills what runs; NULL is fine */

/* For people: is there one, and how did it go? Runs nothing. ERROR_REFUSED: it has failed, and
 * that matters. */
CHECKED int init_script_look(const struct machine *machine, struct buf *found, struct error *err);

#endif
