/*
 * metadata_calls: our client of the metadata services, for test_user_data.py.
 * Usage: metadata_calls PROVIDER. Standard output gets the user data; a failure is
 * its class and message on standard error, and exit status 1.
 */

#include <stdio.h>

#include "bootstrap/metadata.h"

int main(int argc, char **argv)
{
	SCOPED(buf) struct buf text = BUF(4 << 20);
	struct error err = { 0 };

	if (argc != 2)
		return 2;
	if (metadata_user_data(argv[1], &text, &err) < 0) {
		fprintf(stderr, "%s: %s\n", error_class_name(err.class), err.message);
		return 1;
	}
	return fwrite(text.bytes, 1, text.len, stdout) == text.len ? 0 : 1;
}
