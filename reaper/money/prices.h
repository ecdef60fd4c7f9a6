#ifndef REAPER_MONEY_PRICES_H
#define REAPER_MONEY_PRICES_H

#include "reaper/offering.h"

/*
 * prices: what an instance type costs an hour, from the table that ships with
 * the program (templates/prices-*.csv, compiled in; each file's head names its
 * source and its date), a factor per region, and the operator's overrides.
 * What is not known is said to be unknown, never guessed: a spot price is the
 * operator's, else what the cloud said last (spot_prices.h), else a share of
 * on-demand where one is given; a table's price holds in the region that it is
 * of, and elsewhere only by a factor.
 *
 * On GCE a type may name GPUs that are attached to it, behind "_", with their
 * number behind "." where it is not one: "n1-standard-8_nvidia-tesla-t4.2" is
 * the sum of its parts (an instance type is a field of a worker's name, so it has
 * letters, digits and "_.-" alone).
 */

struct price_override {
	char type[TICKET_FIELD_ROOM]; /* "" : any type */
	char region[TICKET_FIELD_ROOM]; /* "": any region */
	enum market market;
	int64_t price; /* micro-dollars an hour */
};

struct price_region {
	char region[TICKET_FIELD_ROOM];
	double factor; /* of the table's price */
};

struct price_book { /* of one resource; owned lists */
	struct price_override *overrides;
	size_t override_count;
	struct price_region *regions;
	size_t region_count;
	double spot_share; /* of the on-demand price; 0: not known */
	struct spot_price *spot; /* what the cloud said, while it is fresh */
	size_t spot_count;
};

/* provider "aws", "gcp"; "local" costs 0 unless overridden. MONEY_UNKNOWN when nothing says. Of
 * several overrides that fit, the one that names the type counts, then the one that names the
 * region, then the first. An offering that names no region is where its zone says; of one that
 * names no zone, spot costs what it costs in the dearest of its region. source may be NULL. */
int64_t prices_find(const struct price_book *book, const char *provider,
		    const struct offering *offering, enum price_source *source);

/* The same into the offering itself. */
void prices_set(const struct price_book *book, const char *provider, struct offering *offering);

/* The type of the provider's table that was most likely meant. False: none is near. */
bool prices_nearest(const char *provider, const char *type, char out[static TICKET_FIELD_ROOM]);

/* In words, for a person: "the cloud's spot price"; "" for PRICE_NOWHERE. And one word, for
 * programs; NULL. */
const char *prices_words(enum price_source source);
const char *prices_word(enum price_source source);

/* "0.0255" into micro-dollars, to the nearest; MONEY_UNKNOWN when it is no such number. */
int64_t prices_parse(struct slice text);

/* "EC2 on-demand, us-east-1, 2026-07-20": for messages; NULL: no table of this provider. */
const char *prices_source(const char *provider);

#endif
