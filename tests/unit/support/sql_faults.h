#ifndef TESTS_UNIT_SUPPORT_SQL_FAULTS_H
#define TESTS_UNIT_SUPPORT_SQL_FAULTS_H

/*
 * sql_faults: SQLite's way to the disk, with faults. Every write, truncation,
 * sync and removal of a file counts; what the armed fault says happens at the
 * nth of them. What SQLite shares between processes in memory (-shm) is not
 * counted: it is made anew whenever nobody has it open.
 */

enum sql_fault {
	SQL_FAULT_NONE,
	SQL_FAULT_KILL, /* SIGKILL, before it is done; of a write the first half is done */
	SQL_FAULT_POWER, /* the same, and whatever no sync has made safe is as it was before */
	SQL_FAULT_FULL, /* from then on each write says that the disk is full */
};

/* Once, before anything is opened: from here on SQLite goes this way. */
void sql_faults_begin(void);

/* nth counts from 1, from now. */
void sql_faults_arm(enum sql_fault fault, unsigned nth);

/* Did it come to that? Nothing is armed any more. */
_Bool sql_faults_disarm(void);

#endif
