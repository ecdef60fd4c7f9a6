#include "bootstrap/images.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/engine_bench.h"

#define LOOK "GET /images/"
#define PULL "POST /images/create?"
#define PULLED ENGINE_SAYS("{\"status\":\"Pull complete\",\"id\":\"1\"}\n")
#define FAILS(words) ENGINE_SAYS("{\"errorDetail\":{\"message\":\"" words "\"}}\n")
#define HERE ENGINE_IMAGE("amd64")

static void add_login(struct engine_bench *bench, const char *server, const char *user)
{
	struct bundle *bundle = &bench->machine.bundle;
	struct error err = { 0 };

	bundle->registries = memory_grow(bundle->registries, bundle->registry_count + 1,
					 sizeof(bundle->registries[0]));
	struct bundle_registry *registry = &bundle->registries[bundle->registry_count++];

	*registry = (struct bundle_registry){ 0 };
	text_cut(registry->server, sizeof(registry->server), server);
	text_cut(registry->user, sizeof(registry->user), user);
	assert_int_equal(secret_copy(&registry->password, slice_of("hunter2"), &err), 0);
}

/* The header is base64 of {"username":"U",...: what is before the password tells who it is. */
static void each_registry_gets_its_own_login(void **state)
{
#define HUB_USER "X-Registry-Auth: eyJ1c2VybmFtZSI6Imh1YiIs" /* {"username":"hub", */
#define OWN_USER "X-Registry-Auth: eyJ1c2VybmFtZSI6Im93biIs" /* {"username":"own", */
	static const struct {
		const char *when, *image, *hub, *own, *header; /* header NULL: none at all */
	} cases[] = {
		{ "the image is of the login's registry", "own.example:5000/a:1", "docker.io",
		  "own.example:5000", OWN_USER },
		{ "the bundle writes the server in capitals", "own.example:5000/a:1", "docker.io",
		  "OWN.Example:5000", OWN_USER },
		{ "the image writes it in capitals", "OWN.example:5000/a:1", "docker.io",
		  "own.example:5000", OWN_USER },
		{ "the image names no registry", "a:1", "docker.io", "own.example:5000", HUB_USER },
		{ "the image names Docker Hub", "docker.io/a:1", "docker.io", "own.example",
		  HUB_USER },
		{ "the image names Docker Hub's old name", "index.docker.io/a:1", "docker.io",
		  "own.example", HUB_USER },
		{ "the bundle names Docker Hub in capitals", "a:1", "Docker.IO", "own.example",
		  HUB_USER },
		{ "the port is another one", "own.example:5001/a:1", "docker.io",
		  "own.example:5000", NULL },
		{ "the registry's name only begins so", "own.example.evil/a:1", "docker.io",
		  "own.example", NULL },
		{ "the registry is in a folder's name", "evil.example/own.example/a:1", "docker.io",
		  "own.example", NULL },
		{ "it is somebody else's registry", "evil.example/a:1", "docker.io", "own.example",
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static const struct engine_route routes[] = {
			{ .request = LOOK, .answer = ENGINE_NO_IMAGE, .times = 1 },
			{ .request = PULL, .answer = PULLED },
			{ .request = LOOK, .answer = HERE },
			{ 0 },
		};
		struct engine_bench_image got = { 0 };
		struct engine_bench bench;

		engine_bench_begin(&bench, routes);
		add_login(&bench, cases[i].hub, "hub");
		add_login(&bench, cases[i].own, "own");
		engine_bench_meet(&bench);
		engine_bench_image(&bench, cases[i].image, cases[i].when, &got);
		const char *request = engine_peer_last(bench.peer, PULL);

		if (got.state != IMAGE_IS_HERE)
			fail_msg("when %s: %s", cases[i].when, got.err.message);
		if (cases[i].header ? !strstr(request, cases[i].header) :
				      strstr(request, "X-Registry-Auth") != NULL)
			fail_msg("when %s: %s", cases[i].when, request);
		engine_bench_end(&bench);
	}
}

static void a_refused_login_is_named(void **state)
{
	static const struct engine_route routes[] = {
		{ .request = LOOK, .answer = ENGINE_NO_IMAGE },
		{ .request = PULL,
		  .answer = FAILS("unauthorized: incorrect username or password") },
		{ 0 },
	};
	struct engine_bench_image got = { 0 };
	struct engine_bench bench;

	(void)state;
	engine_bench_begin(&bench, routes);
	add_login(&bench, "own.example", "own");
	engine_bench_meet(&bench);
	engine_bench_image(&bench, "own.example/a:1", "the login is wrong", &got);
	assert_int_equal(got.err.class, ERROR_DENIED);
	assert_non_null(strstr(got.err.message, "the login of the bundle for own.example"));
	assert_null(strstr(got.err.message, "hunter2"));
	engine_bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_registry_gets_its_own_login),
		cmocka_unit_test(a_refused_login_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
