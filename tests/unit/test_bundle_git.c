#include "tests/unit/support/bundle_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* ---- logins over https ---- */

#define LOGIN(user, token) "{\"user\": \"" user "\", \"token\": \"" token "\"}"
#define AT(host, token) "{\"user\": \"u\", \"token\": \"" token "\", \"host\": \"" host "\"}"
#define GIT(logins) BUNDLE("\"git\": " logins)
#define TOKEN(token) GIT(LOGIN("u", token))
#define SECOND(token) GIT("[" AT("a", "t") ",\n" AT("b", token) "]")
#define LAX ", \"extra_conf\": "

static void test_one_login(void **state)
{
	SCOPED(bundle) struct bundle bundle = { 0 };

	(void)state;
	bundle_take(TOKEN("t"), &bundle);
	assert_int_equal(bundle.git_count, 1);
	assert_string_equal(bundle.git[0].user, "u");
	assert_string_equal(bundle.git[0].host, "");
	assert_string_equal(secret_text(&bundle.git[0].token), "t");
}

static void test_several_logins(void **state)
{
	SCOPED(bundle) struct bundle bundle = { 0 };

	(void)state;
	bundle_take(GIT("[" AT("GitHub.com", "one") ", " AT("git.example.org", "two") "]"),
		    &bundle);
	assert_int_equal(bundle.git_count, 2);
	assert_string_equal(bundle.git[0].host, "github.com");
	assert_string_equal(secret_text(&bundle.git[0].token), "one");
	assert_string_equal(bundle.git[1].host, "git.example.org");
	assert_string_equal(secret_text(&bundle.git[1].token), "two");
}

static void test_logins(void **state)
{
	static const struct bundle_row rows[] = {
		{ "there is none", GIT("[]"), NULL },
		{ "the only one of a list has no host", GIT("[" LOGIN("u", "t") "]"), NULL },
		{ "a token has all marks that reach git", TOKEN("a_~-+/=.!%^&*(){}[]|;:'<>,?@#"),
		  NULL },
		{ "a host is a number", GIT(AT("10.0.0.1", "t")), NULL },
		{ "there is no user", GIT("{\"token\": \"" CANARY "\"}"), "git.user: missing" },
		{ "a name is misspelt", GIT("{\"user\": \"u\", \"tokn\": \"" CANARY "\"}"),
		  "git.tokn: unknown, did you mean token?" },
		{ "one of several lacks its token", GIT("[" AT("a", "t") ", {\"user\": \"u\"}]"),
		  "b.json:2: git[1].token: missing" },
		{ "it is a bare token", GIT("\"" CANARY "\""), "git: expected" },
		{ "one of several has no host", GIT("[" AT("a", "t") ", " LOGIN("u", "t") "]"),
		  "git[1].host: missing" },
		{ "the first of several has no host",
		  GIT("[" LOGIN("u", "t") ", " AT("a", "t") "]"), "git[0].host: missing" },
		{ "two are for one host", GIT("[" AT("a", "t") ", " AT("A", "t") "]"),
		  "git[1].host: a is the host of git[0] already" },
		{ "a host has a port", GIT(AT("git.example.org:8443", "t")),
		  "git.host: expected a host" },
		{ "a host is a URL", GIT(AT("https://u:" CANARY "@github.com", "t")),
		  "git.host: expected a host" },
		{ "a host has a path", GIT(AT("github.com/me", "t")), "git.host: expected" },
		{ "a host is an address of IPv6", GIT(AT("[::1]", "t")), "git.host: expected" },
		{ "a token runs a command", TOKEN(CANARY "$(id)"), "git.token: holds a $" },
		{ "a token has a backtick", TOKEN(CANARY "`"), "git.token: holds a $ or a `" },
		{ "a token has a quote", TOKEN(CANARY "\\\""), "git.token: holds a blank" },
		{ "a token has a backslash", TOKEN(CANARY "\\\\"), "git.token: holds a blank" },
		{ "a token has a blank", TOKEN(CANARY " x"), "git.token: holds a blank" },
		{ "a token has a line end", TOKEN(CANARY "\\n"), "git.token: holds a line end" },
		{ "a token has a tab", TOKEN(CANARY "\\t"), "git.token: holds a line end" },
		{ "a token is not ASCII", TOKEN(CANARY "\xc3\xa9"), "git.token: is not ASCII" },
		{ "a token is an option of echo", TOKEN("-neE"), "git.token: is an option" },
		{ "a token only begins like one", TOKEN("-nex"), NULL },
		{ "a token is a dash", TOKEN("-"), NULL },
		{ "a user runs a command", GIT(LOGIN("$(id)", "t")), "git.user: holds a $" },
		{ "a user has a colon", GIT(LOGIN("a:b", "t")), "git.user: holds a :" },
		{ "a user is too long in bytes", GIT("{\"user\": \"u" CANARY "\\u0001\"}"), "git" },
		{ "a further token has a dollar", SECOND("a$b`c"), NULL },
		{ "a further token is a comment of netrc", SECOND("#" CANARY),
		  "b.json:3: git[1].token: begins with #" },
		{ "a further token has a blank", SECOND(CANARY " x"),
		  "git[1].token: holds a blank" },
		{ "a further token is an option of echo", SECOND("-n"), NULL },
		{ "ask-pass is off",
		  BUNDLE("\"git\": " LOGIN("u", "a$b") LAX
			 "{\"agent\": {\"enable_git_ask_pass\": false}}"),
		  NULL },
		{ "ask-pass is off in a text",
		  BUNDLE("\"git\": " LOGIN("u", "a$b") LAX
			 "\"{\\\"agent\\\": {\\\"enable_git_ask_pass\\\": false}} // why\""),
		  NULL },
		{ "ask-pass is on",
		  BUNDLE("\"git\": " LOGIN("u", "a$b") LAX
			 "{\"agent\": {\"enable_git_ask_pass\": true}}"),
		  "git.token: holds a $" },
		{ "ask-pass may be off in HOCON",
		  BUNDLE("\"git\": " LOGIN("u", "a$b") LAX "\"agent.enable_git_ask_pass = false\""),
		  NULL },
		{ "HOCON says nothing of it",
		  BUNDLE("\"git\": " LOGIN("u", "a$b") LAX "\"agent.x = 1\""),
		  "git.token: holds a $" },
		{ "ask-pass is off and a token has a blank",
		  BUNDLE("\"git\": " LOGIN("u", "a b") LAX
			 "{\"agent\": {\"enable_git_ask_pass\": false}}"),
		  "git.token: holds a blank" },
	};

	(void)state;
	bundle_check_rows(rows, ARRAY_LEN(rows));
}

