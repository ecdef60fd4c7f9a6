#include "common/minisign.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64.h"

#define UNTRUSTED "untrusted comment: "
#define TRUSTED "trusted comment: "

enum {
	ALGORITHM_BYTES = 2,
	COMMENT_LINE_BYTES = 1022, /* minisign takes no longer first line of a signature */
	ID_TEXT_ROOM = 2 * MINISIGN_ID_BYTES + 1,
	MINISIGN_PUBLIC_LETTERS = MINISIGN_PUBLIC_ROOM - 1,
	SIGNATURE_LETTERS = 100,
	COMMENT_SIGNATURE_LETTERS = 88,
	SECRET_LETTERS = 212,
};

/* What the base64 holds, byte for byte. */
struct public_form {
	char algorithm[ALGORITHM_BYTES];
	struct minisign_public key;
};

struct signature_form {
	char algorithm[ALGORITHM_BYTES];
	unsigned char id[MINISIGN_ID_BYTES], signature[crypto_sign_BYTES];
};

struct secret_form {
	char algorithm[ALGORITHM_BYTES], derivation[2], checksum_algorithm[2];
	unsigned char salt[32], operations[8], memory[8];
	/* From here on encrypted, where there is a password. */
	unsigned char id[MINISIGN_ID_BYTES], key[crypto_sign_SECRETKEYBYTES], checksum[32];
};

_Static_assert(sizeof(struct public_form) == 42, "no padding");
_Static_assert(sizeof(struct signature_form) == 74, "no padding");
_Static_assert(sizeof(struct secret_form) == 158, "no padding");

/* As given and for the file's bytes: legacy, and hashed first. */
static const char legacy_algorithm[] = "Ed", hashed_algorithm[] = "ED";

static void start_sodium(void)
{
	if (sodium_init() < 0)
		abort();
}

static bool is_algorithm(const char *field, const char *wanted)
{
	return memcmp(field, wanted, ALGORITHM_BYTES) == 0;
}

