#ifndef TESTS_UNIT_SUPPORT_OWN_MOUNTS_H
#define TESTS_UNIT_SUPPORT_OWN_MOUNTS_H

#include <stdbool.h>

/*
 * own_mounts: a mount namespace for the test program, with an empty tmpfs on /run
 * and on /dev/shm: what is mounted or left there goes with the process, also
 * when an assertion fails, and nobody else sees it. It needs root, or a kernel
 * that gives users namespaces (then the program is root in its own).
 */

/* First thing in main(), before any thread. False: it cannot be had here, why is said on stderr. */
bool own_mounts_begin(void);

/* How many file systems are mounted at this path or below it. */
unsigned own_mounts_count(const char *path);

#endif
