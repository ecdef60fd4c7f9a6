/* Feeds saved inputs to a fuzz target, so that every past finding is a test in builds without
 * libFuzzer. Usage: fuzz_NAME FILE... Prints how many it fed; a target that finds its property
 * broken aborts. An input that cannot be read, or that is larger than libFuzzer's own limit
 * here, fails the run: it would else look tested and not be. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input goes in as a block of exactly its size, so that the sanitizers see a read past it. */
static void feed(const uint8_t *bytes, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		abort();
	memcpy(exact, bytes, size);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static int feed_file(const char *path)
{
	static uint8_t input[INPUT_MAX + 1];
	FILE *file = fopen(path, "rb");

	if (!file) {
		perror(path);
		return -1;
	}
	size_t size = fread(input, 1, sizeof(input), file);
	int is_broken = ferror(file);

	(void)fclose(file);
	if (is_broken || size > INPUT_MAX) {
		fprintf(stderr, "%s: unreadable, or longer than %d bytes\n", path, INPUT_MAX);
		return -1;
	}
	feed(input, size);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		fprintf(stderr, "%s\n", argv[i]); /* the last one named is the one that crashed */
		if (feed_file(argv[i]) < 0)
			return 1;
	}
	printf("%d inputs replayed\n", argc - 1);
	return 0;
}
