#include "bootstrap/docker_policy.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LEN = 40 };

/* What stands behind an option. */
enum takes {
	FLAG, /* nothing, or =true and =false */
	ONE, /* a value; of several the last one counts */
	MANY, /* a value; several add up */
};

enum risk {
	REFUSED, /* zero, so that a row that says nothing is refused */
	HARMLESS,
	HARMLESS_FROM_ZERO, /* below zero it is not: only values that begin with a digit */
};

struct option {
	const char *name;
	char letter; /* 0: none */
	enum takes takes;
	enum risk risk;
};

/* All of docker run up to 28.2, hidden ones included. */
static const struct option options[] = {
	{ "add-host", 0, MANY, HARMLESS },
	{ "annotation", 0, MANY, REFUSED },
	{ "attach", 'a', MANY, REFUSED },
	{ "blkio-weight", 0, ONE, REFUSED },
	{ "blkio-weight-device", 0, MANY, REFUSED },
	{ "cap-add", 0, MANY, REFUSED },
	{ "cap-drop", 0, MANY, HARMLESS },
	{ "cgroup-parent", 0, ONE, REFUSED },
	{ "cgroupns", 0, ONE, REFUSED },
	{ "cidfile", 0, ONE, REFUSED },
	{ "cpu-count", 0, ONE, REFUSED },
	{ "cpu-percent", 0, ONE, REFUSED },
	{ "cpu-period", 0, ONE, HARMLESS },
	{ "cpu-quota", 0, ONE, HARMLESS },
	{ "cpu-rt-period", 0, ONE, REFUSED },
	{ "cpu-rt-runtime", 0, ONE, REFUSED },
	{ "cpu-shares", 'c', ONE, HARMLESS },
	{ "cpus", 0, ONE, HARMLESS },
	{ "cpuset-cpus", 0, ONE, HARMLESS },
	{ "cpuset-mems", 0, ONE, REFUSED },
	{ "detach", 'd', FLAG, REFUSED },
	{ "detach-keys", 0, ONE, REFUSED },
	{ "device", 0, MANY, REFUSED },
	{ "device-cgroup-rule", 0, MANY, REFUSED },
	{ "device-read-bps", 0, MANY, REFUSED },
	{ "device-read-iops", 0, MANY, REFUSED },
	{ "device-write-bps", 0, MANY, REFUSED },
	{ "device-write-iops", 0, MANY, REFUSED },
	{ "disable-content-trust", 0, FLAG, REFUSED },
	{ "dns", 0, MANY, HARMLESS },
	{ "dns-opt", 0, MANY, HARMLESS },
	{ "dns-option", 0, MANY, HARMLESS },
	{ "dns-search", 0, MANY, HARMLESS },
	{ "domainname", 0, ONE, REFUSED },
	{ "entrypoint", 0, ONE, REFUSED },
	{ "env", 'e', MANY, HARMLESS },
	{ "env-file", 0, MANY, REFUSED },
	{ "expose", 0, MANY, REFUSED },
	{ "gpus", 0, MANY, REFUSED },
	{ "group-add", 0, MANY, REFUSED },
	{ "health-cmd", 0, ONE, REFUSED },
	{ "health-interval", 0, ONE, REFUSED },
	{ "health-retries", 0, ONE, REFUSED },
	{ "health-start-interval", 0, ONE, REFUSED },
	{ "health-start-period", 0, ONE, REFUSED },
	{ "health-timeout", 0, ONE, REFUSED },
	{ "help", 0, FLAG, REFUSED },
	{ "hostname", 'h', ONE, HARMLESS },
	{ "init", 0, FLAG, HARMLESS },
	{ "interactive", 'i', FLAG, REFUSED },
	{ "io-maxbandwidth", 0, ONE, REFUSED },
	{ "io-maxiops", 0, ONE, REFUSED },
	{ "ip", 0, ONE, REFUSED },
	{ "ip6", 0, ONE, REFUSED },
	{ "ipc", 0, ONE, REFUSED },
	{ "isolation", 0, ONE, REFUSED },
	{ "kernel-memory", 0, ONE, REFUSED },
	{ "label", 'l', MANY, REFUSED },
	{ "label-file", 0, MANY, REFUSED },
	{ "link", 0, MANY, REFUSED },
	{ "link-local-ip", 0, MANY, REFUSED },
	{ "log-driver", 0, ONE, REFUSED },
	{ "log-opt", 0, MANY, REFUSED },
	{ "mac-address", 0, ONE, REFUSED },
	{ "memory", 'm', ONE, HARMLESS },
	{ "memory-reservation", 0, ONE, HARMLESS },
	{ "memory-swap", 0, ONE, HARMLESS },
	{ "memory-swappiness", 0, ONE, REFUSED },
	{ "mount", 0, MANY, REFUSED },
	{ "name", 0, ONE, REFUSED },
	{ "net", 0, MANY, REFUSED },
	{ "net-alias", 0, MANY, REFUSED },
	{ "network", 0, MANY, REFUSED },
	{ "network-alias", 0, MANY, REFUSED },
	{ "no-healthcheck", 0, FLAG, HARMLESS },
	{ "oom-kill-disable", 0, FLAG, REFUSED },
	{ "oom-score-adj", 0, ONE, HARMLESS_FROM_ZERO },
	{ "pid", 0, ONE, REFUSED },
	{ "pids-limit", 0, ONE, HARMLESS },
	{ "platform", 0, ONE, REFUSED },
	{ "privileged", 0, FLAG, REFUSED },
	{ "publish", 'p', MANY, REFUSED },
	{ "publish-all", 'P', FLAG, REFUSED },
	{ "pull", 0, ONE, REFUSED },
	{ "quiet", 'q', FLAG, REFUSED },
	{ "read-only", 0, FLAG, HARMLESS },
	{ "restart", 0, ONE, REFUSED },
	{ "rm", 0, FLAG, REFUSED },
	{ "runtime", 0, ONE, REFUSED },
	{ "security-opt", 0, MANY, REFUSED },
	{ "shm-size", 0, ONE, HARMLESS },
	{ "sig-proxy", 0, FLAG, REFUSED },
	{ "stop-signal", 0, ONE, HARMLESS },
	{ "stop-timeout", 0, ONE, HARMLESS_FROM_ZERO },
	{ "storage-opt", 0, MANY, REFUSED },
	{ "sysctl", 0, MANY, REFUSED },
	{ "tmpfs", 0, MANY, HARMLESS },
	{ "tty", 't', FLAG, REFUSED },
	{ "ulimit", 0, ONE, HARMLESS }, /* several add up, but of one name the last one counts */
	{ "use-api-socket", 0, FLAG, REFUSED },
	{ "user", 'u', ONE, HARMLESS },
	{ "userns", 0, ONE, REFUSED },
	{ "uts", 0, ONE, REFUSED },
	{ "volume", 'v', MANY, REFUSED },
	{ "volume-driver", 0, ONE, REFUSED },
	{ "volumes-from", 0, MANY, REFUSED },
	{ "workdir", 'w', ONE, HARMLESS },
};

