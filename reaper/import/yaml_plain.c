#include "reaper/import/yaml_plain.h"

#include <math.h>
#include <string.h>

static bool is_among(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(text, words[i]))
			return true;
	return false;
}

static bool is_null(const char *text)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	return is_among(text, words, ARRAY_LEN(words));
}

static bool read_bool(const char *text, bool *out)
{
	static const char *const yes[] = { "yes",  "Yes", "YES", "true", "True",
					   "TRUE", "on",  "On",	 "ON" };
	static const char *const no[] = { "no",	   "No",  "NO",	 "false", "False",
					  "FALSE", "off", "Off", "OFF" };

	*out = is_among(text, yes, ARRAY_LEN(yes));
	return *out || is_among(text, no, ARRAY_LEN(no));
}

/* The digit's value in any base up to 16; 99: none. */
static unsigned digit_of(char letter)
{
	if (letter >= '0' && letter <= '9')
		return (unsigned)(letter - '0');
	if (letter >= 'a' && letter <= 'f')
		return (unsigned)(letter - 'a') + 10;
	if (letter >= 'A' && letter <= 'F')
		return (unsigned)(letter - 'A') + 10;
	return 99;
}

/* Digits of the base and _ from *at on, at least one character; moves *at past them. */
static bool take_digits(const char **at, unsigned base, double *out)
{
	const char *start = *at;

	*out = 0;
	for (; **at == '_' || digit_of(**at) < base; ++*at)
		if (**at != '_')
			*out = *out * base + digit_of(**at);
	return *at > start;
}

/* ":MM" groups after the first number, each below 60; moves *at past them. */
static bool take_sixties(const char **at, double *number)
{
	const char *start = *at;

	while (**at == ':' && digit_of((*at)[1]) < 10) {
		unsigned part = digit_of(*++*at);

		++*at;
		if (digit_of(**at) < 10 && part < 6)
			part = part * 10 + digit_of(*(*at)++);
		*number = *number * 60 + part;
	}
	return *at > start;
}

static bool is_whole(const char *at, unsigned base, double *out)
{
	return take_digits(&at, base, out) && !*at;
}

static bool read_integer(const char *at, double *out)
{
	if (at[0] == '0' && at[1] == 'b')
		return is_whole(at + 2, 2, out);
	if (at[0] == '0' && at[1] == 'x')
		return is_whole(at + 2, 16, out);
	if (at[0] == '0')
		return is_whole(at, 8, out);
	if (*at == '_' || !take_digits(&at, 10, out))
		return false;
	(void)take_sixties(&at, out);
	return !*at;
}

/* An exponent has a sign, or it is none. */
static bool take_exponent(const char **at, double *out)
{
	*out = 0;
	if (**at != 'e' && **at != 'E')
		return true;
	char sign = *++*at;
	if (sign != '+' && sign != '-')
		return false;
	++*at;
	if (**at == '_' || !take_digits(at, 10, out))
		return false;
	if (sign == '-')
		*out = -*out;
	return true;
}

/* What stands behind the dot, as more digits of the same number; returns how many. */
static double take_decimals(const char **at, double *number)
{
	double count = 0;

	for (; **at == '_' || digit_of(**at) < 10; ++*at) {
		if (**at == '_')
			continue;
		*number = *number * 10 + digit_of(**at);
		count++;
	}
	return count;
}

/* One that begins with its dot has no sign, or is a text. */
static bool read_float(const char *at, bool is_signed, double *out)
{
	bool is_sixties = false;
	double exponent = 0;

	*out = 0;
	if (*at == '_' || (*at == '.' && (is_signed || digit_of(at[1]) > 9)))
		return false;
	if (*at != '.' && take_digits(&at, 10, out))
		is_sixties = take_sixties(&at, out);
	if (*at++ != '.')
		return false;
	double decimals = take_decimals(&at, out);
	if ((!is_sixties && !take_exponent(&at, &exponent)) || *at)
		return false;
	exponent -= decimals;
	*out = exponent < 0 ? *out / pow(10, -exponent) : *out * pow(10, exponent);
	return true;
}

static bool read_special(const char *at, bool is_signed, double *out)
{
	static const char *const infinite[] = { ".inf", ".Inf", ".INF" };
	static const char *const none[] = { ".nan", ".NaN", ".NAN" };

	*out = INFINITY;
	if (is_among(at, infinite, ARRAY_LEN(infinite)))
		return true;
	*out = NAN;
	return !is_signed && is_among(at, none, ARRAY_LEN(none));
}

static bool read_number(const char *text, double *out)
{
	bool is_signed = *text == '-' || *text == '+';
	const char *at = text + is_signed;

	if (!read_integer(at, out) && !read_float(at, is_signed, out) &&
	    !read_special(at, is_signed, out))
		return false;
	if (*text == '-')
		*out = -*out;
	return true;
}

struct yaml_plain yaml_plain_read(const char *text)
{
	struct yaml_plain plain = { .kind = JSON_TEXT };

	if (is_null(text))
		plain.kind = JSON_NULL;
	else if (read_bool(text, &plain.flag))
		plain.kind = JSON_BOOL;
	else if (read_number(text, &plain.number))
		plain.kind = JSON_NUMBER;
	return plain;
}
