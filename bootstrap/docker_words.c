#include "bootstrap/docker_words.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 1000 };

/* What str.strip() of python cuts off. */
static bool is_blank(uint32_t character)
{
	return (character >= 0x09 && character <= 0x0d) ||
	       (character >= 0x1c && character <= 0x20) || character == 0x85 || character == 0xa0 ||
	       character == 0x1680 || (character >= 0x2000 && character <= 0x200a) ||
	       character == 0x2028 || character == 0x2029 || character == 0x202f ||
	       character == 0x205f || character == 0x3000;
}

const char *docker_word_fault(const char *word)
{
	struct slice rest = slice_of(word);
	uint32_t first = 0, last = 0;

	if (!rest.len)
		return "is empty: clearml-agent would drop it";
	while (rest.len) {
		size_t len = text_character(rest, &last);

		if (!len)
			return "is not UTF-8";
		if (rest.ptr == word)
			first = last;
		rest = (struct slice){ rest.ptr + len, rest.len - len };
	}
	if (is_blank(first) || is_blank(last))
		return "begins or ends with a blank: clearml-agent would cut it off, and perhaps "
		       "find an option";
	/* clearml-agent puts the value in before it tells options from values. */
	if (word[strcspn(word, "$=")] == '$' && strstr(word, "CLEARML_"))
		return "has a template (${CLEARML_...}) that is not behind an =";
	return NULL;
}

void docker_words_add(struct docker_words *words, const char *text)
{
	words->list = memory_grow(words->list, words->count + 1, sizeof(words->list[0]));
	words->list[words->count++] = memory_text(slice_of(text));
}

void docker_words_release(struct docker_words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->list[i]);
	free(words->list);
	*words = (struct docker_words){ 0 };
}

static struct slice strip(struct slice text)
{
	size_t from = 0, end = 0;
	uint32_t character = 0;

	for (size_t at = 0, len; at < text.len; at += len) {
		len = text_character((struct slice){ text.ptr + at, text.len - at }, &character);
		bool is_shown = !len || !is_blank(character);

		len = len ? len : 1;
		from = is_shown && !end ? at : from;
		end = is_shown ? at + len : end;
	}
	return end ? (struct slice){ text.ptr + from, end - from } : slice_of("");
}

/* The state of shlex: inside a word or between two, inside which quotes, after a backslash. */
struct splitting {
	char quote; /* 0: none */
	bool is_escaped, is_word;
	struct buf word;
	struct docker_words words;
};

static void end_word(struct splitting *splitting)
{
	if (splitting->is_word)
		docker_words_add(&splitting->words, buf_text(&splitting->word));
	splitting->is_word = false;
	buf_clear(&splitting->word);
}

static void take_quoted(struct splitting *splitting, char byte)
{
	if (byte == splitting->quote)
		splitting->quote = '\0';
	else if (byte == '\\' && splitting->quote == '"')
		splitting->is_escaped = true;
	else
		buf_add(&splitting->word, (struct slice){ &byte, 1 });
}

static void take_escaped(struct splitting *splitting, char byte)
{
	/* Between double quotes a backslash stands for itself but before one of these. */
	if (splitting->quote && byte != '"' && byte != '\\')
		buf_add(&splitting->word, slice_of("\\"));
	buf_add(&splitting->word, (struct slice){ &byte, 1 });
	splitting->is_escaped = false;
}

static void take(struct splitting *splitting, char byte)
{
	if (splitting->is_escaped) {
		take_escaped(splitting, byte);
	} else if (splitting->quote) {
		take_quoted(splitting, byte);
	} else if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n') {
		end_word(splitting);
	} else {
		splitting->is_word = true;
		if (byte == '"' || byte == '\'')
			splitting->quote = byte;
		else if (byte == '\\')
			splitting->is_escaped = true;
		else
			buf_add(&splitting->word, (struct slice){ &byte, 1 });
	}
}

static int finish(struct splitting *splitting, struct docker_words *out, struct error *err)
{
	if (splitting->quote)
		return error_set(err, ERROR_REFUSED,
				 "docker arguments: a quote (%c) is not closed: clearml-agent "
				 "would run the task in another container",
				 splitting->quote);
	if (splitting->is_escaped)
		return error_set(err, ERROR_REFUSED,
				 "docker arguments: a backslash ends the text, with nothing to "
				 "escape");
	end_word(splitting);
	if (splitting->words.count > WORDS_MAX)
		return error_set(err, ERROR_REFUSED, "docker arguments: more than %d words",
				 (int)WORDS_MAX);
	*out = splitting->words;
	splitting->words = (struct docker_words){ 0 };
	return 0;
}

int docker_words_split(struct slice text, struct docker_words *out, struct error *err)
{
	struct slice inner = strip(text);
	struct splitting splitting = { .word = BUF(inner.len + 1) };
	int result;

	if (inner.len && memchr(inner.ptr, '\0', inner.len))
		return error_set(err, ERROR_REFUSED, "docker arguments: a NUL is in them");
	for (size_t i = 0; i < inner.len && splitting.words.count <= WORDS_MAX; i++)
		take(&splitting, inner.ptr[i]);
	result = finish(&splitting, out, err);
	docker_words_release(&splitting.words);
	buf_release(&splitting.word);
	return result;
}
