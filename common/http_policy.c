#include "common/http_policy.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/hash.h"

enum { BACKOFF_FIRST_MS = 250, BACKOFF_MAX_MS = 10000 };

static const char *const ca_places[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Alpine */
	"/etc/pki/tls/certs/ca-bundle.crt", /* RHEL, Fedora, Amazon Linux */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* the same, newer */
	"/etc/ssl/ca-bundle.pem", /* SUSE */
	"/etc/ssl/cert.pem", /* Alpine without the package */
};

/* The operator's choice stands even where it cannot be read: trusting others instead would
 * be a surprise. */
char *http_policy_ca_file(void)
{
	const char *chosen =
		getenv("SSL_CERT_FILE"); /* NOLINT(concurrency-mt-unsafe): one thread */

	if (chosen && *chosen)
		return memory_text(slice_of(chosen));
	for (size_t i = 0; i < ARRAY_LEN(ca_places); i++) {
		if (access(ca_places[i], R_OK) == 0)
			return memory_text(slice_of(ca_places[i]));
	}
	return NULL;
}

static int tell_places(struct error *err)
{
	SCOPED(buf) struct buf places = BUF(512);

	for (size_t i = 0; i < ARRAY_LEN(ca_places); i++)
		buf_addf(&places, "%s%s", i ? ", " : "", ca_places[i]);
	return error_set(err, ERROR_CONFIGURATION,
			 "no CA certificates (looked for %s): install ca-certificates or set "
			 "SSL_CERT_FILE",
			 buf_text(&places));
}

int http_policy_check_trust(const char *ca_file, struct error *err)
{
	if (!ca_file)
		return tell_places(err);
	if (access(ca_file, R_OK) == 0)
		return 0;
	(void)error_errno(err, "cannot read the CA certificates %s, set by SSL_CERT_FILE", ca_file);
	err->class = ERROR_CONFIGURATION;
	return -1;
}

bool http_policy_is_passing(long status)
{
	return status == 429 || status == 502 || status == 503 || status == 504 || status == 509;
}

int64_t http_policy_backoff_ms(unsigned tries)
{
	uint32_t most_ms = BACKOFF_FIRST_MS;

	for (; tries > 1 && most_ms < BACKOFF_MAX_MS; tries--)
		most_ms *= 2;
	return hash_random_below((most_ms < BACKOFF_MAX_MS ? most_ms : BACKOFF_MAX_MS) + 1);
}

bool http_policy_hold_pipe(sigset_t *before)
{
	sigset_t pipe_only, pending;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe_only, before);
	return !sigismember(&pending, SIGPIPE);
}

void http_policy_let_pipe(const sigset_t *before, bool is_ours)
{
	const struct timespec at_once = { 0 };
	sigset_t pipe_only;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	while (is_ours && sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR)
		;
	pthread_sigmask(SIG_SETMASK, before, NULL);
}