static bool begins_with(struct slice text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

/* The number that minisign shows: lowest byte first in the file, and without leading zeros. */
static void id_text(const unsigned char *id, char out[static ID_TEXT_ROOM])
{
	uint64_t number = 0;

	for (size_t i = MINISIGN_ID_BYTES; i > 0; i--)
		number = number << 8 | id[i - 1];
	snprintf(out, ID_TEXT_ROOM, "%" PRIX64, number);
}

/* Takes the next line off the text, without its end (\n or \r\n), which the last line may lack:
 * *is_ended. False: nothing was left. */
static bool take_line(struct slice *text, struct slice *line, bool *is_ended)
{
	const char *end = text->len ? memchr(text->ptr, '\n', text->len) : NULL;
	size_t len = end ? (size_t)(end - text->ptr) : text->len;

	if (!text->len)
		return false;
	*line = (struct slice){ text->ptr, len };
	*is_ended = end;
	text->ptr += len + (end ? 1 : 0);
	text->len -= len + (end ? 1 : 0);
	if (line->len && line->ptr[line->len - 1] == '\r')
		line->len--;
	return true;
}

static bool is_blank(char letter)
{
	return letter == ' ' || letter == '\t';
}

static struct slice trim(struct slice line)
{
	while (line.len && is_blank(line.ptr[0]))
		line = (struct slice){ line.ptr + 1, line.len - 1 };
	while (line.len && is_blank(line.ptr[line.len - 1]))
		line.len--;
	return line;
}

/* Just so many letters into just so many bytes. */
struct form {
	void *bytes;
	size_t len;
};

static int read_form(struct slice letters, struct form form, struct error *err)
{
	unsigned char room[SECRET_LETTERS / 4 * 3 + 2];
	size_t len;

	if (letters.len != base64_len(form.len))
		return error_set(err, ERROR_MALFORMED,
				 "expected %zu letters of base64, and there are %zu",
				 base64_len(form.len), letters.len);
	int result = base64_read(letters, BASE64_PADDED, room, &len, err);

	if (!result && len != form.len)
		result = error_set(err, ERROR_MALFORMED, "expected %zu bytes, and there are %zu",
				   form.len, len);
	if (!result)
		memcpy(form.bytes, room, len);
	secret_wipe(room, sizeof(room));
	return result;
}

/* ---- public keys ---- */

static int read_public(struct slice letters, struct minisign_public *out, struct error *err)
{
	struct public_form form;

	if (letters.len == SECRET_LETTERS)
		return error_set(err, ERROR_MALFORMED,
				 "looks like a secret key: give the public one (minisign -R)");
	if (read_form(letters, (struct form){ &form, sizeof(form) }, err) < 0)
		return error_wrap(err, "no public key");
	if (!is_algorithm(form.algorithm, legacy_algorithm))
		return error_set(err, ERROR_MALFORMED,
				 "no public key of minisign: they begin with RW");
	*out = form.key;
	return 0;
}

static const struct minisign_public *find_key(const struct minisign_trusted *trusted,
					      const unsigned char *id)
{
	for (size_t i = 0; i < trusted->count; i++)
		if (memcmp(trusted->list[i].id, id, MINISIGN_ID_BYTES) == 0)
			return &trusted->list[i];
	return NULL;
}

static int add_key(struct slice line, struct minisign_trusted *keys, struct error *err)
{
	struct minisign_public key;

	if (!line.len || line.ptr[0] == '#' || begins_with(line, "untrusted comment:"))
		return 0;
	if (read_public(line, &key, err) < 0)
		return -1;
	const struct minisign_public *known = find_key(keys, key.id);

	/* Who appends a key by a script may do so twice: no machine shall stay down for it. */
	if (known && !memcmp(known->key, key.key, sizeof(key.key)))
		return 0;
	if (known)
		return error_set(err, ERROR_MALFORMED,
				 "another key with the id of one above: take one of them out");
	if (keys->count == MINISIGN_MAX_KEYS)
		return error_set(err, ERROR_MALFORMED, "more than %d keys", MINISIGN_MAX_KEYS);
	keys->list[keys->count++] = key;
	return 0;
}

int minisign_trusted_parse(struct slice text, struct minisign_trusted *out, struct error *err)
{
	struct minisign_trusted keys = { .count = 0 };
	struct slice line;
	unsigned number = 0;
	bool is_ended;

	if (text.len > MINISIGN_FILE_BYTES)
		return error_set(err, ERROR_MALFORMED, "more than %d bytes of public keys",
				 MINISIGN_FILE_BYTES);
	while (take_line(&text, &line, &is_ended)) {
		number++;
		if (add_key(trim(line), &keys, err) < 0)
			return error_wrap(err, "line %u", number);
	}
	if (!keys.count)
		return error_set(err, ERROR_MALFORMED,
				 "holds no public key: expected a line begun with RW, as in the "
				 "file that minisign -G -p writes");
	*out = keys;
	return 0;
}

void minisign_public_text(const struct minisign_public *key, char out[static MINISIGN_PUBLIC_ROOM])
{
	struct public_form form = { .key = *key };

	memcpy(form.algorithm, legacy_algorithm, sizeof(form.algorithm));
	base64_write((struct slice){ (const char *)&form, sizeof(form) }, BASE64_PLAIN,
		     (unsigned char *)out);
	out[MINISIGN_PUBLIC_LETTERS] = '\0';
}

void minisign_public_print(const struct minisign_public *key, struct buf *out)
{
	char letters[MINISIGN_PUBLIC_ROOM], id[ID_TEXT_ROOM];

	minisign_public_text(key, letters);
	id_text(key->id, id);
	buf_addf(out, UNTRUSTED "minisign public key %s\n%s\n", id, letters);
}

/* ---- secret keys ---- */

static void compute_checksum(const struct secret_form *form, unsigned char out[static 32])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, sizeof(form->checksum));
	crypto_generichash_update(&state, (const unsigned char *)form->algorithm,
				  sizeof(form->algorithm));
	crypto_generichash_update(&state, form->id, sizeof(form->id));
	crypto_generichash_update(&state, form->key, sizeof(form->key));
	crypto_generichash_final(&state, out, sizeof(form->checksum));
	secret_wipe(&state, sizeof(state));
}

/* minisign -G -W leaves the checksum zero, minisign -C -W the right one. It looks at neither; to
 * us a key that was damaged is none. */
static bool is_whole(const struct secret_form *form)
{
	unsigned char sum[sizeof(form->checksum)], seed[crypto_sign_SEEDBYTES];
	unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
	unsigned char key[crypto_sign_SECRETKEYBYTES];

	compute_checksum(form, sum);
	memcpy(seed, form->key, sizeof(seed));
	crypto_sign_seed_keypair(public_key, key, seed);
	bool is_sum_right = sodium_is_zero(form->checksum, sizeof(form->checksum)) ||
			    sodium_memcmp(form->checksum, sum, sizeof(sum)) == 0;
	bool is_pair = sodium_memcmp(key, form->key, sizeof(key)) == 0;

	secret_wipe(sum, sizeof(sum));
	secret_wipe(seed, sizeof(seed));
	secret_wipe(key, sizeof(key));
	return is_sum_right && is_pair;
}

