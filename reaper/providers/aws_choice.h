#ifndef REAPER_PROVIDERS_AWS_CHOICE_H
#define REAPER_PROVIDERS_AWS_CHOICE_H

#include "reaper/providers/aws_answer.h"
#include "reaper/providers/aws_session.h"

/*
 * aws_choice: which image a resource's machines start from: aws.image as an id,
 * by an SSM parameter, or by name; and its root device where the settings of
 * the disk need it. What was found is good for a minute: a pass asks once.
 *
 * An image that is named by anything but its id may change between a launch
 * and its repeat. EC2 then sees another request with the same ClientToken and
 * refuses it (LAUNCH_KEY_DIFFERS): never a second machine.
 */

CHECKED int aws_choice_image(const struct resource *resource, const struct aws_place *place,
			     struct aws_image *out, struct error *err);

/* The same, asked anew, and described whatever names it: whether it exists, and its architecture.
 */
CHECKED int aws_choice_described(const struct resource *resource, const struct aws_place *place,
				 struct aws_image *out, struct error *err);

#endif