static const struct option *find_letter(char letter)
{
	for (size_t i = 0; letter && i < ARRAY_LEN(options); i++)
		if (options[i].letter == letter)
			return &options[i];
	return NULL;
}

static const struct option *find_name(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (slice_equals(name, options[i].name))
			return &options[i];
	return NULL;
}

/* The option that a word begins with, by either name; NULL: none that we know. */
static const struct option *find_word(const char *word)
{
	if (word[0] != '-' || !word[1])
		return NULL;
	if (word[1] != '-')
		return find_letter(word[1]);
	return find_name((struct slice){ word + 2, strcspn(word + 2, "=") });
}

/* ---- what the operator says ---- */

static bool is_everything(const struct docker_policy *policy)
{
	for (char *const *item = policy->allow; item && *item; item++)
		if (!strcmp(*item, "*"))
			return true;
	return false;
}

/* By exactly one of its names: what has a value in it names nothing. */
static bool is_named(const struct docker_policy *policy, const struct option *option)
{
	for (char *const *item = policy->allow; item && *item; item++) {
		const char *word = *item;
		bool is_long = word[0] == '-' && word[1] == '-' && !strcmp(word + 2, option->name);

		if (is_long ||
		    (option->letter && word[0] == '-' && word[1] == option->letter && !word[2]))
			return true;
	}
	return false;
}

/* The value of this option in the operator's word: attached, or the word after it. */
static const char *value_in(char *const *word, const struct option *option)
{
	const char *text = *word;
	size_t len = strcspn(text, "=");

	if (option->takes == FLAG)
		return "";
	if (text[1] == '-')
		return text[len] ? text + len + 1 : word[1] ? word[1] : "";
	if (!text[2])
		return word[1] ? word[1] : "";
	return text[2] == '=' ? text + 3 : text + 2;
}

const char *docker_policy_value(const struct docker_policy *policy, const char *option, size_t n)
{
	const struct option *wanted = find_word(option);

	for (char *const *word = policy->arguments; wanted && word && *word; word++)
		if (find_word(*word) == wanted && !n--)
			return value_in(word, wanted);
	return NULL;
}

static bool is_fixed(const struct docker_policy *policy, const struct option *option)
{
	if (option->takes == MANY)
		return false;
	for (char *const *word = policy->arguments; word && *word; word++)
		if (find_word(*word) == option)
			return true;
	return false;
}

