#ifndef REAPER_PROVIDERS_AWS_ANSWER_H
#define REAPER_PROVIDERS_AWS_ANSWER_H

#include "reaper/providers/provider.h"

/*
 * aws_answer: EC2's good answers, XML into records. Pure: bytes in, records
 * out. Element names are EC2's; namespaces and the root's name count nothing.
 * ERROR_MALFORMED: it is no XML, or lacks what every answer of its kind has;
 * nothing is then to be decided from any part of it.
 *
 * Our tags: mayfly:prefix, mayfly:resource, mayfly:slot, mayfly:generation.
 */

#define AWS_TAG_PREFIX "mayfly:prefix"
#define AWS_TAG_RESOURCE "mayfly:resource"
#define AWS_TAG_SLOT "mayfly:slot"
#define AWS_TAG_GENERATION "mayfly:generation"

struct xml;

/* Of anything that has a tagSet; "" where it has no such tag. */
const char *aws_answer_tag(const struct xml *item, const char *name);
/* false: they make no sense, so it was not made by us. */
bool aws_answer_tags(const struct xml *item, char resource[static TICKET_FIELD_ROOM],
		     unsigned *slot, unsigned *generation);

/* One page of DescribeInstances: what bears our prefix is added to fleet; next is the token of the
 * next page, empty after the last one. An instance with our prefix whose other tags make no sense
 * was not made by us: it is left out, and the log warns of it. */
CHECKED int aws_answer_instances(struct slice body, const char *prefix, struct fleet *fleet,
				 struct buf *next, struct error *err);

/* RunInstances: the id; is_over: it has ended already, so it is that of an earlier launch. */
CHECKED int aws_answer_launched(struct slice body, char id[static TICKET_FIELD_ROOM], bool *is_over,
				struct error *err);

/* GetConsoleOutput: the end of the text, as much as out has room for. "" where there is none yet.
 */
CHECKED int aws_answer_console(struct slice body, struct buf *out, struct error *err);

struct aws_image {
	char id[TICKET_FIELD_ROOM];
	/* "/dev/xvda", "x86_64"; "" where it was not asked for. */
	char root_device[TICKET_FIELD_ROOM], architecture[16];
};

/* DescribeImages: of the available ones the newest by its creation date, of two as old the one with
 * the greater id: the same list gives the same image, however it is ordered. ERROR_NOT_FOUND: there
 * is none. */
CHECKED int aws_answer_image(struct slice body, struct aws_image *out, struct error *err);

#endif
