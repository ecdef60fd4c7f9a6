/*
 * store_calls: bootstrap/aws_store.h, for test_store.py. Usage: store_calls object|secret NAME.
 * Standard output gets what is read; a failure is its class and message on standard error, and
 * exit status 1. Credentials, region and endpoints come from the environment.
 */

#include <stdio.h>
#include <string.h>

#include "bootstrap/aws_store.h"

int main(int argc, char **argv)
{
	SCOPED(buf) struct buf text = BUF(1 << 20);
	struct error err = { 0 };

	if (argc != 3)
		return 2;
	int result = !strcmp(argv[1], "object") ? aws_store_object(argv[2], &text, &err) :
						  aws_store_secret(argv[2], &text, &err);

	if (result < 0) {
		fprintf(stderr, "%s: %s\n", error_class_name(err.class), err.message);
		return 1;
	}
	return fwrite(text.bytes, 1, text.len, stdout) == text.len ? 0 : 1;
}
