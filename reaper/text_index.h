#ifndef REAPER_TEXT_INDEX_H
#define REAPER_TEXT_INDEX_H

#include "common/buf.h"

/*
 * text_index: from a text (an instance's id, a task's) to its place in some
 * list, so that lists are joined in linear time. Pure. Texts are borrowed:
 * what they lie in must not move while the index is in use.
 */

#define TEXT_INDEX_NONE ((size_t)-1)

struct text_index {
	struct text_index_entry {
		const char *text;
		size_t place, next;
	} * entries;
	size_t count, room;
	size_t *heads;
	size_t head_count; /* a power of two */
};

void text_index_open(struct text_index *index, size_t room); /* room: texts at most */
void text_index_release(struct text_index *index);

/* The place that stands for the text now: one that was added before is not replaced. */
size_t text_index_add(struct text_index *index, const char *text, size_t place);
size_t text_index_find(const struct text_index *index, const char *text); /* or TEXT_INDEX_NONE */

#endif
