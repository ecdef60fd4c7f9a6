/* A bundle that is taken keeps what its header says of it, and becomes clearml.conf, unless its
 * extra_conf brings a git login. What is refused is the operator's matter and says where. */
#include "common/bundle.h"

#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "bootstrap/clearml_conf.h"
#include "common/hocon_print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_line(const char *text)
{
	for (; *text; text++)
		assert(*text >= ' ' && *text <= '~');
}

static void is_secret_line(const struct secret *secret)
{
	assert(strlen(secret_text(secret)) == secret->len);
	is_line(secret_text(secret));
}

static void is_variable(const struct bundle_variable *variable)
{
	assert(variable->name[0] && !isdigit((unsigned char)variable->name[0]));
	for (const char *at = variable->name; *at; at++)
		assert(isalnum((unsigned char)*at) || *at == '_');
	assert(strlen(secret_text(&variable->value)) == variable->value.len);
	assert(!hocon_text_fault(secret_expose(&variable->value)));
}

static void is_registry(const struct bundle *bundle, size_t place)
{
	const struct bundle_registry *registry = &bundle->registries[place];

	assert(registry->server[0] && !strpbrk(registry->server, "/ @\n"));
	assert(registry->user[0] && registry->password.len > 0);
	for (size_t i = 0; i < place; i++)
		assert(strcasecmp(bundle->registries[i].server, registry->server) != 0);
}

static void is_login(const struct bundle *bundle, size_t place)
{
	const struct bundle_git *git = &bundle->git[place];

	assert(git->user[0] && git->token.len && (git->host[0] || bundle->git_count == 1));
	assert(!strpbrk(git->user, " \t\"\\:") && !strpbrk(git->host, ":/ @[]"));
	assert(!strpbrk(secret_text(&git->token), " \t\"\\"));
	is_line(git->user);
	is_secret_line(&git->token);
	if (!place && !bundle->extra_conf.len)
		assert(!strpbrk(git->user, "$`") && !strpbrk(secret_text(&git->token), "$`"));
	for (const char *at = git->host; *at; at++)
		assert(!isupper((unsigned char)*at));
	for (size_t i = 0; i < place; i++)
		assert(strcmp(bundle->git[i].host, git->host) != 0);
}

static void is_ssh(const struct bundle_ssh *ssh)
{
	struct slice key = secret_expose(&ssh->key);

	assert(!key.len == !ssh->key.guarded && (key.len || !ssh->known_hosts));
	assert(!key.len || (key.ptr[key.len - 1] == '\n' && !memchr(key.ptr, '\r', key.len)));
	if (ssh->known_hosts)
		assert(ssh->known_hosts[strlen(ssh->known_hosts) - 1] == '\n');
}

static void is_storage(const struct bundle *bundle)
{
	size_t defaults = 0;

	for (size_t i = 0; i < bundle->s3_count; i++) {
		const struct bundle_s3 *s3 = &bundle->s3[i];

		assert(s3->key[0] && s3->secret_key.len && (s3->host[0] || !s3->is_plain));
		is_secret_line(&s3->secret_key);
		is_secret_line(&s3->token);
		defaults += !s3->host[0] && !s3->bucket[0];
	}
	assert(defaults <= 1);
	for (size_t i = 0; i < bundle->gcs_count; i++)
		assert(bundle->gcs[i].project[0] &&
		       secret_expose(&bundle->gcs[i].credentials).len > 2);
	for (size_t i = 0; i < bundle->azure_count; i++)
		is_secret_line(&bundle->azure[i].key);
}

static void is_file(const struct bundle *bundle, size_t place)
{
	const struct bundle_file *file = &bundle->files[place];

	assert(isalpha((unsigned char)file->name[0]) && strlen(file->mode) == 4);
	assert(file->path[0] == '/' || !strncmp(file->path, "~/", 2));
	assert(!strchr(file->path, '$') && file->path[strlen(file->path) - 1] != '/');
	is_line(file->path);
	for (size_t i = 0; i < place; i++)
		assert(strcmp(bundle->files[i].path, file->path) != 0 &&
		       strcmp(bundle->files[i].name, file->name) != 0);
}

/* Takes the bundle, and gives it back. */
static void becomes_conf(struct bundle *bundle)
{
	SCOPED(buf) struct buf conf = BUF(4 << 20);
	struct machine machine = { .folder = "/m", .bundle = *bundle };
	struct error err = { 0 };

	if (clearml_conf_print(&machine, 0, &conf, &err) == 0)
		return;
	assert(err.class == ERROR_CONFIGURATION && bundle->extra_conf.len);
	assert(strstr(err.message, "agent.git_"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(bundle) struct bundle bundle = { 0 };
	struct error err = { 0 };

	if (bundle_parse((struct slice){ (const char *)data, size }, "fuzz", &bundle, &err) < 0) {
		static const struct bundle untouched = { 0 };

		assert(err.class == ERROR_CONFIGURATION && strstr(err.message, "fuzz"));
		assert(!memcmp(&bundle, &untouched, sizeof(bundle)));
		return 0;
	}
	assert(bundle.prefix[0] && !strpbrk(bundle.prefix, ": \n"));
	assert(bundle.access_key[0] && !strpbrk(bundle.access_key, ": \n"));
	assert(bundle.secret_key.len > 0);
	is_secret_line(&bundle.secret_key);
	for (size_t i = 0; i < bundle.git_count; i++)
		is_login(&bundle, i);
	is_ssh(&bundle.ssh);
	is_storage(&bundle);
	for (size_t i = 0; i < bundle.environment_count; i++)
		is_variable(&bundle.environment[i]);
	for (size_t i = 0; i < bundle.file_count; i++)
		is_file(&bundle, i);
	for (size_t i = 0; i < bundle.registry_count; i++)
		is_registry(&bundle, i);
	becomes_conf(&bundle);
	return 0;
}
