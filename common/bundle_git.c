#include <string.h>

#include "common/bundle_reader.h"

/* Whether clearml-agent may hand git the login in its URL, and not by a script: where that cannot
 * be told of a text of HOCON, it may. */
static bool may_skip_ask_pass(const struct secret *extra_conf)
{
	static const char name[] = "enable_git_ask_pass";
	struct json_document extra = { 0 };
	struct slice text = secret_expose(extra_conf);
	struct error err = { 0 };

	if (!text.len)
		return false;
	if (json_parse_commented(text, &extra, &err) < 0)
		return memmem(text.ptr, text.len, name, strlen(name));
	bool is_off = !json_bool_or(extra.root, "agent.enable_git_ask_pass", true);

	json_document_wipe(&extra);
	return is_off;
}

/* Of a user or a token. The first login goes through a shell script of clearml-agent, as "..."
 * behind echo; further ones through a netrc file. */
static const char *word_fault(const char *text, bool is_first, bool is_shell)
{
	if (strpbrk(text, " \t\"\\"))
		return "holds a blank, a \" or a \\, which do not reach git whole: use a token "
		       "without";
	if (is_first && is_shell && strpbrk(text, "$`"))
		return "holds a $ or a `, and clearml-agent passes it through a shell script: use "
		       "a token without (or, in extra_conf, agent.enable_git_ask_pass: false)";
	if (is_first && is_shell && text[0] == '-' && text[1] && !text[1 + strspn(text + 1, "neE")])
		return "is an option of the shell's echo, through which clearml-agent passes it: "
		       "use another one";
	if (!is_first && text[0] == '#')
		return "begins with #, which is a comment in netrc: use another one";
	return NULL;
}

static void lower(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text + ('a' - 'A'));
}

static int check_host(const struct bundle_reader *reader, const struct bundle *bundle, bool is_only,
		      struct error *err)
{
	const char *host = bundle->git[bundle->git_count - 1].host;

	if (!host[0] && is_only)
		return 0;
	if (!host[0])
		return bundle_refuse(reader, "host", err,
				     "missing: of several logins each one names its host");
	if (!bundle_is_server(host) || strpbrk(host, "[:"))
		return bundle_refuse(reader, "host", err,
				     "expected a host such as github.com, without https://, user, "
				     "port and path: clearml-agent compares the host alone");
	for (size_t i = 0; i + 1 < bundle->git_count; i++)
		if (!strcmp(bundle->git[i].host, host))
			return bundle_refuse(reader, "host", err,
					     "%s is the host of git[%zu] already: a host takes "
					     "one login",
					     host, i);
	return 0;
}

static int read_login(const struct bundle_reader *reader, const struct json *from, bool is_shell,
		      struct bundle *bundle, struct error *err)
{
	bool is_first = !bundle->git_count;
	struct bundle_git *out = &bundle->git[bundle->git_count++];

	if (bundle_read_line(reader, from, "user", out->user, sizeof(out->user), err) < 0 ||
	    bundle_read_secret_line(reader, from, "token", &out->token, err) < 0 ||
	    bundle_read_name(reader, from, "host", out->host, sizeof(out->host), err) < 0)
		return -1;
	const char *user_fault = word_fault(out->user, is_first, is_shell);
	const char *token_fault = word_fault(secret_text(&out->token), is_first, is_shell);
	if (!user_fault && strchr(out->user, ':'))
		user_fault = "holds a :, which ends a user's name";
	if (user_fault)
		return bundle_refuse(reader, "user", err, "%s", user_fault);
	if (token_fault)
		return bundle_refuse(reader, "token", err, "%s", token_fault);
	lower(out->host);
	return 0;
}

int bundle_read_git(struct bundle_reader *reader, const struct json *root, struct bundle *out,
		    struct error *err)
{
	static const char name[] = "git";
	const struct json *logins = json_find(root, name);
	bool is_shell = !may_skip_ask_pass(&out->extra_conf);

	out->git = memory_array(bundle_count(logins), sizeof(*out->git));
	for (const struct json *item = bundle_next(reader, name, logins, NULL); item;
	     item = bundle_next(reader, name, logins, item))
		if (read_login(reader, item, is_shell, out, err) < 0 ||
		    check_host(reader, out, bundle_count(logins) == 1, err) < 0)
			return -1;
	return 0;
}
