#ifndef TESTS_SIMULATION_TRACES_H
#define TESTS_SIMULATION_TRACES_H

#include <stddef.h>

/* templates/traces/NAME.csv, built into the simulator by the Makefile. */
extern const char trace_office[], trace_steady[], trace_sweep[];
extern const size_t trace_office_len, trace_steady_len, trace_sweep_len;

#endif
