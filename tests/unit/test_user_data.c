#include "common/user_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base64.h"
#include "common/gzip.h"

#define BEGIN "# -----BEGIN TEST-----\n"
#define END "# -----END TEST-----\n"
#define BLOCK BEGIN "# abcd\n# efg=\n" END
#define LETTERS "abcdefg="
#define MULTIPART "Content-Type: multipart/mixed; boundary=\"==B==\"\nMIME-Version: 1.0\n\n"
#define PART "--==B==\nContent-Type: text/cloud-config\n\n"
#define LAST "\n--==B==--\n"

static void add_base64(struct slice bytes, size_t line_len, struct buf *out)
{
	size_t len = base64_len(bytes.len);
	unsigned char *letters = memory_array(len + 1, 1);

	base64_write(bytes, BASE64_PLAIN, letters);
	for (size_t i = 0; i < len; i += line_len)
		buf_addf(out, "%.*s\n", (int)(len - i < line_len ? len - i : line_len),
			 (const char *)letters + i);
	free(letters);
}

/* Packs what is in text once more: 'g' gzip, 'b' base64 in lines, 'B' in one line, 'm' as a part
 * of a multipart document, 'e' the same in base64. */
static void wrap(char how, struct buf *text)
{
	SCOPED(buf) struct buf out = BUF(SIZE_MAX);

	if (how == 'm')
		buf_addf(&out, MULTIPART PART);
	if (how == 'e')
		buf_addf(&out, MULTIPART "--==B==\nContent-Transfer-Encoding: base64\n\n");
	if (how == 'g')
		gzip_pack(buf_slice(text), &out);
	else if (how == 'm')
		buf_add(&out, buf_slice(text));
	else
		add_base64(buf_slice(text), how == 'B' ? SIZE_MAX / 2 : 76, &out);
	if (how == 'm' || how == 'e')
		buf_addf(&out, LAST);
	buf_clear(text);
	buf_add(text, buf_slice(&out));
}

static void wrap_all(const char *how, struct buf *text)
{
	for (; *how; how++)
		wrap(*how, text);
}

/* From a block of just its size, so that valgrind and the sanitizers see a read past it. */
static int find(struct slice document, struct buf *out, struct error *err)
{
	char *exact = memory_array(document.len, 1);

	if (document.len)
		memcpy(exact, document.ptr, document.len);
	int result = user_data_find((struct slice){ exact, document.len }, "TEST", out, err);

	free(exact);
	return result;
}

static void check_found(const char *when, const struct buf *document)
{
	SCOPED(buf) struct buf out = BUF(1000);
	struct error err = { 0 };

	buf_addf(&out, "kept ");
	if (find(buf_slice(document), &out, &err) < 0)
		fail_msg("when %s: %s", when, err.message);
	if (strcmp(buf_text(&out), "kept " LETTERS) != 0)
		fail_msg("when %s: \"%s\"", when, buf_text(&out));
}

static void a_block_is_found_wherever_it_stands(void **state)
{
	static const struct {
		const char *when, *document;
	} cases[] = {
		{ "it is all there is", BLOCK },
		{ "the last line has no end", BEGIN LETTERS "\n-----END TEST-----" },
		{ "it is in a cloud-config", "#cloud-config\n" BLOCK "packages: [jq]\n" },
		{ "it is in a script", "#!/bin/sh\n" BLOCK "exec mayfly-bootstrap\n" },
		{ "it is no comment", "-----BEGIN TEST-----\nabcd\nefg=\n-----END TEST-----\n" },
		{ "it is indented", "write_files:\n  - content: |\n      # -----BEGIN TEST-----\n"
				    "      # abcd\n      # efg=\n      # -----END TEST-----\n" },
		{ "it is indented with tabs and is no comment",
		  "\t-----BEGIN TEST-----\n\tabcd\n\tefg=\n\t-----END TEST-----\n" },
		{ "blanks stand at the line ends",
		  "# -----BEGIN TEST----- \n# abcd \n# efg=\t\n# -----END TEST-----  \n" },
		{ "lines end with \\r\\n",
		  "# -----BEGIN TEST-----\r\n# abcd\r\n# efg=\r\n# -----END TEST-----\r\n" },
		{ "there is nothing after the #",
		  "#-----BEGIN TEST-----\n#abcd\n#\n\n#efg=\n#-----END TEST-----\n" },
		{ "it is there twice", BLOCK "x\n" BLOCK },
		{ "another one is there, too",
		  "-----BEGIN OTHER-----\n" BLOCK "-----END OTHER-----\n" },
		{ "its marker is spoken of", "see -----BEGIN TEST-----.\n" BLOCK },
		{ "it is in a part", MULTIPART PART BLOCK LAST },
		{ "it is in the second part", MULTIPART PART "x" PART BLOCK LAST },
		{ "no last line ends the parts", MULTIPART PART BLOCK },
		{ "a part is base64 that is none",
		  MULTIPART "--==B==\nContent-Transfer-Encoding: base64\n\n?" PART BLOCK LAST },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf document = BUF(SIZE_MAX);

		buf_addf(&document, "%s", cases[i].document);
		check_found(cases[i].when, &document);
	}
}

