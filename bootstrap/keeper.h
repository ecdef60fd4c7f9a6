#ifndef BOOTSTRAP_KEEPER_H
#define BOOTSTRAP_KEEPER_H

#include "bootstrap/trust.h"

/*
 * keeper: what a local machine is made of. It holds the lock of the machine's
 * slot, runs bootstrap in the machine's folder, starts it again when it was
 * killed or asks for it (status 75; three times at most, with a growing pause), and at
 * the end kills whatever bears the machine's mark, writes ended.json and only then
 * lets the lock go. Bootstrap inherits the lock, so that the slot stays taken
 * if the keeper alone is killed; the life then goes on to its planned end.
 *
 * SIGTERM and SIGINT are passed on to bootstrap (drain; the second one ends).
 * Orphans of the machine come to the keeper, which collects them.
 */

struct keeper_options {
	const char *folder;
	struct trust_files trust; /* for bootstrap */
	const char *instance; /* MAYFLY_INSTANCE of the environment */
	int lock_fd; /* the slot's lock, inherited; 0: none */
};

/* Returns bootstrap's last exit status; 1 when a signal ended it, 2 when it cannot start. */
int keeper_run(const struct keeper_options *options);

#endif
