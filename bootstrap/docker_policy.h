#ifndef BOOTSTRAP_DOCKER_POLICY_H
#define BOOTSTRAP_DOCKER_POLICY_H

#include "bootstrap/docker_words.h"
#include "common/json.h"

/*
 * docker_policy: which options of docker run a task may bring. Pure.
 *
 * One table of all options says what each one takes and whether it is harmless
 * (environment, limits, names inside the container). What is not harmless is
 * refused unless the operator's allow names the option. The policy has three
 * forms, each of which would be enough if the others were not there:
 *
 *   docker_policy_filter()   reads the task's words before its agent starts
 *   docker_policy_patterns() what clearml-agent does the same with
 *                            (agent.docker_args_filters in clearml.conf)
 *   docker_policy_check()    looks at the container that the engine made
 *
 * Of the words that the filter accepts, clearml-agent keeps by these patterns
 * exactly what the filter keeps (tests/contract/test_docker_policy.py holds the
 * two together). What it would keep otherwise than docker reads it, the filter
 * refuses altogether: a word that stands alone would become the image's name,
 * an option without its value would swallow the next one.
 *
 * clearml-agent lets tasks' options follow the operator's, and to docker the
 * last one counts. So what the operator's own arguments set once (--memory 8g)
 * is not harmless any more in a task, unless allow names it.
 *
 * Files: docker_policy.c (table, filter, patterns), docker_policy_check.c.
 */

struct docker_policy {
	char *const *allow; /* of the ticket: "--ipc", "-v", "*"; NULL: nothing more */
	char *const *arguments; /* the operator's own, for every container; NULL: none */
};

/*
 * kept: the words that docker may be given; refused: the options that are left out, "--ipc,
 * --volume", for a message (of BUF(1024) at least). Both may be NULL.
 * ERROR_REFUSED: the words cannot be given to clearml-agent at all, the message says which one
 * is wrong and what to write instead; then kept and refused are as they were.
 */
CHECKED int docker_policy_filter(const struct docker_policy *policy,
				 const struct docker_words *words, struct docker_words *kept,
				 struct buf *refused, struct error *err);

/* Regular expressions of python, for agent.docker_args_filters: never none, since clearml-agent
 * takes an empty list for "all". */
void docker_policy_patterns(const struct docker_policy *policy, struct docker_words *out);

/* May a task bring this option ("--ipc", "-v", "--oom-score-adj=5")? By either of its names, and
 * allow may name it by either. */
bool docker_policy_allows(const struct docker_policy *policy, const char *option);

/* The n-th value (from 0) that the operator's own arguments give to this option, "" of a switch;
 * NULL: they have it no more than n times. Borrowed. */
const char *docker_policy_value(const struct docker_policy *policy, const char *option, size_t n);

/* What a task's container may be, beside what the policy allows. */
struct docker_rules {
	struct docker_policy policy;
	const char *folder; /* of the seat, on the host: binds from below it are ours */
	const char *network; /* "bridge" */
	const char *image; /* the one that the task was to run in, as named; NULL: any */
	const char *gpus; /* what the seat has: "0,1" (ids or UUIDs), "all"; NULL or "": none */
	const char *runtime; /* the engine's default one; NULL: "runc" */
	const char *mark; /* "MAYFLY_RUN=...": in its environment, as we gave it; NULL: none */
	const char *const *labels; /* "name=value": ours, all there; NULL-terminated */
	bool has_private_cgroups; /* cgroup v2: a container's cgroup namespace is its own */
};

/*
 * inspect: the engine's answer to GET /containers/ID/json. ERROR_REFUSED: the first thing that
 * is beyond the rules, as a sentence; ERROR_MALFORMED: it is no such answer. What the operator's
 * own arguments ask for is within the rules, value for value.
 */
CHECKED int docker_policy_check(const struct json *inspect, const struct docker_rules *rules,
				struct error *err);

#endif
