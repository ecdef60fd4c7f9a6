/* A name that is taken can stand in an argument list and in a path: no option, no blank, no way
 * up; it falls into registry, name and tag, which are found again. One that is not taken is
 * refused with a reason. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bootstrap/docker_call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_taken(const char *image)
{
	char registry[DOCKER_NAME_ROOM];
	struct error err = { 0 };
	size_t len = strlen(image), name_len;
	const char *tag = docker_reference_tag(image, &name_len);

	assert(len && len < DOCKER_IMAGE_ROOM && image[0] != '-' && image[0] != '/');
	for (size_t i = 0; i < len; i++)
		assert(image[i] > ' ' && image[i] < 0x7f &&
		       !strchr("\"'\\$`;&|<>?#%*(){}!", image[i]));
	assert(!strstr(image, "/.") && !strstr(image, "./") && !strstr(image, "//"));
	docker_reference_registry(image, registry);
	assert(registry[0] && registry[0] != '-');
	assert(strcmp(registry, "docker.io") == 0 ||
	       (strncmp(image, registry, strlen(registry)) == 0 && image[strlen(registry)] == '/'));
	assert(name_len && name_len <= len && (tag || strchr(image, '@')));
	assert(!tag || (tag[0] && !strchr(tag, '/') && !strchr(tag, ':')));
	/* The name alone is one, too, and means the same registry. */
	char *name = memory_text((struct slice){ image, name_len });
	char again[DOCKER_NAME_ROOM];

	assert(docker_reference_check(name, &err) == 0);
	docker_reference_registry(name, again);
	assert(strcmp(registry, again) == 0);
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *image = memory_text((struct slice){ (const char *)data, size });
	struct error err = { 0 };

	if (docker_reference_check(image, &err) == 0)
		check_taken(image);
	else
		assert(err.class == ERROR_REFUSED && err.message[0]);
	free(image);
	return 0;
}