static int check_secret(const struct secret_form *form, struct error *err)
{
	if (!is_algorithm(form->algorithm, legacy_algorithm))
		return error_set(err, ERROR_MALFORMED, "no secret key of minisign");
	if (memcmp(form->derivation, "Sc", sizeof(form->derivation)) == 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "a secret key with a password, and nobody is here to ask: take "
				 "the password off with minisign -C -W, or make a key with "
				 "minisign -G -W");
	if (memcmp(form->derivation, "\0", sizeof(form->derivation)) != 0 ||
	    memcmp(form->checksum_algorithm, "B2", sizeof(form->checksum_algorithm)) != 0)
		return error_set(err, ERROR_MALFORMED, "a secret key in a form that is not known");
	if (!is_whole(form))
		return error_set(err, ERROR_MALFORMED, "a damaged secret key");
	return 0;
}

/* The second line: the first is a comment. */
static int find_secret(struct slice text, struct slice *letters, struct error *err)
{
	struct slice comment;
	bool is_ended;

	if (text.len > MINISIGN_FILE_BYTES || !take_line(&text, &comment, &is_ended) ||
	    !take_line(&text, letters, &is_ended))
		return error_set(err, ERROR_MALFORMED,
				 "no secret key file: expected a line of comment, then the key");
	if (letters->len == MINISIGN_PUBLIC_LETTERS)
		return error_set(err, ERROR_MALFORMED, "a public key: give the secret one");
	return 0;
}

int minisign_key_parse(struct slice text, struct minisign_key *out, struct error *err)
{
	SCOPED(secret) struct secret room = { 0 }, key = { 0 };
	struct slice letters = { "", 0 };

	start_sodium();
	if (find_secret(text, &letters, err) < 0 ||
	    secret_alloc(&room, sizeof(struct secret_form), err) < 0)
		return -1;
	struct secret_form *form = (struct secret_form *)secret_fill(&room);

	if (read_form(letters, (struct form){ form, sizeof(*form) }, err) < 0)
		return error_wrap(err, "no secret key");
	if (check_secret(form, err) < 0 ||
	    secret_copy(&key, (struct slice){ (const char *)form->key, sizeof(form->key) }, err) <
		    0)
		return -1;
	memcpy(out->id, form->id, sizeof(out->id));
	out->key = secret_take(&key);
	return 0;
}

int minisign_key_new(struct minisign_key *out, struct error *err)
{
	SCOPED(secret) struct secret key = { 0 };
	unsigned char public_key[crypto_sign_PUBLICKEYBYTES];

	start_sodium();
	if (secret_alloc(&key, crypto_sign_SECRETKEYBYTES, err) < 0)
		return -1;
	crypto_sign_keypair(public_key, secret_fill(&key));
	randombytes_buf(out->id, sizeof(out->id));
	out->key = secret_take(&key);
	return 0;
}

static const unsigned char *key_bytes(const struct minisign_key *key)
{
	return (const unsigned char *)secret_expose(&key->key).ptr;
}

static int fill_secret_form(const struct minisign_key *key, struct secret *out, struct error *err)
{
	if (secret_alloc(out, sizeof(struct secret_form), err) < 0)
		return -1;
	struct secret_form *form = (struct secret_form *)secret_fill(out);

	memcpy(form->algorithm, legacy_algorithm, sizeof(form->algorithm));
	memcpy(form->checksum_algorithm, "B2", sizeof(form->checksum_algorithm));
	memcpy(form->id, key->id, sizeof(form->id));
	memcpy(form->key, key_bytes(key), sizeof(form->key));
	compute_checksum(form, form->checksum);
	return 0;
}