/* ---- ssh ---- */

/* The beginning of OpenSSH's own form: its name, and the cipher none or aes256-ctr. */
#define OPEN "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU"
#define LOCKED "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHI"
#define FRAME(kind, body) \
	"-----BEGIN " kind "PRIVATE KEY-----\\n" body "\\n-----END " kind "PRIVATE KEY-----"
#define SSH(key) BUNDLE("\"ssh\": {\"key\": \"" key "\"}")
#define HOSTS(lines)                                                                           \
	BUNDLE("\"ssh\": {\"key\": \"" FRAME("OPENSSH ", OPEN "=") "\",\n"                     \
								   "\"known_hosts\": \"" lines \
								   "\"}")

static void test_ssh(void **state)
{
	SCOPED(bundle) struct bundle bundle = { 0 };

	(void)state;
	bundle_take(HOSTS("h ssh-rsa AAAA"), &bundle);
	assert_string_equal(secret_text(&bundle.ssh.key),
			    "-----BEGIN OPENSSH PRIVATE KEY-----\n" OPEN
			    "=\n-----END OPENSSH PRIVATE KEY-----\n");
	assert_string_equal(bundle.ssh.known_hosts, "h ssh-rsa AAAA\n");
	bundle_release(&bundle);
	assert_null(bundle.ssh.key.guarded);
	assert_null(bundle.ssh.known_hosts);
	bundle_take(SSH(FRAME("OPENSSH ", OPEN "=") "\\n"), &bundle);
	assert_string_equal(secret_text(&bundle.ssh.key) + bundle.ssh.key.len - 5, "----\n");
	assert_null(bundle.ssh.known_hosts);
}

static void test_ssh_rows(void **state)
{
	static const struct bundle_row rows[] = {
		{ "a key is of RSA in PEM", SSH(FRAME("RSA ", CANARY)), NULL },
		{ "a key is of PKCS 8", SSH(FRAME("", CANARY)), NULL },
		{ "there is no key", BUNDLE("\"ssh\": {}"), "ssh.key: missing" },
		{ "a key is empty", SSH(""), "ssh.key" },
		{ "a key has a passphrase", SSH(FRAME("OPENSSH ", LOCKED "=")),
		  "b.json:2: ssh.key: has a passphrase" },
		{ "a key of PEM has one", SSH(FRAME("RSA ", "Proc-Type: 4,ENCRYPTED\\n" CANARY)),
		  "has a passphrase" },
		{ "a key of PKCS 8 has one", SSH(FRAME("ENCRYPTED ", CANARY)), "has a passphrase" },
		{ "a key is not OpenSSH's", SSH(FRAME("OPENSSH ", CANARY)), "is not what OpenSSH" },
		{ "a key is cut", SSH("-----BEGIN OPENSSH PRIVATE KEY-----\\n" OPEN),
		  "is no private key file" },
		{ "a key has lost its lines",
		  SSH("-----BEGIN OPENSSH PRIVATE KEY----- " OPEN "= -----END"),
		  "is no private key file" },
		{ "a key is public", SSH("ssh-ed25519 " CANARY), "is a public key" },
		{ "a key is a path", SSH("/root/.ssh/" CANARY), "is no private key file" },
		{ "a key is PuTTY's", SSH("PuTTY-User-Key-File-3: " CANARY), "is PuTTY's" },
		{ "a key has the line ends of Windows", SSH(FRAME("RSA ", CANARY "\\r")),
		  "line ends with CR" },
		{ "a key is not ASCII", SSH(FRAME("RSA ", CANARY "\xc3\xa9")), "is not ASCII" },
		{ "hosts are commented and hashed",
		  HOSTS("# mine\\n\\n|1|x|y ssh-rsa A\\n@cert-authority *.x ssh-rsa A\\n"), NULL },
		{ "a host has no key", HOSTS("a ssh-rsa A\\nb ssh-rsa"),
		  "b.json:3: ssh.known_hosts: its line 2 is not HOST TYPE KEY" },
		{ "hosts have a bell", HOSTS("a ssh-rsa A\\u0007"), "ssh.known_hosts: holds a" },
		{ "hosts have the line ends of Windows", HOSTS("a ssh-rsa A\\r\\n"), "with CR" },
	};

	(void)state;
	bundle_check_rows(rows, ARRAY_LEN(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_login), cmocka_unit_test(test_several_logins),
		cmocka_unit_test(test_logins),	  cmocka_unit_test(test_ssh),
		cmocka_unit_test(test_ssh_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
