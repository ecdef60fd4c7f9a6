/*
 * age_calls: common/age behind standard input and output, for test_age.py.
 *     age_calls unseal KEY_FILE                  sealed on stdin, plain on stdout
 *     age_calls seal binary|armored RECIPIENT... plain on stdin, sealed on stdout
 *     age_calls recipients KEY_FILE              one a line
 *     age_calls keygen                           a new key file on stdout
 * Exit status 1: refused, and "CLASS: message" on stderr.
 */

#include <stdio.h>
#include <string.h>

#include "common/age.h"
#include "common/file.h"

enum { KEY_FILE_BYTES = 65536, INPUT_BYTES = 2 * AGE_SEALED_BYTES };

static int read_input(struct buf *out, struct error *err)
{
	char bytes[65536];

	while (!feof(stdin) && !ferror(stdin))
		buf_add(out, (struct slice){ bytes, fread(bytes, 1, sizeof(bytes), stdin) });
	if (ferror(stdin))
		return error_errno(err, "read standard input");
	return buf_finish(out, err);
}

static int write_output(struct slice bytes, struct error *err)
{
	if (fwrite(bytes.ptr, 1, bytes.len, stdout) != bytes.len || fflush(stdout) != 0)
		return error_errno(err, "write standard output");
	return 0;
}

static int read_keys(const char *path, struct age_identities *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(KEY_FILE_BYTES);

	if (file_read(path, &text, err) < 0)
		return -1;
	return age_identities_parse(buf_slice(&text), out, err);
}

static int unseal(char **arguments, size_t count, struct error *err)
{
	SCOPED(age_identities) struct age_identities identities = { 0 };
	SCOPED(buf) struct buf sealed = BUF(INPUT_BYTES);
	SCOPED(secret) struct secret plain = { 0 };

	(void)count;
	if (read_keys(arguments[0], &identities, err) < 0 || read_input(&sealed, err) < 0 ||
	    age_unseal(buf_slice(&sealed), &identities, &plain, err) < 0)
		return -1;
	return write_output(secret_expose(&plain), err);
}

static int seal(char **arguments, size_t count, struct error *err)
{
	SCOPED(buf) struct buf plain = BUF(INPUT_BYTES), sealed = BUF(INPUT_BYTES);
	struct age_recipient list[AGE_MAX_RECIPIENTS];
	struct age_recipients recipients = { list, count - 1 };
	enum age_form form = strcmp(arguments[0], "armored") == 0 ? AGE_ARMORED : AGE_BINARY;

	for (size_t i = 1; i < count && i <= AGE_MAX_RECIPIENTS; i++)
		if (age_recipient_parse(slice_of(arguments[i]), &list[i - 1], err) < 0)
			return -1;
	if (read_input(&plain, err) < 0 ||
	    age_seal(buf_slice(&plain), &recipients, form, &sealed, err) < 0)
		return -1;
	return write_output(buf_slice(&sealed), err);
}

static int print_recipients(char **arguments, size_t count, struct error *err)
{
	SCOPED(age_identities) struct age_identities identities = { 0 };

	(void)count;
	if (read_keys(arguments[0], &identities, err) < 0)
		return -1;
	for (size_t i = 0; i < identities.count; i++) {
		struct age_recipient recipient;
		char text[AGE_RECIPIENT_ROOM];

		if (age_identity_recipient(&identities.keys[i], &recipient, err) < 0)
			return -1;
		age_recipient_print(&recipient, text);
		puts(text);
	}
	return 0;
}

static int keygen(char **arguments, size_t count, struct error *err)
{
	SCOPED(age_identities) struct age_identities identities = { 0 };
	SCOPED(secret) struct secret text = { 0 };
	struct age_recipient recipient;
	char public_text[AGE_RECIPIENT_ROOM];

	(void)arguments;
	(void)count;
	if (age_identity_new(&identities, &recipient, err) < 0 ||
	    age_identity_print(&identities.keys[0], &text, err) < 0)
		return -1;
	age_recipient_print(&recipient, public_text);
	printf("# public key: %s\n%s\n", public_text, secret_text(&text));
	return 0;
}

static const struct {
	const char *name;
	size_t arguments_min;
	int (*run)(char **arguments, size_t count, struct error *err);
} commands[] = {
	{ "unseal", 1, unseal },
	{ "seal", 2, seal },
	{ "recipients", 1, print_recipients },
	{ "keygen", 0, keygen },
};

int main(int argc, char **argv)
{
	struct error err = { 0 };

	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(commands); i++) {
		size_t count = (size_t)argc - 2;

		if (strcmp(argv[1], commands[i].name) != 0 || count < commands[i].arguments_min)
			continue;
		if (commands[i].run(argv + 2, count, &err) == 0)
			return 0;
		fprintf(stderr, "%s: %s\n", error_class_name(err.class), err.message);
		return 1;
	}
	fprintf(stderr, "usage: age_calls unseal|seal|recipients|keygen ...\n");
	return 2;
}
