#ifndef COMMON_BUNDLE_READER_H
#define COMMON_BUNDLE_READER_H

#include "common/bundle.h"
#include "common/json.h"

/*
 * bundle_reader: how the parts of a bundle are read from the JSON that passed
 * the schema, with messages that say line and path, and never a value. Private
 * to bundle*.c.
 */

struct bundle_reader {
	struct slice text; /* of the whole: for the line in a message */
	const char *source;
	char path[192]; /* of the object whose members are read now; "": the root */
	size_t index; /* of the list's item that is read now */
};

/* member: of the object at path; NULL: itself. Returns -1, ERROR_CONFIGURATION. */
int bundle_refuse(const struct bundle_reader *reader, const char *member, struct error *err,
		  const char *fmt, ...) PRINTF(4, 5);

/* The items of a list that may also be one object, one by one: before is the last one, NULL at
 * first. Sets path, to name or name[index]. NULL: no more; path is the root's again. */
const struct json *bundle_next(struct bundle_reader *reader, const char *name,
			       const struct json *value, const struct json *before);
size_t bundle_count(const struct json *value); /* of those items */

/* The members of an object in the same way, with path set to name.MEMBER. */
const struct json *bundle_next_named(struct bundle_reader *reader, const char *name,
				     const struct json *object, const struct json *before);

/* A member's text into a field; absent leaves it as it is. A line: printable ASCII. */
CHECKED int bundle_read_name(const struct bundle_reader *reader, const struct json *from,
			     const char *member, char *field, size_t room, struct error *err);
CHECKED int bundle_read_line(const struct bundle_reader *reader, const struct json *from,
			     const char *member, char *field, size_t room, struct error *err);

/* The same into a secret. */
CHECKED int bundle_read_secret(const struct bundle_reader *reader, const struct json *from,
			       const char *member, struct secret *out, struct error *err);
CHECKED int bundle_read_secret_line(const struct bundle_reader *reader, const struct json *from,
				    const char *member, struct secret *out, struct error *err);

bool bundle_is_server(const char *text); /* a host, also [IPv6], and perhaps :port */

/* The parts. root is the whole document; out is filled as far as it came, also on failure. */
CHECKED int bundle_read_extra_conf(struct bundle_reader *reader, const struct json *root,
				   struct bundle *out, struct error *err);
/* After extra_conf, which may turn ask-pass off. */
CHECKED int bundle_read_git(struct bundle_reader *reader, const struct json *root,
			    struct bundle *out, struct error *err);
CHECKED int bundle_read_ssh(struct bundle_reader *reader, const struct json *root,
			    struct bundle *out, struct error *err);
CHECKED int bundle_read_storage(struct bundle_reader *reader, const struct json *root,
				struct bundle *out, struct error *err);
/* environment, and files after git, whose netrc file is not to be among them */
CHECKED int bundle_read_task(struct bundle_reader *reader, const struct json *root,
			     struct bundle *out, struct error *err);
CHECKED int bundle_read_registries(struct bundle_reader *reader, const struct json *root,
				   struct bundle *out, struct error *err);

#endif
