#include "common/wiped.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"

void wiped_free(void *bytes)
{
	if (bytes)
		secret_wipe(bytes, malloc_usable_size(bytes));
	free(bytes);
}

void *wiped_realloc(void *bytes, size_t size)
{
	size_t had = bytes ? malloc_usable_size(bytes) : 0;
	void *moved = malloc(size);

	if (!moved)
		return NULL;
	if (had)
		memcpy(moved, bytes, had < size ? had : size);
	wiped_free(bytes);
	return moved;
}
