/* The sources that are services beside the program: a container's, and the instance's own. */
#include "common/aws_credentials_part.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/aws_endpoint.h"
#include "common/aws_imds.h"
#include "common/file.h"

enum {
	INSTANCE_TIMEOUT_MS = 4000, /* the SDKs wait a second; nobody is there on most hosts */
	CONTAINER_TIMEOUT_MS = 20000,
	CONTAINER_ATTEMPT_MS = 5000,
	ANSWER_MAX = 64 << 10,
	TOKEN_MAX = 16 << 10,
	URL_ROOM = 1024,
};

/* --- The container's. */

/* SDKs and Tools Reference Guide, "Container credential provider": over plain HTTP the keys go
 * through nobody's network: loopback, the ECS agent, the EKS Pod Identity agent. */
static const char *const plain_hosts[] = { "localhost",	    "127.0.0.1",      "[::1]",
					   "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]" };

static int check_host(const char *url, struct error *err)
{
	if (!strncasecmp(url, "https://", 8))
		return 0;
	if (strncasecmp(url, "http://", 7) != 0)
		return error_set(
			err, ERROR_CONFIGURATION,
			"AWS_CONTAINER_CREDENTIALS_FULL_URI is no http:// or https:// URL");
	const char *host = url + 7;
	size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#@");

	for (size_t i = 0; i < ARRAY_LEN(plain_hosts); i++)
		if (len == strlen(plain_hosts[i]) && !strncasecmp(host, plain_hosts[i], len) &&
		    (!host[len] || strchr(":/?#", host[len])))
			return 0;
	return error_set(err, ERROR_CONFIGURATION,
			 "AWS_CONTAINER_CREDENTIALS_FULL_URI: plain http:// is for this host and "
			 "the agents of ECS and EKS alone, use https://");
}

static int find_url(char out[static URL_ROOM], struct error *err)
{
	const char *relative = aws_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = aws_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	int len;

	if (!relative && !full)
		return error_set(err, ERROR_NOT_FOUND,
				 "AWS_CONTAINER_CREDENTIALS_FULL_URI is not set");
	if (relative && *relative != '/')
		return error_set(err, ERROR_CONFIGURATION,
				 "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with a /");
	if (relative)
		len = snprintf(out, URL_ROOM, "http://169.254.170.2%s", relative);
	else
		len = snprintf(out, URL_ROOM, "%s", full);
	if (len >= URL_ROOM)
		return error_set(err, ERROR_CONFIGURATION, "the container's URI is too long");
	return check_host(out, err);
}

/* "Authorization: TOKEN", or nothing. The file goes before the variable: it is renewed. */
static int find_token(struct buf *line, struct error *err)
{
	const char *path = aws_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	SCOPED(buf) struct buf token = BUF(TOKEN_MAX);

	if (path && file_read(path, &token, err) < 0) {
		err->class = ERROR_CONFIGURATION;
		return error_wrap(err, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	}
	if (!path)
		buf_add(&token, slice_of(aws_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")));
	size_t len = strcspn(buf_text(&token), "\r\n");

	if (!len)
		return 0;
	buf_add(line, slice_of("Authorization: "));
	buf_add(line, (struct slice){ buf_text(&token), len });
	return buf_finish(line, err);
}

static int judge(const struct http_answer *answer, struct error *err)
{
	if (answer->status == 200)
		return 0;
	return error_set(err, answer->status >= 500 ? ERROR_UNREACHABLE : ERROR_DENIED,
			 "the container's service answered with status %ld", answer->status);
}

int aws_credentials_container(const struct aws_quest *quest, struct aws_credentials *out,
			      struct error *err)
{
	SCOPED(buf) struct buf token = BUF(TOKEN_MAX + URL_ROOM);
	SCOPED(http_answer) struct http_answer answer = { 0 };
	const char *lines[] = { NULL, NULL };
	char url[URL_ROOM];
	const struct http_request request = { .method = "GET",
					      .url = url,
					      .headers = lines,
					      .timeout_ms = CONTAINER_TIMEOUT_MS,
					      .attempt_timeout_ms = CONTAINER_ATTEMPT_MS,
					      .max_answer_bytes = ANSWER_MAX,
					      .may_repeat = true,
					      .is_direct = true };

	if (find_url(url, err) < 0 || find_token(&token, err) < 0)
		return -1;
	if (token.len)
		lines[0] = buf_text(&token);
	if (http_exchange(quest->search->http, &request, &answer, err) < 0 ||
	    judge(&answer, err) < 0)
		return -1;
	return aws_credentials_read(buf_slice(&answer.body), out, err);
}

/* --- The instance's. */

#define ROLE_PATH "/latest/meta-data/iam/security-credentials/"

/* Where no service of EC2's is, or no role, this source is not set up. */
static int judge_absence(struct error *err)
{
	switch (err->class) {
	case ERROR_NOT_FOUND:
		return error_set(err, ERROR_NOT_FOUND, "no role is attached to it");
	case ERROR_UNREACHABLE:
		return error_set(err, ERROR_NOT_FOUND,
				 "no metadata service answers (not on EC2, or in a container "
				 "behind its hop limit)");
	case ERROR_MALFORMED:
		return error_set(err, ERROR_NOT_FOUND,
				 "what answers is no metadata service of EC2's");
	default:
		return -1;
	}
}

/* The path of the role's keys. */
static int ask_role(struct aws_imds *imds, struct buf *path, struct error *err)
{
	SCOPED(buf) struct buf role = BUF(128);

	if (aws_imds_get(imds, ROLE_PATH, INSTANCE_TIMEOUT_MS, &role, err) < 0)
		return judge_absence(err);
	const char *name = buf_text(&role);
	size_t len = strcspn(name, "\r\n");

	if (!len || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789+=,.@_-") != len)
		return error_set(err, ERROR_MALFORMED, "the metadata service names no role");
	buf_add(path, slice_of(ROLE_PATH));
	buf_add(path, (struct slice){ name, len });
	return buf_finish(path, err);
}

static int ask_keys(struct aws_imds *imds, struct aws_credentials *out, struct error *err)
{
	SCOPED(buf) struct buf path = BUF(256), answer = BUF(ANSWER_MAX);

	if (ask_role(imds, &path, err) < 0)
		return -1;
	if (aws_imds_get(imds, buf_text(&path), INSTANCE_TIMEOUT_MS, &answer, err) < 0) {
		/* It was named just now: its keys will come. */
		if (err->class == ERROR_NOT_FOUND)
			err->class = ERROR_UNREACHABLE;
		return -1;
	}
	return aws_credentials_read(buf_slice(&answer), out, err);
}

int aws_credentials_instance(const struct aws_quest *quest, struct aws_credentials *out,
			     struct error *err)
{
	struct aws_imds *imds = NULL;

	if (aws_imds_is_disabled())
		return error_set(err, ERROR_NOT_FOUND, "AWS_EC2_METADATA_DISABLED is true");
	if (aws_imds_open(quest->search->http, &imds, err) < 0)
		return -1;
	int result = ask_keys(imds, out, err);

	aws_imds_close(imds);
	return result;
}
