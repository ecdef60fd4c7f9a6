#ifndef TESTS_UNIT_SUPPORT_DENY_H
#define TESTS_UNIT_SUPPORT_DENY_H

/*
 * deny: a fault from outside. From here on, this process and its children get
 * the error for that system call, as on a kernel that does not have it
 * (ENOSYS) or does not want to (EPERM, ...). It cannot be taken back: call it
 * in a forked process. Returns 0, or -1 where the kernel has no seccomp.
 */
int deny_call(long number, int error);

#endif
