#ifndef REAPER_PROVIDERS_AWS_FAULT_H
#define REAPER_PROVIDERS_AWS_FAULT_H

#include "reaper/providers/provider.h"

/*
 * aws_fault: what AWS says when it will not, or cannot, do something: the code
 * becomes our error class by a table, the text becomes words for a person.
 *
 * Codes: docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, and
 * those of SSM's common errors. A code that the table does not know is judged by its
 * form ("Invalid..." is the configuration's) and then by the HTTP status: a 5xx says
 * nothing of whether it was done (ERROR_UNREACHABLE), any other 4xx that it was not.
 */

enum { AWS_CODE_ROOM = 96, AWS_TEXT_ROOM = 1024 };

struct aws_fault {
	long status; /* of HTTP */
	char code[AWS_CODE_ROOM]; /* "InsufficientInstanceCapacity"; "": it said none */
	char text[AWS_TEXT_ROOM]; /* its words, cut */
};

/* Reads the body of any answer but a 2xx: XML as EC2, STS and S3 write it, or SSM's JSON. Whatever
 * makes no sense leaves code empty. */
void aws_fault_read(long status, struct slice body, struct aws_fault *out);

/* Fills *err and returns -1. action is "RunInstances", service "ec2": for the permission that is
 * missing. */
int aws_fault_set(const struct aws_fault *fault, const char *service, const char *action,
		  struct error *err);

enum launch_key aws_fault_key(const struct aws_fault *fault); /* what it says of the ClientToken */

/* "You can currently get ... or choosing us-east-1b, us-east-1c.": the zones, as of
 * struct launch. None where the text names none. */
void aws_fault_zones(const char *text, char (*zones)[TICKET_FIELD_ROOM]);

/* Why an instance ended, in words, by its StateReason: "" where it ended as machines shall: by
 * its own power-off, or by TerminateInstances. */
void aws_fault_end(const char *code, const char *text, char *out, size_t room);

#endif
