#ifndef TESTS_UNIT_SUPPORT_TALK_H
#define TESTS_UNIT_SUPPORT_TALK_H

#include "common/clearml.h"
#include "tests/unit/support/api_peer.h"

/*
 * talk: a ClearML client and the scripted server that it talks to.
 */

#define TALK_SECRET "secret-4fd1"
#define QUEUE_A "1af20f9ed3cc4c42b5ae9481f12b8fe2"
#define QUEUE_B "e80938a1978c483f9dabe87acb5a0f5e"
#define TASK_A "714244096a4a4b8b84f58c22b2a543eb"
#define TASK_B "814244096a4a4b8b84f58c22b2a543eb"

/* What begins every conversation. */
#define INFO(version)                                                                  \
	{                                                                              \
		.endpoint = "server.info", .data = "{\"api_version\":\"" version "\"}" \
	}
#define LOGIN                                                               \
	{                                                                   \
		.endpoint = "auth.login", .data = "{\"token\":\"TOKEN-1\"}" \
	}
#define AGAIN                                                               \
	{                                                                   \
		.endpoint = "auth.login", .data = "{\"token\":\"TOKEN-2\"}" \
	}
#define HELLO INFO("2.31"), LOGIN
enum { FIRST = 2 /* the step after HELLO */ };

#define PAGE "<html><body>hello</body></html>"

struct talk {
	struct api_peer *peer;
	struct clearml *clearml;
};

/* Opens both; the keys are AK and TALK_SECRET, the address has the path /base/. */
struct talk talk_begin(const struct api_step *steps, size_t count);
#define BEGIN(steps) talk_begin(steps, ARRAY_LEN(steps))
void talk_end(struct talk *talk); /* the script must have been played whole */

/* Does what step i got hold this text? */
void check_sent(struct talk *talk, size_t step, const char *want);
void check_not_sent(struct talk *talk, size_t step, const char *text);

/* Fails the test with the error's class and words unless result is 0. */
void succeed(int result, const struct error *err);

#endif
