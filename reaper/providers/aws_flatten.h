#ifndef REAPER_PROVIDERS_AWS_FLATTEN_H
#define REAPER_PROVIDERS_AWS_FLATTEN_H

#include "common/json.h"

/*
 * aws_flatten: a request as boto3 takes it, in JSON, to the parameters of EC2's Query API:
 * {"SecurityGroupIds": ["sg-1"]} to "&SecurityGroupId.1=sg-1". Which names and kinds there are is
 * in aws_shapes.h. Values are judged by kind alone: that an enumeration's value exists, that a
 * required parameter is there, EC2 says itself, and knows newer ones than we.
 */

/*
 * Appends "&Name=value" for each value of the request, in its order, percent-encoded (what RFC
 * 3986 leaves unreserved stands as it is); an empty list or object adds nothing. Action and
 * Version are the caller's. A text is sent as it is: UserData must be base64 already, which boto3
 * would make it. On an error nothing is appended.
 * ERROR_CONFIGURATION: an unknown parameter or another kind of value than EC2's, with the path as
 * boto3 writes it (NetworkInterfaces[0].Groups); an action that we never make.
 * ERROR_MALFORMED: more than the limit of out.
 */
CHECKED int aws_flatten(const char *action, const struct json *request, struct buf *out,
			struct error *err);

#endif
