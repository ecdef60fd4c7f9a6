#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bootstrap/docker_call.h"

static void a_message_is_one_printable_line(void **state)
{
	static const struct {
		const char *when, *text, *want;
	} cases[] = {
		{ "it is plain", "No such image: x", "No such image: x" },
		{ "it is empty", "", "" },
		{ "it is blank", " \r\n\t", "" },
		{ "it has more lines", "\n  first \nsecond", "first " },
		{ "it has control codes", "a\x1b[31mb\x7f", "a?[31mb?" },
		{ "it is no ASCII", "\xc3\xa4", "??" },
		{ "a URL has a query",
		  "Get \"https://s3.example/b?X-Amz-Signature=abc&x=1\": refused? yes",
		  "Get \"https://s3.example/b?\": refused? yes" },
		{ "two URLs have queries", "http://a?b=c http://d?e=f.", "http://a? http://d?" },
		{ "a question is not in a URL", "what? why?", "what? why?" },
		{ "it is too long",
		  "0123456789012345678901234567890123456789012345678901234567890123456789",
		  "012345678901234567890123456789012345678901234567890123456789012" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char field[64] = "unset";

		docker_message_copy(field, sizeof(field), slice_of(cases[i].text));
		if (strcmp(field, cases[i].want) != 0)
			fail_msg("when %s: \"%s\"", cases[i].when, field);
	}
}

static void a_refusal_gives_its_reason(void **state)
{
	static const struct {
		const char *when, *body, *want;
	} cases[] = {
		{ "it is the engine's", "{\"message\":\"No such image: x\"}\n",
		  "No such image: x" },
		{ "it is a proxy's page", "<html>\n<body>no", "<html>" },
		{ "it is empty", "", "it gives no reason" },
		{ "it is other JSON", "{\"cause\":1}", "it gives no reason" },
		{ "its message is no text", "{\"message\":[1]}", "it gives no reason" },
		{ "its message has two lines", "{\"message\":\"a\\nb\"}", "a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char field[64] = "unset";

		docker_message_read(slice_of(cases[i].body), field, sizeof(field));
		if (strcmp(field, cases[i].want) != 0)
			fail_msg("when %s: \"%s\"", cases[i].when, field);
	}
}

/* What engines and registries have said, word for word. */
static void the_words_of_a_failed_pull_tell_its_class(void **state)
{
	static const struct {
		const char *when;
		long status;
		const char *words;
		enum error_class class;
	} cases[] = {
		{ "the tag is missing (20.10)", 500,
		  "manifest for localhost:5000/a:no not found: manifest unknown: manifest unknown",
		  ERROR_NOT_FOUND },
		{ "the tag is missing (containerd store)", 404,
		  "failed to resolve reference \"docker.io/library/a:no\": docker.io/library/a:no: "
		  "not found",
		  ERROR_NOT_FOUND },
		{ "the repository is missing", 500,
		  "name unknown: repository name not known to registry", ERROR_NOT_FOUND },
		{ "Docker Hub does not tell a stranger", 404,
		  "pull access denied for nobody/nothing, repository does not exist or may require "
		  "'docker login': denied: requested access to the resource is denied",
		  ERROR_DENIED },
		{ "there was no login", 500,
		  "Get \"http://127.0.0.1:5000/v2/a/manifests/1\": no basic auth credentials",
		  ERROR_DENIED },
		{ "the login is wrong", 500,
		  "Get \"https://registry-1.docker.io/v2/\": unauthorized: incorrect username or "
		  "password",
		  ERROR_DENIED },
		{ "a token service says no (containerd)", 500,
		  "failed to authorize: failed to fetch anonymous token: unexpected status from "
		  "GET "
		  "request to https://ghcr.io/token?: 403 Forbidden",
		  ERROR_DENIED },
		{ "the architecture is another (20.10)", 500,
		  "no matching manifest for linux/amd64 in the manifest list entries",
		  ERROR_REFUSED },
		{ "the architecture is another (containerd)", 404,
		  "no match for platform in manifest: not found", ERROR_REFUSED },
		{ "the name is none", 400, "invalid reference format", ERROR_REFUSED },
		{ "the registry has no TLS", 500,
		  "Get \"https://r:5000/v2/\": http: server gave HTTP response to HTTPS client",
		  ERROR_REFUSED },
		{ "it is a chart", 200,
		  "Encountered remote \"application/vnd.cncf.helm.config.v1+json\"(unknown) when "
		  "fetching",
		  ERROR_REFUSED },
		{ "the disk is full", 200,
		  "failed to register layer: Error processing tar file(exit status 1): write /a: "
		  "no "
		  "space left on device",
		  ERROR_CAPACITY },
		{ "the quota is used up", 200, "write /a: disk quota exceeded", ERROR_CAPACITY },
		{ "Docker Hub limits us", 500,
		  "toomanyrequests: You have reached your pull rate limit. You may increase the "
		  "limit "
		  "by authenticating and upgrading: https://www.docker.com/increase-rate-limits",
		  ERROR_THROTTLED },
		{ "a registry limits us (containerd)", 500,
		  "unexpected status code https://r/v2/a/manifests/1: 429 Too Many Requests",
		  ERROR_THROTTLED },
		{ "the engine limits us", 429, "slow down", ERROR_THROTTLED },
		{ "a layer is damaged (20.10)", 200,
		  "filesystem layer verification failed for digest sha256:2b96f", ERROR_MALFORMED },
		{ "a layer is damaged (containerd)", 200,
		  "failed commit on ref \"layer-sha256:5c1e\": commit failed: unexpected commit "
		  "digest "
		  "sha256:e3b0, expected sha256:5c1e: failed precondition",
		  ERROR_MALFORMED },
		{ "a layer is no archive", 200,
		  "failed to register layer: Error processing tar file(exit status 1): "
		  "archive/tar: "
		  "invalid tar header",
		  ERROR_MALFORMED },
		{ "nobody listens", 500,
		  "Get \"http://127.0.0.1:5000/v2/\": dial tcp 127.0.0.1:5000: connect: connection "
		  "refused",
		  ERROR_UNREACHABLE },
		{ "the name server does not know it", 500,
		  "Get \"https://r/v2/\": dial tcp: lookup r on 127.0.0.53:53: no such host",
		  ERROR_UNREACHABLE },
		{ "it takes too long", 500,
		  "Get \"https://r/v2/\": net/http: TLS handshake timeout", ERROR_UNREACHABLE },
		{ "the words are unknown, inside the stream", 200, "pigs fly", ERROR_UNREACHABLE },
		{ "the words are unknown, of a 404", 404, "pigs fly", ERROR_NOT_FOUND },
		{ "the words are unknown, of a 403", 403, "pigs fly", ERROR_DENIED },
		{ "the words are unknown, of a 400", 400, "pigs fly", ERROR_REFUSED },
		{ "the words are unknown, of a 500", 500, "pigs fly", ERROR_UNREACHABLE },
		{ "a proxy says that nobody is there", 503, "pigs fly", ERROR_UNREACHABLE },
		{ "the image has a misleading name", 500,
		  "Get \"http://r/v2/unauthorized/manifest-unknown\": EOF", ERROR_UNREACHABLE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum error_class class = docker_pull_class(cases[i].status, cases[i].words);

		if (class != cases[i].class)
			fail_msg("when %s: %s", cases[i].when, error_class_name(class));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_one_printable_line),
		cmocka_unit_test(a_refusal_gives_its_reason),
		cmocka_unit_test(the_words_of_a_failed_pull_tell_its_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