static bool is_allowed(const struct docker_policy *policy, const struct option *option)
{
	if (is_everything(policy) || is_named(policy, option))
		return true;
	return option->risk != REFUSED && !is_fixed(policy, option);
}

/* Below zero only where the operator says so himself. */
static bool may_be_negative(const struct docker_policy *policy, const struct option *option)
{
	return option->risk != HARMLESS_FROM_ZERO || is_everything(policy) ||
	       is_named(policy, option);
}

static bool may_have_value(const struct docker_policy *policy, const struct option *option,
			   const char *value)
{
	return (value[0] >= '0' && value[0] <= '9') || may_be_negative(policy, option);
}

bool docker_policy_allows(const struct docker_policy *policy, const char *option)
{
	const struct option *found = find_word(option);
	size_t len = strcspn(option, "=");

	if (!found)
		return is_everything(policy);
	return is_allowed(policy, found) &&
	       (!option[len] || may_have_value(policy, found, option + len + 1));
}

/* ---- the filter ---- */

/* How docker reads one word that begins with "-". */
struct meaning {
	const struct option *option; /* NULL: none that we know */
	bool is_allowed;
	bool takes_next; /* the next word is its value */
	bool may_take_next; /* ... or perhaps: we do not know the option */
	const char *fault; /* NULL: it has a meaning */
};

/* Only what means nothing else in a regular expression. */
static bool is_unknown_name(const char *word)
{
	return !strncmp(word, "--", 2) && word[2] && word[2] != '-' && !find_word(word) &&
	       !word[strspn(word, "-0123456789abcdefghijklmnopqrstuvwxyz")];
}

/* An option that is newer than our table: only in one piece, and only where allow has it. */
static struct meaning read_unknown(const struct docker_policy *policy, const char *word)
{
	size_t len = strcspn(word, "=");
	struct meaning meaning = { .may_take_next = !word[len] };

	if (is_everything(policy)) {
		meaning.is_allowed = word[len] && word[1] == '-';
		if (!meaning.is_allowed)
			meaning.fault = "is an option that mayfly does not know: write it as "
					"--NAME=VALUE";
		return meaning;
	}
	for (char *const *item = policy->allow; word[len] && item && *item; item++)
		if (is_unknown_name(*item) && strlen(*item) == len && !strncmp(*item, word, len))
			meaning.is_allowed = true;
	return meaning;
}

static struct meaning read_long(const struct docker_policy *policy, const char *word)
{
	size_t len = strcspn(word, "=");
	const struct option *option = find_word(word);
	struct meaning meaning = { .option = option };

	if (len == 2 || word[2] == '-')
		return (struct meaning){ .fault = "is no option, and ends all options" };
	if (!option)
		return read_unknown(policy, word);
	meaning.takes_next = option->takes != FLAG && !word[len];
	meaning.is_allowed = docker_policy_allows(policy, word);
	return meaning;
}

/* Several letters in one word, of which the first ones are flags. */
static struct meaning read_cluster(const struct docker_policy *policy, const struct option *first,
				   const char *word)
{
	struct meaning meaning = { .option = first };

	meaning.is_allowed = word[2] ? is_everything(policy) : is_allowed(policy, first);
	for (const char *letter = word + 1; *letter; letter++) {
		const struct option *option = find_letter(*letter);

		if (!option)
			return read_unknown(policy, "-");
		if (option->takes != FLAG) {
			meaning.takes_next = !letter[1];
			break;
		}
		if (letter[1] == '=' && letter[2])
			break;
	}
	return meaning;
}

static struct meaning read_option(const struct docker_policy *policy, const char *word)
{
	const struct option *option = find_word(word);

	if (!word[1])
		return (struct meaning){ .fault = "is a lone -" };
	if (word[1] == '-')
		return read_long(policy, word);
	if (!option)
		return read_unknown(policy, word);
	if (option->takes == FLAG)
		return read_cluster(policy, option, word);
	return (struct meaning){ .option = option,
				 .takes_next = !word[2],
				 .is_allowed = is_allowed(policy, option) };
}

struct filtering {
	const struct docker_policy *policy;
	struct docker_words kept;
	struct buf refused;
	bool has_refused[ARRAY_LEN(options)]; /* each one is told once */
};

/* Of an option that is not ours the name alone is told: what follows may be a secret. */
static void tell_refused(struct filtering *filtering, const struct option *option, const char *word)
{
	static const char plain[] = "-_0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t len = strspn(word, plain), most = word[1] == '-' ? NAME_MAX_LEN : 2;

	if (option && filtering->has_refused[option - options])
		return;
	if (option)
		filtering->has_refused[option - options] = true;
	buf_addf(&filtering->refused, "%s", filtering->refused.len ? ", " : "");
	if (option)
		buf_addf(&filtering->refused, "--%s", option->name);
	else
		buf_addf(&filtering->refused, "%.*s", (int)(len < most ? len : most), word);
}