int minisign_key_print(const struct minisign_key *key, struct secret *out, struct error *err)
{
	static const char comment[] = UNTRUSTED "minisign secret key without a password\n";
	SCOPED(secret) struct secret form = { 0 }, text = { 0 };
	const size_t comment_len = sizeof(comment) - 1;

	start_sodium();
	if (fill_secret_form(key, &form, err) < 0 ||
	    secret_alloc(&text, comment_len + SECRET_LETTERS + 1, err) < 0)
		return -1;
	unsigned char *at = secret_fill(&text);

	memcpy(at, comment, comment_len);
	base64_write(secret_expose(&form), BASE64_PLAIN, at + comment_len);
	at[comment_len + SECRET_LETTERS] = '\n';
	*out = secret_take(&text);
	return 0;
}

void minisign_key_public(const struct minisign_key *key, struct minisign_public *out)
{
	memcpy(out->id, key->id, sizeof(out->id));
	memcpy(out->key, key_bytes(key) + crypto_sign_SEEDBYTES, sizeof(out->key));
}

void minisign_key_release(struct minisign_key *key)
{
	secret_release(&key->key);
	*key = (struct minisign_key){ 0 };
}

/* ---- signatures ---- */

/* Ed25519 signs what the file hashes to, in legacy signatures the file itself. */
struct message {
	unsigned char hash[crypto_generichash_BYTES_MAX];
	const unsigned char *bytes; /* hash, or the file's own */
	size_t len;
};

static void fill_message(struct message *message, struct slice bytes, bool is_legacy)
{
	message->bytes = (const unsigned char *)(bytes.len ? bytes.ptr : "");
	message->len = bytes.len;
	if (is_legacy)
		return;
	crypto_generichash(message->hash, sizeof(message->hash), message->bytes, message->len, NULL,
			   0);
	message->bytes = message->hash;
	message->len = sizeof(message->hash);
}

/* The second signature is over the first one and the trusted comment. */
struct comment_message {
	unsigned char signature[crypto_sign_BYTES];
	char comment[MINISIGN_COMMENT_ROOM];
	size_t len;
};

static void fill_comment_message(struct comment_message *message, const unsigned char *signature,
				 const char *comment)
{
	size_t len = strnlen(comment, sizeof(message->comment));

	memcpy(message->signature, signature, sizeof(message->signature));
	memcpy(message->comment, comment, len);
	message->len = sizeof(message->signature) + len;
}

static int check_comment(const char *comment, struct error *err)
{
	struct slice rest = slice_of(comment);

	if (rest.len >= MINISIGN_COMMENT_ROOM)
		return error_set(err, ERROR_CONFIGURATION,
				 "a trusted comment of %zu bytes, where at most %d are expected",
				 rest.len, MINISIGN_COMMENT_ROOM - 1);
	while (rest.len) {
		uint32_t letter = 0;
		size_t len = text_character(rest, &letter);

		if (!len || (letter < ' ' && letter != '\t') || (letter >= 0x7f && letter < 0xa0))
			return error_set(err, ERROR_CONFIGURATION,
					 "a trusted comment must be one line of printable text");
		rest = (struct slice){ rest.ptr + len, rest.len - len };
	}
	return 0;
}

static void add_letters(struct form form, struct buf *out)
{
	unsigned char letters[SIGNATURE_LETTERS];

	base64_write((struct slice){ form.bytes, form.len }, BASE64_PLAIN, letters);
	buf_add(out, (struct slice){ (const char *)letters, base64_len(form.len) });
}

int minisign_sign(struct slice bytes, const struct minisign_key *key, const char *trusted_comment,
		  struct buf *out, struct error *err)
{
	struct signature_form form;
	struct message message;
	struct comment_message said;
	unsigned char comment_signature[crypto_sign_BYTES];

	if (check_comment(trusted_comment, err) < 0)
		return -1;
	start_sodium();
	memcpy(form.algorithm, hashed_algorithm, sizeof(form.algorithm));
	memcpy(form.id, key->id, sizeof(form.id));
	fill_message(&message, bytes, false);
	crypto_sign_detached(form.signature, NULL, message.bytes, message.len, key_bytes(key));
	fill_comment_message(&said, form.signature, trusted_comment);
	crypto_sign_detached(comment_signature, NULL, said.signature, said.len, key_bytes(key));
	buf_addf(out, UNTRUSTED "signature from minisign secret key\n");
	add_letters((struct form){ &form, sizeof(form) }, out);
	buf_addf(out, "\n" TRUSTED "%s\n", trusted_comment);
	add_letters((struct form){ comment_signature, sizeof(comment_signature) }, out);
	buf_addf(out, "\n");
	return buf_finish(out, err);
}

