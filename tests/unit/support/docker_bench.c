#include "tests/unit/support/docker_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct docker_bench docker_bench_begin(const char *version, const struct http_step *steps,
				       size_t count)
{
	static char ping[8][128]; /* the peer is a child: it has a copy when the next one begins */
	static unsigned next;
	struct http_step script[HTTP_PEER_STEPS_MAX] = { { .expect = {
								   "GET /_ping HTTP/1.1\r\n" } } };
	struct docker_bench bench = { .docker = NULL };
	struct error err = { 0 };
	size_t used = 0;
	char *answer = ping[next++ % 8];

	snprintf(answer, sizeof(ping[0]),
		 "HTTP/1.1 200 OK\r\nApi-Version: %s\r\nContent-Length: 2\r\n\r\nOK", version);
	script[0].answer = answer;
	while (used < count && used + 1 < HTTP_PEER_STEPS_MAX && steps[used].expect[0]) {
		script[used + 1] = steps[used];
		used++;
	}
	scratch_make(bench.folder);
	snprintf(bench.socket, sizeof(bench.socket), "%s/docker.sock", bench.folder);
	bench.peer = http_peer_start(script, used + 1, bench.socket);
	if (docker_open(bench.socket, &bench.docker, &err) < 0)
		fail_msg("%s", err.message);
	return bench;
}

void docker_bench_end(struct docker_bench *bench, const char *when)
{
	docker_close(bench->docker);
	http_peer_finish(&bench->peer, when);
	scratch_remove(bench->folder);
}

void docker_bench_check(const char *when, int result, const struct error *err,
			enum error_class class, const char *words)
{
	if ((result < 0) != (class != ERROR_NONE) || (result < 0 && err->class != class))
		fail_msg("when %s: %d, %s: %s", when, result, error_class_name(err->class),
			 err->message);
	if (result < 0 && words && !strstr(err->message, words))
		fail_msg("when %s: \"%s\" is not in: %s", when, words, err->message);
}
