#include "common/secret.h"

#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* More secrets than either program holds at a time; each takes a page of locked memory. */
enum { SECRETS_AT_ONCE = 64 };

/* The limit alone does not tell: with CAP_IPC_LOCK it does not count. So lock, and see. */
static bool can_lock(size_t len)
{
	void *pages = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		return false;
	bool is_locked = mlock(pages, len) == 0;

	munmap(pages, len);
	return is_locked;
}

/* As far as we may without privileges. */
static void raise_lock_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_MEMLOCK, &limit);
}

int secret_prepare_process(bool *is_locked, struct error *err)
{
	const struct rlimit no_core = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &no_core) < 0)
		return error_errno(err, "switch core files off");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "keep other processes out of our memory");
	if (sodium_init() < 0)
		return error_set(err, ERROR_SYSTEM, "libsodium does not start: no randomness?");
	raise_lock_limit();
	*is_locked = can_lock(SECRETS_AT_ONCE * (size_t)sysconf(_SC_PAGESIZE));
	return 0;
}

int secret_alloc(struct secret *secret, size_t len, struct error *err)
{
	/* Guarded memory needs sodium started; it starts once however often it is asked. */
	unsigned char *guarded =
		sodium_init() < 0 || len == SIZE_MAX ? NULL : sodium_malloc(len + 1);

	if (!guarded) {
		(void)error_set(err, ERROR_SYSTEM, "no guarded memory for %zu bytes", len);
		return -1;
	}
	memset(guarded, 0, len + 1);
	*secret = (struct secret){ guarded, len };
	return 0;
}

int secret_copy(struct secret *secret, struct slice plain, struct error *err)
{
	struct secret copy = { 0 };

	if (secret_alloc(&copy, plain.len, err) < 0)
		return -1;
	if (plain.len)
		memcpy(copy.guarded, plain.ptr, plain.len);
	*secret = copy;
	return 0;
}

const char *secret_text(const struct secret *secret)
{
	return secret->guarded ? (const char *)secret->guarded : "";
}

struct slice secret_expose(const struct secret *secret)
{
	return (struct slice){ secret_text(secret), secret->len };
}

unsigned char *secret_fill(struct secret *secret)
{
	return secret->guarded;
}

struct secret secret_take(struct secret *secret)
{
	struct secret moved = *secret;

	*secret = (struct secret){ 0 };
	return moved;
}

void secret_wipe(void *bytes, size_t len)
{
	if (len)
		sodium_memzero(bytes, len);
}

void secret_release(struct secret *secret)
{
	sodium_free(secret->guarded); /* wipes first; NULL is fine */
	*secret = (struct secret){ 0 };
}
