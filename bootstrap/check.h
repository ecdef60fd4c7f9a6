#ifndef BOOTSTRAP_CHECK_H
#define BOOTSTRAP_CHECK_H

#include "bootstrap/trust.h"

/*
 * check: prove a machine's folder, ticket, bundle and gates, and say each on a
 * line of standard output, without a record, a claim or a task. Returns the
 * exit status: 0 all passed, 3 something would be refused.
 */
int check_run(const char *folder, const char *provider, const struct trust_files *trust);

#endif
