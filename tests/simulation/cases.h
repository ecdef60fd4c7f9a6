#ifndef TESTS_SIMULATION_CASES_H
#define TESTS_SIMULATION_CASES_H

/* cases: what has hurt the users of other tools, by name (FIELD.md, section 2 of the design). */

unsigned cases_run(void); /* one line each; returns how many failed */

#endif
