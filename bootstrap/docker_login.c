#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bootstrap/docker_call.h"
#include "common/base64.h"

/* A login is written by hand and not by json.h: there it would be copied about in memory that
 * nobody wipes. */

#define HUB "docker.io"
#define HUB_ADDRESS "https://index.docker.io/v1/" /* what docker itself sends for it */

static bool is_hub(const char *server)
{
	static const char *const names[] = { "", HUB, "index.docker.io", "registry-1.docker.io",
					     HUB_ADDRESS };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(server, names[i]) == 0)
			return true;
	return false;
}

bool docker_login_fits(const struct docker_login *login, const char *image)
{
	char registry[DOCKER_NAME_ROOM];

	docker_reference_registry(image, registry);
	if (is_hub(login->server))
		return strcmp(registry, HUB) == 0;
	return strcasecmp(registry, login->server) == 0;
}

static size_t escaped_len(unsigned char byte)
{
	if (byte < 0x20)
		return 6;
	return byte == '"' || byte == '\\' ? 2 : 1;
}

static unsigned char *add_byte(unsigned char *at, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";
	static const unsigned char control[] = { '\\', 'u', '0', '0' };

	if (byte < 0x20) {
		memcpy(at, control, sizeof(control));
		at[4] = (unsigned char)digits[byte >> 4];
		at[5] = (unsigned char)digits[byte & 15];
	} else {
		at[0] = '\\';
		at[escaped_len(byte) - 1] = byte;
	}
	return at + escaped_len(byte);
}

struct member {
	struct slice head, value, tail;
};

static size_t member_len(const struct member *member)
{
	size_t len = member->head.len + member->tail.len;

	for (size_t i = 0; i < member->value.len; i++)
		len += escaped_len((unsigned char)member->value.ptr[i]);
	return len;
}

static unsigned char *add_member(unsigned char *at, const struct member *member)
{
	memcpy(at, member->head.ptr, member->head.len);
	at += member->head.len;
	for (size_t i = 0; i < member->value.len; i++)
		at = add_byte(at, (unsigned char)member->value.ptr[i]);
	memcpy(at, member->tail.ptr, member->tail.len);
	return at + member->tail.len;
}

int docker_login_json(const struct docker_login *login, struct secret *out, struct error *err)
{
	const char *server = is_hub(login->server) ? HUB_ADDRESS : login->server;
	const struct member members[] = {
		{ slice_of("{\"username\":\""), slice_of(login->user), slice_of("\",") },
		{ slice_of("\"password\":\""), secret_expose(login->password), slice_of("\",") },
		{ slice_of("\"serveraddress\":\""), slice_of(server), slice_of("\"}") },
	};
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		len += member_len(&members[i]);
	if (secret_alloc(out, len, err) < 0)
		return -1;
	unsigned char *at = secret_fill(out);

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		at = add_member(at, &members[i]);
	return 0;
}

int docker_login_header(const struct docker_login *login, struct secret *out, struct error *err)
{
	static const char name[] = "X-Registry-Auth: ";
	SCOPED(secret) struct secret json = { 0 };

	if (docker_login_json(login, &json, err) < 0 ||
	    secret_alloc(out, strlen(name) + base64_len(json.len), err) < 0)
		return -1;
	memcpy(secret_fill(out), name, strlen(name));
	base64_write(secret_expose(&json), BASE64_URL, secret_fill(out) + strlen(name));
	return 0;
}
