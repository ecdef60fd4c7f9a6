#ifndef TESTS_UNIT_SUPPORT_AWS_BENCH_H
#define TESTS_UNIT_SUPPORT_AWS_BENCH_H

#include "tests/unit/support/http_peer.h"
#include "tests/unit/support/scratch.h"

/*
 * aws_bench: a program's surroundings as AWS's chain looks at them: variables, the
 * shared files in a home folder of its own, and one scripted peer that stands for
 * every service. Whatever fails in here fails the test.
 */

enum { AWS_BENCH_STEPS = 6, AWS_BENCH_VARIABLES = 8 };

/* "URL" in a variable, a file or an answer's text is the peer's; "HOME" the home folder. */
struct aws_surroundings {
	const char *when;
	const char *variables[AWS_BENCH_VARIABLES]; /* "NAME=value", up to the first NULL */
	const char *config, *credentials; /* the shared files; NULL: absent */
	const char *token; /* HOME/token; NULL: absent */
	struct http_step steps[AWS_BENCH_STEPS]; /* up to the first one without an expectation */
};

struct aws_bench {
	char home[SCRATCH_ROOM];
	struct http_peer peer;
	const char *when;
};

/* No AWS variable is left but those of the surroundings; the peer is AWS_ENDPOINT_URL and the
 * metadata service, unless the surroundings say otherwise. */
void aws_bench_begin(struct aws_bench *bench, const struct aws_surroundings *surroundings);
void aws_bench_end(struct aws_bench *bench); /* fails unless the peer's script was played */

/* Keys of nobody, for a test that begins where the chain ends: no variable, file or metadata
 * service of this computer has a say. The files that it does not find are in this folder. */
void aws_bench_alone(const char *folder);

/* An answer of STS; of a token that ends at this time. */
#define STS_ANSWER(action, id, expiration)                                                 \
	"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n"           \
	"<" action "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" action \
	"Result><Credentials><AccessKeyId>" id "</AccessKeyId><SecretAccessKey>s-" id      \
	"</SecretAccessKey><SessionToken>t-" id "</SessionToken><Expiration>" expiration   \
	"</Expiration></Credentials></" action "Result></" action "Response>"

/* What a metadata service or a container's says of a role. */
#define ROLE_ANSWER(id, expiration)                                                      \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" \
	"{\"Code\":\"Success\",\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"s-" id   \
	"\",\"Token\":\"t-" id "\",\"Expiration\":\"" expiration "\"}"

#endif