static void a_block_is_found_however_it_is_packed(void **state)
{
	static const char *const ways[] = {
		"g",  "b",  "B",  "m",	 "e",	"gb",	"bg",	 "gB",
		"mg", "ge", "eb", "bge", "gem", "gegb", "mmmmm", "bbbbb"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		SCOPED(buf) struct buf document = BUF(SIZE_MAX);

		buf_addf(&document, "#cloud-config\n" BLOCK);
		wrap_all(ways[i], &document);
		check_found(ways[i], &document);
	}
}

/* The fields of a head as mail programs and people write them. */
static void a_head_is_read_as_mail_writes_it(void **state)
{
	static const struct {
		const char *when, *head, *delimiter;
	} cases[] = {
		{ "names are in lower case", "content-type: MULTIPART/MIXED; BOUNDARY=b", "b" },
		{ "the boundary is on a line of its own",
		  "Content-Type: multipart/mixed;\n boundary=\"b\"", "b" },
		{ "other parameters come first",
		  "Content-Type: multipart/mixed; charset=\"a;b\"; "
		  "boundary=b; x=y",
		  "b" },
		{ "other fields come first",
		  "From nobody Tue Nov 24 12:00:00 2026\nX-Long: a\n b\n"
		  "Content-Type: multipart/x;boundary = \"b\"",
		  "b" },
		{ "the boundary has blanks and equals signs",
		  "Content-Type: multipart/mixed; boundary=\"== a b ==\"", "== a b ==" },
		{ "the boundary's quotes do not end", "Content-Type: multipart/a; boundary=\"b",
		  "b" },
		{ "a line of the part ends like a delimiter",
		  "Content-Type: multipart/a; boundary=IyAt", "IyAt" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf document = BUF(SIZE_MAX), packed = BUF(SIZE_MAX);

		buf_addf(&packed, BLOCK);
		wrap('b', &packed);
		buf_addf(&document, "%s\n\npreamble\n--%s \n", cases[i].head, cases[i].delimiter);
		buf_addf(&document, "Content-Transfer-Encoding:\tBASE64 \r\n\r\n%s--%s--",
			 buf_text(&packed), cases[i].delimiter);
		check_found(cases[i].when, &document);
	}
}

static void check_refused(const char *when, struct slice document, enum error_class class,
			  const char *words)
{
	SCOPED(buf) struct buf out = BUF(1000);
	struct error err = { 0 };

	if (find(document, &out, &err) == 0)
		fail_msg("when %s: found \"%s\"", when, buf_text(&out));
	if (err.class != class || !strstr(err.message, words))
		fail_msg("when %s: %d, %s", when, err.class, err.message);
	assert_int_equal(out.len, 0);
}

/* A part in base64, of a document whose head is no multipart document's: it is not looked for. */
static void what_is_no_multipart_has_no_parts(void **state)
{
	static const struct {
		const char *when, *head;
	} cases[] = {
		{ "it is a text", "Content-Type: text/plain; boundary=b" },
		{ "its type is cut", "Content-Type: multi" },
		{ "its type has nothing after it", "Content-Type: multipart/" },
		{ "it has no boundary", "Content-Type: multipart/mixed; bounder=b" },
		{ "its boundary is empty", "Content-Type: multipart/mixed; boundary=" },
		{ "the field is another", "Contend-Type: multipart/mixed; boundary=b" },
		{ "the field is longer", "Content-Types: multipart/mixed; boundary=b" },
		{ "the field has no name", ": multipart/mixed; boundary=b" },
		{ "there is an empty line before it", "\nContent-Type: multipart/a; boundary=b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf document = BUF(SIZE_MAX), packed = BUF(SIZE_MAX);

		buf_addf(&packed, "%s", BLOCK);
		wrap('b', &packed);
		buf_addf(&document, "%s\n\n--b\nContent-Transfer-Encoding: base64\n\n%s--b--\n",
			 cases[i].head, buf_text(&packed));
		check_refused(cases[i].when, buf_slice(&document), ERROR_NOT_FOUND, "no block");
	}
}

/* A byte more would be one after the end of gzip. */
static void binary_parts_end_before_their_delimiter(void **state)
{
	static const char *const ends[] = { "\n--==B==--\n", "\r\n--==B==--\r\n", "\n--==B==\n",
					    "\r\n--==B==\r\n", "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		SCOPED(buf) struct buf packed = BUF(SIZE_MAX), document = BUF(SIZE_MAX);

		buf_addf(&packed, "%s", BLOCK);
		wrap('g', &packed);
		buf_addf(&document, MULTIPART PART);
		buf_add(&document, buf_slice(&packed));
		buf_addf(&document, "%s", ends[i]);
		check_found("a part is gzip", &document);
	}
}

/* The last part of a document that was cut may still be whole; it is no less deep. */
static void a_last_part_without_an_end_is_looked_into(void **state)
{
	SCOPED(buf) struct buf packed = BUF(SIZE_MAX), document = BUF(SIZE_MAX);

	(void)state;
	buf_addf(&packed, "%s", BLOCK);
	wrap_all("gbgb", &packed); /* four layers, and the part */
	buf_addf(&document, MULTIPART "--==B==\nContent-Transfer-Encoding: base64\n\n%s",
		 buf_text(&packed));
	check_found("it is deep", &document);
	wrap('g', &document);
	check_refused("it is too deep", buf_slice(&document), ERROR_MALFORMED, "5 times over");
}

static void base64_counts_as_unpacked(void **state)
{
	static const struct {
		const char *when;
		size_t len;
		bool is_found;
	} cases[] = {
		{ "it is not much", 1 << 20, true },
		{ "each layer alone is not too much", 2300 << 10, false },
		{ "one layer is too much", 5 << 20, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf document = BUF(SIZE_MAX);
		char *zeros = memory_array(cases[i].len, 1);

		buf_add(&document, (struct slice){ zeros, cases[i].len });
		free(zeros);
		buf_addf(&document, "\n" BLOCK);
		wrap_all("bb", &document);
		if (cases[i].is_found)
			check_found(cases[i].when, &document);
		else
			check_refused(cases[i].when, buf_slice(&document), ERROR_MALFORMED,
				      "unpacks to more than");
	}
}

static void what_is_no_block_is_refused(void **state)
{
	static const struct {
		const char *when, *document;
		enum error_class class;
		const char *words;
	} cases[] = {
		{ "there is nothing", "", ERROR_NOT_FOUND, "no block \"-----BEGIN TEST-----\"" },
		{ "there is a word", "disabled\n", ERROR_NOT_FOUND, "no block" },
		{ "there is a script", "#!/bin/sh\nexit 0\n", ERROR_NOT_FOUND, "no block" },
		{ "there is another block", "-----BEGIN A-----\nx\n-----END A-----\n",
		  ERROR_NOT_FOUND, "no block" },
		{ "its marker is only spoken of", "echo '-----BEGIN TEST-----'\n", ERROR_NOT_FOUND,
		  "no block" },
		{ "there are empty parts", MULTIPART "--==B==\n--==B==\n\n" LAST, ERROR_NOT_FOUND,
		  "no block" },
		{ "it has no end", "x\n" BEGIN "# abcd\n", ERROR_MALFORMED, "a block was cut" },
		{ "it begins again", BEGIN "# abcd\n" BLOCK, ERROR_MALFORMED, "a block was cut" },
		{ "it has no begin", "# abcd\n" END, ERROR_MALFORMED,
		  "\"-----END TEST-----\" without" },
		{ "two of them differ", BLOCK BEGIN "# abce\n" END, ERROR_MALFORMED,
		  "that differ: leave one of them" },
		{ "one is the start of the other", BLOCK BEGIN "# abcd\n" END, ERROR_MALFORMED,
		  "that differ" },
		{ "two parts differ", MULTIPART PART BLOCK PART BEGIN "# abce\n" END LAST,
		  ERROR_MALFORMED, "that differ" },
		{ "a part is base64 that is none",
		  MULTIPART "--==B==\nContent-Transfer-Encoding: base64\n\nabc\n" LAST,
		  ERROR_MALFORMED, "a part that cannot be: padded base64 of 3" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_refused(cases[i].when, slice_of(cases[i].document), cases[i].class,
			      cases[i].words);
}

static void what_cannot_be_unpacked_is_said(void **state)
{
	static const struct {
		const char *when, *ways;
		size_t cut;
		const char *words;
	} cases[] = {
		{ "gzip was cut", "g", 1, "a gzip file that was cut" },
		{ "base64 was cut", "B", 3, "no multiple of 4" },
		{ "gzip in base64 was cut", "gB", 5, "a gzip file that was cut" },
		{ "it is packed six times over", "bbbbbb", 0, "more than 5 times over" },
		{ "it is packed a hundred times over",
		  "gggggggggggggggggggggggggggggggggggggggggggggggggg"
		  "gggggggggggggggggggggggggggggggggggggggggggggggggg",
		  0, "more than 5 times over" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf document = BUF(SIZE_MAX);
		struct slice cut;

		buf_addf(&document, "#cloud-config\n# %080d\n" BLOCK, 0);
		wrap_all(cases[i].ways, &document);
		cut = buf_slice(&document);
		cut.len -= cases[i].cut;
		check_refused(cases[i].when, cut, ERROR_MALFORMED, cases[i].words);
	}
}

/* Whatever is packed in it counts together. */
static void a_bomb_stops_at_the_limit(void **state)
{
	static const struct {
		const char *when;
		size_t len, parts;
		bool is_found;
	} cases[] = {
		{ "one is as large as it may be", USER_DATA_UNPACKED_BYTES - 1000, 1, true },
		{ "one is larger", USER_DATA_UNPACKED_BYTES, 1, false },
		{ "many are too large together", 1 << 20, 100, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf packed = BUF(SIZE_MAX), document = BUF(SIZE_MAX);
		char *zeros = memory_array(cases[i].len, 1);

		buf_add(&packed, (struct slice){ zeros, cases[i].len });
		free(zeros);
		buf_addf(&packed, "\n%s", cases[i].is_found ? BLOCK : "");
		wrap('g', &packed);
		buf_addf(&document, MULTIPART);
		for (size_t j = 0; j < cases[i].parts; j++) {
			buf_addf(&document, PART);
			buf_add(&document, buf_slice(&packed));
			buf_addf(&document, "\n");
		}
		buf_addf(&document, "--==B==--\n");
		if (cases[i].is_found)
			check_found(cases[i].when, &document);
		else
			check_refused(cases[i].when, buf_slice(&document), ERROR_MALFORMED,
				      "unpacks to more than");
	}
}

/* A block at the end of a document is found, whatever stands before it, however long. */
static void long_documents_are_read_to_their_end(void **state)
{
	static const struct {
		const char *when, *line;
	} cases[] = {
		{ "lines are empty", "\n" },
		{ "a line goes on and on", "x" },
		{ "blocks repeat", BLOCK },
		{ "parts repeat", "--==B==\n" },
		{ "a field goes on and on", " Content-Type: multipart/mixed; boundary=a\n" },
		{ "parameters repeat", "Content-Type: multipart/mixed;a=b;boundary=a;\n" },
		{ "quotes repeat", "Content-Type: multipart/mixed;\"\"\"\"=\"\"\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf document = BUF(SIZE_MAX);

		buf_addf(&document, MULTIPART);
		while (document.len < (size_t)2 << 20)
			buf_addf(&document, "%s", cases[i].line);
		buf_addf(&document, "\n" BLOCK);
		check_found(cases[i].when, &document);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_is_found_wherever_it_stands),
		cmocka_unit_test(a_block_is_found_however_it_is_packed),
		cmocka_unit_test(a_head_is_read_as_mail_writes_it),
		cmocka_unit_test(what_is_no_multipart_has_no_parts),
		cmocka_unit_test(binary_parts_end_before_their_delimiter),
		cmocka_unit_test(a_last_part_without_an_end_is_looked_into),
		cmocka_unit_test(base64_counts_as_unpacked),
		cmocka_unit_test(what_is_no_block_is_refused),
		cmocka_unit_test(what_cannot_be_unpacked_is_said),
		cmocka_unit_test(a_bomb_stops_at_the_limit),
		cmocka_unit_test(long_documents_are_read_to_their_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
