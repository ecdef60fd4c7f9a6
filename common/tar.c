#include "common/tar.h"

#include <stdio.h>
#include <string.h>

enum {
	BLOCK = 512,
	MODE = 0600,
};

/* POSIX.1-1988: numbers are octal digits that end with a NUL or a blank. */
struct header {
	char name[TAR_NAME_ROOM], mode[8], owner[8], group[8], size[12], time[12], checksum[8];
	char type, link[100], magic[6], version[2], owner_name[32], group_name[32];
	char device[2][8], prefix[155], unused[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

/* The sum of all bytes, those of the checksum itself taken as blanks. */
static unsigned checksum(const struct header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	unsigned sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += bytes[i];
	for (size_t i = 0; i < sizeof(header->checksum); i++)
		sum += ' ' - (unsigned)(unsigned char)header->checksum[i];
	return sum;
}

static size_t padding_of(size_t len)
{
	return (BLOCK - len % BLOCK) % BLOCK;
}

/* ---- writing ---- */

static void write_file(const struct tar_file *file, struct buf *out)
{
	static const char zeros[BLOCK];
	struct header header = { .type = '0', .magic = "ustar", .version = { '0', '0' } };

	memcpy(header.name, file->name, strnlen(file->name, sizeof(header.name) - 1));
	snprintf(header.mode, sizeof(header.mode), "%07o", MODE);
	snprintf(header.owner, sizeof(header.owner), "%07o", 0);
	snprintf(header.group, sizeof(header.group), "%07o", 0);
	snprintf(header.size, sizeof(header.size), "%011zo", file->bytes.len);
	snprintf(header.time, sizeof(header.time), "%011o", 0);
	snprintf(header.checksum, sizeof(header.checksum), "%06o", checksum(&header));
	header.checksum[7] = ' ';
	buf_add(out, (struct slice){ (const char *)&header, sizeof(header) });
	buf_add(out, file->bytes);
	buf_add(out, (struct slice){ zeros, padding_of(file->bytes.len) });
}

void tar_write(const struct tar_file *files, size_t count, struct buf *out)
{
	static const char end[2 * BLOCK];

	for (size_t i = 0; i < count; i++)
		write_file(&files[i], out);
	buf_add(out, (struct slice){ end, sizeof(end) });
}

/* ---- reading ---- */

static bool is_zero(struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.ptr[i])
			return false;
	return true;
}

/* -1: no number. At most 11 octal digits, so that it fits. */
static int64_t read_octal(const char *field, size_t room)
{
	int64_t number = 0;
	size_t i = 0;

	for (; i < room && field[i] >= '0' && field[i] <= '7'; i++)
		number = number * 8 + (field[i] - '0');
	if (!i || (i < room && field[i] != '\0' && field[i] != ' '))
		return -1;
	return number;
}

static const char *kind_of(char type)
{
	switch (type) {
	case 'x':
	case 'g':
		return "a pax header";
	case 'L':
	case 'K':
		return "a long name in GNU's form";
	case '1':
	case '2':
		return "a link";
	case '5':
		return "a folder";
	default:
		return "no regular file";
	}
}

static int check_form(const struct header *header, size_t place, struct error *err)
{
	if (memcmp(header->magic, "ustar", 5) != 0)
		return error_set(err, ERROR_MALFORMED, "no tar file: no header at byte %zu", place);
	if (read_octal(header->checksum, sizeof(header->checksum)) != checksum(header))
		return error_set(err, ERROR_MALFORMED,
				 "a damaged tar file: the header at byte %zu has a wrong checksum",
				 place);
	if (header->type != '0' && header->type != '\0')
		return error_set(err, ERROR_MALFORMED,
				 "a tar file with %s at byte %zu (expected regular files only, as "
				 "tar --format=ustar writes them)",
				 kind_of(header->type), place);
	if (header->magic[5] || memcmp(header->version, "00", 2) != 0)
		return error_set(err, ERROR_MALFORMED,
				 "a tar file in another form than ustar (make it with tar "
				 "--format=ustar)");
	return 0;
}

static int read_name(const struct header *header, struct tar_file *file, struct error *err)
{
	size_t len = strnlen(header->name, sizeof(header->name));
	struct slice rest = { header->name + len, sizeof(header->name) - len };

	if (!len || !rest.len || !is_zero(rest) || header->prefix[0])
		return error_set(err, ERROR_MALFORMED,
				 "a tar file with a name that is empty, or longer than %d bytes",
				 TAR_NAME_ROOM - 1);
	if (memchr(header->name, '/', len))
		return error_set(err, ERROR_MALFORMED, "a tar file with a folder in a name");
	memcpy(file->name, header->name, sizeof(file->name));
	return 0;
}

/* The file at the start of archive; *len is what it takes with its header and padding. */
static int read_file(struct slice archive, size_t place, struct tar_file *file, size_t *len,
		     struct error *err)
{
	struct header header;

	memcpy(&header, archive.ptr + place, BLOCK);
	if (check_form(&header, place, err) < 0 || read_name(&header, file, err) < 0)
		return -1;
	int64_t size = read_octal(header.size, sizeof(header.size));
	size_t rest = archive.len - place - BLOCK;

	if (size < 0)
		return error_set(err, ERROR_MALFORMED, "a tar file whose %s has no size",
				 file->name);
	if ((uint64_t)size > rest || padding_of((size_t)size) > rest - (size_t)size)
		return error_set(err, ERROR_MALFORMED, "a tar file that was cut inside %s",
				 file->name);
	file->bytes = (struct slice){ archive.ptr + place + BLOCK, (size_t)size };
	*len = BLOCK + (size_t)size + padding_of((size_t)size);
	return 0;
}

static bool has_name(const struct tar_file *files, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(files[i].name, name) == 0)
			return true;
	return false;
}

/* Two blocks of zeros end an archive; what tar adds to fill a record is zeros too. */
static int check_end(struct slice rest, struct error *err)
{
	if (rest.len < (size_t)2 * BLOCK)
		return error_set(err, ERROR_MALFORMED, "a tar file that was cut: it has no end");
	if (!is_zero(rest))
		return error_set(err, ERROR_MALFORMED, "a tar file with bytes after its end");
	return 0;
}

int tar_read(struct slice archive, struct tar_file *files, size_t *count, struct error *err)
{
	size_t place = 0, found = 0;

	while (archive.len - place >= BLOCK &&
	       !is_zero((struct slice){ archive.ptr + place, BLOCK })) {
		struct tar_file file;
		size_t len = 0;

		if (read_file(archive, place, &file, &len, err) < 0)
			return -1;
		if (found == *count)
			return error_set(err, ERROR_MALFORMED, "a tar file of more than %zu files",
					 *count);
		if (has_name(files, found, file.name))
			return error_set(err, ERROR_MALFORMED, "a tar file that holds %s twice",
					 file.name);
		files[found++] = file;
		place += len;
	}
	if (check_end((struct slice){ archive.ptr + place, archive.len - place }, err) < 0)
		return -1;
	*count = found;
	return 0;
}