/* What a signature file says; nothing of it is believed yet. */
struct signature_file {
	struct signature_form form;
	char comment[MINISIGN_COMMENT_ROOM];
	unsigned char comment_signature[crypto_sign_BYTES];
};

static int take_comment(struct slice *text, const char *prefix, struct slice *out,
			struct error *err)
{
	bool is_ended;

	if (!take_line(text, out, &is_ended) || !is_ended || !begins_with(*out, prefix))
		return error_set(err, ERROR_MALFORMED,
				 "no signature file of minisign: expected a line \"%s...\"",
				 prefix);
	out->ptr += strlen(prefix);
	out->len -= strlen(prefix);
	return 0;
}

static int take_form(struct slice *text, struct form form, bool is_end_needed, struct error *err)
{
	struct slice line = { "", 0 };
	bool is_ended = false;

	if (!take_line(text, &line, &is_ended) || (is_end_needed && !is_ended))
		return error_set(err, ERROR_MALFORMED, "a signature file that was cut");
	if (read_form(line, form, err) < 0)
		return error_wrap(err, "a damaged signature file");
	return 0;
}

/* Lines after the fourth are nobody's, as they are to minisign. */
static int read_signature(struct slice text, struct signature_file *out, struct error *err)
{
	struct slice untrusted = { "", 0 }, trusted = { "", 0 };

	if (text.len > MINISIGN_FILE_BYTES)
		return error_set(err, ERROR_MALFORMED, "a signature file of more than %d bytes",
				 MINISIGN_FILE_BYTES);
	if (take_comment(&text, UNTRUSTED, &untrusted, err) < 0)
		return -1;
	if (untrusted.len + strlen(UNTRUSTED) > COMMENT_LINE_BYTES ||
	    (untrusted.len && memchr(untrusted.ptr, '\0', untrusted.len)))
		return error_set(err, ERROR_MALFORMED,
				 "a signature file whose first line is no text, or too long");
	if (take_form(&text, (struct form){ &out->form, sizeof(out->form) }, true, err) < 0 ||
	    take_comment(&text, TRUSTED, &trusted, err) < 0)
		return -1;
	if (trusted.len && memchr(trusted.ptr, '\r', trusted.len))
		return error_set(err, ERROR_MALFORMED, "a line end in a trusted comment");
	if (text_copy(out->comment, sizeof(out->comment), trusted, err) < 0)
		return error_wrap(err, "a trusted comment");
	return take_form(&text,
			 (struct form){ out->comment_signature, sizeof(out->comment_signature) },
			 false, err);
}

static int check_signature(struct slice bytes, const struct signature_file *file,
			   const struct minisign_public *key, struct error *err)
{
	struct message message;
	struct comment_message said;

	fill_message(&message, bytes, is_algorithm(file->form.algorithm, legacy_algorithm));
	if (crypto_sign_verify_detached(file->form.signature, message.bytes, message.len,
					key->key) != 0)
		return error_set(err, ERROR_DENIED,
				 "does not fit its signature: altered, or signed anew elsewhere");
	fill_comment_message(&said, file->form.signature, file->comment);
	if (crypto_sign_verify_detached(file->comment_signature, said.signature, said.len,
					key->key) != 0)
		return error_set(err, ERROR_DENIED, "the signature's trusted comment was altered");
	return 0;
}

int minisign_verify(struct slice bytes, struct slice signature,
		    const struct minisign_trusted *trusted, struct minisign_verdict *out,
		    struct error *err)
{
	struct signature_file file = { .comment = "" };
	char id[ID_TEXT_ROOM];

	start_sodium();
	if (read_signature(signature, &file, err) < 0)
		return -1;
	bool is_legacy = is_algorithm(file.form.algorithm, legacy_algorithm);

	if (!is_legacy && !is_algorithm(file.form.algorithm, hashed_algorithm))
		return error_set(err, ERROR_MALFORMED,
				 "a signature of a kind that minisign does not have");
	const struct minisign_public *key = find_key(trusted, file.form.id);

	id_text(file.form.id, id);
	if (!key)
		return error_set(err, ERROR_DENIED, "signed with the key %s, which is not trusted",
				 id);
	if (check_signature(bytes, &file, key, err) < 0)
		return error_wrap(err, "signed with the key %s", id);
	*out = (struct minisign_verdict){ .signer = *key, .is_legacy = is_legacy };
	memcpy(out->trusted_comment, file.comment, sizeof(out->trusted_comment));
	return 0;
}
