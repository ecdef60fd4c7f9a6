#include "common/http.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/support/http_call.h"
#include "tests/unit/support/http_peer.h"
#include "tests/unit/support/scratch.h"

/* --- TLS: the certificate is made by openssl, the peer is Python's. */

extern char **environ;

static pid_t spawn(const char *const argv[], int output)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (output >= 0)
		posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	int code = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv,
				environ);

	posix_spawn_file_actions_destroy(&actions);
	if (code)
		fail_msg("%s does not start: %s", argv[0], strerror(code));
	return pid;
}

static void make_certificate(const char *certificate, const char *key)
{
	const char *const argv[] = { "openssl",
				     "req",
				     "-x509",
				     "-newkey",
				     "ec",
				     "-pkeyopt",
				     "ec_paramgen_curve:P-256",
				     "-nodes",
				     "-keyout",
				     key,
				     "-out",
				     certificate,
				     "-days",
				     "2",
				     "-subj",
				     "/CN=mayfly test",
				     "-addext",
				     "subjectAltName=IP:127.0.0.1",
				     NULL };
	int status;

	assert_true(waitpid(spawn(argv, -1), &status, 0) > 0);
	assert_int_equal(status, 0);
}

/* Its port: chosen by the kernel, said on its standard output. It answers two connections at
 * most, of which some fail in the handshake, and it ends when its standard output breaks. */
static pid_t start_tls_peer(const char *certificate, const char *key, int *port)
{
	static const char script[] =
		"import http.server, ssl, sys\n"
		"class Peer(http.server.BaseHTTPRequestHandler):\n"
		"    def do_GET(self):\n"
		"        self.send_response(200)\n"
		"        self.end_headers()\n"
		"        self.wfile.write(b'by TLS')\n"
		"context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
		"context.load_cert_chain(sys.argv[1], sys.argv[2])\n"
		"server = http.server.HTTPServer(('127.0.0.1', 0), Peer)\n"
		"server.socket = context.wrap_socket(server.socket, server_side=True)\n"
		"print(server.server_port, flush=True)\n"
		"server.serve_forever()\n";
	const char *const argv[] = { "python3", "-c", script, certificate, key, NULL };
	int output[2];
	char line[16] = "";

	assert_int_equal(pipe(output), 0);
	pid_t pid = spawn(argv, output[1]);

	close(output[1]);
	assert_true(read(output[0], line, sizeof(line) - 1) > 0);
	close(output[0]);
	*port = (int)strtol(line, NULL, 10);
	return pid;
}

static void get_by_tls(int port, struct http_answer *answer, struct error *err)
{
	struct http *trusting = NULL;
	char url[64];

	*answer = (struct http_answer){ 0 };
	*err = (struct error){ 0 };
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", port);
	const struct http_request request = {
		.method = "GET", .url = url, .timeout_ms = HTTP_CALL_MS, .may_repeat = true
	};

	assert_int_equal(http_open("mayfly-test/1", &trusting, err), 0);
	if (http_exchange(trusting, &request, answer, err) == 0)
		assert_int_equal(err->class, ERROR_NONE);
	http_close(trusting);
}

static void a_certificate_is_trusted_by_its_file_only(void **state)
{
	char folder[SCRATCH_ROOM];
	struct http_answer answer;
	struct error err;
	int port;

	(void)state;
	scratch_make(folder);
	const char *certificate = scratch_path(folder, "certificate");
	const char *key = scratch_path(folder, "key");
	const char *other = scratch_path(folder, "other");

	make_certificate(certificate, key);
	make_certificate(other, scratch_path(folder, "other_key"));
	pid_t pid = start_tls_peer(certificate, key, &port);

	setenv("SSL_CERT_FILE", certificate, 1);
	get_by_tls(port, &answer, &err);
	if (err.class)
		fail_msg("%s", err.message);
	assert_string_equal(buf_text(&answer.body), "by TLS");
	http_answer_release(&answer);

	setenv("SSL_CERT_FILE", other, 1);
	get_by_tls(port, &answer, &err);
	assert_int_equal(err.class, ERROR_DENIED);
	assert_non_null(strstr(err.message, "certificate is refused (1 try)"));

	setenv("SSL_CERT_FILE", scratch_path(folder, "absent"), 1);
	get_by_tls(port, &answer, &err);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	assert_non_null(strstr(err.message, "/absent, set by SSL_CERT_FILE: No such file"));

	setenv("SSL_CERT_FILE", key, 1);
	get_by_tls(port, &answer, &err);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	unsetenv("SSL_CERT_FILE");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	scratch_remove(folder);
}

static void a_peer_without_tls_is_unreachable(void **state)
{
	static const struct http_step none[] = { { .expect = { "never" } } };
	struct http_peer peer = http_peer_start(none, 0, NULL);
	struct http_answer answer;
	struct error err;
	char url[96];

	(void)state;
	snprintf(url, sizeof(url), "https%s", peer.url + strlen("http"));
	const struct http_request request = { .method = "GET", .url = url, .timeout_ms = 300 };

	assert_int_equal(http_exchange(http_call, &request, &answer, &err), -1);
	assert_int_equal(err.class, ERROR_UNREACHABLE);
	http_answer_release(&answer);
	http_peer_finish(&peer, "no TLS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_is_trusted_by_its_file_only),
		cmocka_unit_test(a_peer_without_tls_is_unreachable),
	};

	return cmocka_run_group_tests(tests, http_call_open, http_call_close);
}
