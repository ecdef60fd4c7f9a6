#ifndef COMMON_AWS_WIRE_H
#define COMMON_AWS_WIRE_H

#include "common/aws.h"
#include "common/aws_sign.h"

/* aws_wire: requests signed with given keys, sent, and sent once more where the clock was wrong.
 * Private to aws*.c. */

struct aws_wire {
	struct http *http;
	const struct aws_keys *keys; /* NULL: not signed */
	int64_t *offset_ms; /* AWS's clock minus ours; corrected here */
};

struct aws_wire_call {
	const struct aws_request *request;
	const char *endpoint; /* as aws_endpoint_find() gives it */
	struct http_answer *answer; /* as http_exchange_all() leaves them */
	struct error *err; /* ERROR_NONE on success */
};

/* All at once. Besides what http_exchange() fails with: ERROR_CONFIGURATION (an endpoint that is no
 * URL), ERROR_SYSTEM (no guarded memory). */
void aws_wire_call_all(const struct aws_wire *wire, const struct aws_wire_call *calls,
		       size_t count);

#endif
