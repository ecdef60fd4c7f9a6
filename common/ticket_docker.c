#include "common/ticket_docker.h"

#include <string.h>

static const char ours[] = "mayfly.";
static const char label_fault[] =
	"labels that begin with mayfly. are mayfly's own: take another name";
static const char detach_fault[] =
	"clearml-agent stays until the container ends and must see it: leave this out";

static const char *const pull_names[] = {
	[PULL_MISSING] = "missing", [PULL_ALWAYS] = "always", [PULL_NEVER] = "never"
};

const char *ticket_docker_pull_name(enum docker_pull_policy pull)
{
	return pull_names[pull];
}

enum docker_pull_policy ticket_docker_pull_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(pull_names); i++)
		if (strcmp(pull_names[i], name) == 0)
			return (enum docker_pull_policy)i;
	return PULL_MISSING;
}

const char *ticket_docker_image_fault(const char *image)
{
	if (!*image)
		return "is empty: expected the name of an image, such as python:3.11-slim";
	if (*image == '-')
		return "begins with a -, so docker would take it for an option: expected the name "
		       "of an image, such as python:3.11-slim";
	for (const char *at = image; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f)
			return "holds a blank: expected the name of one image, such as "
			       "python:3.11-slim (options go into arguments)";
	return NULL;
}

/* ---- words of docker run ---- */

static const struct {
	const char *option;
	bool is_beginning; /* of a family: --net, --network, --network-alias */
	const char *fault;
} refused[] = {
	{ "--rm", false, "clearml-agent says it already: leave it out" },
	{ "--name", false,
	  "a name fits one container, and every task gets these words: use a label instead" },
	{ "--detach", false, detach_fault },
	{ "--net", true, "use the field network instead" },
	{ "--gpus", false, "use the field gpus instead, which is shared out among the seats" },
};

/* Behind the letters that take no value ("-it"): the one that does, or the end. */
static const char *behind_switches(const char *word)
{
	if (word[0] != '-' || word[1] == '-')
		return "";
	return word + 1 + strspn(word + 1, "itPq");
}

static bool wants_label(const char *word)
{
	return strcmp(word, "--label") == 0 || strcmp(behind_switches(word), "l") == 0;
}

/* The text of the label that the word brings, "" when it brings none. */
static const char *label_in(const char *before, const char *word)
{
	static const char option[] = "--label=";
	const char *letters = behind_switches(word);

	if (before && wants_label(before))
		return word;
	if (strncmp(word, option, sizeof(option) - 1) == 0)
		return word + sizeof(option) - 1;
	if (*letters != 'l')
		return "";
	return letters + 1 + (letters[1] == '=');
}

static const char *option_fault(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		size_t len = strlen(refused[i].option);

		if (strncmp(word, refused[i].option, len) != 0)
			continue;
		if (refused[i].is_beginning || !word[len] || word[len] == '=')
			return refused[i].fault;
	}
	return *behind_switches(word) == 'd' ? detach_fault : NULL;
}

static const char *word_fault(const char *before, const char *word)
{
	if (!*word)
		return "is empty: docker would take it for the image";
	if (strcmp(word, "--") == 0 || (!before && *word != '-'))
		return "docker would take what stands here for the image: expected an option of "
		       "docker run";
	if (strncmp(label_in(before, word), ours, sizeof(ours) - 1) == 0)
		return label_fault;
	return option_fault(word);
}

const char *ticket_docker_arguments_fault(char *const *words, size_t *place)
{
	const char *before = NULL;

	for (size_t i = 0; words && words[i]; i++) {
		const char *fault = word_fault(before, words[i]);

		if (fault) {
			*place = i;
			return fault;
		}
		before = words[i];
	}
	return NULL;
}

static bool is_option(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-";

	return strncmp(text, "--", 2) == 0 && text[2] && strchr(letters, text[2]) &&
	       !text[strspn(text, allowed)];
}

const char *ticket_docker_allow_fault(char *const *options, size_t *place)
{
	for (size_t i = 0; options && options[i]; i++) {
		if (strcmp(options[i], "*") == 0 || is_option(options[i]))
			continue;
		*place = i;
		return "expected a long option without its value, such as --ipc, or * for all";
	}
	return NULL;
}
