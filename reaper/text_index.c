#include "reaper/text_index.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST_HEADS = 16 };

void text_index_open(struct text_index *index, size_t room)
{
	*index = (struct text_index){ .room = room, .head_count = LEAST_HEADS };
	while (index->head_count < room)
		index->head_count *= 2;
	index->entries = memory_array(room + 1, sizeof(*index->entries));
	index->heads = memory_array(index->head_count, sizeof(*index->heads));
	for (size_t i = 0; i < index->head_count; i++)
		index->heads[i] = TEXT_INDEX_NONE;
}

void text_index_release(struct text_index *index)
{
	free(index->entries);
	free(index->heads);
	*index = (struct text_index){ 0 };
}

/* FNV-1a. */
static size_t head_of(const struct text_index *index, const char *text)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return (size_t)(hash ^ hash >> 32) & (index->head_count - 1);
}

size_t text_index_find(const struct text_index *index, const char *text)
{
	if (!index->count)
		return TEXT_INDEX_NONE;
	for (size_t i = index->heads[head_of(index, text)]; i != TEXT_INDEX_NONE;
	     i = index->entries[i].next)
		if (!strcmp(index->entries[i].text, text))
			return index->entries[i].place;
	return TEXT_INDEX_NONE;
}

size_t text_index_add(struct text_index *index, const char *text, size_t place)
{
	size_t found = text_index_find(index, text);
	size_t *head = &index->heads[head_of(index, text)];

	if (found != TEXT_INDEX_NONE)
		return found;
	if (index->count == index->room) /* more than was promised: a fault of ours */
		abort();
	index->entries[index->count] = (struct text_index_entry){ text, place, *head };
	*head = index->count++;
	return place;
}
