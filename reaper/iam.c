#include "reaper/iam.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reaper/providers/provider.h"
#include "reaper/session.h"

enum { POLICY_BYTES = 65536 };

static int read_order(const struct command_line *line, const struct settings *settings,
		      struct policy_order *out, struct error *err)
{
	const char *who = command_value(line, "--for", "reaper");

	*out = (struct policy_order){ .settings = settings,
				      .machine_role = command_value(line, "--machine-role", NULL) };
	if (!strcmp(who, "reaper"))
		return 0;
	out->is_for_machines = true;
	if (!strcmp(who, "machines"))
		return 0;
	return error_set(err, ERROR_CONFIGURATION,
			 "--for: expected reaper or machines, got \"%.60s\"", who);
}

static int print(const struct command_line *line, struct buf *out, struct error *err)
{
	SCOPED(settings) struct settings settings = { 0 };
	SCOPED(json_document) struct json_document policy = { 0 };
	const struct provider *cloud = provider_named(line->operand_count ? line->operands[0] : "");
	struct policy_order order;

	if (!cloud || !cloud->policy)
		return error_set(err, ERROR_CONFIGURATION,
				 "expected the cloud whose policy is wanted: aws");
	if (settings_load_shape(session_config(line), (const char *const *)environ, &settings,
				err) < 0 ||
	    read_order(line, &settings, &order, err) < 0 ||
	    cloud->policy(&order, &policy, err) < 0) {
		err->class = ERROR_CONFIGURATION;
		return -1;
	}
	json_print(policy.root, true, out);
	return buf_finish(out, err);
}

int iam_run(const struct command_line *line)
{
	SCOPED(buf) struct buf text = BUF(POLICY_BYTES);
	struct error err;

	if (print(line, &text, &err) < 0)
		return session_fail(&err);
	printf("%s\n", buf_text(&text));
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}
