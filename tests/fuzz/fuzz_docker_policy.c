/*
 * The input is a task's docker arguments, a NUL, what the operator allows, a NUL, the operator's
 * own arguments. Properties: what is kept is, as docker reads it, options alone, each one harmless
 * (by a list of this file's own) or allowed by name, each with its value; and clearml-agent's
 * filter keeps the same by our patterns.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bootstrap/docker_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char values[] = " add-host cap-drop cpu-period cpu-quota cpu-shares cpus cpuset-cpus "
			     "dns dns-opt dns-option dns-search env hostname memory "
			     "memory-reservation memory-swap oom-score-adj pids-limit shm-size "
			     "stop-signal stop-timeout tmpfs ulimit user workdir ";
static const char switches[] = " init no-healthcheck read-only detach disable-content-trust help "
			       "interactive oom-kill-disable privileged publish-all quiet rm "
			       "sig-proxy tty use-api-socket ";
static const char harmless_switches[] = " init no-healthcheck read-only ";
static const char value_letters[] = "acehlmpuvw", switch_letters[] = "dPitq";
static const char harmless_letters[] = "cehmuw";

static bool has_name(const char *list, struct slice name)
{
	char padded[64];

	if (!name.len || name.len > sizeof(padded) - 3 || memchr(name.ptr, ' ', name.len))
		return false;
	padded[0] = ' ';
	memcpy(padded + 1, name.ptr, name.len);
	memcpy(padded + 1 + name.len, " ", 2);
	return strstr(list, padded);
}

/* By any name: which letter stands for which name is the unit test's. */
static bool has_allow(const struct docker_policy *policy)
{
	return policy->allow[0] != NULL;
}

static bool is_everything(const struct docker_policy *policy)
{
	for (char *const *item = policy->allow; *item; item++)
		if (!strcmp(*item, "*"))
			return true;
	return false;
}

/* How many words this option is, one or two. */
static size_t read_long(const struct docker_policy *policy, const char *word)
{
	const struct slice name = { word + 2, strcspn(word + 2, "=") };
	bool has_value = word[2 + name.len];

	assert(name.len && name.ptr[0] != '-');
	if (!has_allow(policy)) {
		assert(has_name(values, name) || has_name(harmless_switches, name));
		if (slice_equals(name, "oom-score-adj") && has_value)
			assert(word[3 + name.len] != '-');
	}
	return has_value || has_name(switches, name) ? 1 : 2;
}

static size_t read_letters(const struct docker_policy *policy, const char *word)
{
	if (!has_allow(policy))
		assert(strchr(harmless_letters, word[1]));
	assert(is_everything(policy) || strchr(value_letters, word[1]) || !word[2]);
	for (const char *letter = word + 1; *letter; letter++) {
		if (strchr(value_letters, *letter))
			return letter[1] ? 1 : 2;
		assert(strchr(switch_letters, *letter));
		if (letter[1] == '=' && letter[2])
			return 1;
	}
	return 1;
}

static void read_as_docker_does(const struct docker_policy *policy, const struct docker_words *kept)
{
	size_t at = 0;

	while (at < kept->count) {
		const char *word = kept->list[at];

		assert(word[0] == '-' && word[1]);
		at += word[1] == '-' ? read_long(policy, word) : read_letters(policy, word);
	}
	assert(at == kept->count);
}

/* re.match() of the few forms that our patterns have. */
static bool is_match(const char *pattern, const char *word)
{
	size_t len = strcspn(pattern + 1, "($");
	const char *rest = word + len, *end = pattern + 1 + len;

	assert(pattern[0] == '^');
	if (strncmp(word, pattern + 1, len) != 0)
		return false;
	if (!strcmp(end, "(=[0-9]|$)"))
		return !rest[0] || (rest[0] == '=' && rest[1] >= '0' && rest[1] <= '9');
	if (!strcmp(end, "(=|$)"))
		return !rest[0] || rest[0] == '=';
	assert(!end[0] || !strcmp(end, "$"));
	return !end[0] || !rest[0];
}

static bool is_any_match(const struct docker_words *patterns, const char *word)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (is_match(patterns->list[i], word))
			return true;
	return false;
}

/* clearml-agent's _filter_docker_args(); its strip() changes nothing in what we accept. */
static void filter_as_the_agent_does(const struct docker_policy *policy,
				     const struct docker_words *words,
				     const struct docker_words *kept)
{
	struct docker_words patterns = { 0 };
	size_t place = 0;

	docker_policy_patterns(policy, &patterns);
	assert(patterns.count);
	for (size_t at = 0; at < words->count; at++) {
		const char *word = words->list[at];

		if (!is_any_match(&patterns, word))
			continue;
		assert(place < kept->count && !strcmp(kept->list[place++], word));
		if (strchr(word, '=') || at + 1 == words->count || words->list[at + 1][0] == '-')
			continue;
		at++;
		assert(place < kept->count && !strcmp(kept->list[place++], words->list[at]));
	}
	assert(place == kept->count);
	docker_words_release(&patterns);
}

static void check(const struct docker_policy *policy, const struct docker_words *words)
{
	struct docker_words kept = { 0 };
	SCOPED(buf) struct buf refused = BUF(1024);
	struct error err = { 0 };

	if (docker_policy_filter(policy, words, &kept, &refused, &err) < 0) {
		assert(err.class == ERROR_REFUSED && err.message[0] && !kept.count && !refused.len);
		return;
	}
	assert((kept.count == words->count) == !refused.len);
	read_as_docker_does(policy, &kept);
	filter_as_the_agent_does(policy, words, &kept);
	docker_words_release(&kept);
}

/* The words up to the next NUL, as a list that ends with NULL; none when they cannot be split. */
static void take_words(struct slice *input, struct docker_words *out)
{
	const char *end = input->len ? memchr(input->ptr, '\0', input->len) : NULL;
	size_t len = end ? (size_t)(end - input->ptr) : input->len;
	struct error err = { 0 };

	if (docker_words_split((struct slice){ input->ptr, len }, out, &err) < 0)
		assert(err.class == ERROR_REFUSED && err.message[0] && !out->count);
	out->list = memory_grow(out->list, out->count + 1, sizeof(out->list[0]));
	out->list[out->count] = NULL;
	len += end != NULL;
	*input = (struct slice){ input->ptr + len, input->len - len };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct docker_words words = { 0 }, allow = { 0 }, arguments = { 0 };
	struct slice input = { (const char *)data, size };

	take_words(&input, &words);
	take_words(&input, &allow);
	take_words(&input, &arguments);
	const struct docker_policy policy = { allow.list, arguments.list };
	check(&policy, &words);
	docker_words_release(&words);
	docker_words_release(&allow);
	docker_words_release(&arguments);
	return 0;
}
