#ifndef COMMON_WIPED_H
#define COMMON_WIPED_H

#include <stddef.h>

/* wiped: memory for a library that copies secrets into its own: what it gives back, or outgrows, is
 * wiped first. Of malloc(), for libraries that let their allocator be chosen. */

void wiped_free(void *bytes);
void *wiped_realloc(void *bytes, size_t size); /* never in place; NULL: no memory, bytes stay */

#endif
