#ifndef COMMON_AWS_CREDENTIALS_PART_H
#define COMMON_AWS_CREDENTIALS_PART_H

#include "common/aws_credentials.h"
#include "common/aws_profile.h"

/*
 * aws_credentials_part: the sources of the chain, one function each. Private to
 * aws_credentials*.c and aws_sts.c. ERROR_NOT_FOUND: this source is not set up
 * here, and the message says what is missing; any other failure ends the search.
 */

/* A search, and what all its parts look at. */
struct aws_quest {
	const struct aws_search *search;
	const struct aws_profiles *profiles;
	const char *profile; /* by name; never NULL */
};

CHECKED int aws_credentials_environment(const struct aws_quest *quest, struct aws_credentials *out,
					struct error *err);
CHECKED int aws_credentials_web(const struct aws_quest *quest, struct aws_credentials *out,
				struct error *err);
CHECKED int aws_credentials_profile(const struct aws_quest *quest, struct aws_credentials *out,
				    struct error *err);
CHECKED int aws_credentials_container(const struct aws_quest *quest, struct aws_credentials *out,
				      struct error *err);
CHECKED int aws_credentials_instance(const struct aws_quest *quest, struct aws_credentials *out,
				     struct error *err);

/* Keys of three texts; token may be empty. ERROR_CONFIGURATION: one is empty, too long, or holds a
 * blank or a control code (it is not repeated). */
struct aws_key_texts {
	struct slice id, secret, token;
};
CHECKED int aws_credentials_make(const struct aws_key_texts *texts, struct aws_keys *out,
				 struct error *err);

/* --- STS. */

struct aws_role {
	struct slice arn;
	struct slice external_id, session_name; /* empty: none; a name of ours */
	struct slice duration_s; /* digits; empty: STS's own default, an hour */
	const char *token_file; /* web identity; NULL: with keys */
};

/* With keys, or with the token in token_file (then keys may be NULL). By the endpoint of the region
 * that environment or profile name, else the global one. ERROR_DENIED, ERROR_CONFIGURATION,
 * ERROR_THROTTLED, ERROR_UNREACHABLE, ERROR_MALFORMED. */
CHECKED int aws_sts_assume(const struct aws_quest *quest, const struct aws_role *role,
			   const struct aws_keys *keys, struct aws_credentials *out,
			   struct error *err);

#endif
