#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include "common/buf.h"

/*
 * secret: bytes in guarded, locked memory that is wiped when released and left
 * out of core dumps. It is no char *, so no printf, log or JSON writer can
 * take it by accident; `git grep secret_expose` lists every place where
 * plaintext leaves.
 */

struct secret {
	unsigned char *guarded; /* sodium_malloc(); touched by secret.c alone */
	size_t len; /* bytes of the secret; a NUL follows them, not counted */
};

/*
 * Once, before the first secret: no core files, not dumpable, sodium started,
 * and the limit of locked memory checked (sodium does not fail when mlock
 * does: then *is_locked is false and the program may warn). ERROR_SYSTEM.
 */
CHECKED int secret_prepare_process(bool *is_locked, struct error *err);

CHECKED int secret_alloc(struct secret *secret, size_t len, struct error *err);
CHECKED int secret_copy(struct secret *secret, struct slice plain, struct error *err);
struct slice secret_expose(const struct secret *secret); /* borrowed: do not copy or keep it */
const char *secret_text(const struct secret *secret); /* the same, NUL-terminated; "" if empty */
unsigned char *secret_fill(struct secret *secret); /* borrowed: write exactly ->len bytes */
struct secret secret_take(struct secret *secret); /* moves it out; *secret is empty after */
void secret_wipe(void *bytes, size_t len); /* a copy that another library made */
void secret_release(struct secret *secret);

#endif
