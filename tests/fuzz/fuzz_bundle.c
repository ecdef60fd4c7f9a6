/* A bundle that is taken has keys, and variables with names that a shell takes, and one
 * login for each registry. What is refused is the operator's matter and says where. */
#include "common/bundle.h"

#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_variable(const struct bundle_variable *variable)
{
	assert(variable->name[0] && !isdigit((unsigned char)variable->name[0]));
	for (const char *at = variable->name; *at; at++)
		assert(isalnum((unsigned char)*at) || *at == '_');
	assert(strlen(secret_text(&variable->value)) == variable->value.len);
}

static void is_registry(const struct bundle *bundle, size_t place)
{
	const struct bundle_registry *registry = &bundle->registries[place];

	assert(registry->server[0] && !strpbrk(registry->server, "/ @\n"));
	assert(registry->user[0] && registry->password.len > 0);
	for (size_t i = 0; i < place; i++)
		assert(strcasecmp(bundle->registries[i].server, registry->server) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(bundle) struct bundle bundle = { 0 };
	struct error err = { 0 };

	if (bundle_parse((struct slice){ (const char *)data, size }, "fuzz", &bundle, &err) < 0) {
		assert(err.class == ERROR_CONFIGURATION && strstr(err.message, "fuzz"));
		assert(!bundle.secret_key.guarded && !bundle.environment && !bundle.registries);
		return 0;
	}
	assert(bundle.access_key[0] && !strpbrk(bundle.access_key, ": \n"));
	assert(bundle.secret_key.len > 0);
	assert(strlen(secret_text(&bundle.secret_key)) == bundle.secret_key.len);
	assert(!bundle.git_user[0] == !bundle.git_token.len);
	for (size_t i = 0; i < bundle.environment_count; i++)
		is_variable(&bundle.environment[i]);
	for (size_t i = 0; i < bundle.registry_count; i++)
		is_registry(&bundle, i);
	return 0;
}