static int refuse_word(size_t at, const char *why, struct error *err)
{
	return error_set(err, ERROR_REFUSED, "docker arguments: word %zu %s", at + 1, why);
}

/* *at: the option; afterwards the word that follows it and its value. */
static int filter_option(struct filtering *filtering, const struct docker_words *words, size_t *at,
			 struct error *err)
{
	const char *word = words->list[*at];
	const char *next = *at + 1 < words->count ? words->list[*at + 1] : NULL;
	struct meaning meaning = read_option(filtering->policy, word);
	bool has_value = next && next[0] != '-' && (meaning.takes_next || meaning.may_take_next);

	if (meaning.fault)
		return refuse_word(*at, meaning.fault, err);
	if (meaning.takes_next && !has_value)
		return error_set(err, ERROR_REFUSED,
				 "docker arguments: word %zu (--%s) has no value: write a value "
				 "that begins with - as --%s=VALUE",
				 *at + 1, meaning.option->name, meaning.option->name);
	if (meaning.is_allowed)
		docker_words_add(&filtering->kept, word);
	else
		tell_refused(filtering, meaning.option, word);
	if (meaning.is_allowed && has_value)
		docker_words_add(&filtering->kept, next);
	*at += has_value ? 2 : 1;
	return 0;
}

/* By these it is found again, whatever allow says. */
static bool is_name_of_ours(const char *word)
{
	static const char *const before[] = { "", "-e", "-e=", "--env=", "-l", "-l=", "--label=" };
	static const char *const names[] = { "MAYFLY_", "mayfly.instance", "mayfly.run",
					     "mayfly.role" };

	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		size_t len = strlen(before[i]);

		if (strncmp(word, before[i], len) != 0)
			continue;
		for (size_t j = 0; j < ARRAY_LEN(names); j++)
			if (!strncmp(word + len, names[j], strlen(names[j])))
				return true;
	}
	return false;
}

static int filter_all(struct filtering *filtering, const struct docker_words *words,
		      struct error *err)
{
	for (size_t i = 0; i < words->count; i++) {
		const char *fault = docker_word_fault(words->list[i]);

		if (fault)
			return refuse_word(i, fault, err);
		if (is_name_of_ours(words->list[i]))
			return refuse_word(i, "has a name that mayfly sets itself: take it out",
					   err);
	}
	for (size_t at = 0; at < words->count;) {
		if (words->list[at][0] != '-')
			return refuse_word(at,
					   "belongs to no option: docker would take it for the "
					   "image's name",
					   err);
		if (filter_option(filtering, words, &at, err) < 0)
			return -1;
	}
	return 0;
}

int docker_policy_filter(const struct docker_policy *policy, const struct docker_words *words,
			 struct docker_words *kept, struct buf *refused, struct error *err)
{
	struct filtering filtering = { .policy = policy, .refused = BUF(1024) };
	int result = filter_all(&filtering, words, err);

	if (!result && kept) {
		*kept = filtering.kept;
		filtering.kept = (struct docker_words){ 0 };
	}
	if (!result && refused)
		buf_add(refused, buf_slice(&filtering.refused));
	docker_words_release(&filtering.kept);
	buf_release(&filtering.refused);
	return result;
}

/* ---- the same for clearml-agent ---- */

/* It calls match(), which is anchored at the start alone, with one word without blanks around. */
static void add_pattern(struct docker_words *out, const char *begin, struct slice name,
			const char *end)
{
	SCOPED(buf) struct buf text = BUF(256);

	buf_addf(&text, "%s%.*s%s", begin, (int)name.len, name.ptr, end);
	if (!text.overflowed)
		docker_words_add(out, buf_text(&text));
}

static void add_option_patterns(const struct docker_policy *policy, const struct option *option,
				struct docker_words *out)
{
	bool is_flag = option->takes == FLAG;

	add_pattern(out, "^--", slice_of(option->name),
		    may_be_negative(policy, option) ? "(=|$)" : "(=[0-9]|$)");
	if (option->letter)
		add_pattern(out, "^-", (struct slice){ &option->letter, 1 }, is_flag ? "$" : "");
}

void docker_policy_patterns(const struct docker_policy *policy, struct docker_words *out)
{
	if (is_everything(policy)) {
		docker_words_add(out, "^-");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (is_allowed(policy, &options[i]))
			add_option_patterns(policy, &options[i], out);
	for (char *const *item = policy->allow; item && *item; item++)
		if (is_unknown_name(*item))
			add_pattern(out, "^", slice_of(*item), "=");
}
