#include "tests/unit/support/aws_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/buf.h"
#include "common/file.h"

enum { TEXT_BYTES = 1 << 14 };

extern char **environ;

/* Every variable that begins with AWS_. */
static void forget_variables(void)
{
	for (bool is_gone = false; !is_gone;) {
		is_gone = true;
		for (char **at = environ; *at; at++) {
			char name[256];

			if (strncmp(*at, "AWS_", 4) != 0)
				continue;
			(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(*at, "="), *at);
			unsetenv(name);
			is_gone = false;
			break;
		}
	}
}

static void fill_in(const struct aws_bench *bench, const char *text, struct buf *out)
{
	while (*text) {
		if (!strncmp(text, "URL", 3) && (text[3] != '_' && text[3] != '=')) {
			buf_add(out, slice_of(bench->peer.url));
			text += 3;
		} else if (!strncmp(text, "HOME", 4)) {
			buf_add(out, slice_of(bench->home));
			text += 4;
		} else {
			buf_add(out, (struct slice){ text++, 1 });
		}
	}
}

static void set_variable(const struct aws_bench *bench, const char *pair)
{
	SCOPED(buf) struct buf value = BUF(TEXT_BYTES);
	char name[128];
	size_t len = strcspn(pair, "=");

	(void)snprintf(name, sizeof(name), "%.*s", (int)len, pair);
	fill_in(bench, pair + len + 1, &value);
	setenv(name, buf_text(&value), 1);
}

static void write_file(const struct aws_bench *bench, const char *name, const char *text)
{
	SCOPED(buf) struct buf filled = BUF(TEXT_BYTES);
	struct error err;

	if (!text)
		return;
	fill_in(bench, text, &filled);
	if (file_write(scratch_path(bench->home, name), buf_slice(&filled), 0600, &err) < 0)
		fail_msg("%s", err.message);
}

void aws_bench_begin(struct aws_bench *bench, const struct aws_surroundings *surroundings)
{
	size_t count = 0;

	bench->when = surroundings->when;
	scratch_make(bench->home);
	while (count < AWS_BENCH_STEPS && surroundings->steps[count].expect[0])
		count++;
	bench->peer = http_peer_start(surroundings->steps, count, NULL);
	forget_variables();
	setenv("HOME", bench->home, 1);
	setenv("AWS_ENDPOINT_URL", bench->peer.url, 1);
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", bench->peer.url, 1);
	assert_int_equal(mkdir(scratch_path(bench->home, ".aws"), 0700), 0);
	write_file(bench, ".aws/config", surroundings->config);
	write_file(bench, ".aws/credentials", surroundings->credentials);
	write_file(bench, "token", surroundings->token);
	for (size_t i = 0; i < AWS_BENCH_VARIABLES && surroundings->variables[i]; i++)
		set_variable(bench, surroundings->variables[i]);
}

void aws_bench_end(struct aws_bench *bench)
{
	forget_variables();
	http_peer_finish(&bench->peer, bench->when);
	scratch_remove(bench->home);
}

void aws_bench_alone(const char *folder)
{
	forget_variables();
	setenv("AWS_CONFIG_FILE", scratch_path(folder, "config"), 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", scratch_path(folder, "credentials"), 1);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret", 1);
}
