#ifndef COMMON_HTTP_POLICY_H
#define COMMON_HTTP_POLICY_H

#include <signal.h>
#include <stdint.h>

#include "common/buf.h"

/* http_policy: whom to trust, what to try again and when, what not to die of. Private to http*.c.
 */

/* The file of CA certificates, owned: SSL_CERT_FILE, else where Debian, RHEL, SUSE or Alpine
 * keep it, the first that can be read; NULL when there is none. */
char *http_policy_ca_file(void);

/* ERROR_CONFIGURATION when there is no file (NULL), or it is unreadable. */
CHECKED int http_policy_check_trust(const char *ca_file, struct error *err);

/* Whether a later try may well get another status. */
bool http_policy_is_passing(long status);

/* How long to wait after so many tries (1 or more): full jitter, as high as 250 ms after the
 * first and twice that after each further one, up to 10 s. */
int64_t http_policy_backoff_ms(unsigned tries);

/*
 * A peer that closes while TLS writes raises SIGPIPE, which would end us: between these two
 * it is kept out of the way, and the program's own handling of it stays as it was. What
 * the first one returns goes to the second one.
 */
bool http_policy_hold_pipe(sigset_t *before);
void http_policy_let_pipe(const sigset_t *before, bool is_ours);

#endif
