#ifndef COMMON_AWS_PROFILE_H
#define COMMON_AWS_PROFILE_H

#include "common/buf.h"

/*
 * aws_profile: the files that AWS's tools share (SDKs and Tools Reference
 * Guide, "Shared config and credentials files" and "File format"): sections in
 * brackets, "name = value" below them, indented lines that belong to the one
 * above. The whole texts are kept, and wiped on release; what is found is
 * borrowed from them. So read, look, and release.
 *
 *   ~/.aws/config       AWS_CONFIG_FILE              [default] [profile NAME] [services NAME]
 *   ~/.aws/credentials  AWS_SHARED_CREDENTIALS_FILE  [NAME]
 *
 * What the credentials file says of a profile goes before the configuration.
 * Names of keys are compared without case, those of sections with. A section
 * that comes twice is one; of a key that comes twice the last one counts. A '#'
 * or ';' begins a comment at a line's start and behind a blank.
 */

enum { AWS_PROFILE_FILE_BYTES = 1 << 20 };

struct aws_profiles {
	struct buf config, credentials;
	char config_path[256], credentials_path[256]; /* for messages; "": no HOME, no variable */
};

/* Absent files are empty. ERROR_CONFIGURATION: a line makes no sense (told by path and line, its
 * text is not repeated), the file is too large, or cannot be read. *out is to be released. */
CHECKED int aws_profiles_load(struct aws_profiles *out, struct error *err);
void aws_profiles_release(struct aws_profiles *profiles);

/* Whether every line of a file makes sense. ERROR_CONFIGURATION: "line 3: ...". */
CHECKED int aws_profile_check(struct slice text, struct error *err);

/* Whether either file has that section, if only an empty one. */
bool aws_profile_exists(const struct aws_profiles *profiles, const char *profile);

/* Of a profile: blanks around it are left out, line ends of a continued value are not. False:
 * absent or empty, and *out is left alone. */
bool aws_profile_find(const struct aws_profiles *profiles, const char *profile, const char *key,
		      struct slice *out);

/* Of [services SECTION]: the key indented below "service =". */
bool aws_profile_find_service(const struct aws_profiles *profiles, struct slice section,
			      const char *service, const char *key, struct slice *out);

#endif
