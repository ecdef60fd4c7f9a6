#ifndef REAPER_PROVIDERS_AWS_SHAPES_H
#define REAPER_PROVIDERS_AWS_SHAPES_H

#include <stddef.h>
#include <stdint.h>

/*
 * aws_shapes: what the requests of EC2 that we make may hold, as botocore's model of EC2 says.
 * aws_shapes.c is written by `make write-aws-shapes` and holds numbers: names are places in
 * aws_shape_names, members lie one after the other in aws_shape_members. No shape holds itself.
 */

/* These are the places of the shapes of values in aws_shapes, too. */
enum aws_shape_kind {
	AWS_SHAPE_TEXT,
	AWS_SHAPE_INTEGER,
	AWS_SHAPE_BOOL,
	AWS_SHAPE_TIME, /* ISO 8601, in a text */
	AWS_SHAPE_LIST,
	AWS_SHAPE_OBJECT,
};

struct aws_shape {
	uint8_t kind;
	uint8_t count; /* of an object's members */
	uint16_t first; /* of an object: its first member; of a list: the shape of its items */
};

struct aws_shape_member {
	uint16_t name; /* boto3's */
	uint16_t query; /* in EC2's Query API */
	uint8_t shape;
};

struct aws_shape_action {
	uint16_t name;
	uint8_t shape; /* of its request: an object */
};

extern const char aws_shape_names[];
extern const struct aws_shape aws_shapes[];
extern const struct aws_shape_member aws_shape_members[];
extern const struct aws_shape_action aws_shape_actions[];
extern const size_t aws_shape_action_count;

#endif
