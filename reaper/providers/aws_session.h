#ifndef REAPER_PROVIDERS_AWS_SESSION_H
#define REAPER_PROVIDERS_AWS_SESSION_H

#include "common/aws.h"
#include "common/json.h"
#include "reaper/providers/aws_fault.h"

/*
 * aws_session: the accounts that resources live in, each opened at the first
 * question and kept to the end of the program (one for each profile and role),
 * and how EC2 is asked in one of its regions.
 */

struct aws_place {
	struct aws *aws; /* borrowed */
	char region[AWS_REGION_ROOM];
};

/* Where an offering is: its region; else that of its zone's name; else the chain's (aws.h). */
CHECKED int aws_session_place(const struct resource *resource, const struct offering *offering,
			      struct aws_place *out, struct error *err);

/* Every region that a resource's offerings are in, once, in their order; out has
 * SETTINGS_MAX_OFFERINGS of room. */
CHECKED int aws_session_places(const struct resource *resource, struct aws_place *out,
			       size_t *count, struct error *err);

/* Are both in the same account and the same regions, as far as the settings say? Nobody is asked.
 */
bool aws_session_is_same(const struct resource *a, const struct resource *b);

struct aws_question {
	const char *action; /* "DescribeInstances" */
	const struct json *request; /* in boto3's form */
	int64_t timeout_ms; /* for all tries of it */
	size_t max_answer_bytes;
};

/* 0: a good answer. What EC2 refuses is an error by its code (aws_fault.h), and in fault, which may
 * be NULL; a fault without a status: no answer came. */
CHECKED int aws_session_ask(const struct aws_place *place, const struct aws_question *question,
			    struct http_answer *answer, struct aws_fault *fault, struct error *err);

/* The same question in several regions at once, each with its own outcome. */
void aws_session_ask_all(const struct aws_place *places, size_t count,
			 const struct aws_question *question, struct http_answer *answers,
			 struct error *errors);

/* Of SSM: the value of a parameter. ERROR_CONFIGURATION: there is none of this name. */
CHECKED int aws_session_parameter(const struct aws_place *place, const char *name, struct buf *out,
				  struct error *err);

#endif
