#include <errno.h>
#include <sys/random.h>

#include "entropy_poll.h"
#include "mbedtls/entropy.h"

/*
 * What mbedTLS asks for random bytes (MBEDTLS_ENTROPY_HARDWARE_ALT). On musl it would read
 * /dev/urandom, which need not exist where we run, and gives bytes before the kernel has
 * gathered any: getrandom() needs no file, and waits.
 */
int mbedtls_hardware_poll(void *context, unsigned char *output, size_t len, size_t *output_len)
{
	ssize_t got;

	(void)context;
	do {
		got = getrandom(output, len, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
	*output_len = (size_t)got;
	return 0;
}
