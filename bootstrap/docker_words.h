#ifndef BOOTSTRAP_DOCKER_WORDS_H
#define BOOTSTRAP_DOCKER_WORDS_H

#include "common/buf.h"

/*
 * docker_words: the words of a task's docker arguments. Pure.
 */

struct docker_words {
	char **list; /* owned; not NULL-terminated */
	size_t count;
};

/* As python's shlex.split(text.strip()) does it, which clearml-agent calls. ERROR_REFUSED: a
 * quote is not closed, a backslash ends the text, or there are more than 1000 words. */
CHECKED int docker_words_split(struct slice text, struct docker_words *out, struct error *err);
void docker_words_add(struct docker_words *words, const char *text); /* a copy */
void docker_words_release(struct docker_words *words);

/* Why clearml-agent would not hand this word on as it stands ("is empty: ..."); NULL: it does. */
const char *docker_word_fault(const char *word);

#endif
