#ifndef TESTS_UNIT_SUPPORT_API_PEER_H
#define TESTS_UNIT_SUPPORT_API_PEER_H

#include <stddef.h>

/*
 * api_peer: a ClearML server on loopback that reads from a script: each step
 * names the endpoint that must be called next, and the answer it gets. A call
 * that the script does not have, or one in another order, is answered with
 * 500 and makes api_peer_close() fail the test, and so do steps left over.
 */

struct api_step {
	const char *endpoint; /* "queues.get_all" */
	int status; /* 0: 200 */
	const char *data; /* JSON for the envelope's "data"; NULL: see body */
	int subcode; /* with status, for the envelope */
	const char *message; /* result_msg; NULL: "OK" */
	const char *body; /* sent as it is, without an envelope */
	const char *type; /* NULL: application/json */
	const char *header; /* one more, "Name: value"; NULL: none */
	size_t cut; /* end the connection after that many bytes of the body; 0: whole */
};

struct api_peer;

/* steps are borrowed until the close. */
struct api_peer *api_peer_open(const struct api_step *steps, size_t count);
unsigned api_peer_port(const struct api_peer *peer);

/* The request that step i (from 0) got, head and body as text; "" when it was not made. */
const char *api_peer_request(struct api_peer *peer, size_t i);
size_t api_peer_calls(struct api_peer *peer); /* so far, those out of turn included */

/* Fails the test unless exactly the script was played. */
void api_peer_close(struct api_peer *peer);

#endif
