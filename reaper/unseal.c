#include "reaper/unseal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "reaper/bundle_proof.h"
#include "reaper/bundle_summary.h"
#include "reaper/session.h"

enum { SUMMARY_BYTES = 16384 };

static int require(const struct command_line *line, const char *option, const char *question,
		   struct error *err)
{
	if (command_has(line, option))
		return 0;
	return error_set(err, ERROR_CONFIGURATION, "%s is missing: %s", option, question);
}

static int read_files(const char *path, struct buf *sealed, struct buf *signature,
		      struct error *err)
{
	SCOPED(buf) struct buf name = BUF(1024);

	buf_addf(&name, "%s.minisig", path);
	if (buf_finish(&name, err) < 0 || file_read(path, sealed, err) < 0 ||
	    file_read(buf_text(&name), signature, err) < 0)
		return -1;
	return 0;
}

static int prove(const struct command_line *line, struct bundle *out, struct error *err)
{
	SCOPED(settings) struct settings settings = { 0 };
	SCOPED(buf) struct buf sealed = BUF(ENVELOPE_BUNDLE_BYTES);
	SCOPED(buf) struct buf signature = BUF(ENVELOPE_SIGNATURE_BYTES);
	const char *path = command_value(line, "--check", NULL);

	if (settings_load_keys(session_config(line), (const char *const *)environ, &settings, err) <
	    0) {
		err->class = ERROR_CONFIGURATION;
		return -1;
	}
	if (read_files(path, &sealed, &signature, err) < 0)
		return -1;
	if (bundle_prove_signature(&settings, buf_slice(&sealed), buf_slice(&signature), err) < 0)
		return error_wrap(err, "%s.minisig", path);
	if (bundle_unseal(&settings, buf_slice(&sealed), command_value(line, "--identity", ""), out,
			  err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

int unseal_run(const struct command_line *line)
{
	SCOPED(bundle) struct bundle bundle = { 0 };
	SCOPED(buf) struct buf summary = BUF(SUMMARY_BYTES);
	struct error err;
	int status = session_prepare();

	if (status != EXIT_OK)
		return status;
	if (require(line, "--check", "which sealed bundle?", &err) < 0 ||
	    require(line, "--identity", "the key of the machines' image (image.key)", &err) < 0)
		return session_complain(&err, EXIT_USAGE);
	if (prove(line, &bundle, &err) < 0)
		return session_fail(&err);
	bundle_summary(&bundle, &summary);
	printf("%s%s is signed by our key for this prefix, %s opens it, and machines can work "
	       "with it.\n",
	       buf_text(&summary), command_value(line, "--check", ""),
	       command_value(line, "--identity", ""));
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}
