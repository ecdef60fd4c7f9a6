#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bootstrap/docker_call.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA "sha256:" HEX64
#define TEN "aaaaaaaaaa"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void a_name_that_the_engine_takes_is_taken(void **state)
{
	static const struct {
		const char *when, *image, *registry, *name,
			*tag; /* tag NULL: a digest is in name */
	} cases[] = {
		{ "it is one word", "ubuntu", "docker.io", "ubuntu", "latest" },
		{ "it has a tag", "ubuntu:24.04", "docker.io", "ubuntu", "24.04" },
		{ "it has a user", "team/image", "docker.io", "team/image", "latest" },
		{ "it has many parts", "a/b/c/d:x", "docker.io", "a/b/c/d", "x" },
		{ "it names a registry", "ghcr.io/team/image:1", "ghcr.io", "ghcr.io/team/image",
		  "1" },
		{ "the registry has a port", "registry.example.com:5000/image",
		  "registry.example.com:5000", "registry.example.com:5000/image", "latest" },
		{ "the registry has a port, and there is a tag", "127.0.0.1:5000/a/b:c",
		  "127.0.0.1:5000", "127.0.0.1:5000/a/b", "c" },
		{ "the registry is this machine", "localhost/image:1", "localhost",
		  "localhost/image", "1" },
		{ "the registry is this machine, by a port", "localhost:5000/image",
		  "localhost:5000", "localhost:5000/image", "latest" },
		{ "the registry is written in upper case", "Registry.Example.COM/image",
		  "Registry.Example.COM", "Registry.Example.COM/image", "latest" },
		{ "the registry is an IPv6 address", "[2001:db8::1]:5000/image",
		  "[2001:db8::1]:5000", "[2001:db8::1]:5000/image", "latest" },
		{ "what looks like a port is a tag", "localhost:5000", "docker.io", "localhost",
		  "5000" },
		{ "Docker Hub is named", "docker.io/library/ubuntu", "docker.io",
		  "docker.io/library/ubuntu", "latest" },
		{ "Docker Hub is named as of old", "index.docker.io/library/ubuntu", "docker.io",
		  "index.docker.io/library/ubuntu", "latest" },
		{ "it has a digest", "team/image@" SHA, "docker.io", "team/image@" SHA, NULL },
		{ "it has a tag and a digest", "gcr.io/a:1@" SHA, "gcr.io", "gcr.io/a:1@" SHA,
		  NULL },
		{ "its digest is of sha512", "a@sha512:" HEX64 HEX64, "docker.io",
		  "a@sha512:" HEX64 HEX64, NULL },
		{ "it has all marks", "g/a.b_c__d-e---f", "docker.io", "g/a.b_c__d-e---f",
		  "latest" },
		{ "the tag has all marks", "a:_A.b-C", "docker.io", "a", "_A.b-C" },
		{ "the tag is as long as one may be", "a:" HUNDRED TEN TEN "12345678", "docker.io",
		  "a", HUNDRED TEN TEN "12345678" },
		{ "the name is as long as one may be", HUNDRED HUNDRED TEN TEN TEN "1234567",
		  "docker.io", HUNDRED HUNDRED TEN TEN TEN "1234567", "latest" },
		{ "it is a number", "123", "docker.io", "123", "latest" },
		{ "64 digits are a part of it", "a/" HEX64, "docker.io", "a/" HEX64, "latest" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char registry[DOCKER_NAME_ROOM];
		struct error err = { 0 };
		size_t len;

		if (docker_reference_check(cases[i].image, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		docker_reference_registry(cases[i].image, registry);
		if (strcmp(registry, cases[i].registry) != 0)
			fail_msg("when %s: registry \"%s\"", cases[i].when, registry);
		const char *tag = docker_reference_tag(cases[i].image, &len);

		if (len != strlen(cases[i].name) ||
		    strncmp(cases[i].image, cases[i].name, len) != 0)
			fail_msg("when %s: name %.*s", cases[i].when, (int)len, cases[i].image);
		if (cases[i].tag ? !tag || strcmp(tag, cases[i].tag) != 0 : tag != NULL)
			fail_msg("when %s: tag %s", cases[i].when, tag ? tag : "(none)");
	}
}

static void another_name_is_refused(void **state)
{
	static const struct {
		const char *when, *image, *words;
	} cases[] = {
		{ "it is empty", "", "no name" },
		{ "it is an option", "--privileged", "dash" },
		{ "it begins with a dash", "-a/b", "dash" },
		{ "it is two words", "ubuntu --privileged", "blank" },
		{ "it begins with a blank", " ubuntu", "blank" },
		{ "it ends with a line end", "ubuntu\n", "blank" },
		{ "it has a tab", "ubuntu\t:1", "blank" },
		{ "it has a letter beyond ASCII",
		  "\xc3\xbc"
		  "buntu",
		  "another byte" },
		{ "it has a quote", "ubuntu'", "another byte" },
		{ "it has a dollar", "$HOME", "another byte" },
		{ "it is a URL", "https://ghcr.io/a", "port" },
		{ "it has upper-case letters", "Ubuntu", "upper-case" },
		{ "its user has upper-case letters", "Team/image", "upper-case" },
		{ "its path has upper-case letters", "ghcr.io/Team/image", "upper-case" },
		{ "there is nothing before the tag", ":1", "no [REGISTRY/]NAME" },
		{ "there is nothing after the registry", "ghcr.io/", "no [REGISTRY/]NAME" },
		{ "there is nothing before the slash", "/a", "no [REGISTRY/]NAME" },
		{ "there is nothing between slashes", "a//b", "no [REGISTRY/]NAME" },
		{ "a part is two dots", "a/../b", "no [REGISTRY/]NAME" },
		{ "two dots are in a part", "a..b", "no [REGISTRY/]NAME" },
		{ "three underscores are in a part", "a___b", "no [REGISTRY/]NAME" },
		{ "two marks are in a row", "a.-b", "no [REGISTRY/]NAME" },
		{ "a part begins with a mark", "a/_b", "no [REGISTRY/]NAME" },
		{ "a part ends with a mark", "a-/b", "no [REGISTRY/]NAME" },
		{ "a port is where none can be", "a/b:1/c", "no [REGISTRY/]NAME" },
		{ "the port is no number", "ghcr.io:x/a", "port" },
		{ "the port is empty", "ghcr.io:/a", "port" },
		{ "the port is too long", "ghcr.io:123456/a", "port" },
		{ "the registry begins with a dot", ".io/a", "no host" },
		{ "the registry has two dots in a row", "a..io/b", "no host" },
		{ "the registry has a lone bracket", "[.io/a", "no host" },
		{ "the registry has a dash before a dot", "a-.io/b", "no host" },
		{ "the registry's bracket is not closed", "[2001:db8::1/a", "port" },
		{ "the tag is empty", "a:", "tag" },
		{ "the tag begins with a dash", "a:-1", "tag" },
		{ "the tag begins with a dot", "a:.1", "tag" },
		{ "the tag has a second one", "a:1:2", "tag" },
		{ "the tag is longer than one may be", "a:" HUNDRED TEN TEN "123456789", "tag" },
		{ "the digest is empty", "a@", "digest" },
		{ "the digest is too short", "a@sha256:0123", "digest" },
		{ "the digest is in upper case", "a@sha256:ABCDEF" HEX64, "digest" },
		{ "the digest is of something unknown", "a@md5:" HEX64, "digest" },
		{ "there are two digests", "a@" SHA "@" SHA, "digest" },
		{ "it is a digest alone", "@" SHA, "no [REGISTRY/]NAME" },
		{ "it is an id", HEX64, "id of 64" },
		{ "the name is longer than one may be", HUNDRED HUNDRED TEN TEN TEN "12345678",
		  "longer than 255" },
		{ "all of it is too long", HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED TEN TEN,
		  "longer than 511" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };

		if (docker_reference_check(cases[i].image, &err) == 0)
			fail_msg("when %s: it is taken", cases[i].when);
		if (err.class != ERROR_REFUSED || !strstr(err.message, cases[i].words))
			fail_msg("when %s: %s: %s", cases[i].when, error_class_name(err.class),
				 err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_the_engine_takes_is_taken),
		cmocka_unit_test(another_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
